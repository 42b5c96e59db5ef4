//! The trusted root of Sigstore's public-good instance, embedded.

use bytes::Bytes;
use countersign_formats::Limits;

use crate::error::RootError;
use crate::load::{Root, RootOrigin};

/// The target `trusted_root.json` of Sigstore's public TUF repository
/// (<https://tuf-repo-cdn.sigstore.dev>), byte for byte as the crate `sigstore-trust-root` 0.15.1
/// ships it. It is public data: keys of logs, and certificates of authorities.
static PUBLIC_GOOD: &[u8] = include_bytes!("../roots/public-good.json");

/// The trusted root of Sigstore's public-good instance (Rekor, Fulcio, its CT logs and timestamp
/// authority) as of this build; it opens no file and no socket.
///
/// # Errors
///
/// [`RootError::Malformed`], which a test rules out.
pub fn public_good() -> Result<Root, RootError> {
    Root::parse(
        Bytes::from_static(PUBLIC_GOOD),
        RootOrigin::PublicGood,
        &Limits::DEFAULT,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_root_holds_the_public_good_instance() {
        let root = public_good().unwrap();
        let trusted = root.trusted_root();
        assert!(
            trusted
                .logs
                .iter()
                .any(|log| log.base_url == "https://rekor.sigstore.dev")
        );
        assert!(!trusted.certificate_authorities.is_empty());
        assert!(!trusted.ct_logs.is_empty());
        assert_eq!(
            root.digest().to_string(),
            "sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66"
        );
    }
}
