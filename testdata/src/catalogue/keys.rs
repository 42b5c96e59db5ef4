//! Managed keys: kinds, windows, and signatures at the edges of their schemes.

use serde_json::json;

use crate::der_writer::{bit_string, integer, oid, sequence};
use crate::keys::LabKey;
use crate::lab::{IN_TOTO, Lab, Recipe, SIGNED_AT, image_statement, pae};
use crate::vector::{Vector, VectorKey, VectorSubject};

const G: &str = "keys";
const GOOD: &str = "key-of-p-256";
const ED25519: &str = "key-of-ed25519";
const P384_MESSAGE: &str = "message-of-a-p-384-key";
/// The P-384 key's signature over the lab's file with SHA-256, made by OpenSSL (`openssl dgst -sha256 -sign`).
const P384_BY_SHA256: &str = "MGUCMG+ShI1/u+DA485q8cnvFLBbmea+RHV5XCJN2Ouc/3Wh/VwZJmawpU6CWFXAHp/GUgIxAJHJyyYDiqyOxA77rZJ/5ly7jPtHibUu5/YE0F+c5qqdo+pS/153TiiadQPi+FwIYQ==";
const WINDOW: &str = "timestamp-in-the-last-second-of-the-key-s-window";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let edwards = LabKey::ed25519("lab-managed-ed25519");
    let signed = || {
        pae(
            IN_TOTO,
            image_statement(&Lab::image()).to_string().as_bytes(),
        )
    };
    let accept = |name, claim, key: &LabKey, recipe: Recipe<'_>| {
        Vector::accepted(G, name, claim)
            .rows(&["N-62"])
            .key(key)
            .bundle(&recipe.build())
    };
    let reject =
        |name, claim, rows: &[&'static str], code, twin, key: &LabKey, recipe: Recipe<'_>| {
            Vector::rejected(G, name, claim, code, twin)
                .rows(rows)
                .key(key)
                .bundle(&recipe.build())
        };
    let p384 = LabKey::p384("lab-managed-384");
    let p521 = LabKey::p521("lab-managed-521");
    let rsa = LabKey::rsa();
    let pem = |name, claim, rows: &[&'static str], code, pem: String| {
        let mut vector = Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .bundle(&lab.managed(key.clone()).build())
            .key(&key);
        vector.keys = vec![VectorKey {
            pem,
            start: None,
            end: None,
        }];
        vector
    };
    let spki = |algorithm: &[u8], bits: &[u8]| {
        crate::pem("PUBLIC KEY", &sequence(&[algorithm, &bit_string(bits)]))
    };
    let curve = |dotted: &str| sequence(&[&oid("1.2.840.10045.2.1"), &oid(dotted)]);
    let stamped = |seconds: i64| {
        lab.managed(key.clone())
            .timestamped_by(&lab.timestamp_leaf, seconds)
            .timestamp(|token| token.accuracy = None)
            .build()
    };
    vec![
        accept(GOOD, "a P-256 key signs with SHA-256", &key, lab.managed(key.clone())),
        accept("key-of-p-384", "a P-384 key signs with SHA-384", &p384, lab.managed(p384.clone())),
        accept("key-of-p-521", "a P-521 key signs with SHA-512", &p521, lab.managed(p521.clone())),
        accept(ED25519, "an Ed25519 key signs the message itself", &edwards, lab.managed(edwards.clone())),
        accept("key-of-ed25519-signing-a-digest", "an Ed25519 key may sign as Ed25519ph, as cosign does for images", &edwards, lab.managed(edwards.clone()).signature({
            let (edwards, signed) = (edwards.clone(), signed());
            move |signature| *signature = edwards.sign_prehashed(&signed)
        })),
        accept("key-of-rsa", "an RSA key signs by PKCS#1 v1.5 with SHA-256", &rsa, lab.managed(rsa.clone())),
        accept("key-of-rsa-signing-by-pss", "an RSA key may sign by PSS", &rsa, lab.managed(rsa.clone()).signature({
            let (rsa, signed) = (rsa.clone(), signed());
            move |signature| *signature = rsa.sign_pss(&signed)
        })),
        Vector::accepted(G, "second-of-two-trusted-keys", "any of several trusted keys may have signed").rows(&["N-34"])
            .key(&p384).and_key(&key).bundle(&lab.managed(key.clone()).build()),
        Vector::accepted(G, "hint-of-another-key", "the hint decides nothing: every trusted key is tried").rows(&["N-34"])
            .key(&key).bundle(&lab.managed(key.clone()).bundle(|bundle| bundle["verificationMaterial"]["publicKey"]["hint"] = json!("nobody")).build()),
        Vector::accepted(G, "message-of-an-ed25519-key", "an Ed25519 message signature is verified over the file itself").about_file()
            .key(&edwards).bundle(&lab.managed(edwards.clone()).message(&Lab::artifact()).bundle(|bundle| bundle["messageSignature"]["messageDigest"] = json!({})).build()),
        Vector::rejected(G, "message-of-an-ed25519-key-without-the-file", "an Ed25519 message signature needs the file, not only its digest", "content-needed", "message-of-an-ed25519-key").rows(&["N-61"])
            .about(sha256_only())
            .key(&edwards).bundle(&lab.managed(edwards.clone()).message(&Lab::artifact()).bundle(|bundle| bundle["messageSignature"]["messageDigest"] = json!({})).build()),
        Vector::accepted(G, P384_MESSAGE, "a P-384 key's message signature is over the SHA-384 of the file").about_file().rows(&["N-62"])
            .key(&p384).bundle(&lab.managed(p384.clone()).message(&Lab::artifact()).build()),
        Vector::rejected(G, "message-of-a-p-384-key-where-only-sha-256-is-known", "a signature over a SHA-384 digest can't be judged by a SHA-256 digest", "content-needed", P384_MESSAGE).rows(&["N-62"])
            .about(sha256_only()).key(&p384)
            .bundle(&lab.managed(p384.clone()).message(&Lab::artifact()).bundle(|bundle| bundle["messageSignature"]["messageDigest"] = json!({})).build()),
        Vector::accepted(G, "message-of-a-p-384-key-by-sha-256", "a P-384 key may sign with SHA-256, as older cosign does with every key").about(sha256_only()).rows(&["N-62"])
            .key(&p384).bundle(&lab.managed(p384.clone()).message(&Lab::artifact()).signature(|signature| *signature = crate::base64_decode(P384_BY_SHA256))
                .bundle(|bundle| bundle["messageSignature"]["messageDigest"] = json!({})).build()),
        Vector::rejected(G, "message-of-a-p-384-key-by-sha-256-of-another-file", "a P-384 key's signature with SHA-256 is of one file as well", "signature-invalid", "message-of-a-p-384-key-by-sha-256")
            .about(VectorSubject::File(b"another file\n".to_vec())).rows(&["N-62"])
            .key(&p384).bundle(&lab.managed(p384.clone()).message(b"another file\n").signature(|signature| *signature = crate::base64_decode(P384_BY_SHA256)).build()),
        reject("signature-of-another-key-under-the-trusted-key-s-hint", "a hint does not lend the trusted key", &["N-34", "A137"], "signature-invalid", GOOD, &key, lab.managed(key.clone()).signed_by(LabKey::p256("stranger"))),
        reject("certificate-where-keys-alone-are-trusted", "a certificate proves nothing where no authority is trusted", &["A026"], "no-authorities", GOOD, &key, lab.keyless("user@example.org").rekor_v1()),
        Vector::rejected(G, "key-where-certificates-alone-are-trusted", "a key that is not trusted proves nothing beside trusted authorities", "key-not-trusted", GOOD).rows(&["A026"])
            .bundle(&lab.managed(key.clone()).rekor_v1().build()),
        // Windows.
        Vector::accepted(G, WINDOW, "the last second of a key's window belongs to it").rows(&["A016", "TOB-SIGSTORE-1"])
            .and_key(&key).key_window(None, Some("2026-01-15T12:00:00Z")).bundle(&stamped(SIGNED_AT)).proven(0, 1, 0),
        Vector::rejected(G, "timestamp-after-the-key-s-window", "a signature stamped after the key's window is refused", "key-window", WINDOW).rows(&["A016"])
            .and_key(&key).key_window(None, Some("2026-01-15T12:00:00Z")).bundle(&stamped(SIGNED_AT + 1)),
        Vector::rejected(G, "timestamp-before-the-key-s-window", "a signature stamped before the key's window is refused", "key-window", WINDOW).rows(&["A016"])
            .and_key(&key).key_window(Some("2026-01-15T12:00:01Z"), None).bundle(&stamped(SIGNED_AT)),
        Vector::rejected(G, "log-entry-after-the-key-s-window", "a signature logged after the key's window is refused", "key-window", WINDOW).rows(&["A016"])
            .and_key(&key).key_window(None, Some("2026-01-15T11:59:59Z")).bundle(&lab.managed(key.clone()).rekor_v1().build()),
        Vector::rejected(G, "undated-signature-after-the-key-s-window", "an undated signature counts only while the key's window is open", "key-window", GOOD).rows(&["A016", "N-85"])
            .and_key(&key).key_window(None, Some("2026-02-01T00:00:00Z")).bundle(&lab.managed(key.clone()).build()),
        Vector::rejected(G, "undated-signature-before-the-key-s-window", "an undated signature counts only while the key's window is open", "key-window", GOOD).rows(&["A016", "N-85"])
            .and_key(&key).key_window(Some("2027-01-01T00:00:00Z"), None).bundle(&lab.managed(key.clone()).build()),
        // Signatures at the edge.
        reject("ed25519-with-s-beyond-the-order", "Ed25519 with S at or above the group order is refused", &["N-61", "A149"], "signature-invalid", ED25519, &edwards,
            lab.managed(edwards.clone()).signature(|signature| add_order(signature))),
        reject("ed25519-truncated", "an Ed25519 signature has 64 bytes", &["N-61", "A137"], "signature-invalid", ED25519, &edwards, lab.managed(edwards.clone()).signature(|signature| signature.truncate(63))),
        reject("ecdsa-with-s-negated", "a log entry holds the signature's very bytes: the other ECDSA signature of the same message is not it", &["N-60"], "log-entry-signature", "logged-key-of-p-256", &key,
            lab.managed(key.clone()).rekor_v1().bundle(|bundle| {
                let value = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
                *value = json!(crate::encode(&negate_s(&crate::base64_decode(value.as_str().unwrap_or_default()))));
            })).and_root(),
        accept("logged-key-of-p-256", "a managed key's logged signature verifies", &key, lab.managed(key.clone()).rekor_v1()).and_root(),
        reject("ecdsa-with-r-beyond-the-order", "ECDSA with r at or above the order is refused", &["N-60"], "signature-invalid", GOOD, &key, lab.managed(key.clone()).signature(|signature| {
            *signature = sequence(&[&integer(&[0xff; 32]), &integer(&[1])]);
        })),
        reject("ecdsa-with-s-beyond-the-order", "ECDSA with s at or above the order is refused", &["N-60"], "signature-invalid", GOOD, &key, lab.managed(key.clone()).signature(|signature| {
            *signature = sequence(&[&integer(&[1]), &integer(&[0xff; 32])]);
        })),
        reject("ed25519-with-r-of-small-order", "Ed25519 with an R of small order is refused", &["N-61", "A149"], "signature-invalid", ED25519, &edwards, lab.managed(edwards.clone()).signature(|signature| {
            signature[..32].fill(0);
            signature[0] = 1;
        })),
        reject("ed25519-with-r-beyond-the-field", "Ed25519 with an R that is not written in the one way is refused", &["N-61", "A149"], "signature-invalid", ED25519, &edwards, lab.managed(edwards.clone()).signature(|signature| {
            signature[..32].fill(0xff);
            signature[0] = 0xee;
            signature[31] = 0x7f;
        })),
        reject("ecdsa-in-fixed-form", "an ECDSA signature is ASN.1, not two numbers side by side", &["N-60"], "signature-invalid", GOOD, &key, lab.managed(key.clone()).signature(|signature| *signature = vec![0x11; 64])),
        reject("p-384-signature-under-a-p-256-key", "a signature of another curve and hash is refused: evidence adds no scheme", &["N-60", "N-62"], "signature-invalid", GOOD, &key, lab.managed(key.clone()).signed_by(p384.clone())),
        reject("rsa-signature-of-other-length", "an RSA signature is as long as its key", &["A137"], "signature-invalid", "key-of-rsa", &rsa, lab.managed(rsa.clone()).signature(|signature| signature.insert(0, 0))),
        // Keys that must not be trusted at all.
        pem("rsa-key-of-1024-bits", "an RSA key below 2048 bits is refused", &["N-59"], "unsupported", rsa_public(128, &[1, 0, 1])),
        pem("rsa-key-with-exponent-1", "an RSA exponent of 1 signs anything", &["N-59"], "unsupported", rsa_public(256, &[1])),
        pem("rsa-key-with-exponent-3", "a small RSA exponent is refused", &["N-59"], "unsupported", rsa_public(256, &[3])),
        pem("rsa-key-of-16384-bits", "an RSA key beyond 4096 bits is refused: it costs more than it proves", &["N-59", "A010"], "unsupported", rsa_public(2_048, &[1, 0, 1])),
        pem("key-on-p-224", "a curve below P-256 is refused", &["N-59"], "unsupported", spki(&curve("1.3.132.0.33"), &[4; 57])),
        pem("key-on-secp256k1", "a curve that no signer here uses is refused", &["N-59"], "unsupported", spki(&curve("1.3.132.0.10"), &[4; 65])),
        pem("trusted-key-on-explicit-curve", "a curve spelled out by parameters is refused", &["N-59", "A156"], "unsupported", spki(
            &sequence(&[&oid("1.2.840.10045.2.1"), &sequence(&[&crate::der_writer::small_integer(1), &sequence(&[&oid("1.2.840.10045.1.1"), &crate::der_writer::small_integer(7)])])]),
            &key.spki()[key.spki().len() - 65..])),
        pem("key-of-ed448", "Ed448 is not supported", &["N-59"], "unsupported", spki(&sequence(&[&oid("1.3.101.113")]), &[4; 57])),
        pem("key-of-compressed-point", "a compressed point is refused", &["A139"], "bad-der", spki(&curve("1.2.840.10045.3.1.7"), &[2; 33])),
        pem("key-of-point-at-zero", "the point (0, 0) is on no curve", &["A139"], "trust-key", spki(&curve("1.2.840.10045.3.1.7"), &[&[4][..], &[0; 64]].concat())),
        pem("key-with-bytes-behind", "bytes behind a public key are refused", &["N-58"], "bad-der", crate::pem("PUBLIC KEY", &[key.spki(), &[0]].concat())),
        pem("certificate-as-key", "a certificate is not a public key file", &["#4760"], "unsupported", crate::pem("CERTIFICATE", &lab.root.certificate)),
        pem("raw-key-without-algorithm", "32 raw bytes are not a key that says what it is", &["TOB-SIGSTORE-6"], "bad-der", crate::pem("PUBLIC KEY", &edwards.raw_public())),
        small_order_key(lab),
    ]
}

