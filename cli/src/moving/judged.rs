//! The judgement of images before anything of them is written.

use countersign::Verifier;
use countersign_formats::{Digest, Manifest};
use countersign_registry::replicate::Piece;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::chosen::Chosen;
use super::route::Route;
use crate::arguments::{Carried, Trust};
use crate::commands::Done;
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::explain;
use crate::failure::Failure;
use crate::judging::Judging;
use crate::trust::{self, Wanted};
use crate::{images, stores};

/// What was judged before anything was written.
#[derive(Default)]
pub(super) struct Judged {
    /// Digests of the pieces of evidence that count.
    accepted: Vec<Digest>,
    /// The decision about each image.
    records: Vec<Value>,
}

impl Judged {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.records.extend(other.records);
    }

    /// The decision about the one image, or a list of them.
    pub(super) fn record(&self) -> Value {
        match self.records.as_slice() {
            [record] => record.clone(),
            records => Value::from(records),
        }
    }
}

/// A flag that says whom to trust and is not acted on would be a check that somebody believes in.
pub(super) fn refuse_idle_trust(carried: &Carried) -> Result<(), Failure> {
    if carried.verify_first || carried.trust.print_policy || !carried.trust.names_somebody() {
        return Ok(());
    }
    Err(Failure::usage(
        "conflicting-flags",
        "a flag says whom to trust, and nothing is verified without `--verify-first`",
    )
    .hint("add `--verify-first`, or drop the trust flags"))
}

/// What the trust flags amount to.
pub(super) fn judging(context: &mut Context<'_, '_>, flags: &Trust) -> Result<Judging, Failure> {
    let policies = trust::policy(context, flags, Wanted::Signature, false, &[])?;
    Judging::of_files(context, policies, flags, &[])
}

/// Judges the images where they are, to the first that is denied.
pub(super) fn judge_each(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    route: &Route,
    chosen: &Chosen,
    judging: Judging,
) -> Result<Result<Judged, Done>, Failure> {
    let (verifier, _) = judging.verifier(context)?;
    let mut judged = Judged::default();
    for image in chosen.images() {
        let name = images::pinned(&route.source, &image.descriptor.digest);
        match judge(context, runtime, &name, &verifier)? {
            Ok(one) => judged.add(one),
            Err(denied) => return Ok(Err(denied)),
        }
    }
    Ok(Ok(judged))
}

/// Judges an image where it is; `Err` inside is the denial, an answer of its own.
fn judge(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    name: &str,
    verifier: &Verifier,
) -> Result<Result<Judged, Done>, Failure> {
    let pinned = stores::reference(name)?;
    let now = context.now;
    let verification = runtime.block_on(verifier.verify(&pinned, now))?;
    let decision = &verification.decision;
    let status = explain::status(decision);
    let question = crate::judging::question(verifier);
    explain::explain(context, &verification.name, decision, &question);
    let record = crate::judging::record(decision);
    if status != ExitStatus::Pass {
        context.printer.say("nothing was written");
        return Ok(Err(Done {
            status,
            result: Some(json!({
                "source": name,
                "copied": false,
                "exitCode": status.code(),
                "decision": record,
            })),
        }));
    }
    Ok(Ok(Judged {
        accepted: decision
            .accepted
            .iter()
            .map(|verified| verified.digest())
            .collect(),
        records: vec![record],
    }))
}

pub(super) fn is_verified(judged: Option<&Judged>, piece: &Piece) -> bool {
    let Manifest::Image(image) = &piece.resolved.manifest else {
        return false;
    };
    judged.is_some_and(|judged| {
        image
            .layers
            .iter()
            .any(|layer| judged.accepted.contains(&layer.digest))
    })
}
