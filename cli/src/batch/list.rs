//! The images that were named: on the command line, in a list, or both.

use std::path::Path;

use countersign_formats::{Limits, Reference};

use crate::arguments::Many;
use crate::escape;
use crate::failure::Failure;
use crate::{files, images, stores};

/// An image as somebody named it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// As it was written.
    pub(crate) text: String,
    pub(crate) reference: Reference,
}

/// Reads every name before the first is worked on, so that a typing error in the last leaves the first untouched.
pub(crate) fn read(many: &Many) -> Result<Vec<Named>, Failure> {
    let mut named = Vec::with_capacity(many.images.len());
    for text in &many.images {
        named.push(one(text, many.require_digest)?);
    }
    if let Some(path) = &many.images_from {
        let bytes = files::read("the list of images", path, Limits::DEFAULT.image_list_bytes)?;
        listed(path, &bytes, many.require_digest, &mut named)?;
    }
    let most = Limits::DEFAULT.images;
    if named.len() > most {
        return Err(Failure::usage(
            "over-limit",
            format!(
                "{} images are named, more than the limit of {most} (`images`)",
                named.len()
            ),
        )
        .hint("split the list; several runs can share a journal, one after the other"));
    }
    if named.is_empty() {
        return Err(Failure::usage("no-images", "the list names no image").hint(
            "write one image a line; blank lines and lines that begin with `#` are passed over",
        ));
    }
    Ok(named)
}

/// Images that were found by their digests.
pub(crate) fn pinned(names: &[String]) -> Result<Vec<Named>, Failure> {
    names.iter().map(|text| one(text, false)).collect()
}

fn listed(
    path: &Path,
    bytes: &[u8],
    require_digest: bool,
    named: &mut Vec<Named>,
) -> Result<(), Failure> {
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let at = |failure: Failure| {
            let place = format!("`{}` line {}", path.display(), index + 1);
            let message = format!("{place}: {}", failure.message);
            Failure { message, ..failure }
        };
        let line = std::str::from_utf8(line).map_err(|_| {
            at(Failure::usage("not-utf8", "the line is not UTF-8 text")
                .hint("write one image a line"))
        })?;
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.contains(char::is_whitespace) {
            return Err(at(Failure::usage(
                "reference-character",
                format!("`{}` is more than one word", escape::field(text)),
            )
            .hint(
                "write one image a line; a comment has a line of its own that begins with `#`",
            )));
        }
        named.push(one(text, require_digest).map_err(at)?);
    }
    Ok(())
}

fn one(text: &str, require_digest: bool) -> Result<Named, Failure> {
    let reference = stores::reference(text)?;
    if require_digest {
        images::require_digest(text, &reference)?;
    }
    Ok(Named {
        text: text.to_owned(),
        reference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_list(text: &str) -> Result<Vec<String>, Failure> {
        let mut named = Vec::new();
        listed(Path::new("list"), text.as_bytes(), false, &mut named)?;
        Ok(named.into_iter().map(|named| named.text).collect())
    }

    #[test]
    fn blank_lines_comments_and_ends_of_lines_of_both_kinds_are_passed_over() {
        assert_eq!(
            read_list("# all\n\n  oci:a \r\noci:b:1.0\n#oci:c\noci:d").unwrap(),
            ["oci:a", "oci:b:1.0", "oci:d"]
        );
    }

    #[test]
    fn a_line_that_is_no_image_is_named_by_its_number() {
        for (text, code) in [
            ("oci:a\n\nnot//a-reference\n", "reference"),
            ("oci:a\n#\noci:b # why\n", "reference-character"),
        ] {
            let failure = read_list(text).unwrap_err();
            assert!(failure.code.starts_with(code), "{failure:?}");
            assert!(
                failure.message.starts_with("`list` line 3: "),
                "{failure:?}"
            );
        }
        let mut named = Vec::new();
        let failure = listed(Path::new("list"), b"\xff", false, &mut named).unwrap_err();
        assert_eq!(failure.code, "not-utf8");
    }
}
