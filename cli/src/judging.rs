//! Judges images and files by a policy, and reports what came of it.

use std::path::PathBuf;

use bytes::Bytes;
use countersign::{Evidence, Verification, Verifier, VerifierBuilder, VerifyError};
use countersign_formats::{Limits, Reference};
use countersign_policy::{Decision, PolicySet};
use countersign_proof::{Image, KeyId};
use serde_json::{Value, json};

use crate::arguments::{Judged, Platforms, Sources, Trust};
use crate::commands::Done;
use crate::context::Context;
use crate::elsewhere::Elsewhere;
use crate::escape;
use crate::exit::ExitStatus;
use crate::explain::{self, Question};
use crate::failure::Failure;
use crate::images::{self, ImageDone};
use crate::material::Material;
use crate::trust::{self, Wanted};
use crate::{blob_content, files, platforms, stores};

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        use countersign::ErrorClass;
        let error = match error {
            // The store's own words and code say more.
            VerifyError::Store(store) => return Failure::from(store),
            other => other,
        };
        let status = match error.class() {
            ErrorClass::Usage => ExitStatus::Usage,
            ErrorClass::NotFound => ExitStatus::NotFound,
            ErrorClass::Authentication => ExitStatus::Authentication,
            ErrorClass::Trust => ExitStatus::TrustMaterial,
            ErrorClass::Internal => ExitStatus::Internal,
            _ => ExitStatus::Unavailable,
        };
        Failure::new(status, error.code(), error.to_string()).or_hint(error.hint())
    }
}

/// What is judged by: the policy, the material that proves something and the evidence that was brought along.
pub(crate) struct Judging {
    pub(crate) policies: PolicySet,
    pub(crate) material: Material,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) elsewhere: Option<Elsewhere>,
}

impl Judging {
    /// What the flags about trust and evidence amount to, for images.
    pub(crate) fn new(
        context: &mut Context<'_, '_>,
        policies: PolicySet,
        trust: &Trust,
        sources: &Sources,
    ) -> Result<Self, Failure> {
        let elsewhere = Elsewhere::new(context, &sources.places)?;
        Ok(Self {
            elsewhere: Some(elsewhere),
            ..Self::of_files(context, policies, trust, &sources.bundle)?
        })
    }

    /// What the trust flags and bundle files amount to.
    pub(crate) fn of_files(
        context: &Context<'_, '_>,
        policies: PolicySet,
        trust: &Trust,
        bundles: &[PathBuf],
    ) -> Result<Self, Failure> {
        Ok(Self {
            evidence: evidence(bundles)?,
            material: Material::new(context, trust, &policies)?,
            policies,
            elsewhere: None,
        })
    }

    /// A verifier that reads every source to its end, so that its decisions know all there is.
    pub(crate) fn thorough(self, context: &Context<'_, '_>) -> Result<Verifier, Failure> {
        let (builder, material) = self.builder(context);
        let (builder, _) = material.apply(context, builder.thorough())?;
        Ok(builder.build()?)
    }

    /// A verifier whose proofs keep the bytes that they are about, for a command that stores or prints those.
    pub(crate) fn passing_on(
        self,
        context: &Context<'_, '_>,
        thorough: bool,
    ) -> Result<Verifier, Failure> {
        let (builder, material) = self.builder(context);
        let builder = builder.keeping_bytes();
        let builder = if thorough {
            builder.thorough()
        } else {
            builder
        };
        let (builder, _) = material.apply(context, builder)?;
        Ok(builder.build()?)
    }

    /// The verifier for this run, and by which trust it judges, for the JSON envelope.
    pub(crate) fn verifier(self, context: &Context<'_, '_>) -> Result<(Verifier, Value), Failure> {
        let (builder, material) = self.builder(context);
        let (builder, trust) = material.apply(context, builder)?;
        Ok((builder.build()?, trust))
    }

    fn builder(self, context: &Context<'_, '_>) -> (VerifierBuilder, Material) {
        let mut builder = Verifier::builder()
            .policy(self.policies)
            .settings(stores::settings(context))
            .deadline(context.global.timeout)
            .evidence(self.evidence);
        if let Some(elsewhere) = self.elsewhere {
            builder = builder
                .evidence_from(elsewhere.places)
                .tag_prefixes(elsewhere.tag_prefixes);
        }
        (builder, self.material)
    }
}

/// Reads bundle files.
fn evidence(paths: &[PathBuf]) -> Result<Vec<Evidence>, Failure> {
    paths
        .iter()
        .map(|path| {
            let bytes = files::read("the bundle", path, Limits::DEFAULT.bundle_bytes)?;
            Ok(Evidence::new(
                path.display().to_string(),
                Bytes::from(bytes),
            ))
        })
        .collect()
}

