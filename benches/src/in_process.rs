//! Verification in this process, as a ratio to the raw signature checks or to the passes that the formats demand.

use std::hint::black_box;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use bytes::Bytes;
use countersign_formats::{
    Digest, HashAlgorithm, Limits, PublicKey, TrustedRoot, UnixTime, Window,
};
use countersign_proof::{
    Image, Origin, StorageForm, Subject, TrustMaterial, TrustedKey, Unverified, verify,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, IN_TOTO, Lab, NOW, pae};

use crate::measure::{Cost, Costs, costs};

const BUDGET: Duration = Duration::from_secs(2);

/// A signature check and nothing else, with the key parsed beforehand.
struct RawCheck {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl RawCheck {
    fn new<A: VerificationAlgorithm + 'static>(
        algorithm: &'static A,
        public: &[u8],
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Self {
        let key = ParsedPublicKey::new(algorithm, public).expect("an own key parses");
        Self {
            key,
            message,
            signature,
        }
    }

    fn ecdsa<A: VerificationAlgorithm + 'static>(
        signing: &'static EcdsaSigningAlgorithm,
        algorithm: &'static A,
    ) -> Self {
        let pair = EcdsaKeyPair::generate(signing).expect("a key is made");
        let message = vec![7_u8; 1024];
        let signature = pair
            .sign(&SystemRandom::new(), &message)
            .expect("it signs")
            .as_ref()
            .to_vec();
        Self::new(algorithm, pair.public_key().as_ref(), message, signature)
    }

    fn p256() -> Self {
        Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P256_SHA256_ASN1)
    }

    fn p384() -> Self {
        Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1)
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key is made");
        let message = vec![7_u8; 1024];
        let signature = pair.sign(&message).as_ref().to_vec();
        Self::new(&ED25519, pair.public_key().as_ref(), message, signature)
    }

    fn run(&self) {
        self.key
            .verify_sig(&self.message, &self.signature)
            .expect("an own signature verifies");
    }
}

fn origin() -> Origin {
    Origin {
        form: StorageForm::BundleFile,
        descriptor: None,
        manifest: None,
        repository: None,
    }
}

pub(crate) fn image() -> Subject {
    Subject::Image(Image::pinned(
        Digest::parse(&Lab::image()).expect("a digest"),
    ))
}

fn trust(lab: &Lab, key: Option<&LabKey>) -> TrustMaterial {
    let root = Bytes::from(lab.trusted_root().to_string());
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).expect("the lab's root parses");
    let mut builder = TrustMaterial::builder().trusted_root(&root);
    if let Some(key) = key {
        let key = PublicKey::from_spki_der(key.spki()).expect("the lab's key parses");
        builder = builder.key(TrustedKey {
            key,
            valid: Window {
                start: None,
                end: None,
            },
            schemes: None,
        });
    }
    builder.build().expect("the lab's trust builds")
}

pub(crate) fn bundle_bytes(evidence: &Evidence) -> Bytes {
    Bytes::from(evidence.bundle.to_string())
}

pub(crate) fn piece(bytes: &Bytes) -> Unverified {
    Unverified::bundle(bytes.clone(), origin(), &Limits::DEFAULT).expect("the lab's bundle parses")
}

/// The raw checks, verification of a parsed bundle, and parsing with it; ratios are medians over rounds.
fn line(name: &str, costs: &Costs<3>) {
    let (raw, ours, whole) = (costs.of(0), costs.of(1), costs.of(2));
    println!(
        "{name:<34} {:>9.1} {:>9.1} {:>6.2} {:>9.1} {:>6.2} {:>7} {:>9}",
        micros(raw),
        micros(ours),
        costs.ratio(1, 0..1),
        micros(whole),
        costs.ratio(2, 0..1),
        ours.allocations,
        ours.bytes
    );
}

fn micros(cost: Cost) -> f64 {
    cost.minimum.as_secs_f64() * 1e6
}

