//! What real peers wrote is accepted, and not with one bit changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Limits, PublicKey, UnixTime};
use countersign_proof::{
    BytesContent, Claim, Origin, Rejected, StorageForm, Subject, TrustMaterial, TrustedKey,
    Unverified, Verified, verify,
};

const KINDS: [&str; 5] = ["p256", "p384", "p521", "ed25519", "rsa2048"];
const NOW: UnixTime = UnixTime(1_796_083_200);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/cosign-3.1.3")
}

fn judge(kind: &str, bundle: Vec<u8>) -> Result<Verified, Rejected> {
    let key =
        PublicKey::from_pem(&fs::read(folder().join(format!("{kind}.pub"))).unwrap()).unwrap();
    let trust = TrustMaterial::keys_only(vec![TrustedKey::new(key)]).unwrap();
    let file = Bytes::from(fs::read(folder().join("file.bin")).unwrap());
    let subject = Subject::Blob(Arc::new(BytesContent(file)));
    let piece = Unverified::bundle(
        bundle.into(),
        Origin::new(StorageForm::BundleFile),
        &Limits::DEFAULT,
    )?;
    verify(&piece, &subject, &trust, NOW)
}

#[test]
fn message_signatures_of_cosign_verify_for_each_kind_of_key() {
    for kind in KINDS {
        let bundle = fs::read(folder().join(format!("blob-{kind}.json"))).unwrap();
        let verified = judge(kind, bundle).unwrap_or_else(|rejected| panic!("{kind}: {rejected}"));
        assert!(matches!(verified.claim(), Claim::Message { .. }));
    }
}

#[test]
fn attestations_of_cosign_verify_for_each_kind_of_key() {
    for kind in KINDS {
        let bundle = fs::read(folder().join(format!("attest-blob-{kind}.json"))).unwrap();
        let verified = judge(kind, bundle).unwrap_or_else(|rejected| panic!("{kind}: {rejected}"));
        assert_eq!(
            verified.claim().predicate_type(),
            Some("https://example.org/p")
        );
    }
}

#[test]
fn a_bundle_of_cosign_with_one_changed_signature_byte_is_refused() {
    for kind in KINDS {
        for name in ["blob", "attest-blob"] {
            let text = fs::read_to_string(folder().join(format!("{name}-{kind}.json"))).unwrap();
            let mark = if name == "blob" {
                "\"signature\":\""
            } else {
                "\"sig\":\""
            };
            let position = text.find(mark).unwrap() + mark.len() + 20;
            let mut bytes = text.into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let rejected = judge(kind, bytes).unwrap_err();
            assert_eq!(
                rejected.code(),
                "signature-invalid",
                "{name} {kind}: {rejected}"
            );
        }
    }
}
