//! Vectors about signing certificates.

mod accepted;
mod chain;
mod claims;
mod encoding;
mod keys;
mod names;
mod purpose;
mod time;
mod transparency;

use crate::catalogue::USER;
use crate::certificate::{CertificateSpec, Identity, extended_key_usage, extension, name};
use crate::keys::LabKey;
use crate::lab::{Lab, Recipe, SIGNED_AT, START};
use crate::vector::Vector;

const G: &str = "certificates";
const GOOD: &str = "certificate-for-an-e-mail-address";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    [
        accepted::vectors(lab),
        chain::vectors(lab),
        time::vectors(lab),
        purpose::vectors(lab),
        names::vectors(lab),
        claims::vectors(lab),
        transparency::vectors(lab),
        encoding::vectors(lab),
        keys::vectors(lab),
    ]
    .concat()
}

/// What every other certificate here differs from in one thing.
fn good(lab: &Lab) -> Recipe<'_> {
    lab.keyless(USER).rekor_v1()
}

fn accept(
    name: &'static str,
    claim: &'static str,
    rows: &[&'static str],
    recipe: Recipe<'_>,
) -> Vector {
    Vector::accepted(G, name, claim)
        .rows(rows)
        .bundle(&recipe.build())
        .proven(1, 0, 1)
}

fn reject(
    name: &'static str,
    claim: &'static str,
    rows: &[&'static str],
    code: &'static str,
    recipe: Recipe<'_>,
) -> Vector {
    Vector::rejected(G, name, claim, code, GOOD)
        .rows(rows)
        .bundle(&recipe.build())
}

/// A good certificate that is bent before it is signed.
fn bent(
    lab: &Lab,
    name: &'static str,
    claim: &'static str,
    rows: &[&'static str],
    code: &'static str,
    bend: fn(&mut CertificateSpec),
) -> Vector {
    reject(name, claim, rows, code, good(lab).certificate(bend))
}

/// One intermediate that ended a minute before the signature, and one that ended a minute after.
pub(super) fn short_lived_intermediate(lab: &Lab) -> (Identity, Identity) {
    let make = |not_after: i64| {
        let key = LabKey::p384("short-lived-intermediate");
        let subject = name("lab.example", "short-lived intermediate");
        let spec = CertificateSpec::authority(
            &subject,
            &key,
            &lab.root.name,
            &lab.root.key,
            Some(0),
            (START, not_after),
        )
        .with(extension(
            "2.5.29.37",
            false,
            extended_key_usage(&["1.3.6.1.5.5.7.3.3"]),
        ));
        Identity {
            certificate: spec.sign(&lab.root.key),
            name: subject,
            key,
        }
    };
    (make(SIGNED_AT - 60), make(SIGNED_AT + 60))
}

fn rewrite(value: &mut serde_json::Value, bend: impl Fn(&mut Vec<u8>)) {
    let mut der = crate::base64_decode(value.as_str().unwrap_or_default());
    bend(&mut der);
    *value = serde_json::json!(crate::encode(&der));
}
