//! The tag under which a registry without a referrers API keeps the list of a digest's referrers.

use countersign_formats::Digest;

/// The fallback tag of a digest: algorithm and value cut at 32 and 64 characters, `-` between (distribution specification, "Referrers Tag Schema").
#[must_use]
pub fn fallback_tag(digest: &Digest) -> String {
    // A sha512 digest is truncated: its tag has 64 characters of hex, too.
    let hex: String = digest.hex().chars().take(64).collect();
    format!("{}-{hex}", digest.algorithm().name())
}

#[cfg(test)]
mod tests {
    use super::fallback_tag;
    use countersign_formats::Digest;

    #[test]
    fn sha256_tag_has_the_whole_value() {
        let digest = Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap();
        assert_eq!(fallback_tag(&digest), format!("sha256-{}", "ab".repeat(32)));
    }

    #[test]
    fn sha512_tag_is_cut_at_64_characters() {
        let digest = Digest::parse(&format!("sha512:{}", "cd".repeat(64))).unwrap();
        assert_eq!(fallback_tag(&digest), format!("sha512-{}", "cd".repeat(32)));
    }
}
