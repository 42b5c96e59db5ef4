//! Private key files in and out.

use countersign_formats::{EncryptedPrivateKey, KeyKind, Limits};
use countersign_proof::Scheme;
use countersign_sign::{KeyError, PrivateKey, PrivateKeyFile};
use zeroize::Zeroizing;

use crate::files::{file, private, public};

fn parse(name: &str) -> Result<PrivateKeyFile, KeyError> {
    PrivateKeyFile::parse(&file(name), &Limits::DEFAULT)
}

#[test]
fn keys_of_openssl_are_read_in_each_of_its_forms() {
    for (key, half) in [
        ("openssl-p256-sec1.pem", "openssl-p256.pub"),
        ("openssl-p256-pkcs8.pem", "openssl-p256.pub"),
        ("openssl-p384-sec1.pem", "openssl-p384.pub"),
        ("openssl-p521-sec1.pem", "openssl-p521.pub"),
        ("openssl-ed25519-pkcs8.pem", "openssl-ed25519.pub"),
        ("openssl-rsa-2048-pkcs1.pem", "openssl-rsa-2048.pub"),
    ] {
        assert_eq!(private(key).public_key(), &public(half), "{key}");
    }
}

#[test]
fn keys_of_cosign_are_opened_with_their_password() {
    for (key, half) in [
        ("cosign-p256-password-pw.key", "cosign-p256.pub"),
        ("cosign-import-p384-password-pw.key", "openssl-p384.pub"),
        ("cosign-import-p521-password-pw.key", "openssl-p521.pub"),
        (
            "cosign-import-ed25519-password-pw.key",
            "openssl-ed25519.pub",
        ),
        (
            "cosign-import-rsa-2048-password-pw.key",
            "openssl-rsa-2048.pub",
        ),
    ] {
        assert_eq!(private(key).public_key(), &public(half), "{key}");
    }
}

#[test]
fn an_empty_password_is_a_password() {
    let opened = parse("cosign-p256-password-empty.key")
        .and_then(|file| file.unlock(|| Some(Zeroizing::new(Vec::new()))));
    assert_eq!(
        opened.unwrap().public_key(),
        &public("cosign-p256-empty.pub")
    );
}

#[test]
fn wrong_and_missing_passwords_have_codes_of_their_own() {
    let wrong = parse("cosign-p256-password-pw.key")
        .and_then(|file| file.unlock(|| Some(Zeroizing::new(b"pw ".to_vec()))));
    assert_eq!(wrong.unwrap_err().code(), "key-wrong-password");
    let missing = parse("cosign-p256-password-pw.key").and_then(|file| file.unlock(|| None));
    let missing = missing.unwrap_err();
    assert_eq!(missing.code(), "key-password-required");
    assert!(missing.hint().unwrap().contains("COSIGN_PASSWORD"));
}

#[test]
fn a_password_is_asked_for_only_when_the_file_has_one() {
    let key = parse("openssl-p256-pkcs8.pem")
        .unwrap()
        .unlock(|| panic!("asked for a password"));
    assert!(key.is_ok());
}

