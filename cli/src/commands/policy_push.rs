//! `policy push`: policies as a signed artifact in a registry or layout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign::{load_policies, policy_sources, publish_policies, published_reference};
use countersign_formats::{Limits, Reference};
use countersign_policy::{PolicySet, Source};
use countersign_registry::publish;
use countersign_sign::sign_image;
use serde_json::json;

use super::Done;
use crate::arguments::Push;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{clock, key_files, moving, stores};

pub(crate) fn run(arguments: &Push, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let reference = published_reference(&arguments.reference)?;
    if reference.digest().is_some() {
        return Err(Failure::usage(
            "reference-with-digest",
            format!(
                "`{}` names a digest, which follows from what is pushed",
                escape::field(&arguments.reference)
            ),
        )
        .hint("write `HOST/REPOSITORY[:TAG]`"));
    }
    let policies = load_policies(std::slice::from_ref(&arguments.policies), &Limits::DEFAULT)?;
    for warning in policies.warnings() {
        context.printer.warn(&warning);
    }
    let documents = documents(&arguments.policies, context)?;
    let key = arguments
        .key
        .as_deref()
        .map(|key| key_files::private(context, key))
        .transpose()?;
    let created = clock::creation_time(context.environment("SOURCE_DATE_EPOCH"), context.now)?;
    let runtime = context.runtime()?;
    let (store, _) = stores::open(&reference, &moving::settings(context))?;
    let tag = reference.tag();
    let stored = runtime.block_on(publish_policies(store.as_ref(), &documents, tag))?;
    let digest = stored.digest;
    let mut signature = None;
    if let Some(key) = &key {
        let signed = sign_image(key, digest, &BTreeMap::new(), context.now, &Limits::DEFAULT)?;
        let work = publish(store.as_ref(), &stored, &signed.verified, created);
        signature = Some(runtime.block_on(work)?.manifest.digest.to_string());
    }
    let scheme = match &reference {
        Reference::Registry(_) => "oci://",
        Reference::Layout(_) | Reference::Archive(_) => "",
    };
    let place = format!("{scheme}{}@{digest}", store.name());
    context.printer.line(&escape::field(&place));
    if key.is_none() {
        context.printer.say(&format!(
            "not signed: nobody can use it until `countersign sign --key KEY {}` was run",
            escape::field(place.strip_prefix(scheme).unwrap_or(&place))
        ));
    }
    Ok(Done {
        status: ExitStatus::Pass,
        result: Some(json!({
            "policies": escape::capped(&place, escape::FIELD_BYTES),
            "digest": digest.to_string(),
            "policyDigest": policies.digest().to_string(),
            "documents": documents.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "signature": signature,
        })),
    })
}

/// Each document with the name of its file: as it is, or written anew where its keys are in files of this machine.
fn documents(path: &Path, context: &mut Context<'_, '_>) -> Result<Vec<(String, Bytes)>, Failure> {
    let mut documents = Vec::new();
    let mut total = 0_u64;
    for Source { name: file, bytes } in policy_sources(path, &Limits::DEFAULT)? {
        let name = Path::new(&file)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let source = Source {
            name: file.clone(),
            bytes: bytes.clone(),
        };
        let bytes = if PolicySet::parse(&[source], &Limits::DEFAULT).is_ok() {
            bytes
        } else {
            context.printer.say(&format!(
                "`{}` names keys in files: it is published with the keys in its text, without its comments",
                escape::field(&file)
            ));
            let alone = load_policies(&[PathBuf::from(&file)], &Limits::DEFAULT)?;
            Bytes::from(alone.to_yaml())
        };
        total = total.saturating_add(bytes.len() as u64);
        documents.push((name, bytes));
    }
    let limit = Limits::DEFAULT.policy_bytes;
    if total > limit {
        return Err(Failure::usage(
            "policy-over-limit",
            format!("the policies have {total} bytes together, and may have {limit}"),
        )
        .hint("publish them in several parts, and name each with `--policy`"));
    }
    Ok(documents)
}
