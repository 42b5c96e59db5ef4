//! What each fuzz target does with its bytes: no panic, no hang, no unbounded memory, and what is written reads again.
//!
//! Plain functions, so that the corpus is replayed by an ordinary test too (`tests/tests/corpus.rs`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use countersign::pack::{ARTIFACT_TYPE, Pack};
use countersign::record::ImageRecord;
use countersign_formats::json::Reader;
use countersign_formats::{
    Bundle, Checkpoint, Digest, Document, EncryptedPrivateKey, Envelope, LegacyAnnotations, Limits,
    LogBody, Manifest, NotationSignature, PublicKey, Reference, SimpleSigning, Statement,
    TrustedRoot, UnixTime, Window,
};
use countersign_policy::{PolicySet, Source, TestTable};
use countersign_proof::{
    Image, Origin, StorageForm, Subject, TrustMaterial, TrustedKey, Unverified, verify as prove,
};
use countersign_services::SigningConfig;
use countersign_services::identity::IdentityToken;
use countersign_sign::PrivateKeyFile;
use countersign_testdata::keys::{LabKey, sha256};
use countersign_testdata::lab::{Lab, NOW};
use countersign_testdata::tuf_repository::{TufRepository, signed};
use countersign_trust_store::tuf::{Material, Parts};

/// A target: its name, which is that of its folder in the corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("bundle", bundle),
    ("checkpoint", checkpoint),
    ("credential_file", credential_file),
    ("digest", digest),
    ("encrypted_key", encrypted_key),
    ("envelope", envelope),
    ("identity_token", identity_token),
    ("json", json),
    ("legacy_annotations", legacy_annotations),
    ("log_body", log_body),
    ("login_return", login_return),
    ("manifest", manifest),
    ("notation", notation),
    ("pack", pack),
    ("policy", policy),
    ("policy_test", policy_test),
    ("private_key", private_key),
    ("public_key", public_key),
    ("record", record),
    ("reference", reference),
    ("registry_answer", registry_answer),
    ("service_answer", service_answer),
    ("signing_config", signing_config),
    ("simple_signing", simple_signing),
    ("statement", statement),
    ("trusted_root", trusted_root),
    ("tuf", tuf),
    ("verify", verify),
];

/// The parser of `bundle`.
pub fn bundle(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(bundle) = Bundle::parse(&bytes, &Limits::DEFAULT) {
        let written = Bytes::from(bundle.to_json());
        Bundle::parse(&written, &Limits::DEFAULT).expect("a written bundle reads again");
    }
}

/// The parser of `checkpoint`.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Checkpoint::parse(text, &Limits::DEFAULT);
}

/// Docker's `config.json` and podman's `auth.json`: what is read, and what is written into them.
pub fn credential_file(data: &[u8]) {
    let holds = countersign_registry::untrusted::credential_file(data);
    assert!(
        holds.unwrap_or(true),
        "a login that was written is read again, and nothing else is lost"
    );
}

/// The parser of `digest`.
pub fn digest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
    }
}

/// The parser of `encrypted_key`.
pub fn encrypted_key(data: &[u8]) {
    let _ = EncryptedPrivateKey::parse_pem(data);
}

/// The parser of `envelope`.
pub fn envelope(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(envelope) = Envelope::parse(&bytes, &Limits::DEFAULT) {
        let written = Bytes::from(envelope.to_json());
        let again =
            Envelope::parse(&written, &Limits::DEFAULT).expect("a written envelope reads again");
        assert_eq!(again.payload, envelope.payload);
    }
}

/// Identity tokens: what a token says is told, whoever signed it.
pub fn identity_token(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = IdentityToken::parse(text, &Limits::DEFAULT);
    }
}

/// The JSON reader: what it accepts, serde_json accepts.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // The reader and serde_json agree on what is JSON, but for the reader's two extra rules: duplicates and depth.
    let ours = read_whole(text);
    let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if ours {
        assert!(theirs, "the reader accepts what serde_json refuses");
    }
}

/// The parser of `legacy_annotations`.
pub fn legacy_annotations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut annotations = BTreeMap::new();
    let keys = [
        "dev.cosignproject.cosign/signature",
        "dev.sigstore.cosign/certificate",
        "dev.sigstore.cosign/chain",
        "dev.sigstore.cosign/bundle",
        "dev.sigstore.cosign/rfc3161timestamp",
        "predicateType",
    ];
    for (key, value) in keys.iter().zip(text.split('\u{1f}')) {
        annotations.insert((*key).to_owned(), value.to_owned());
    }
    let _ = LegacyAnnotations::parse(&annotations, &Limits::DEFAULT);
}

/// The parser of `log_body`.
pub fn log_body(data: &[u8]) {
    for (kind, version) in [
        ("hashedrekord", "0.0.1"),
        ("dsse", "0.0.1"),
        ("intoto", "0.0.2"),
        ("hashedrekord", "0.0.2"),
        ("dsse", "0.0.2"),
    ] {
        let _ = LogBody::parse(kind, version, data);
    }
}