/// The lab's file, of which only the SHA-256 digest is known.
fn sha256_only() -> VectorSubject {
    let digest = crate::keys::sha256(&Lab::artifact());
    VectorSubject::FileDigest(format!("sha256:{}", crate::transparency_log::hex(&digest)))
}

/// A149: with the neutral element as key, R = B and S = 1 verify under every message.
fn small_order_key(lab: &Lab) -> Vector {
    let mut point = [0; 32];
    point[0] = 1;
    let pem = crate::pem(
        "PUBLIC KEY",
        &sequence(&[&sequence(&[&oid("1.3.101.112")]), &bit_string(&point)]),
    );
    let mut signature = vec![0x66; 64];
    signature[0] = 0x58;
    signature[32..].fill(0);
    signature[32] = 1;
    let mut vector = Vector::rejected(
        G,
        "ed25519-key-of-small-order",
        "a key of small order verifies everything and is refused",
        "trust-key",
        ED25519,
    )
    .rows(&["A149", "N-61"])
    .key(&LabKey::ed25519("lab-managed-ed25519"))
    .bundle(
        &lab.managed(LabKey::ed25519("lab-managed-ed25519"))
            .signature(move |bytes| *bytes = signature.clone())
            .build(),
    );
    vector.keys = vec![VectorKey {
        pem,
        start: None,
        end: None,
    }];
    vector
}

