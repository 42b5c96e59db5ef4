//! Bundles, envelopes and the annotations of legacy signatures.

use crate::fixtures::{
    bundle, bytes, envelope, legacy_annotations, legacy_bundle, log_entry, message_bundle, node,
    statement,
};
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, Envelope, Error, KeyMaterial, LegacyAnnotations, Limits,
    UnixTime, pae, pae_prefix,
};

fn parse(text: &str) -> Result<Bundle, Error> {
    Bundle::parse(&bytes(text), &Limits::DEFAULT)
}

#[test]
fn bundle_says_what_its_bytes_say_and_round_trips() {
    let read = parse(&bundle()).unwrap();
    assert_eq!(read.version, BundleVersion::V0_3);
    assert_eq!(
        read.material,
        KeyMaterial::Certificate(bytes("certificate"))
    );
    assert_eq!(read.timestamps, [bytes("time")]);
    let entry = &read.log_entries[0];
    assert_eq!(
        (entry.log_index, entry.kind.as_str(), entry.version.as_str()),
        (175_508_996, "dsse", "0.0.1")
    );
    assert_eq!(entry.integrated_time, Some(UnixTime(1_740_770_291)));
    assert_eq!(entry.promise, Some(bytes("promise")));
    let proof = entry.proof.as_ref().unwrap();
    assert_eq!(
        (proof.log_index, proof.tree_size, proof.hashes.len()),
        (10, 11, 2)
    );
    assert!(
        matches!(&read.content, BundleContent::Dsse(envelope) if envelope.payload == statement().as_bytes())
    );
    assert_eq!(
        Bundle::parse(&read.to_json().into(), &Limits::DEFAULT).unwrap(),
        read
    );

    let message = parse(&message_bundle()).unwrap();
    assert_eq!(
        message.material,
        KeyMaterial::PublicKey {
            hint: "aGludA==".to_owned()
        }
    );
    assert_eq!(
        Bundle::parse(&message.to_json().into(), &Limits::DEFAULT).unwrap(),
        message
    );
}

#[test]
fn both_spellings_of_every_version_are_read() {
    for (version, value) in [
        ("0.1", BundleVersion::V0_1),
        ("0.2", BundleVersion::V0_2),
        ("0.3", BundleVersion::V0_3),
    ] {
        for media_type in [
            format!("application/vnd.dev.sigstore.bundle+json;version={version}"),
            format!("application/vnd.dev.sigstore.bundle.v{version}+json"),
        ] {
            let text =
                bundle().replace("application/vnd.dev.sigstore.bundle.v0.3+json", &media_type);
            assert_eq!(parse(&text).unwrap().version, value);
        }
    }
    for media_type in [
        "",
        "application/vnd.dev.sigstore.bundle.v0.4+json",
        "application/vnd.dev.sigstore.bundle+json",
        "x",
    ] {
        let text = bundle().replace("application/vnd.dev.sigstore.bundle.v0.3+json", media_type);
        assert_eq!(parse(&text).unwrap_err().code(), "unsupported");
    }
}

#[test]
fn zeros_and_empty_parts_may_be_left_out_as_producers_do() {
    for (from, to) in [
        ("\"logIndex\":\"175508996\",", ""),
        ("\"logIndex\":\"175508996\"", "\"logIndex\":175508996"),
        ("\"logIndex\":\"10\",", ""),
        (
            ",\"integratedTime\":\"1740770291\"",
            ",\"integratedTime\":\"0\"",
        ),
        (",\"integratedTime\":\"1740770291\"", ""),
        (",\"keyid\":\"k\"", ",\"keyid\":\"\""),
        (
            "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"dGltZQ==\"}]}",
            "{}",
        ),
        (
            "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"dGltZQ==\"}]}",
            "{\"rfc3161Timestamps\":[]}",
        ),
        (
            "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"dGltZQ==\"}]}",
            "null",
        ),
        (
            "\"certificate\":{\"rawBytes\":\"Y2VydGlmaWNhdGU=\"}",
            "\"publicKey\":{}",
        ),
    ] {
        let text = bundle().replacen(from, to, 1);
        assert_ne!(text, bundle(), "{from}");
        parse(&text).unwrap_or_else(|error| panic!("{to}: {error}"));
    }
    let no_entries = bundle().replacen(&format!("\"tlogEntries\":[{}],", log_entry()), "", 1);
    assert!(parse(&no_entries).unwrap().log_entries.is_empty());
    let bare = message_bundle().replacen(
        &format!("{{\"algorithm\":\"SHA2_256\",\"digest\":\"{}\"}}", node(9)),
        "{}",
        1,
    );
    let read = parse(&bare).unwrap();
    assert!(matches!(
        &read.content,
        BundleContent::Message { digest: None, .. }
    ));
    assert_eq!(
        parse(&String::from_utf8(read.to_json()).unwrap()).unwrap(),
        read
    );
}