/// The parser of `manifest`.
pub fn manifest(data: &[u8]) {
    let _ = Manifest::parse(data, None, &Limits::DEFAULT);
    let _ = Manifest::parse(
        data,
        Some("application/vnd.oci.image.manifest.v1+json"),
        &Limits::DEFAULT,
    );
}

/// The parser of Notary Project envelopes: JWS and, by its first byte, COSE with the CBOR reader under it.
pub fn notation(data: &[u8]) {
    let _ = NotationSignature::parse(&Bytes::copy_from_slice(data), &Limits::DEFAULT);
}

/// Packs: the whole file where the first byte is even, else the manifest in a file that is sound.
pub fn pack(data: &[u8]) {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let archive = if form % 2 == 0 {
        bytes.to_vec()
    } else {
        archive_of(bytes)
    };
    std::fs::write(file.path(), archive).expect("a temporary file");
    if let Ok(pack) = Pack::open(file.path(), &Limits::DEFAULT) {
        for section in pack.sections() {
            assert!(countersign_proof::digest::matches(
                &section.digest,
                &section.bytes
            ));
        }
    }
}

/// The parser of policies.
pub fn policy(data: &[u8]) {
    let source = Source {
        name: "policy.yaml".to_owned(),
        bytes: Bytes::copy_from_slice(data),
    };
    if let Ok(policies) = PolicySet::parse(&[source], &Limits::DEFAULT) {
        let written = Source {
            name: "written.yaml".to_owned(),
            bytes: Bytes::from(policies.to_yaml()),
        };
        let again =
            PolicySet::parse(&[written], &Limits::DEFAULT).expect("a written policy reads again");
        assert_eq!(
            again.digest(),
            policies.digest(),
            "writing keeps the meaning"
        );
    }
}

/// Tables of policy tests.
pub fn policy_test(data: &[u8]) {
    let source = Source {
        name: "test.yaml".to_owned(),
        bytes: Bytes::copy_from_slice(data),
    };
    let _ = TestTable::parse(&source, &Limits::DEFAULT);
}

/// Private keys as files, not decrypted: what is read says how it is written.
pub fn private_key(data: &[u8]) {
    let _ = PrivateKeyFile::parse(data, &Limits::DEFAULT);
}

/// The parser of `public_key`.
pub fn public_key(data: &[u8]) {
    let _ = PublicKey::from_pem(data);
    if let Ok(key) = PublicKey::from_spki_der(data) {
        let again =
            PublicKey::from_pem(key.to_pem().as_bytes()).expect("a written key reads again");
        assert_eq!(again.spki(), key.spki());
    }
}

/// Records of what a verification asked and heard.
pub fn record(data: &[u8]) {
    let _ = ImageRecord::parse("record", data);
}

/// The parser of `reference`.
pub fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(reference) = Reference::parse(text) {
        let printed = reference.to_string();
        let again = Reference::parse(&printed).expect("a printed reference reads again");
        assert_eq!(again.to_string(), printed, "printing is canonical");
    }
}

/// What a browser brings back from a login: one request cannot end two of them.
pub fn login_return(data: &[u8]) {
    let ends = |state| countersign_services::untrusted::login_return(data, state) == Some(true);
    assert!(
        !(ends("4f1c") && ends("b7e2")),
        "one state is that of two logins"
    );
}

/// Every reader of what a registry answers, and of logins.
pub fn registry_answer(data: &[u8]) {
    for (_, read) in countersign_registry::untrusted::READERS {
        let _ = read(data, &Limits::DEFAULT);
    }
}

/// Every reader of what an authority, a log or an identity provider answers.
pub fn service_answer(data: &[u8]) {
    for (_, read) in countersign_services::untrusted::READERS {
        let _ = read(data, &Limits::DEFAULT);
    }
}

/// Signing configs.
pub fn signing_config(data: &[u8]) {
    let _ = SigningConfig::parse(&Bytes::copy_from_slice(data), &Limits::DEFAULT);
}

/// The parser of `simple_signing`.
pub fn simple_signing(data: &[u8]) {
    let _ = SimpleSigning::parse(&Bytes::copy_from_slice(data));
}

/// The parser of `statement`.
pub fn statement(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    if let Ok(statement) = Statement::parse(payload, &Limits::DEFAULT)
        && let Some(predicate) = &statement.predicate
    {
        serde_json::from_slice::<serde::de::IgnoredAny>(predicate.bytes())
            .expect("a predicate is one JSON value");
    }
}

/// The parser of `trusted_root`.
pub fn trusted_root(data: &[u8]) {
    let _ = TrustedRoot::parse(&Bytes::copy_from_slice(data), &Limits::DEFAULT);
}