/// An RSA public key with a made-up odd modulus.
fn rsa_public(bytes: usize, exponent: &[u8]) -> String {
    let key = sequence(&[&integer(&vec![0xc5; bytes]), &integer(exponent)]);
    let algorithm = sequence(&[&oid("1.2.840.113549.1.1.1"), &crate::der_writer::null()]);
    crate::pem("PUBLIC KEY", &sequence(&[&algorithm, &bit_string(&key)]))
}

/// Adds the group order to S (RFC 8032 section 5.1.7 wants S below it).
fn add_order(signature: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// The other ECDSA signature of the same message: (r, n - s).
fn negate_s(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let r_end = 4 + usize::from(signature[3]);
    let s = &signature[r_end + 2..];
    let mut padded = [0; 32];
    let significant = s.len().min(32);
    padded[32 - significant..].copy_from_slice(&s[s.len() - significant..]);
    let mut borrow = 0_i16;
    let mut negated = [0; 32];
    for index in (0..32).rev() {
        let mut difference = i16::from(ORDER[index]) - i16::from(padded[index]) - borrow;
        borrow = i16::from(difference < 0);
        if difference < 0 {
            difference += 256;
        }
        negated[index] = difference as u8;
    }
    sequence(&[&signature[2..r_end], &integer(&negated)])
}
