//! `sign-blob`: signs a file into a bundle.

use std::path::Path;

use countersign_sign::{Prepared, Signed};
use serde_json::{Value, json};

use super::Done;
use crate::arguments::SignBlob;
use crate::blob_content::{self, Artifact};
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::signatory::{Asked, Candidate};
use crate::signing;

pub(crate) fn run(arguments: &SignBlob, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let path = signing::bundle_path(&arguments.file, arguments.written.bundle.as_ref())?;
    let asked = Asked {
        key: arguments.signer.key.as_deref(),
        services: &arguments.signer.services,
        yes: arguments.signer.yes,
        input_taken: arguments.file == "-",
        patient: false,
    };
    let candidate = Candidate::read(context, asked)?;
    let artifact = blob_content::open(context, &arguments.file)?;
    signing::bundle_writable(&path)?;
    let signatory = candidate.connect(context)?;
    let runtime = context.runtime()?;
    let prepared = Prepared::message(artifact.content.clone());
    let signed = signatory.sign(context, &runtime, &prepared, &artifact.described())?;
    signing::write_bundle(context, &path, &signed.bundle)?;
    Ok(Done::pass(report(
        context, "signed", &artifact, &path, &signed,
    )))
}

/// Says which bundle is about which file.
pub(super) fn report(
    context: &mut Context<'_, '_>,
    verb: &str,
    artifact: &Artifact,
    path: &Path,
    signed: &Signed,
) -> Value {
    let to_stdout = path == Path::new("-");
    let place = path.display().to_string();
    if !to_stdout {
        context.printer.line(&place);
        context.printer.say(&format!(
            "{verb} {}, bundle in `{place}`",
            escape::field(&artifact.described())
        ));
    }
    let mut result = json!({
        "artifact": escape::capped(&artifact.name, escape::FIELD_BYTES),
        "digest": artifact.digest.to_string(),
        "bundleFile": if to_stdout { Value::Null } else { Value::String(place) },
        "bundle": if to_stdout { serde_json::from_slice(&signed.bundle).unwrap_or(Value::Null) } else { Value::Null },
    });
    signing::add_proofs(&mut result, &signed.verified);
    result
}