#[test]
fn broken_bundles_are_refused_with_the_place() {
    let entry = "verificationMaterial.tlogEntries[0]";
    for (from, to, code, path) in [
        (
            "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",",
            "",
            "missing-field",
            String::new(),
        ),
        (
            "{\"mediaType\"",
            "{\"media_type\":\"x\",\"mediaType\"",
            "unknown-field",
            String::new(),
        ),
        (
            "\"certificate\":{",
            "\"publicKey\":{\"hint\":\"x\"},\"certificate\":{",
            "conflict",
            "verificationMaterial".to_owned(),
        ),
        (
            "\"certificate\":{\"rawBytes\":\"Y2VydGlmaWNhdGU=\"},",
            "",
            "missing-field",
            "verificationMaterial".to_owned(),
        ),
        (
            "\"rawBytes\":\"Y2VydGlmaWNhdGU=\"",
            "\"rawBytes\":\"\"",
            "missing-field",
            "verificationMaterial.certificate".to_owned(),
        ),
        (
            "Y2VydGlmaWNhdGU=",
            "Y2VydGlmaWNhdGU",
            "bad-base64",
            "verificationMaterial.certificate.rawBytes".to_owned(),
        ),
        (
            "\"certificate\":{\"rawBytes\":\"Y2VydGlmaWNhdGU=\"}",
            "\"x509CertificateChain\":{\"certificates\":[]}",
            "missing-field",
            "verificationMaterial.x509CertificateChain".to_owned(),
        ),
        (
            "\"dsseEnvelope\":",
            "\"messageSignature\":{\"signature\":\"c2ln\"},\"dsseEnvelope\":",
            "conflict",
            String::new(),
        ),
        (
            "\"dsseEnvelope\":",
            "\"dsseEnvelope\":null,\"x\":",
            "wrong-type",
            "dsseEnvelope".to_owned(),
        ),
        (
            "\"signatures\":[",
            "\"signatures\":[{\"sig\":\"c2ln\"},",
            "bad-value",
            "dsseEnvelope".to_owned(),
        ),
        (
            "{\"signedEntryTimestamp\":\"cHJvbWlzZQ==\"}",
            "{\"signedEntryTimestamp\":\"\"}",
            "missing-field",
            format!("{entry}.inclusionPromise"),
        ),
        (
            "{\"signedEntryTimestamp\":\"cHJvbWlzZQ==\"}",
            "{}",
            "missing-field",
            format!("{entry}.inclusionPromise"),
        ),
        (
            "{\"signedEntryTimestamp\":\"cHJvbWlzZQ==\"}",
            "null",
            "wrong-type",
            format!("{entry}.inclusionPromise"),
        ),
        (
            "\"treeSize\":\"11\"",
            "\"treeSize\":\"10\"",
            "bad-value",
            format!("{entry}.inclusionProof"),
        ),
        (
            "\"treeSize\":\"11\"",
            "\"treeSize\":\"-11\"",
            "bad-value",
            format!("{entry}.inclusionProof.treeSize"),
        ),
        (
            "\"hashes\":[\"",
            "\"hashes\":[\"AA==\",\"",
            "bad-value",
            format!("{entry}.inclusionProof.hashes[0]"),
        ),
        (
            "\"version\":\"0.0.1\"",
            "\"Version\":\"0.0.1\"",
            "unknown-field",
            format!("{entry}.kindVersion"),
        ),
        (
            "\"integratedTime\":\"1740770291\"",
            "\"integratedTime\":\"-1\"",
            "bad-value",
            format!("{entry}.integratedTime"),
        ),
        (
            "\"signedTimestamp\":\"dGltZQ==\"",
            "\"signedTimestamp\":\"\"",
            "missing-field",
            "verificationMaterial.timestampVerificationData.rfc3161Timestamps[0]".to_owned(),
        ),
    ] {
        let text = bundle().replacen(from, to, 1);
        assert_ne!(text, bundle(), "{from}");
        let error = parse(&text).unwrap_err();
        assert_eq!(
            (error.code(), error.path()),
            (code, path.as_str()),
            "{error}"
        );
    }
}

