//! Trusted roots.

use crate::fixtures::{bytes, trusted_root};
use countersign_formats::{Error, Limits, TrustedRoot, UnixTime};

fn parse(text: &str) -> Result<TrustedRoot, Error> {
    TrustedRoot::parse(&bytes(text), &Limits::DEFAULT)
}

#[test]
fn root_keeps_what_it_cannot_interpret() {
    let root = parse(&trusted_root()).unwrap();
    assert_eq!((root.logs.len(), root.ct_logs.len()), (2, 1));
    let log = &root.logs[1];
    assert_eq!(log.key.key_details, "PKIX_ML_DSA_65");
    assert_eq!(log.origin.as_deref(), Some("log2.example"));
    assert_eq!(
        (log.log_id.len(), log.checkpoint_key_id.as_ref()),
        (32, None)
    );
    assert_eq!(log.key.valid.start, Some(UnixTime(1_610_452_407)));
    assert_eq!(log.key.valid.end, None);
    let authority = &root.certificate_authorities[0];
    assert_eq!(
        (
            authority.organization.as_str(),
            authority.common_name.as_str()
        ),
        ("example", "fulcio")
    );
    assert_eq!(authority.chain, [bytes("one"), bytes("two")]);
    assert!(authority.valid.contains(UnixTime(1_672_531_199)));
    assert!(!authority.valid.contains(UnixTime(1_672_531_200)));
    assert_eq!(root.timestamp_authorities[0].uri, "https://tsa.example");
}

#[test]
fn both_versions_unknown_members_and_checkpoint_keys_are_read() {
    for media_type in [
        "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
        "application/vnd.dev.sigstore.trustedroot.v0.2+json",
        "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    ] {
        let text = trusted_root()
            .replacen(
                "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                media_type,
                1,
            )
            .replacen("\"tlogs\"", "\"new\":{\"a\":[]},\"tlogs\"", 1)
            .replacen(
                "\"baseUrl\"",
                "\"operator\":\"x\",\"checkpointKeyId\":{\"keyId\":\"AQIDBA==\"},\"baseUrl\"",
                1,
            );
        let root = parse(&text).unwrap();
        assert_eq!(root.media_type, media_type);
        assert_eq!(
            root.logs[0].checkpoint_key_id.as_deref(),
            Some(&[1, 2, 3, 4][..])
        );
    }
    let empty =
        parse(r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#)
            .unwrap();
    assert!(empty.logs.is_empty() && empty.certificate_authorities.is_empty());
}

#[test]
fn broken_roots_are_refused_with_the_place() {
    for (from, to, code, path) in [
        ("version=0.1", "version=0.3", "unsupported", "mediaType"),
        (
            "{\"mediaType\":\"application/vnd.dev.sigstore.trustedroot+json;version=0.1\",",
            "{",
            "missing-field",
            "",
        ),
        (
            "\"rawBytes\":\"a2V5\",",
            "",
            "missing-field",
            "tlogs[0].publicKey",
        ),
        (
            "\"rawBytes\":\"a2V5\"",
            "\"rawBytes\":\"a2V5\",\"rawbytes\":\"a2V5\"",
            "duplicate-key",
            "tlogs[0].publicKey",
        ),
        (
            "2021-01-12T11:53:27Z",
            "yesterday",
            "bad-value",
            "tlogs[0].publicKey.validFor.start",
        ),
        (
            "\"start\":\"2021-01-12T11:53:27Z\"",
            "\"start\":null",
            "wrong-type",
            "tlogs[0].publicKey.validFor.start",
        ),
        (
            "{\"rawBytes\":\"b25l\"}",
            "{}",
            "missing-field",
            "certificateAuthorities[0].certChain.certificates[0]",
        ),
        (
            "[{\"rawBytes\":\"b25l\"},{\"rawBytes\":\"dHdv\"}]",
            "[]",
            "missing-field",
            "certificateAuthorities[0]",
        ),
        (
            "\"tlogs\":",
            "\"new\":{\"a\":1,\"a\":2},\"tlogs\":",
            "duplicate-key",
            "new",
        ),
        (
            "\"logId\":{",
            "\"logId\":{\"KeyId\":\"AA==\",",
            "duplicate-key",
            "tlogs[0].logId",
        ),
    ] {
        let text = trusted_root().replacen(from, to, 1);
        assert_ne!(text, trusted_root(), "{from}");
        let error = parse(&text).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, path), "{error}");
    }
    let log = r#"{"publicKey":{"rawBytes":"AA=="},"logId":{"keyId":"AA=="}}"#;
    let many = |count: usize| {
        format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[{}]}}"#,
            vec![log; count].join(",")
        )
    };
    parse(&many(64)).unwrap();
    assert_eq!(parse(&many(65)).unwrap_err().code(), "over-limit");
}
