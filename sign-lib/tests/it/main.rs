//! Keys as other tools leave them, and signatures that prove themselves.

mod keys;
mod signing;

use countersign_formats::{Limits, PublicKey, UnixTime};
use countersign_sign::{PrivateKey, PrivateKeyFile};
use zeroize::Zeroizing;

/// 2026-01-15T12:00:00Z.
const NOW: UnixTime = UnixTime(1_768_478_400);

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("a key file of testdata/keys")
}

fn private(name: &str) -> PrivateKey {
    PrivateKeyFile::parse(&file(name), &Limits::DEFAULT)
        .expect("a private key")
        .unlock(|| Some(Zeroizing::new(b"pw".to_vec())))
        .expect("the password is in the name")
}

fn public(name: &str) -> PublicKey {
    PublicKey::from_pem(&file(name)).expect("a public key")
}
