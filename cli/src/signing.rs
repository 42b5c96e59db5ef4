//! What `sign`, `attest`, `sign-blob` and `attest-blob` share: predicates, bundles on disk, publishing.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Limits, Reference, predicate_types};
use countersign_registry::{ListedVia, Published, Store};
use countersign_sign::{PredicateForm, SignError, Signed, predicate_bytes};
use serde_json::{Value, json};

use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::images;

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        let status = match &error {
            SignError::NotVerified(_) => ExitStatus::Internal,
            SignError::Key(countersign_sign::KeyError::Library { .. }) => ExitStatus::Internal,
            SignError::Remote { .. } => ExitStatus::Unavailable,
            _ => ExitStatus::Usage,
        };
        Failure::new(status, error.code(), error.to_string()).or_hint(error.hint())
    }
}

/// What an attestation says.
pub(crate) enum Claim {
    /// A predicate of this type, embedded byte for byte.
    Predicate {
        predicate_type: String,
        bytes: Bytes,
    },
    /// A ready statement, signed byte for byte.
    Statement(Bytes),
}

/// Reads what `--type`, `--predicate` and `--statement` name.
pub(crate) fn claim(
    alias: &str,
    predicate: Option<&Path>,
    statement: Option<&Path>,
) -> Result<Claim, Failure> {
    let cap = Limits::DEFAULT.bundle_bytes;
    if let Some(path) = statement {
        return Ok(Claim::Statement(Bytes::from(files::read(
            "the statement",
            path,
            cap,
        )?)));
    }
    let path = predicate.ok_or_else(|| {
        Failure::usage("missing-argument", "no predicate was given")
            .hint("name the document with `--predicate FILE`, or a ready statement with `--statement FILE`")
    })?;
    let predicate_type = predicate_type(alias)?;
    let file = files::read("the predicate", path, cap)?;
    let bytes = predicate_bytes(PredicateForm::of(alias), &file, &Limits::DEFAULT)
        .map_err(|error| about(path, error))?;
    Ok(Claim::Predicate {
        predicate_type,
        bytes: Bytes::from(bytes.into_owned()),
    })
}

/// The URI that `--type` names.
pub(crate) fn predicate_type(alias: &str) -> Result<String, Failure> {
    Ok(resolve(alias)?.uri)
}

/// The predicate type that `--type` names.
pub(crate) fn resolve(alias: &str) -> Result<countersign_formats::PredicateType, Failure> {
    predicate_types::resolve(alias).map_err(|error| {
        Failure::usage(error.code(), format!("--type `{}`: {error}", escape::field(alias))).or_hint(error.hint()).or_hint(Some(
            "write an alias (spdxjson, cyclonedx, slsaprovenance, slsaprovenance1, vuln, openvex, link, custom) or a URI".to_owned(),
        ))
    })
}

/// An error in the document `path`.
pub(crate) fn about(path: &Path, error: SignError) -> Failure {
    let words = match &error {
        // The document names itself.
        SignError::Predicate(inner) | SignError::Statement(inner) => inner.to_string(),
        other => other.to_string(),
    };
    let failure = Failure::from(error);
    let message = format!("`{}`: {words}", path.display());
    Failure { message, ..failure }
}

/// Stores `signed` beside the image and says where.
pub(crate) fn publish(
    context: &mut Context<'_, '_>,
    runtime: &tokio::runtime::Runtime,
    store: &dyn Store,
    image: &countersign_formats::Descriptor,
    signed: &Signed,
) -> Result<Published, Failure> {
    let created = clock::creation_time(context.environment("SOURCE_DATE_EPOCH"), context.now)?;
    let published = runtime.block_on(countersign_registry::publish(
        store,
        image,
        &signed.verified,
        created,
    ))?;
    Ok(published)
}

/// Writes a bundle where `--bundle` says (`-` is standard output).
pub(crate) fn write_bundle(
    context: &mut Context<'_, '_>,
    path: &Path,
    bundle: &[u8],
) -> Result<(), Failure> {
    if path == Path::new("-") {
        context.printer.document(bundle);
        context.printer.document(b"\n");
        return Ok(());
    }
    files::write(
        "the bundle",
        path,
        bundle,
        Audience::Everybody,
        Existing::Replace,
    )
}

/// Where the bundle of `file` goes when `--bundle` does not say.
pub(crate) fn bundle_path(file: &str, bundle: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    match bundle {
        Some(path) => Ok(path.clone()),
        None if file == "-" || file.contains(':') => Err(Failure::usage(
            "missing-argument",
            "without a file name it must be said where the bundle goes",
        )
        .hint("write `--bundle FILE`, or `--bundle -` for standard output")),
        None => Ok(PathBuf::from(format!("{file}.sigstore.json"))),
    }
}

/// Refuses one bundle file for several images, which would overwrite each other.
pub(crate) fn one_image_for_bundle(
    images: &[String],
    bundle: Option<&PathBuf>,
) -> Result<(), Failure> {
    if bundle.is_some() && images.len() > 1 {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--bundle` names one file and several images are named",
        )
        .hint("sign one image a command, or drop `--bundle`"));
    }
    Ok(())
}

/// The entry of `result.images` for a signed image, and the words about it.
pub(crate) fn report(
    context: &mut Context<'_, '_>,
    verb: &str,
    text: &str,
    reference: &Reference,
    image: &countersign_formats::Descriptor,
    published: Option<&Published>,
    bundle_file: Option<&PathBuf>,
    requests: u64,
) -> Value {
    let name = images::pinned(reference, &image.digest);
    context.printer.line(&name);
    let stored = match published {
        Some(published) => format!(
            ", stored as {} ({})",
            published.manifest.digest,
            via(published.via)
        ),
        None => String::new(),
    };
    let file = bundle_file
        .map(|path| format!(", bundle in `{}`", path.display()))
        .unwrap_or_default();
    context
        .printer
        .say(&format!("{verb} {}{stored}{file}", escape::field(&name)));
    json!({
        "reference": escape::capped(text, escape::FIELD_BYTES),
        "image": name,
        "digest": image.digest.to_string(),
        "exitCode": 0,
        "manifest": published.map(|published| published.manifest.digest.to_string()),
        "bundle": published.map(|published| published.bundle.digest.to_string()),
        "listedVia": published.and_then(|published| published.via).map(|listed| via(Some(listed))),
        "bundleFile": bundle_file.map(|path| path.display().to_string()),
        "requests": requests,
    })
}

/// How readers find a referrer, in words.
pub(crate) fn via(via: Option<ListedVia>) -> &'static str {
    match via {
        Some(ListedVia::Api) => "referrers API",
        Some(ListedVia::FallbackTag) => "fallback tag",
        Some(ListedVia::Layout) => "layout index",
        None => "by digest",
    }
}
