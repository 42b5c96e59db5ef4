//! `policy explain`: why an image passes or does not, and what would change that.

use countersign_policy::PolicySet;
use serde_json::json;

use super::Done;
use crate::arguments::Explain;
use crate::context::Context;
use crate::escape;
use crate::explain;
use crate::explanation;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::judging::{self, Judging};
use crate::stores;
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: &Explain, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let policies = policies(arguments, context)?;
    if arguments.trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let reference = stores::reference(&arguments.image)?;
    let judging = Judging::new(context, policies, &arguments.trust, &arguments.sources)?;
    let verifier = judging.thorough(context)?;
    let now = context.now;
    let verification = context
        .runtime()?
        .block_on(verifier.verify(&reference, now))?;
    let decision = &verification.decision;
    let explanation = decision.explain();
    let view = explanation::view(&verification.name, decision, &explanation);
    if let Some(path) = &arguments.html {
        let existing = if arguments.yes {
            Existing::Replace
        } else {
            Existing::Keep
        };
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

/// The policy to explain by, from files or from flags.
fn policies(arguments: &Explain, context: &mut Context<'_, '_>) -> Result<PolicySet, Failure> {
    let wanted = match &arguments.predicate_type {
        Some(text) => Wanted::Statement(trust::wanted_type(text)?),
        None => Wanted::Signature,
    };
    trust::policy(
        context,
        &arguments.trust,
        wanted,
        arguments.predicate_type.is_some(),
        &arguments.annotations,
    )
}
