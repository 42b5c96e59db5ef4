//! What `sign`, `attest`, `sign-blob` and `attest-blob` share: predicates, bundles on disk, publishing.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Descriptor, Limits, Reference, predicate_types};
use countersign_proof::{Signer, Verified};
use countersign_registry::{ListedVia, Published, Store};
use countersign_sign::{PredicateForm, SignError, Signed, TypeMismatch, predicate_bytes};
use serde_json::{Value, json};

use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::images::{self, ImageDone};

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
    context: &mut Context<'_, '_>,
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
    if let Some(mismatch) = TypeMismatch::find(&predicate_type, &file, &Limits::DEFAULT) {
        context
            .printer
            .warn(&format!("`{}`: {mismatch}", path.display()));
    }
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

/// Whether one of these files is standard input.
pub(crate) fn takes_input(paths: &[&Option<PathBuf>]) -> bool {
    paths
        .iter()
        .any(|path| path.as_deref() == Some(Path::new("-")))
}

/// Adds who signed, and what the services prove, to a result.
pub(crate) fn add_proofs(result: &mut Value, verified: &Verified) {
    let signer = match verified.signer() {
        Signer::Key(key) => json!({ "kind": "key", "keyId": key.to_string() }),
        Signer::Fulcio(certificate) => json!({
            "kind": "certificate",
            "identity": escape::capped(certificate.san.value(), escape::FIELD_BYTES),
            "issuer": certificate.issuer.as_deref().map(|text| escape::capped(text, escape::FIELD_BYTES)),
            "fingerprint": certificate.fingerprint.to_string(),
            "notBefore": certificate.not_before.to_string(),
            "notAfter": certificate.not_after.to_string(),
        }),
        _ => json!({ "kind": "other" }),
    };
    let logs = verified.logs().iter().map(|entry| {
        json!({
            "log": entry.log.to_string(),
            "origin": entry.origin.as_deref().map(|text| escape::capped(text, escape::FIELD_BYTES)),
            "logIndex": entry.log_index,
            "integratedTime": entry.integrated_time.map(|time| time.to_string()),
        })
    });
    let timestamps = verified.timestamps().iter().map(|timestamp| {
        json!({
            "authority": timestamp.authority.to_string(),
            "name": escape::capped(&timestamp.name, escape::FIELD_BYTES),
            "time": timestamp.time.to_string(),
        })
    });
    let (logs, timestamps) = (logs.collect::<Vec<_>>(), timestamps.collect::<Vec<_>>());
    if let Value::Object(members) = result {
        members.insert("signer".to_owned(), signer);
        members.insert("logs".to_owned(), Value::Array(logs));
        members.insert("timestamps".to_owned(), Value::Array(timestamps));
    }
}

/// A signed image and what is to become of its bundle.
pub(crate) struct Placing<'a> {
    /// `signed` or `attested`.
    pub(crate) verb: &'static str,
    /// The image as it was written.
    pub(crate) text: &'a str,
    pub(crate) reference: &'a Reference,
    pub(crate) store: &'a dyn Store,
    /// What the reference named when it was resolved.
    pub(crate) image: &'a Descriptor,
    /// Where a copy of the bundle goes.
    pub(crate) bundle_file: Option<&'a PathBuf>,
    /// Whether the bundle is stored beside the image.
    pub(crate) upload: bool,
}

impl Placing<'_> {
    /// Puts the bundle where it belongs and says where that is.
    pub(crate) fn place(
        &self,
        context: &mut Context<'_, '_>,
        runtime: &tokio::runtime::Runtime,
        signed: &Signed,
    ) -> Result<ImageDone, Failure> {
        if let Some(path) = self.bundle_file {
            write_bundle(context, path, &signed.bundle)?;
        }
        let published = if self.upload {
            let epoch = context.environment("SOURCE_DATE_EPOCH");
            let created = clock::creation_time(epoch, context.now)?;
            let work =
                countersign_registry::publish(self.store, self.image, &signed.verified, created);
            Some(runtime.block_on(work)?)
        } else {
            None
        };
        self.report(context, published.as_ref());
        let mut entry = self.entry(published.as_ref());
        add_proofs(&mut entry, &signed.verified);
        Ok(ImageDone {
            status: ExitStatus::Pass,
            entry,
        })
    }

    fn report(&self, context: &mut Context<'_, '_>, published: Option<&Published>) {
        let name = images::pinned(self.reference, &self.image.digest);
        context.printer.line(&name);
        let stored = published.map_or_else(String::new, |published| {
            format!(
                ", stored as {} ({})",
                published.manifest.digest,
                via(published.via)
            )
        });
        let file = self.bundle_file.map_or_else(String::new, |path| {
            format!(", bundle in `{}`", path.display())
        });
        context.printer.say(&format!(
            "{} {}{stored}{file}",
            self.verb,
            escape::field(&name)
        ));
    }

    fn entry(&self, published: Option<&Published>) -> Value {
        json!({
            "reference": escape::capped(self.text, escape::FIELD_BYTES),
            "image": images::pinned(self.reference, &self.image.digest),
            "digest": self.image.digest.to_string(),
            "exitCode": 0,
            "manifest": published.map(|published| published.manifest.digest.to_string()),
            "bundle": published.map(|published| published.bundle.digest.to_string()),
            "listedVia": published.and_then(|published| published.via).map(|listed| via(Some(listed))),
            "bundleFile": self.bundle_file.map(|path| path.display().to_string()),
            "requests": self.store.requests(),
        })
    }
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
