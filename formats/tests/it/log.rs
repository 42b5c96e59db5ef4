//! Checkpoints and log bodies.

use crate::fixtures::{
    HEX, OTHER_HEX, bytes, checkpoint, dsse_v1, dsse_v2, hashed_rekord_v1, hashed_rekord_v2,
    intoto_v2, node, pem_certificate,
};
use countersign_formats::{
    Checkpoint, Digest, Error, HashAlgorithm, Limits, LogBody, LoggedHash, Verifier, encode_base64,
    write_pem,
};

fn note(text: &str) -> Result<Checkpoint, Error> {
    Checkpoint::parse(text, &Limits::DEFAULT)
}

fn hash(hex: &str) -> LoggedHash {
    let digest = Digest::from_hex(HashAlgorithm::Sha256, hex).unwrap();
    (HashAlgorithm::Sha256, digest.as_bytes().to_vec().into())
}

#[test]
fn checkpoint_says_what_its_lines_say() {
    let read = note(&checkpoint()).unwrap();
    assert_eq!((read.origin.as_str(), read.tree_size), ("log.example", 11));
    assert_eq!(read.root_hash, [7; 32].as_slice());
    assert_eq!(read.extensions, ["Timestamp: 1"]);
    assert_eq!(
        read.signed_text,
        format!("log.example\n11\n{}\nTimestamp: 1\n", node(7))
    );
    assert_eq!(read.signatures.len(), 2);
    assert_eq!(read.signatures[1].name, "witness.example");
    assert_eq!(&read.signatures[0].key_hint, b"hint");
    assert_eq!(read.signatures[0].signature, &b"-signature"[..]);
    let plain = checkpoint().replace("Timestamp: 1\n", "");
    assert!(note(&plain).unwrap().extensions.is_empty());
}

#[test]
fn broken_checkpoints_are_refused() {
    let first = format!(
        "\u{2014} log.example {}\n",
        encode_base64(b"hint-signature")
    );
    for (from, to) in [
        ("log.example\n11", "\n11".to_owned()),
        ("\n11\n", "\n011\n".to_owned()),
        ("\n11\n", "\n-1\n".to_owned()),
        ("\n11\n", "\n1 1\n".to_owned()),
        ("\n11\n", "\n\n".to_owned()),
        ("\n11\n", "\n99999999999999999999\n".to_owned()),
        ("Timestamp: 1\n\n", "Timestamp: 1\n".to_owned()),
        ("Timestamp: 1", "Timestamp:\t1".to_owned()),
        ("\n11\n", "\r\n11\r\n".to_owned()),
        (&node(7), node(7).replace('=', "")),
        (&node(7), encode_base64(&[7; 31])),
        (&node(7), encode_base64(&[7; 33])),
        (&format!("{}\n", node(7)), String::new()),
        ("\u{2014} log", "- log".to_owned()),
        ("\u{2014} log", "\u{2014}  log".to_owned()),
        ("\u{2014} log.example", "\u{2014} log+example".to_owned()),
        (
            "\u{2014} log.example",
            "\u{2014} log\u{a0}example".to_owned(),
        ),
        (&encode_base64(b"hint-signature"), encode_base64(b"hint")),
        (&encode_base64(b"hint-signature"), "?".to_owned()),
        (&first, format!("{first}\n")),
    ] {
        let text = checkpoint().replacen(from, &to, 1);
        assert_ne!(text, checkpoint(), "{from:?}");
        assert_eq!(note(&text).unwrap_err().code(), "bad-value", "{text}");
    }
    assert_eq!(note("").unwrap_err().code(), "bad-value");
    assert_eq!(note("a\n1\n").unwrap_err().code(), "bad-value");
    assert_eq!(
        note(checkpoint().trim_end()).unwrap_err().code(),
        "bad-value"
    );
    let unsigned = checkpoint().split("\n\n").next().unwrap().to_owned() + "\n\n";
    assert_eq!(note(&unsigned).unwrap_err().code(), "bad-value");
    let many = |count: usize| checkpoint() + &first.repeat(count);
    assert_eq!(note(&many(30)).unwrap().signatures.len(), 32);
    assert_eq!(note(&many(31)).unwrap_err().code(), "over-limit");
    assert_eq!(
        note(&"x".repeat((64 << 10) + 1)).unwrap_err().code(),
        "over-limit"
    );
}