/// Small bundles against the raw signature checks that each demands.
pub(crate) fn small_bundles() {
    println!(
        "## Verification in one process against the raw signature checks (minimum µs, median ratio)\n"
    );
    println!(
        "{:<34} {:>9} {:>9} {:>6} {:>9} {:>6} {:>7} {:>9}",
        "bundle", "raw", "verify", "ratio", "+ parse", "ratio", "allocs", "bytes"
    );
    let lab = Lab::new();
    let key = LabKey::p256("bench");
    let now = UnixTime(NOW);
    let subject = image();
    let with_key = trust(&lab, Some(&key));
    let keyless = trust(&lab, None);
    let p256 = RawCheck::p256;
    let cases: [(&str, Evidence, &TrustMaterial, Vec<RawCheck>); 4] = [
        (
            "key alone (P-256)",
            lab.managed(key.clone()).build(),
            &with_key,
            vec![p256()],
        ),
        (
            "key, Rekor v1",
            lab.managed(key.clone()).rekor_v1().build(),
            &with_key,
            vec![p256(), p256(), p256()],
        ),
        (
            "keyless, Rekor v1",
            lab.keyless("user@example.org").rekor_v1().build(),
            &keyless,
            vec![p256(), p256(), p256(), p256(), RawCheck::p384()],
        ),
        (
            "keyless, Rekor v2 and timestamp",
            lab.keyless("user@example.org")
                .rekor_v2()
                .timestamped()
                .build(),
            &keyless,
            vec![
                p256(),
                p256(),
                RawCheck::ed25519(),
                RawCheck::p384(),
                RawCheck::p384(),
            ],
        ),
    ];
    for (name, evidence, trust, checks) in cases {
        let bytes = bundle_bytes(&evidence);
        let parsed = piece(&bytes);
        let costs = costs(
            BUDGET,
            [
                &mut || checks.iter().for_each(RawCheck::run),
                &mut || {
                    black_box(verify(&parsed, &subject, trust, now).expect("it verifies"));
                },
                &mut || {
                    black_box(verify(&piece(&bytes), &subject, trust, now).expect("it verifies"));
                },
            ],
        );
        line(name, &costs);
    }
    println!();
}

/// A 5 MB SBOM against the passes that the formats demand.
pub(crate) fn large_statement() {
    println!(
        "## A 5 MB SBOM in one process against the passes that the formats demand (minimum ms)\n"
    );
    let lab = Lab::new();
    let key = LabKey::p256("bench");
    let trust = trust(&lab, Some(&key));
    let digest_hex = Lab::image();
    let packages = crate::whole_programs::packages();
    let (algorithm, value) = digest_hex.split_once(':').expect("algorithm:value");
    let statement = serde_json::json!({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "registry.lab.example/app", "digest": {algorithm: value}}],
        "predicate": {"spdxVersion": "SPDX-2.3", "packages": packages}});
    let payload = statement.to_string().into_bytes();
    let evidence = lab.managed(key).statement(&statement).build();
    let bytes = bundle_bytes(&evidence);
    let encoded = base64::engine::general_purpose::STANDARD.encode(&payload);
    let encoding = pae(IN_TOTO, &payload);
    let check = RawCheck::p256();

    let subject = image();
    let expected =
        Digest::new(HashAlgorithm::Sha256, digest(&SHA256, &bytes).as_ref()).expect("a digest");
    let costs = costs(
        BUDGET * 4,
        [
            &mut || {
                black_box(digest(&SHA256, &bytes));
            },
            &mut || {
                black_box(
                    base64::engine::general_purpose::STANDARD
                        .decode(&encoded)
                        .expect("it decodes"),
                );
            },
            &mut || {
                black_box(digest(&SHA256, &encoding));
            },
            &mut || check.run(),
            &mut || {
                assert!(countersign_proof::digest::matches(&expected, &bytes));
                let piece = piece(&bytes);
                black_box(verify(&piece, &subject, &trust, UnixTime(NOW)).expect("it verifies"));
            },
        ],
    );
    let [blob_hash, base64, pae_hash, signature, ours] =
        [0, 1, 2, 3, 4].map(|position| costs.of(position));
    let millis = |cost: Cost| cost.minimum.as_secs_f64() * 1e3;
    let sum = millis(blob_hash) + millis(base64) + millis(pae_hash) + millis(signature);
    println!(
        "predicate {:.2} MB in a bundle of {:.2} MB",
        payload.len() as f64 / 1e6,
        bytes.len() as f64 / 1e6
    );
    println!(
        "blob digest {:.2} + base64 {:.2} + PAE digest {:.2} + signature {:.2} = {sum:.2}",
        millis(blob_hash),
        millis(base64),
        millis(pae_hash),
        millis(signature)
    );
    println!(
        "digest, parse and verify {:.2} (median {:.2}), ratio {:.2}, median of the rounds' ratios {:.2} ({} allocations, {:.1} MB)\n",
        millis(ours),
        ours.median.as_secs_f64() * 1e3,
        millis(ours) / sum,
        costs.ratio(4, 0..4),
        ours.allocations,
        ours.bytes as f64 / 1e6
    );
}
