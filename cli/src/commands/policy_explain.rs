//! `policy explain`: why an image passes or does not, and what would change that.

use countersign::{Verification, Verifier};
use countersign_policy::PolicySet;
use serde_json::json;

use super::Done;
use crate::arguments::{Explain, Platforms};
use crate::context::Context;
use crate::escape;
use crate::explain;
use crate::explanation;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::judging::{self, Judging};
use crate::packs::Records;
use crate::platforms::{self, Chosen};
use crate::stores;
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: &Explain, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let verification = match &arguments.pack {
        _ if arguments.trust.print_policy => {
            let policies = policies(arguments, context)?;
            return Ok(trust::print(context, &policies));
        }
        Some(path) => recorded(arguments, &Records::open(path)?, context)?,
        None => stored(arguments, context)?,
    };
    let decision = &verification.decision;
    let explanation = decision.explain();
    let view = explanation::view(&verification.name, decision, &explanation);
    if let Some(path) = &arguments.html {
        let existing = Existing::under(arguments.yes);
        files::write(
            "the page",
            path,
            explanation::page(&view).as_bytes(),
            Audience::Everybody,
            existing,
        )?;
    }
    for line in explanation::lines(&view, context.printer.verbosity() > 0) {
        context.printer.line(&line);
    }
    if let Some(path) = &arguments.html {
        context.printer.say(&format!(
            "the page is `{}`",
            escape::field(&path.display().to_string())
        ));
    }
    let status = explain::status(decision);
    let mut result = explanation::to_json(&explanation);
    if let Some(members) = result.as_object_mut() {
        members.insert("image".to_owned(), json!(verification.name));
        members.insert("digest".to_owned(), json!(verification.digest.to_string()));
        members.insert("exitCode".to_owned(), json!(status.code()));
        members.insert("decision".to_owned(), judging::record(decision));
    }
    Ok(Done {
        status,
        result: Some(result),
    })
}

/// Judges an image where it is.
fn stored(arguments: &Explain, context: &mut Context<'_, '_>) -> Result<Verification, Failure> {
    let policies = policies(arguments, context)?;
    let named = arguments.image.clone().unwrap_or_default();
    stores::reference(&named)?;
    let verifier = verifier(arguments, policies, context)?;
    let (runtime, now) = (context.runtime()?, context.now);
    let settings = stores::settings(context);
    let flags = Platforms::one(arguments.platform.as_ref());
    let chosen = platforms::chosen(context, &runtime, &settings, &[named], &flags)?;
    let [Chosen { name, index }] = chosen.as_slice() else {
        return Err(Failure::internal(
            "image-ambiguous",
            "one image was named and not one was chosen",
        ));
    };
    let reference = stores::reference(name)?;
    Ok(match index {
        Some(index) => runtime.block_on(verifier.verify_through(&reference, index, now))?,
        None => runtime.block_on(verifier.verify(&reference, now))?,
    })
}

/// Judges a record of an image.
fn recorded(
    arguments: &Explain,
    records: &Records,
    context: &mut Context<'_, '_>,
) -> Result<Verification, Failure> {
    let chosen = match &arguments.image {
        Some(name) => records.of(name)?,
        None => records.sole()?,
    };
    let runtime = context.runtime()?;
    let chosen = records.platform(chosen, arguments.platform.as_ref(), &runtime)?;
    if !arguments.as_recorded {
        let policies = policies(arguments, context)?;
        let verifier = verifier(arguments, policies, context)?;
        return records.verify(&chosen, &verifier, &runtime, context.now);
    }
    let policies = match policies(arguments, context) {
        Ok(policies) => policies,
        Err(failure) if failure.code == "no-trust" => records.policies()?.ok_or(failure)?,
        Err(failure) => return Err(failure),
    };
    context.printer.warn(&format!(
        "judged by the trust in the pack and as of {}; whoever wrote the pack chose both",
        chosen.record.recorded_at
    ));
    let builder = Verifier::builder().policy(policies).thorough();
    let verifier = records.trusting(chosen.record, builder)?.build()?;
    records.verify(&chosen, &verifier, &runtime, chosen.record.recorded_at)
}

fn verifier(
    arguments: &Explain,
    policies: PolicySet,
    context: &mut Context<'_, '_>,
) -> Result<Verifier, Failure> {
    Judging::new(context, policies, &arguments.trust, &arguments.sources)?.thorough(context)
}

/// The policy to explain by, from files or from flags.
fn policies(arguments: &Explain, context: &mut Context<'_, '_>) -> Result<PolicySet, Failure> {
    let wanted = match arguments.statement_type.as_deref() {
        Some(text) => Wanted::Statement(trust::wanted_type(text)?),
        None => Wanted::Signature,
    };
    trust::policy(
        context,
        &arguments.trust,
        wanted,
        arguments.statement_type.as_deref().is_some(),
        &arguments.annotated.annotations,
    )
}
