//! Public keys and encrypted private key files.

use crate::fixtures::encrypted_key_json;
use countersign_formats::{EncryptedPrivateKey, Error, KeyKind, PublicKey, write_pem};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
        .collect()
}

/// DER of one element with a long enough length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..128 => out.push(length as u8),
        128..256 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

fn spki(algorithm: &str, bit_string: &[u8]) -> Vec<u8> {
    let bits = element(3, &[&[0], bit_string].concat());
    element(0x30, &[element(0x30, &hex(algorithm)), bits].concat())
}

const EC: &str = "06072a8648ce3d0201";
const P256: &str = "06072a8648ce3d020106082a8648ce3d030107";
const P384: &str = "06072a8648ce3d020106052b81040022";
const P521: &str = "06072a8648ce3d020106052b81040023";
const ED25519: &str = "06032b6570";
const RSA: &str = "06092a864886f70d0101010500";

fn point(size: usize) -> Vec<u8> {
    [vec![4], vec![9; 2 * size]].concat()
}

fn rsa(bytes: usize, first: u8, last: u8, exponent: &str) -> Vec<u8> {
    let mut modulus = vec![0x55; bytes];
    modulus[0] = first;
    modulus[bytes - 1] = last;
    if first >= 0x80 {
        modulus.insert(0, 0);
    }
    let key = element(
        0x30,
        &[element(2, &modulus), element(2, &hex(exponent))].concat(),
    );
    spki(RSA, &key)
}

#[test]
fn every_known_kind_is_read_and_written() {
    for (der, kind) in [
        (spki(P256, &point(32)), KeyKind::EcdsaP256),
        (spki(P384, &point(48)), KeyKind::EcdsaP384),
        (spki(P521, &point(66)), KeyKind::EcdsaP521),
        (spki(ED25519, &[1; 32]), KeyKind::Ed25519),
        (rsa(256, 0x80, 1, "010001"), KeyKind::Rsa { bits: 2048 }),
        (rsa(257, 0x01, 1, "010001"), KeyKind::Rsa { bits: 2049 }),
        (rsa(384, 0xff, 3, "010001"), KeyKind::Rsa { bits: 3072 }),
        (rsa(512, 0x80, 1, "0100000001"), KeyKind::Rsa { bits: 4096 }),
    ] {
        let key = PublicKey::from_spki_der(&der).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(key.spki(), der);
        assert!(der.ends_with(key.raw()) && !key.raw().is_empty());
        assert_eq!(PublicKey::from_pem(key.to_pem().as_bytes()).unwrap(), key);
    }
}

