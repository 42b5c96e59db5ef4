//! Honest evidence of every kind, with the peers that its parts are exchanged with.

use super::json::Json;
use bytes::Bytes;
use countersign_formats::{Digest, Limits, PublicKey, TrustedRoot, UnixTime, Window};
use countersign_proof::{
    BytesContent, Origin, Rejected, StorageForm, Subject, TrustMaterial, TrustedKey, Unverified,
    Verified, verify,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{
    Evidence, Lab, NOW, Recipe, SIGNED_AT, image_statement, simple_signing_payload,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a document stands for a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The document is the bundle.
    Bundle,
    /// `{"layer": text, "annotations": {…}}` of a `.sig` layer.
    SimpleSigning,
    /// `{"layer": text, "annotations": {…}}` of an `.att` layer.
    Envelope,
}

/// One piece of honest evidence.
pub(crate) struct Seed {
    /// Its name in the lists.
    pub(crate) name: &'static str,
    /// How it is stored.
    pub(crate) form: Form,
    /// Whether it is about the lab's file, not the lab's image.
    pub(crate) about_file: bool,
    /// Whether a managed key signed it.
    pub(crate) managed: bool,
    /// The evidence.
    pub(crate) document: Json,
    /// The same signer's next signature of the same thing, and its signature of another thing.
    alike: [Json; 2],
}

/// Everything that the lab made, and what is needed to judge it.
pub(crate) struct Corpus {
    /// The seeds.
    pub(crate) seeds: Vec<Seed>,
    /// The trusted root, as JSON.
    pub(crate) root: String,
    /// PEM of the managed key.
    pub(crate) key: String,
}

/// This verifier, with the corpus's trust.
pub(crate) struct Ours {
    trust: TrustMaterial,
}

const OTHER_IMAGE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn managed_key() -> LabKey {
    LabKey::p256("lab-mutated")
}

impl Corpus {
    /// Makes all evidence anew; signatures differ from run to run, places and verdicts must not.
    pub(crate) fn new() -> Self {
        let lab = Lab::new();
        Self {
            seeds: seeds(&lab),
            root: lab.trusted_root().to_string(),
            key: managed_key().public_pem(),
        }
    }

    /// What is exchanged with a seed's parts, the most alike first.
    pub(crate) fn peers<'a>(&'a self, seed: &'a Seed) -> Vec<&'a Json> {
        let others = self
            .seeds
            .iter()
            .filter(|other| other.form == seed.form && other.name != seed.name)
            .map(|other| &other.document);
        seed.alike.iter().chain(others).collect()
    }
}

impl Ours {
    /// Prepares the corpus's trust: its root and its key.
    pub(crate) fn new(corpus: &Corpus) -> Self {
        let root = Bytes::from(corpus.root.clone());
        let trust = TrustMaterial::builder()
            .trusted_root(&TrustedRoot::parse(&root, &Limits::DEFAULT).unwrap())
            .key(TrustedKey {
                key: PublicKey::from_pem(corpus.key.as_bytes()).unwrap(),
                valid: Window {
                    start: None,
                    end: None,
                },
                schemes: None,
            })
            .build()
            .unwrap();
        Self { trust }
    }

    /// What this verifier says about a document in the place of the seed's; `None` when it can't be stored in this form.
    pub(crate) fn judge(&self, seed: &Seed, document: &Json) -> Option<Result<Verified, Rejected>> {
        let piece = match piece(seed.form, document)? {
            Ok(piece) => piece,
            Err(rejected) => return Some(Err(rejected)),
        };
        Some(verify(&piece, &subject(seed), &self.trust, UnixTime(NOW)))
    }
}

/// What the seed is about.
fn subject(seed: &Seed) -> Subject {
    if seed.about_file {
        Subject::Blob(Arc::new(BytesContent(Lab::artifact().into())))
    } else {
        Subject::image(Digest::parse(&Lab::image()).unwrap())
    }
}

fn piece(form: Form, document: &Json) -> Option<Result<Unverified, Rejected>> {
    let limits = Limits::DEFAULT;
    if form == Form::Bundle {
        let bytes = Bytes::from(document.to_string());
        let origin = Origin::new(StorageForm::BundleReferrer);
        return Some(Unverified::bundle(bytes, origin, &limits));
    }
    let Json::Object(parts) = document else {
        return None;
    };
    let [(first, Json::Text(layer)), (second, Json::Object(members))] = parts.as_slice() else {
        return None;
    };
    if first != "layer" || second != "annotations" {
        return None;
    }
    let mut annotations = BTreeMap::new();
    for (name, value) in members {
        // An annotation is a string, and the manifest's parser refuses one that is given twice.
        let again = annotations.insert(name.clone(), value.text()?.to_owned());
        if again.is_some() {
            return None;
        }
    }
    let layer = Bytes::from(layer.clone());
    Some(match form {
        Form::SimpleSigning => {
            let origin = Origin::new(StorageForm::SignatureTag);
            Unverified::simple_signing(layer, &annotations, origin, &limits)
        }
        _ => Unverified::dsse(
            layer,
            &annotations,
            Origin::new(StorageForm::AttestationTag),
            &limits,
        ),
    })
}

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    Statement,
    File,
    Payload,
}