#[test]
fn every_known_kind_of_body_is_read() {
    let certificate = Verifier::Certificate(bytes("certificate"));
    let signature = bytes("sig");
    let parse =
        |kind, version, text: String| LogBody::parse(kind, version, text.as_bytes()).unwrap();
    assert_eq!(
        parse("hashedrekord", "0.0.1", hashed_rekord_v1()),
        LogBody::HashedRekordV1 {
            hash: hash(HEX),
            signature: signature.clone(),
            verifier: Verifier::PublicKey(bytes("key")),
        }
    );
    let LogBody::HashedRekordV2 {
        digest,
        key_details,
        verifier,
        ..
    } = parse("hashedrekord", "0.0.2", hashed_rekord_v2())
    else {
        panic!()
    };
    assert_eq!(digest.1, [4; 32].as_slice());
    assert_eq!(
        (key_details.as_deref(), verifier),
        (Some("PKIX_ECDSA_P256_SHA_256"), certificate.clone())
    );
    assert_eq!(
        parse("dsse", "0.0.1", dsse_v1()),
        LogBody::DsseV1 {
            envelope_hash: hash(HEX),
            payload_hash: hash(OTHER_HEX),
            signatures: vec![(signature.clone(), certificate.clone())],
        }
    );
    let LogBody::DsseV2 {
        payload_hash,
        signatures,
    } = parse("dsse", "0.0.2", dsse_v2())
    else {
        panic!()
    };
    assert_eq!(payload_hash.1, [5; 32].as_slice());
    assert_eq!(signatures[0].verifier, Verifier::PublicKey(bytes("key")));
    assert_eq!(
        parse("intoto", "0.0.2", intoto_v2()),
        LogBody::IntotoV2 {
            payload_type: "application/vnd.in-toto+json".to_owned(),
            payload_hash: hash(OTHER_HEX),
            content_hash: hash(HEX),
            signatures: vec![(signature, certificate)],
            payload: None,
        }
    );
    // What is encoded twice is `{}`.
    let kept = intoto_v2().replacen(
        "\"payloadType\"",
        "\"payload\":\"ZTMwPQ==\",\"payloadType\"",
        1,
    );
    let LogBody::IntotoV2 { payload, .. } = parse("intoto", "0.0.2", kept) else {
        panic!()
    };
    assert_eq!(payload.unwrap(), &b"{}"[..]);
    assert_eq!(
        LogBody::peek_kind(dsse_v2().as_bytes()).unwrap(),
        ("dsse".to_owned(), "0.0.2".to_owned())
    );
}

#[test]
fn a_body_must_be_of_the_kind_that_the_entry_names() {
    for (kind, version, text, code) in [
        ("dsse", "0.0.1", hashed_rekord_v1(), "unknown-field"),
        (
            "dsse",
            "0.0.1",
            dsse_v1().replace("\"dsse\"", "\"hashedrekord\""),
            "conflict",
        ),
        (
            "dsse",
            "0.0.1",
            dsse_v1().replace("0.0.1", "0.0.2"),
            "conflict",
        ),
        (
            "dsse",
            "0.0.1",
            dsse_v1().replace("\"kind\":\"dsse\",", ""),
            "missing-field",
        ),
        ("dsse", "0.0.3", dsse_v1(), "unsupported"),
        ("intoto", "0.0.1", intoto_v2(), "unsupported"),
        ("rekord", "0.0.1", dsse_v1(), "unsupported"),
        ("", "", dsse_v1(), "unsupported"),
    ] {
        assert_eq!(
            LogBody::parse(kind, version, text.as_bytes())
                .unwrap_err()
                .code(),
            code,
            "{kind} {version}"
        );
    }
}

#[test]
fn broken_bodies_are_refused() {
    let two = encode_base64(write_pem("CERTIFICATE", b"x").repeat(2).as_bytes());
    let other = encode_base64(write_pem("PGP PUBLIC KEY BLOCK", b"x").as_bytes());
    for (from, to, code) in [
        (r#""spec":{"#, r#""spec":{"x":1,"#, "unknown-field"),
        (r#""payloadHash""#, r#""PayloadHash""#, "unknown-field"),
        (
            r#""payloadHash":{"#,
            r#""payloadHash":{"algorithm":"sha256","#,
            "duplicate-key",
        ),
        ("\"sha256\"", "\"SHA256\"", "unsupported"),
        ("\"sha256\"", "\"sha1\"", "unsupported"),
        (HEX, "97", "bad-digest"),
        (&pem_certificate(), "LS0t", "bad-pem"),
        (&pem_certificate(), "", "bad-pem"),
        (&pem_certificate(), two.as_str(), "over-limit"),
        (&pem_certificate(), other.as_str(), "unsupported"),
        ("c2ln", "", "missing-field"),
        ("c2ln", "c2lh=", "bad-base64"),
    ] {
        let text = dsse_v1().replacen(from, to, 1);
        assert_ne!(text, dsse_v1(), "{from}");
        let error = LogBody::parse("dsse", "0.0.1", text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let signature = format!(
        "{{\"signature\":\"c2ln\",\"verifier\":\"{}\"}}",
        pem_certificate()
    );
    assert_eq!(
        LogBody::parse(
            "dsse",
            "0.0.1",
            dsse_v1().replace(&signature, "").as_bytes()
        )
        .unwrap_err()
        .code(),
        "missing-field"
    );
    for (from, to, code) in [
        (
            "\"x509Certificate\":",
            "\"publicKey\":{\"rawBytes\":\"a2V5\"},\"x509Certificate\":",
            "conflict",
        ),
        ("SHA2_256\"", "SHA3_256\"", "unsupported"),
        (&node(4), "AAAA", "bad-digest"),
    ] {
        let text = hashed_rekord_v2().replacen(from, to, 1);
        let error = LogBody::parse("hashedrekord", "0.0.2", text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    // Key details may be left out, and be nothing else than text.
    let details = "\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\",";
    assert!(hashed_rekord_v2().contains(details));
    let parse = |to: &str| {
        let text = hashed_rekord_v2().replacen(details, to, 1);
        LogBody::parse("hashedrekord", "0.0.2", text.as_bytes())
    };
    let Ok(LogBody::HashedRekordV2 { key_details, .. }) = parse("") else {
        panic!()
    };
    assert_eq!(key_details, None);
    let error = parse("\"keyDetails\":5,").unwrap_err();
    assert_eq!(error.code(), "wrong-type");
    let once = intoto_v2().replace(&encode_base64(b"c2ln"), &encode_base64(b"\xff\xff"));
    assert_eq!(
        LogBody::parse("intoto", "0.0.2", once.as_bytes())
            .unwrap_err()
            .code(),
        "bad-base64"
    );
}