#[test]
fn an_encrypted_key_comes_back_out_of_its_file() {
    for kind in [
        KeyKind::EcdsaP256,
        KeyKind::EcdsaP384,
        KeyKind::EcdsaP521,
        KeyKind::Ed25519,
        KeyKind::Rsa { bits: 2048 },
    ] {
        let key = PrivateKey::generate(kind).unwrap();
        assert_eq!(key.kind(), kind);
        let text = key.encrypt(b"secret").unwrap().to_pem();
        assert!(text.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        let read = EncryptedPrivateKey::parse_pem(text.as_bytes()).unwrap();
        assert_eq!((read.kdf.n, read.kdf.r, read.kdf.p), (65_536, 8, 1));
        let opened = PrivateKey::decrypt(&read, b"secret").unwrap();
        assert_eq!(opened.public_key(), key.public_key());
        assert_eq!(*opened.to_pkcs8_der(), *key.to_pkcs8_der());
    }
}

#[test]
fn what_is_not_a_usable_private_key_is_refused_by_name() {
    for (name, code) in [
        ("openssl-p224-sec1.pem", "key-unsupported"),
        ("openssl-p256-explicit-sec1.pem", "key-unsupported"),
        ("openssl-rsa-1024-pkcs8.pem", "key-malformed"),
        (
            "openssl-p256-pbes2-password-pw.pem",
            "key-encryption-unsupported",
        ),
        (
            "openssl-p256-traditional-password-pw.pem",
            "key-encryption-unsupported",
        ),
        ("openssl-p256.pub", "key-label-unknown"),
        ("README.md", "key-not-pem"),
    ] {
        let error = parse(name).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    let public = parse("openssl-p256.pub").unwrap_err();
    assert!(public.hint().unwrap().contains("public half"));
}

#[test]
fn a_key_file_beyond_the_limit_is_refused_unread() {
    let large = vec![b'x'; 70_000];
    let error = PrivateKeyFile::parse(&large, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "key-too-large");
}

#[test]
fn rsa_keys_are_made_in_three_sizes_only() {
    let error = PrivateKey::generate(KeyKind::Rsa { bits: 1024 }).unwrap_err();
    assert_eq!(error.code(), "key-unsupported");
    let key = PrivateKey::generate(KeyKind::Rsa { bits: 3072 }).unwrap();
    assert_eq!(key.kind(), KeyKind::Rsa { bits: 3072 });
}

#[test]
fn a_private_key_never_shows_itself() {
    let key = private("openssl-ed25519-pkcs8.pem");
    let shown = format!("{key:?}");
    assert_eq!(shown, "PrivateKey { kind: Ed25519, secret: **** }");
    let file = parse("openssl-ed25519-pkcs8.pem").unwrap();
    assert!(format!("{file:?}").contains("****"));
}

#[test]
fn damaged_keys_are_refused_without_panic() {
    let der = private("openssl-p256-pkcs8.pem").to_pkcs8_der();
    for length in 0..der.len() {
        assert!(
            PrivateKey::from_pkcs8_der(&der[..length]).is_err(),
            "{length}"
        );
    }
    for position in 0..der.len() {
        for bit in 0..8 {
            let mut bent = der.clone();
            bent[position] ^= 1 << bit;
            // Some flips hit optional attributes or the scalar: what matters is that an answer comes.
            let _ = PrivateKey::from_pkcs8_der(&bent);
        }
    }
    let mut trailing = der.clone();
    trailing.push(0);
    assert_eq!(
        PrivateKey::from_pkcs8_der(&trailing).unwrap_err().code(),
        "key-malformed"
    );
}

#[test]
fn a_public_half_that_does_not_fit_is_refused() {
    let der = private("openssl-p256-pkcs8.pem").to_pkcs8_der();
    let mut bent = der.clone();
    let last = bent.len() - 1;
    bent[last] ^= 1;
    assert_eq!(
        PrivateKey::from_pkcs8_der(&bent).unwrap_err().code(),
        "key-malformed"
    );
}

#[test]
fn a_key_signs_only_with_its_own_schemes() {
    let key = private("openssl-p256-pkcs8.pem");
    for scheme in [
        Scheme::Ed25519,
        Scheme::EcdsaP384Sha384,
        Scheme::RsaPkcs1Sha256,
    ] {
        assert_eq!(
            key.sign(scheme, b"x").unwrap_err().code(),
            "key-scheme-mismatch"
        );
    }
    assert!(key.sign(Scheme::EcdsaP256Sha256, b"x").is_ok());
    let edwards = private("openssl-ed25519-pkcs8.pem");
    let digest = countersign_proof::digest::sha256(b"x");
    assert_eq!(
        edwards
            .sign_digest(Scheme::Ed25519, &digest)
            .unwrap_err()
            .code(),
        "content-required"
    );
    let other = countersign_proof::digest::of(countersign_formats::HashAlgorithm::Sha384, b"x");
    assert_eq!(
        key.sign_digest(Scheme::EcdsaP256Sha256, &other)
            .unwrap_err()
            .code(),
        "key-scheme-mismatch"
    );
}
