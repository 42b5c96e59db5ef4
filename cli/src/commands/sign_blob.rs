//! `sign-blob`: signs a file into a bundle.

use std::path::Path;

use countersign_formats::Limits;
use countersign_sign::sign_blob;
use serde_json::{Value, json};

use super::Done;
use crate::arguments::SignBlob;
use crate::blob_content::{self, Artifact};
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::{key_files, signing};

pub(crate) fn run(arguments: &SignBlob, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let path = signing::bundle_path(&arguments.file, arguments.bundle.as_ref())?;
    let key = key_files::private(context, &arguments.key)?;
    let artifact = blob_content::open(context, &arguments.file)?;
    let signed = sign_blob(
        &key,
        artifact.content.clone(),
        context.now,
        &Limits::DEFAULT,
    )?;
    signing::write_bundle(context, &path, &signed.bundle)?;
    Ok(Done::pass(report(
        context,
        "signed",
        &artifact,
        &path,
        &signed.bundle,
    )))
}

/// Says which bundle is about which file.
pub(super) fn report(
    context: &mut Context<'_, '_>,
    verb: &str,
    artifact: &Artifact,
    path: &Path,
    bundle: &[u8],
) -> Value {
    let to_stdout = path == Path::new("-");
    let place = path.display().to_string();
    if !to_stdout {
        context.printer.line(&place);
        context.printer.say(&format!(
            "{verb} {} ({}), bundle in `{place}`",
            escape::field(&artifact.name),
            artifact.digest
        ));
    }
    json!({
        "artifact": escape::capped(&artifact.name, escape::FIELD_BYTES),
        "digest": artifact.digest.to_string(),
        "bundleFile": if to_stdout { Value::Null } else { Value::String(place) },
        "bundle": if to_stdout { serde_json::from_slice(bundle).unwrap_or(Value::Null) } else { Value::Null },
    })
}