// A014
#[test]
fn counts_are_capped() {
    let entries =
        |count: usize| bundle().replacen(&log_entry(), &vec![log_entry(); count].join(","), 1);
    parse(&entries(32)).unwrap();
    assert_eq!(parse(&entries(33)).unwrap_err().code(), "over-limit");
    let stamp = "{\"signedTimestamp\":\"dGltZQ==\"}";
    let stamps = |count: usize| bundle().replacen(stamp, &vec![stamp; count].join(","), 1);
    parse(&stamps(32)).unwrap();
    assert_eq!(parse(&stamps(33)).unwrap_err().code(), "over-limit");
    let hashes = |count: usize| {
        bundle().replacen(
            "\"hashes\":[",
            &format!("\"hashes\":[{}", format!("\"{}\",", node(0)).repeat(count)),
            1,
        )
    };
    parse(&hashes(62)).unwrap();
    assert_eq!(parse(&hashes(63)).unwrap_err().code(), "over-limit");
    let signatures = |count: usize| {
        envelope().replacen(
            "\"signatures\":[",
            &format!("\"signatures\":[{}", "{\"sig\":\"c2ln\"},".repeat(count)),
            1,
        )
    };
    Envelope::parse(&bytes(&signatures(15)), &Limits::DEFAULT).unwrap();
    assert_eq!(
        Envelope::parse(&bytes(&signatures(16)), &Limits::DEFAULT)
            .unwrap_err()
            .code(),
        "over-limit"
    );
    let small = Limits {
        bundle_bytes: 100,
        ..Limits::DEFAULT
    };
    assert_eq!(
        Bundle::parse(&bytes(&bundle()), &small).unwrap_err().code(),
        "over-limit"
    );
    let certificate = |size: usize| {
        bundle().replacen(
            "Y2VydGlmaWNhdGU=",
            &countersign_formats::encode_base64(&vec![0; size]),
            1,
        )
    };
    parse(&certificate(64 << 10)).unwrap();
    assert_eq!(
        parse(&certificate((64 << 10) + 1)).unwrap_err().code(),
        "over-limit"
    );
}

