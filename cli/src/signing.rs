//! What `sign`, `attest`, `sign-blob` and `attest-blob` share: predicates, bundles on disk, publishing.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Limits, Statement, predicate_types};
use countersign_proof::{Signer, Verified};
use countersign_registry::ListedVia;
use countersign_sign::{
    PredicateForm, SignError, TypeMismatch, attestation_statement, predicate_bytes,
};
use serde_json::{Value, json};

use crate::arguments::Document;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        let status = match &error {
            // A document that fits into a bundle without its log entries, and not with them.
            SignError::NotVerified(rejected) if rejected.code() == "over-limit" => {
                ExitStatus::Usage
            }
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
pub(crate) fn claim(context: &mut Context<'_, '_>, document: &Document) -> Result<Claim, Failure> {
    let alias = document.predicate_type.as_str();
    let cap = Limits::DEFAULT.bundle_bytes;
    if let Some(path) = &document.statement {
        let statement = Bytes::from(document_file("the statement", path, cap)?);
        // Whether it names the subject is seen when that is known.
        Statement::parse(statement.clone(), &Limits::DEFAULT)
            .map_err(|error| about(path, SignError::Statement(error)))?;
        return Ok(Claim::Statement(statement));
    }
    let path = document.predicate.as_deref().ok_or_else(|| {
        Failure::usage("missing-argument", "no predicate was given")
            .hint("name the document with `--predicate FILE`, or a ready statement with `--statement FILE`")
    })?;
    let predicate_type = predicate_type(alias)?;
    let file = document_file("the predicate", path, cap)?;
    if let Some(mismatch) = TypeMismatch::find(&predicate_type, &file, &Limits::DEFAULT) {
        context
            .printer
            .warn(&format!("`{}`: {mismatch}", path.display()));
    }
    let bytes = predicate_bytes(PredicateForm::of(alias), &file, &Limits::DEFAULT)
        .map_err(|error| about(path, error))?;
    // Anything that a statement cannot hold is refused here already.
    attestation_statement(&[], &predicate_type, &bytes).map_err(|error| about(path, error))?;
    Ok(Claim::Predicate {
        predicate_type,
        bytes: Bytes::from(bytes.into_owned()),
    })
}

/// Reads a document to attest; one that no bundle can hold says what can be attested in its place.
fn document_file(what: &str, path: &Path, cap: u64) -> Result<Vec<u8>, Failure> {
    files::read(what, path, cap).map_err(|failure| {
        let too_large = SignError::PredicateTooLarge {
            found: cap.saturating_add(1),
            limit: cap,
        };
        match too_large.hint() {
            Some(hint) if failure.code == "file-too-large" => failure.instead(&hint),
            _ => failure,
        }
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

/// Refuses before anything is signed when the bundle could not be written: a log's entry cannot be taken back.
pub(crate) fn bundle_writable(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    files::writable("the bundle", path, Existing::Replace)
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

/// How readers find a referrer, in words.
pub(crate) fn via(via: Option<ListedVia>) -> &'static str {
    match via {
        Some(ListedVia::Api) => "referrers API",
        Some(ListedVia::FallbackTag) => "fallback tag",
        Some(ListedVia::Layout) => "layout index",
        None => "by digest",
    }
}