/// What vouches for it.
#[derive(Clone, Copy)]
enum Services {
    None,
    Timestamp,
    Version1,
    Version1Intoto,
    Version1Twice,
    Version2,
    Version2Rsa,
}

/// Name, form, whether a managed key signs, what is signed, what vouches for it.
const PLANS: &[(&str, Form, bool, Signed, Services)] = &[
    ("key", Form::Bundle, true, Signed::Statement, Services::None),
    ("key-file", Form::Bundle, true, Signed::File, Services::None),
    (
        "key-timestamp",
        Form::Bundle,
        true,
        Signed::Statement,
        Services::Timestamp,
    ),
    (
        "key-v1",
        Form::Bundle,
        true,
        Signed::Statement,
        Services::Version1,
    ),
    (
        "key-file-v1",
        Form::Bundle,
        true,
        Signed::File,
        Services::Version1,
    ),
    (
        "keyless-v1",
        Form::Bundle,
        false,
        Signed::Statement,
        Services::Version1,
    ),
    (
        "keyless-v1-intoto",
        Form::Bundle,
        false,
        Signed::Statement,
        Services::Version1Intoto,
    ),
    (
        "keyless-v1-twice",
        Form::Bundle,
        false,
        Signed::Statement,
        Services::Version1Twice,
    ),
    (
        "keyless-file-v1",
        Form::Bundle,
        false,
        Signed::File,
        Services::Version1,
    ),
    (
        "keyless-v2",
        Form::Bundle,
        false,
        Signed::Statement,
        Services::Version2,
    ),
    (
        "keyless-v2-rsa",
        Form::Bundle,
        false,
        Signed::Statement,
        Services::Version2Rsa,
    ),
    (
        "keyless-file-v2",
        Form::Bundle,
        false,
        Signed::File,
        Services::Version2,
    ),
    (
        "sig-key",
        Form::SimpleSigning,
        true,
        Signed::Payload,
        Services::None,
    ),
    (
        "sig-key-v1",
        Form::SimpleSigning,
        true,
        Signed::Payload,
        Services::Version1,
    ),
    (
        "sig-keyless-v1",
        Form::SimpleSigning,
        false,
        Signed::Payload,
        Services::Version1,
    ),
    (
        "sig-keyless-timestamp",
        Form::SimpleSigning,
        false,
        Signed::Payload,
        Services::Timestamp,
    ),
    (
        "att-key",
        Form::Envelope,
        true,
        Signed::Statement,
        Services::None,
    ),
    (
        "att-keyless-v1",
        Form::Envelope,
        false,
        Signed::Statement,
        Services::Version1,
    ),
];

fn seeds(lab: &Lab) -> Vec<Seed> {
    let seed = |plan: &(&'static str, Form, bool, Signed, Services)| {
        let (name, form, managed, signed, services) = *plan;
        let document = |image: &str, file: &[u8], time| {
            let recipe = if managed {
                lab.managed(managed_key())
            } else {
                lab.keyless("dev@lab.example")
            };
            let recipe = match signed {
                Signed::Statement => recipe.statement(&image_statement(image)),
                Signed::File => recipe.message(file),
                Signed::Payload => {
                    recipe.simple_signing(simple_signing_payload(image).to_string().as_bytes())
                }
            };
            let recipe = vouched(lab, recipe.integrated_at(time), services, time);
            document(form, &recipe.build())
        };
        let (image, file) = (Lab::image(), Lab::artifact());
        Seed {
            name,
            form,
            about_file: signed == Signed::File,
            managed,
            document: document(&image, &file, SIGNED_AT),
            alike: [
                document(&image, &file, SIGNED_AT + 5),
                document(OTHER_IMAGE, b"another file", SIGNED_AT + 10),
            ],
        }
    };
    PLANS.iter().map(seed).collect()
}

fn vouched<'lab>(lab: &Lab, recipe: Recipe<'lab>, services: Services, time: i64) -> Recipe<'lab> {
    match services {
        Services::None => recipe,
        Services::Timestamp => recipe.timestamped_by(&lab.timestamp_leaf, time),
        Services::Version1 => recipe.rekor_v1(),
        Services::Version1Twice => recipe.rekor_v1().logged(lab.second_rekor_v1.clone(), ""),
        Services::Version1Intoto => recipe.logged(lab.rekor_v1.clone(), "intoto"),
        Services::Version2 => recipe.rekor_v2().timestamped_by(&lab.timestamp_leaf, time),
        Services::Version2Rsa => recipe
            .rekor_v2()
            .timestamped_by(&lab.rsa_timestamp_leaf, time),
    }
}

fn document(form: Form, evidence: &Evidence) -> Json {
    if form == Form::Bundle {
        return Json::from(&evidence.bundle);
    }
    let layer = String::from_utf8(evidence.layer.clone()).unwrap();
    Json::from(&json!({"layer": layer, "annotations": evidence.annotations}))
}