#[test]
fn envelope_round_trips_and_refuses_what_is_open() {
    let read = Envelope::parse(&bytes(&envelope()), &Limits::DEFAULT).unwrap();
    assert_eq!(String::from_utf8(read.to_json()).unwrap(), envelope());
    for (from, to, code) in [
        (
            "\"payloadType\":\"application/vnd.in-toto+json\"",
            "\"payloadType\":\"\"",
            "missing-field",
        ),
        (
            "\"payloadType\":\"application/vnd.in-toto+json\",",
            "",
            "missing-field",
        ),
        ("\"payload\"", "\"Payload\"", "unknown-field"),
        (
            "\"payload\"",
            "\"Payload\":\"\",\"payload\"",
            "unknown-field",
        ),
        ("\"keyid\":\"k\"", "\"cert\":\"k\"", "unknown-field"),
        ("\"sig\":\"c2lnbmF0dXJl\"", "\"sig\":\"\"", "missing-field"),
        (
            "\"sig\":\"c2lnbmF0dXJl\"",
            "\"sig\":\"c2lnbmF0dXJm\\n\"",
            "bad-base64",
        ),
        (
            "[{\"sig\":\"c2lnbmF0dXJl\",\"keyid\":\"k\"}]",
            "[]",
            "missing-field",
        ),
    ] {
        let error = Envelope::parse(&bytes(&envelope().replacen(from, to, 1)), &Limits::DEFAULT)
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

// N-31, A021
#[test]
fn pre_authentication_encoding_counts_bytes() {
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(pae_prefix("é€", 3), "DSSEv1 5 é€ 3 ".as_bytes());
    assert_ne!(pae("a b", b"c"), pae("a", b"b c"));
}

#[test]
fn legacy_annotations_say_what_is_there() {
    let read = LegacyAnnotations::parse(&legacy_annotations(), &Limits::DEFAULT).unwrap();
    assert_eq!(read.signature, Some(bytes("sig")));
    assert_eq!(read.certificate, Some(bytes("leaf")));
    assert_eq!(read.chain, [bytes("one"), bytes("two")]);
    assert_eq!(read.timestamp, Some(bytes("time")));
    assert_eq!(
        read.predicate_type.as_deref(),
        Some("https://slsa.dev/provenance/v1")
    );
    let entry = read.entry.unwrap();
    assert_eq!(
        (entry.kind.as_str(), entry.version.as_str(), entry.log_index),
        ("hashedrekord", "0.0.1", 5179)
    );
    assert_eq!(entry.integrated_time, Some(UnixTime(1_624_396_085)));
    assert_eq!((entry.promise, entry.proof), (Some(bytes("promise")), None));
    assert_eq!(entry.log_id.len(), 32);

    let mut blank = legacy_annotations();
    blank
        .values_mut()
        .for_each(|value| *value = " \n".to_owned());
    blank.insert("other".to_owned(), "x".to_owned());
    assert_eq!(
        LegacyAnnotations::parse(&blank, &Limits::DEFAULT).unwrap(),
        LegacyAnnotations::default()
    );
}

#[test]
fn broken_legacy_annotations_are_refused_with_their_name() {
    let bundle = "dev.sigstore.cosign/bundle";
    let certificate = "dev.sigstore.cosign/certificate";
    let pem = countersign_formats::write_pem("CERTIFICATE", b"x");
    for (name, value, code) in [
        (
            "dev.cosignproject.cosign/signature",
            "c2ln=".to_owned(),
            "bad-base64",
        ),
        (certificate, "c2ln".to_owned(), "bad-pem"),
        (certificate, pem.repeat(2), "over-limit"),
        ("dev.sigstore.cosign/chain", pem.repeat(11), "over-limit"),
        (
            "dev.sigstore.cosign/rfc3161timestamp",
            "{}".to_owned(),
            "missing-field",
        ),
        (
            "dev.sigstore.cosign/rfc3161timestamp",
            r#"{"SignedRFC3161Timestamp":"?"}"#.to_owned(),
            "bad-base64",
        ),
        ("predicateType", "x".repeat(9 << 10), "over-limit"),
        (bundle, "null".to_owned(), "wrong-type"),
        (
            bundle,
            legacy_bundle().replace("SignedEntryTimestamp", "signedEntryTimestamp"),
            "unknown-field",
        ),
        (
            bundle,
            legacy_bundle().replace("cHJvbWlzZQ==", ""),
            "missing-field",
        ),
        (
            bundle,
            legacy_bundle().replace("1624396085", "\"1624396085\""),
            "wrong-type",
        ),
        (
            bundle,
            legacy_bundle().replace("1624396085", "-1"),
            "bad-value",
        ),
        (
            bundle,
            legacy_bundle().replace("\"logID\":\"97", "\"logID\":\"9F"),
            "bad-value",
        ),
        (
            bundle,
            legacy_bundle().replace("\"body\":\"", "\"body\":\"e30=\",\"x\":\""),
            "unknown-field",
        ),
        (
            bundle,
            legacy_bundle().replace("\"logIndex\":5179,", ""),
            "missing-field",
        ),
    ] {
        let mut annotations = legacy_annotations();
        annotations.insert(name.to_owned(), value);
        let error = LegacyAnnotations::parse(&annotations, &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.path().starts_with(name), "{error}");
    }
}
