//! Short ways from the lab's recipes to proofs.

use bytes::Bytes;
use countersign_formats::{Digest, Limits, PublicKey, TrustedRoot, UnixTime};
use countersign_proof::{
    Origin, Rejected, StorageForm, Subject, TrustBuilder, TrustMaterial, TrustedKey, Unverified,
    Verified, verify,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, NOW};
use serde_json::Value;

pub(crate) fn root(value: &Value) -> TrustedRoot {
    TrustedRoot::parse(&Bytes::from(value.to_string()), &Limits::DEFAULT).unwrap()
}

/// Trust in everything of the lab, and in nobody's key.
pub(crate) fn builder(lab: &Lab) -> TrustBuilder {
    TrustMaterial::builder().trusted_root(&root(&lab.trusted_root()))
}

pub(crate) fn public(key: &LabKey) -> PublicKey {
    PublicKey::from_spki_der(key.spki()).unwrap()
}

pub(crate) fn trusted(key: &LabKey) -> TrustedKey {
    TrustedKey::new(public(key))
}

pub(crate) fn image() -> Subject {
    Subject::image(Digest::parse(&Lab::image()).unwrap())
}

pub(crate) fn bundle(evidence: &Evidence) -> Unverified {
    let bytes = Bytes::from(evidence.bundle.to_string());
    Unverified::bundle(
        bytes,
        Origin::new(StorageForm::BundleFile),
        &Limits::DEFAULT,
    )
    .unwrap()
}

pub(crate) fn prove(
    evidence: &Evidence,
    subject: &Subject,
    trust: TrustBuilder,
) -> Result<Verified, Rejected> {
    verify(
        &bundle(evidence),
        subject,
        &trust.build().unwrap(),
        UnixTime(NOW),
    )
}

pub(crate) fn code(outcome: Result<Verified, Rejected>) -> &'static str {
    match outcome {
        Ok(_) => "accepted",
        Err(rejected) => rejected.code(),
    }
}