// N-59
#[test]
fn weak_malformed_and_foreign_keys_are_refused() {
    let good = spki(P256, &point(32));
    let mut trailing = good.clone();
    trailing.push(0);
    let mut unused = good.clone();
    unused[25] = 1;
    for (name, der, code) in [
        ("empty", Vec::new(), "bad-der"),
        ("trailing byte", trailing, "bad-der"),
        ("unused bits", unused, "bad-der"),
        ("cut", good[..good.len() - 1].to_vec(), "bad-der"),
        (
            "compressed point",
            spki(P256, &[&[2][..], &[9; 32]].concat()),
            "bad-der",
        ),
        ("point of another curve", spki(P256, &point(48)), "bad-der"),
        (
            "P-224",
            spki("06072a8648ce3d020106052b81040021", &point(28)),
            "unsupported",
        ),
        (
            "secp256k1",
            spki("06072a8648ce3d020106052b8104000a", &point(32)),
            "unsupported",
        ),
        (
            "explicit curve",
            spki(&format!("{EC}3003020101"), &point(32)),
            "unsupported",
        ),
        ("curve missing", spki(EC, &point(32)), "unsupported"),
        (
            "Ed25519 with parameters",
            spki(&format!("{ED25519}0500"), &[1; 32]),
            "bad-der",
        ),
        ("Ed25519 with 31 bytes", spki(ED25519, &[1; 31]), "bad-der"),
        ("Ed448", spki("06032b6571", &[1; 57]), "unsupported"),
        (
            "RSA-PSS",
            spki("06092a864886f70d01010a", &[1; 57]),
            "unsupported",
        ),
        (
            "RSA without NULL",
            spki("06092a864886f70d010101", &[1; 57]),
            "bad-der",
        ),
        ("RSA that is no sequence", spki(RSA, &[1; 57]), "bad-der"),
        ("RSA 1024", rsa(128, 0x80, 1, "010001"), "unsupported"),
        ("RSA 2047", rsa(256, 0x7f, 1, "010001"), "unsupported"),
        ("RSA 4097", rsa(513, 1, 1, "010001"), "unsupported"),
        ("RSA even", rsa(256, 0x80, 2, "010001"), "bad-der"),
        ("RSA exponent 1", rsa(256, 0x80, 1, "01"), "unsupported"),
        ("RSA exponent 3", rsa(256, 0x80, 1, "03"), "unsupported"),
        (
            "RSA exponent even",
            rsa(256, 0x80, 1, "010002"),
            "unsupported",
        ),
        (
            "RSA exponent of 9 bytes",
            rsa(256, 0x80, 1, "010000000000000001"),
            "unsupported",
        ),
        ("huge", vec![0x30; 5000], "over-limit"),
    ] {
        let error = PublicKey::from_spki_der(&der)
            .err()
            .unwrap_or_else(|| panic!("{name} was accepted"));
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    let pem = PublicKey::from_spki_der(&good).unwrap().to_pem();
    for (text, code) in [
        (String::new(), "bad-pem"),
        (pem.repeat(2), "bad-pem"),
        (pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"), "unsupported"),
        (pem.replace("PUBLIC KEY", "CERTIFICATE"), "unsupported"),
        (format!("{pem}{}", "x".repeat(64 << 10)), "over-limit"),
    ] {
        assert_eq!(
            PublicKey::from_pem(text.as_bytes()).unwrap_err().code(),
            code
        );
    }
}

fn key_file(json: &str) -> Result<EncryptedPrivateKey, Error> {
    EncryptedPrivateKey::parse_pem(
        write_pem("ENCRYPTED SIGSTORE PRIVATE KEY", json.as_bytes()).as_bytes(),
    )
}

#[test]
fn encrypted_key_is_read_under_both_labels_and_written_as_cosign_does() {
    let read = key_file(&encrypted_key_json()).unwrap();
    assert_eq!(
        (read.kdf.n, read.kdf.r, read.kdf.p, read.kdf.salt.len()),
        (65536, 8, 1, 32)
    );
    assert_eq!((read.nonce, read.ciphertext.len()), ([2; 24], 60));
    let old = write_pem(
        "ENCRYPTED COSIGN PRIVATE KEY",
        encrypted_key_json().as_bytes(),
    );
    assert_eq!(
        EncryptedPrivateKey::parse_pem(old.as_bytes()).unwrap(),
        read
    );
    assert_eq!(
        read.to_pem(),
        write_pem(
            "ENCRYPTED SIGSTORE PRIVATE KEY",
            encrypted_key_json().as_bytes()
        )
    );
    for cost in ["32768", "131072"] {
        key_file(&encrypted_key_json().replace("65536", cost)).unwrap();
    }
}

#[test]
fn key_files_with_other_costs_or_members_are_refused() {
    for (from, to, code) in [
        ("65536", "16384", "unsupported"),
        ("65536", "1073741824", "unsupported"),
        ("65536", "9223372036854775807", "unsupported"),
        ("65536", "65537", "unsupported"),
        ("65536", "\"65536\"", "wrong-type"),
        ("\"r\":8", "\"r\":16", "unsupported"),
        ("\"p\":1", "\"p\":2", "unsupported"),
        ("\"p\":1", "\"p\":1,\"x\":1", "unknown-field"),
        (",\"p\":1", "", "missing-field"),
        ("\"scrypt\"", "\"pbkdf2\"", "unsupported"),
        ("\"name\":\"scrypt\",", "", "missing-field"),
        ("nacl/secretbox", "nacl/box", "unsupported"),
        ("\"ciphertext\"", "\"Ciphertext\"", "unknown-field"),
        ("\"salt\":\"", "\"salt\":\"AAAA\",\"x\":\"", "unknown-field"),
        ("\"nonce\":\"AgIC", "\"nonce\":\"", "bad-value"),
        ("{\"kdf\"", "[{\"kdf\"", "wrong-type"),
    ] {
        let text = encrypted_key_json().replacen(from, to, 1);
        assert_ne!(text, encrypted_key_json(), "{from}");
        let error = key_file(&text).unwrap_err();
        assert_eq!(error.code(), code, "{from}: {error}");
    }
    for (pem, code) in [
        (write_pem("PRIVATE KEY", b"x"), "unsupported"),
        (write_pem("ENCRYPTED PRIVATE KEY", b"x"), "unsupported"),
        (String::new(), "bad-pem"),
        ("x".repeat((64 << 10) + 1), "over-limit"),
        (
            write_pem("ENCRYPTED SIGSTORE PRIVATE KEY", b"\xff"),
            "not-utf8",
        ),
    ] {
        assert_eq!(
            EncryptedPrivateKey::parse_pem(pem.as_bytes())
                .unwrap_err()
                .code(),
            code
        );
    }
}