/// Judges each image and ends with a summary when there are several.
pub(crate) fn images(
    context: &mut Context<'_, '_>,
    names: &[String],
    platforms: &Platforms,
    judging: Judging,
) -> Result<Done, Failure> {
    // Typing errors come before the trust material is prepared.
    images::readable(names)?;
    let (verifier, trust) = judging.verifier(context)?;
    let runtime = context.runtime()?;
    let settings = stores::settings(context);
    let chosen = platforms::chosen(context, &runtime, &settings, names, platforms)?;
    let now = context.now;
    let question = question(&verifier);
    let (names, indexes): (Vec<String>, Vec<Option<Image>>) = chosen
        .into_iter()
        .map(|chosen| (chosen.name, chosen.index))
        .unzip();
    // Each name comes once, in order.
    let mut indexes = indexes.iter();
    let mut done = images::each(context, &names, |context, text, reference| {
        let verification = match indexes.next() {
            Some(Some(index)) => {
                runtime.block_on(verifier.verify_through(reference, index, now))?
            }
            _ => runtime.block_on(verifier.verify(reference, now))?,
        };
        Ok(report(context, text, &verification, &question))
    })?;
    if let Some(result) = done.result.as_mut().and_then(Value::as_object_mut) {
        result.insert("trust".to_owned(), trust);
    }
    if names.len() > 1 {
        summary(context, &done);
    }
    Ok(done)
}

/// Prints one judged image and makes its entry.
pub(crate) fn report(
    context: &mut Context<'_, '_>,
    text: &str,
    verification: &Verification,
    question: &Question,
) -> ImageDone {
    let status = explain::status(&verification.decision);
    explain::explain(
        context,
        &verification.name,
        &verification.decision,
        question,
    );
    if status == ExitStatus::Pass {
        context.printer.line(&verification.name);
    }
    ImageDone {
        status,
        entry: json!({
            "reference": escape::capped(text, escape::FIELD_BYTES),
            "image": verification.name,
            "digest": verification.digest.to_string(),
            "mediaType": verification.image.as_ref().map(|image| escape::capped(&image.media_type, escape::FIELD_BYTES)),
            "exitCode": status.code(),
            "requests": verification.requests,
            "decision": record(&verification.decision),
        }),
    }
}

/// What a verifier asks for.
pub(crate) fn question(verifier: &Verifier) -> Question {
    let keys = verifier.policies().keys().into_iter();
    let elsewhere = verifier.elsewhere().iter();
    Question {
        trusted: keys.map(|key| KeyId::of(&key.key)).collect(),
        elsewhere: elsewhere
            .map(|place| match place {
                // The tag that its parser adds is none of the place's.
                Reference::Registry(registry) => registry.name(),
                other => other.to_string(),
            })
            .collect(),
    }
}

/// The decision for the JSON envelope.
pub(crate) fn record(decision: &Decision) -> Value {
    // A record is made of strings, numbers and lists of them, which serialize.
    serde_json::to_value(decision.record()).unwrap_or(Value::Null)
}

fn summary(context: &mut Context<'_, '_>, done: &Done) {
    let entries = done
        .result
        .as_ref()
        .and_then(|result| result.get("images"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    context.printer.say("summary:");
    for entry in &entries {
        let code = entry
            .get("exitCode")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let status = ExitStatus::ALL
            .into_iter()
            .find(|status| u64::from(status.code()) == code)
            .unwrap_or(ExitStatus::Internal);
        let word = explain::word(status);
        let name = entry
            .get("image")
            .or_else(|| entry.get("reference"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        context
            .printer
            .say(&format!("  {word} ({code}) {}", escape::field(name)));
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    context
        .printer
        .say(&format!("{} images: {}", entries.len(), counts.join(", ")));
}

/// Judges a file, or the digest of one; or prints the policy that the flags amount to.
pub(crate) fn blob(
    context: &mut Context<'_, '_>,
    judged: &Judged,
    wanted: Wanted,
    type_flag: bool,
) -> Result<Done, Failure> {
    let policies = trust::policy(context, &judged.trust, wanted, type_flag, &[])?;
    if judged.trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let judging = Judging::of_files(context, policies, &judged.trust, &judged.bundle)?;
    let artifact = blob_content::open(context, judged.file.as_deref().unwrap_or("-"))?;
    let (verifier, trust) = judging.verifier(context)?;
    let now = context.now;
    let decision =
        context
            .runtime()?
            .block_on(verifier.verify_blob(artifact.content.clone(), &[], now))?;
    let status = explain::status(&decision);
    let name = format!("{}@{}", artifact.name, artifact.digest);
    let name = if artifact.name == artifact.digest.to_string() {
        artifact.name.clone()
    } else {
        name
    };
    explain::explain(context, &name, &decision, &question(&verifier));
    if status == ExitStatus::Pass {
        context.printer.line(&artifact.digest.to_string());
    }
    Ok(Done {
        status,
        result: Some(json!({
            "artifact": escape::capped(&artifact.name, escape::FIELD_BYTES),
            "digest": artifact.digest.to_string(),
            "exitCode": status.code(),
            "decision": record(&decision),
            "trust": trust,
        })),
    })
}
