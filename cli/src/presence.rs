//! Tells whether an image carries a signature of this very key already, by the same road as `verify`.

use std::collections::BTreeMap;

use countersign::Verifier;
use countersign_formats::{Descriptor, Reference, Window};
use countersign_policy::{Policy, PolicySet, Requirement, SignerRule, Verdict};
use countersign_proof::TrustedKey;
use countersign_registry::Settings;
use countersign_sign::PrivateKey;

use crate::context::Context;
use crate::failure::Failure;
use crate::{images, stores};

/// Whether `key` has signed `image` with these annotations.
///
/// # Errors
/// When it could not be found out: an outage must never lead to a second signature.
pub(crate) fn is_signed(
    context: &Context<'_, '_>,
    runtime: &tokio::runtime::Runtime,
    settings: &Settings,
    reference: &Reference,
    image: &Descriptor,
    key: &PrivateKey,
    annotations: &BTreeMap<String, String>,
) -> Result<bool, Failure> {
    let keys = vec![TrustedKey {
        key: key.public_key().clone(),
        valid: Window {
            start: None,
            end: None,
        },
        schemes: None,
    }];
    let policy = Policy::new(
        "signed-already",
        BTreeMap::from([(
            "key".to_owned(),
            SignerRule::Key {
                keys: keys.into_iter().map(Into::into).collect(),
            },
        )]),
        Requirement::signature(vec!["key".to_owned()], annotations.clone()),
    );
    let verifier = Verifier::builder()
        .policy(PolicySet::from(policy))
        .settings(settings.clone())
        .build()?;
    let pinned = stores::reference(&images::pinned(reference, &image.digest))?;
    let verification = runtime.block_on(verifier.verify(&pinned, context.now))?;
    match verification.decision.verdict {
        Verdict::Pass => Ok(true),
        Verdict::Fail(_) => Ok(false),
        Verdict::Unknown(causes) => {
            let status = crate::explain::status_of_unknown(&causes);
            let detail = causes.first().map(ToString::to_string).unwrap_or_default();
            Err(Failure::new(
                status,
                "presence-unknown",
                format!("it could not be found out whether the image is signed already: {detail}"),
            )
            .hint("try again, or sign without `--if-missing`"))
        }
    }
}
