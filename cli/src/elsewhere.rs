//! The other places that may hold evidence about an image, read before anything is done.

use countersign_formats::Reference;

use crate::arguments::Places;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::stores;

/// cosign's variable for the repository that holds signatures.
const COSIGN_REPOSITORY: &str = "COSIGN_REPOSITORY";
/// Longest prefix of a tag that leaves room for `sha256-….sbom` within the 128 characters of a tag.
const PREFIX_BYTES: usize = 128 - 76;

/// Where to look besides beside the image.
pub(crate) struct Elsewhere {
    pub(crate) places: Vec<Reference>,
    pub(crate) tag_prefixes: Vec<String>,
}

impl Elsewhere {
    /// Reads the flags, and `COSIGN_REPOSITORY`.
    pub(crate) fn new(context: &Context<'_, '_>, flags: &Places) -> Result<Self, Failure> {
        let cosign = context
            .environment(COSIGN_REPOSITORY)
            .filter(|text| !text.is_empty());
        let mut places = Vec::new();
        for text in flags.evidence_from.iter().chain(&cosign) {
            let place = place(text)?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let tag_prefixes = flags
            .attachment_tag_prefix
            .iter()
            .filter(|prefix| !prefix.is_empty())
            .map(|prefix| tag_prefix(prefix))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            places,
            tag_prefixes,
        })
    }
}

/// Warns who relies on `COSIGN_REPOSITORY` where it is not looked at: `what` is what that means for the command.
pub(crate) fn warn_of_cosign_repository(context: &mut Context<'_, '_>, what: &str) {
    if let Some(place) = context
        .environment(COSIGN_REPOSITORY)
        .filter(|text| !text.is_empty())
    {
        context.printer.warn(&format!(
            "{COSIGN_REPOSITORY} is `{}`: {what}",
            escape::field(&place)
        ));
    }
}

/// A place without tag and digest: what it holds about the image is found by the image's digest.
pub(crate) fn place(text: &str) -> Result<Reference, Failure> {
    let reference = stores::reference(text)?;
    let named = match &reference {
        // The parser adds `latest` where neither is written.
        Reference::Registry(registry) => {
            registry.digest().is_some()
                || registry.tag().is_some_and(|tag| tag != "latest")
                || text.ends_with(":latest")
        }
        Reference::Layout(_) | Reference::Archive(_) => {
            reference.tag().is_some() || reference.digest().is_some()
        }
    };
    if named {
        return Err(Failure::usage(
            "place-with-tag",
            format!("`{}` names an image and not a place", escape::field(text)),
        )
        .hint("write the repository, `oci:DIR` or `oci-archive:FILE` without tag and digest"));
    }
    if let Reference::Layout(_) | Reference::Archive(_) = &reference {
        // A wrong path is a mistake on the command line, not a place that could not be asked.
        if let Err(error) = countersign_registry::open(&reference, &Default::default()) {
            return Err(Failure::usage(error.code(), error.to_string()).or_hint(error.hint()));
        }
    }
    Ok(reference)
}

/// What the name of a tag may begin with.
fn tag_prefix(text: &str) -> Result<String, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let begins = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if text.len() > PREFIX_BYTES || !begins || !text.bytes().all(plain) {
        return Err(Failure::usage(
            "invalid-value",
            format!("`{}` cannot begin a tag", escape::field(text)),
        )
        .hint(format!(
            "a prefix has at most {PREFIX_BYTES} of the characters A-Z, a-z, 0-9, `_`, `.` and `-`, and begins with none of the last two"
        )));
    }
    Ok(text.to_owned())
}
