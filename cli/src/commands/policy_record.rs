//! `policy record`: all evidence about images, the trust and the time, in one file.

use std::collections::BTreeMap;

use countersign::Verification;
use countersign::pack::{PackWriter, SectionKind};
use countersign::record::{self, ImageRecord, RecordError, Recorder};
use countersign_formats::Limits;
use countersign_policy::{Policy, PolicySet, Requirement};
use countersign_registry::Store;
use serde_json::json;

use super::Done;
use crate::arguments::Record;
use crate::context::Context;
use crate::elsewhere::Elsewhere;
use crate::escape;
use crate::failure::Failure;
use crate::files::Existing;
use crate::judging::Judging;
use crate::material::Material;
use crate::trust::{self, Wanted};
use crate::{packs, stores};

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Failure::usage(error.code(), error.to_string()).or_hint(error.hint())
    }
}

pub(crate) fn run(arguments: &Record, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let references = arguments
        .images
        .iter()
        .map(|text| stores::reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let existing = match arguments.yes {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    packs::writable(&arguments.out, existing)?;
    let given = policies(arguments, context)?;
    let policies = given.clone().unwrap_or_else(nothing);
    let material = Material::new(context, &arguments.trust, &policies)?;
    let others = Elsewhere::new(context, &arguments.places)?;
    let (material, trust) = material.snapshot(context)?;
    let settings = stores::settings(context);
    let others = others
        .places
        .iter()
        .map(|place| Ok(countersign_registry::open(place, &settings)?))
        .collect::<Result<Vec<Box<dyn Store>>, Failure>>()?;
    let verifier = Judging {
        policies,
        material,
        evidence: Vec::new(),
        elsewhere: None,
    }
    .thorough(context)?;
    let (runtime, now) = (context.runtime()?, context.now);
    let mut writer = PackWriter::new();
    let mut entries = Vec::new();
    for (text, reference) in arguments.images.iter().zip(&references) {
        let (store, target) = stores::open(reference, &settings)?;
        let own = Recorder::new(store.as_ref(), &Limits::DEFAULT);
        let elsewhere: Vec<Recorder<'_>> = others
            .iter()
            .map(|store| Recorder::new(store.as_ref(), &Limits::DEFAULT))
            .collect();
        let beside: Vec<&Recorder<'_>> = elsewhere.iter().collect();
        let verification = runtime.block_on(record::record(
            &verifier,
            &own,
            &beside,
            &target,
            now,
            &Limits::DEFAULT,
        ))?;
        let mut image = ImageRecord::new(text.clone(), target, verification.digest, now);
        image.authority.clone_from(&trust.authority);
        image.witnesses.clone_from(&trust.witnesses);
        let recorders = std::iter::once(own).chain(elsewhere).collect();
        image.write(recorders, &mut writer, &Limits::DEFAULT)?;
        entries.push(report(context, &verification));
    }
    writer.section(SectionKind::TrustedRoot, "trusted_root.json", trust.root);
    if let Some(policies) = &given {
        let yaml = policies.to_yaml().into();
        writer.section(SectionKind::Policy, "policies.yaml", yaml);
    }
    runtime.block_on(writer.write(&arguments.out))?;
    let path = arguments.out.display().to_string();
    context.printer.line(&escape::field(&path));
    Ok(Done::pass(json!({
        "pack": escape::capped(&path, escape::FIELD_BYTES),
        "recordedAt": now.to_string(),
        "images": entries,
    })))
}

/// The policies to record by and into the pack; none where nobody is named.
fn policies(
    arguments: &Record,
    context: &mut Context<'_, '_>,
) -> Result<Option<PolicySet>, Failure> {
    match trust::policy(context, &arguments.trust, Wanted::Signature, false, &[]) {
        Ok(policies) => Ok(Some(policies)),
        Err(failure) if failure.code == "no-trust" => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A policy that nothing passes: whoever records without one wants all evidence and no verdict.
fn nothing() -> PolicySet {
    PolicySet::from(Policy::new(
        "nothing",
        BTreeMap::new(),
        Requirement::AnyOf(Vec::new()),
    ))
}

fn report(context: &mut Context<'_, '_>, verification: &Verification) -> serde_json::Value {
    let decision = &verification.decision;
    let proven = decision.accepted.len() + decision.unused.len();
    let other = decision.rejected.len() + decision.unusable.len();
    context.printer.say(&format!(
        "recorded: {}: {} {} of evidence",
        escape::field(&verification.name),
        proven + other,
        if proven + other == 1 {
            "piece"
        } else {
            "pieces"
        },
    ));
    let mut outages = Vec::new();
    for report in decision.sources.iter().filter(|report| !report.is_read()) {
        context.printer.warn(&format!(
            "{} could not be read to the end, and the pack says so; record again when that is mended",
            report.source
        ));
        outages.push(report.source.code());
    }
    json!({
        "image": verification.name,
        "digest": verification.digest.to_string(),
        "pieces": proven + other,
        "outages": outages,
    })
}
