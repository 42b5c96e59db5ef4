//! Grammar of repository names and tags (distribution specification, "Pulling manifests").

/// The specification leaves the length open; clients count host and name together up to 255.
const NAME_BYTES: usize = 255;
/// Names of a layout's own files: a repository of that name would lie inside the layout of the repository above it.
const RESERVED: [&str; 3] = ["blobs", "index.json", "oci-layout"];

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, without the reserved components.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= NAME_BYTES
        && name
            .split('/')
            .all(|part| is_component(part) && !RESERVED.contains(&part))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    tag.len() <= 128
        && bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_component(part: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (part.bytes().next(), part.bytes().next_back()) else {
        return false;
    };
    is_word(first)
        && is_word(last)
        && part
            .split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
            .all(is_separator)
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{is_repository, is_tag};

    #[test]
    fn repository_names_follow_the_grammar() {
        for name in ["a", "acme/app", "a.b/c_d/e__f/g--h", "0/1", "x-----y"] {
            assert!(is_repository(name), "{name}");
        }
        for name in [
            "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a.-b", "-a", "a-", "..", "a/../b",
            ".hidden", "a b", "ä",
        ] {
            assert!(!is_repository(name), "{name}");
        }
        assert!(is_repository(&"a".repeat(255)));
        assert!(!is_repository(&"a".repeat(256)));
    }

    #[test]
    fn names_of_layout_files_are_refused_as_components() {
        for name in ["a/blobs", "blobs/sha256", "a/index.json/b", "oci-layout"] {
            assert!(!is_repository(name), "{name}");
        }
        assert!(is_repository("a/blobs2"));
    }

    #[test]
    fn tags_follow_the_grammar() {
        for tag in ["latest", "_", "1.0", "sha256-abc.sig", "A_b-c"] {
            assert!(is_tag(tag), "{tag}");
        }
        for tag in ["", ".a", "-a", "a/b", "a:b", "a b", "ä"] {
            assert!(!is_tag(tag), "{tag}");
        }
        assert!(is_tag(&"a".repeat(128)));
        assert!(!is_tag(&"a".repeat(129)));
    }
}
