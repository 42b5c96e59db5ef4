//! The key files of `testdata/keys`.

use countersign_formats::{Limits, PublicKey, UnixTime};
use countersign_sign::{PrivateKey, PrivateKeyFile};
use zeroize::Zeroizing;

/// 2026-01-15T12:00:00Z.
pub(crate) const NOW: UnixTime = UnixTime(1_768_478_400);

pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn private(name: &str) -> PrivateKey {
    PrivateKeyFile::parse(&file(name), &Limits::DEFAULT)
        .expect("a private key")
        .unlock(|| Some(Zeroizing::new(b"pw".to_vec())))
        .expect("the password is in the name")
}

pub(crate) fn public(name: &str) -> PublicKey {
    PublicKey::from_pem(&file(name)).expect("a public key")
}