/// Metadata of every role of a TUF repository, in the place of the honest one; nothing of it can be signed.
pub fn tuf(data: &[u8]) {
    let (root, honest) = &*REPOSITORY;
    let data = Bytes::copy_from_slice(data);
    let prove = |held: &Bytes, change: &dyn Fn(&mut Parts)| {
        let mut parts = honest.clone();
        change(&mut parts);
        Material::prove(held, parts, &Limits::DEFAULT).is_ok()
    };
    let _ = prove(&data, &|_| {});
    let _ = prove(root, &|parts| parts.roots = vec![data.clone()]);
    let _ = prove(root, &|parts| parts.timestamp = data.clone());
    let _ = prove(root, &|parts| parts.snapshot = data.clone());
    let _ = prove(root, &|parts| parts.targets = data.clone());
    let stranger = prove(root, &|parts| {
        parts
            .files
            .insert("trusted_root.json".to_owned(), data.clone());
    });
    assert!(!stranger, "a file counts that the targets do not name");
}

/// The whole way from bytes to a proof.
pub fn verify(data: &[u8]) {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    let origin = Origin {
        form: StorageForm::BundleFile,
        descriptor: None,
        manifest: None,
        repository: None,
    };
    let limits = &Limits::DEFAULT;
    let piece = match form % 3 {
        0 => Unverified::bundle(Bytes::copy_from_slice(bytes), origin, limits),
        // A layer, then its annotations as `name=value` lines.
        form => {
            let (layer, rest) = match bytes.iter().position(|byte| *byte == 0x1e) {
                Some(at) => (&bytes[..at], &bytes[at + 1..]),
                None => (bytes, &[][..]),
            };
            let mut annotations = BTreeMap::new();
            for pair in String::from_utf8_lossy(rest).split('\u{1f}') {
                if let Some((name, value)) = pair.split_once('=') {
                    annotations.insert(name.to_owned(), value.to_owned());
                }
            }
            let layer = Bytes::copy_from_slice(layer);
            if form == 1 {
                Unverified::simple_signing(layer, &annotations, origin, limits)
            } else {
                Unverified::dsse(layer, &annotations, origin, limits)
            }
        }
    };
    let subject = Subject::Image(Image::pinned(
        Digest::parse(&Lab::image()).expect("a digest"),
    ));
    match piece.and_then(|piece| prove(&piece, &subject, &TRUST, UnixTime(NOW))) {
        Ok(verified) => assert_eq!(verified.subject().to_string(), Lab::image()),
        Err(rejected) => assert!(!rejected.code().is_empty()),
    }
}

/// Whether our reader takes all of `text` as one JSON value.
fn read_whole(text: &str) -> bool {
    let mut reader = Reader::new(Document::Json, text, &Limits::DEFAULT);
    reader.skip().is_ok() && reader.end().is_ok()
}

static TRUST: LazyLock<TrustMaterial> = LazyLock::new(|| {
    let root = Bytes::from(Lab::new().trusted_root().to_string());
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).expect("the lab's root parses");
    let key = PublicKey::from_spki_der(LabKey::p256("bench").spki()).expect("the lab's key parses");
    let key = TrustedKey {
        key,
        valid: Window {
            start: None,
            end: None,
        },
        schemes: None,
    };
    TrustMaterial::builder()
        .trusted_root(&root)
        .key(key)
        .build()
        .expect("the lab's trust builds")
});

/// A repository whose metadata names versions alone, so that a file of any bytes is read as the next role's.
static REPOSITORY: LazyLock<(Bytes, Parts)> = LazyLock::new(|| {
    let repository = TufRepository::new(b"{}");
    let role = |name: &str, member: &str, body: serde_json::Value| {
        let role = match name {
            "targets" => &repository.targets,
            "snapshot" => &repository.snapshot,
            _ => &repository.timestamp,
        };
        Bytes::from(signed(
            serde_json::json!({
                "_type": name, "spec_version": "1.0.31", "version": 1, "expires": role.expires, member: body,
            }),
            &role.signers,
        ))
    };
    let version = serde_json::json!({"version": 1});
    let parts = Parts {
        roots: Vec::new(),
        timestamp: role(
            "timestamp",
            "meta",
            serde_json::json!({"snapshot.json": version}),
        ),
        snapshot: role(
            "snapshot",
            "meta",
            serde_json::json!({"targets.json": version}),
        ),
        targets: role("targets", "targets", serde_json::json!({})),
        files: BTreeMap::new(),
    };
    let root = Bytes::from(repository.root_bytes());
    Material::prove(&root, parts.clone(), &Limits::DEFAULT).expect("the repository is honest");
    (root, parts)
});

/// A layout in a tar file that lists a manifest of these bytes as a pack, with `{}` as its only other blob.
fn archive_of(manifest: &[u8]) -> Vec<u8> {
    let hex = |bytes: &[u8]| -> String {
        let digest = sha256(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": ARTIFACT_TYPE,
            "digest": format!("sha256:{}", hex(manifest)),
            "size": manifest.len(),
        }],
    });
    let mut archive = Vec::new();
    let mut entry = |name: &str, content: &[u8]| {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    };
    entry("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    entry("index.json", index.to_string().as_bytes());
    for blob in [manifest, b"{}"] {
        entry(&format!("blobs/sha256/{}", hex(blob)), blob);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
