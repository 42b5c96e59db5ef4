//! `download`: evidence as it is stored, a JSON document a line; what a predicate states is printed only when it was verified.

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, Descriptor, Digest, Envelope, Limits, Manifest, PredicateType,
    Statement, encode_base64, media_types, predicate_types,
};
use countersign_proof::Claim;
use countersign_registry::replicate::{Extent, Piece, Scope, survey};
use countersign_registry::{Depot, ErrorClass, open_depot};
use serde_json::{Value, json};

use super::Done;
use crate::arguments::{Download, DownloadCommand};
use crate::context::Context;
use crate::escape;
use crate::evidence_kind::{self, is_sbom};
use crate::exit::ExitStatus;
use crate::explain;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::trust::{self, Wanted};
use crate::{elsewhere, images, moving, stores};

/// Largest bill of materials that is printed, in bytes.
const SBOM_BYTES: u64 = 64 << 20;

/// What `COSIGN_REPOSITORY` means here.
const NOT_LOOKED_AT: &str = "what it holds about the image is not looked at";

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Signature,
    Attestation,
    Sbom,
    Bundle,
}

/// Something that is printed.
struct Item {
    /// The manifest that it lies in.
    manifest: Digest,
    kind: &'static str,
    predicate_type: Option<String>,
    verified: bool,
    bytes: Bytes,
}

/// Something beside the image that could not be read.
struct Unread {
    /// Its manifest.
    manifest: Digest,
    why: String,
    /// Whether it is there: an entry of a list that leads to nothing is told of and no more.
    there: bool,
}

pub(crate) fn run(
    command: &DownloadCommand,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let (kind, arguments) = match command {
        DownloadCommand::Signature(arguments) => (Kind::Signature, arguments),
        DownloadCommand::Attestation(arguments) => (Kind::Attestation, arguments),
        DownloadCommand::Sbom(arguments) => (Kind::Sbom, arguments),
        DownloadCommand::Bundle(arguments) => (Kind::Bundle, arguments),
    };
    let wanted = arguments
        .statement_type
        .as_deref()
        .map(|text| {
            predicate_types::resolve(text).map_err(|error| {
                Failure::usage(error.code(), format!("--type: {error}"))
                    .hint("write an alias such as spdxjson, or a URI")
            })
        })
        .transpose()?;
    let states = arguments.predicate || kind == Kind::Sbom;
    if arguments.trust.names_somebody() {
        return verified(context, arguments, kind, wanted, states);
    }
    if states && !arguments.unverified {
        return Err(Failure::usage(
            "unverified",
            "nobody is named whose statement counts, and what is stated would be printed unverified",
        )
        .hint("name who signed it (`--key`, `--certificate-identity`, …), or say `--unverified`"));
    }
    let reference = stores::reference(&arguments.image)?;
    elsewhere::warn_of_cosign_repository(context, NOT_LOOKED_AT);
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let depot = open_depot(&reference, &settings)?;
    let (digest, items, unread) = runtime.block_on(async {
        let root = depot.resolve(&stores::target(&reference)).await?;
        let digest = root.descriptor.digest;
        let found = survey(
            &*depot,
            Extent::Whole(root),
            &Scope::Everything,
            &settings.limits,
        )
        .await?;
        let mut items = Vec::new();
        let mut unread: Vec<Unread> = found
            .dangling
            .into_iter()
            .filter(|entry| entry.subject == digest)
            .map(|entry| Unread {
                manifest: entry.entry.digest,
                why: entry.why,
                there: false,
            })
            .collect();
        for piece in &found.pieces {
            if piece.role.subject() == Some(&digest) {
                let read = read(&*depot, piece, kind, wanted.as_ref(), states, &mut unread);
                items.extend(read.await?);
            }
        }
        Ok::<_, Failure>((digest, items, unread))
    })?;
    let name = images::pinned(&reference, &digest);
    Ok(print(context, &name, &items, &unread))
}

/// What was accepted under the trust flags, by the road of `verify`.
fn verified(
    context: &mut Context<'_, '_>,
    arguments: &Download,
    kind: Kind,
    wanted: Option<PredicateType>,
    states: bool,
) -> Result<Done, Failure> {
    let policy = match kind {
        Kind::Signature => Wanted::Signature,
        _ => Wanted::Statement(wanted.clone()),
    };
    let policies = trust::policy(context, &arguments.trust, policy, wanted.is_some(), &[])?;
    let verifier =
        Judging::of_files(context, policies, &arguments.trust, &[])?.passing_on(context, true)?;
    let reference = stores::reference(&arguments.image)?;
    elsewhere::warn_of_cosign_repository(context, NOT_LOOKED_AT);
    let verification = context
        .runtime()?
        .block_on(verifier.verify(&reference, context.now))?;
    let status = explain::status(&verification.decision);
    if status != ExitStatus::Pass {
        let question = judging::question(&verifier);
        explain::explain(
            context,
            &verification.name,
            &verification.decision,
            &question,
        );
        return Ok(Done {
            status,
            result: Some(json!({
                "image": verification.name,
                "exitCode": status.code(),
                "items": [],
                "decision": judging::record(&verification.decision),
            })),
        });
    }
    let mut items = Vec::new();
    for proven in &verification.decision.accepted {
        let statement = match proven.claim() {
            Claim::Statement(claim) => Some(claim.statement()),
            _ => None,
        };
        let is_signature = statement
            .is_none_or(|statement| statement.predicate_type == predicate_types::COSIGN_SIGN);
        let fits = match kind {
            Kind::Signature => is_signature,
            Kind::Attestation => !is_signature,
            Kind::Sbom => statement.is_some_and(|statement| states_sbom(&statement.predicate_type)),
            Kind::Bundle => proven
                .bytes()
                .is_some_and(|bytes| Bundle::parse(bytes, &Limits::DEFAULT).is_ok()),
        };
        let Some(stored) = proven.bytes().filter(|_| fits) else {
            continue;
        };
        let bytes = match statement.and_then(|statement| statement.predicate.as_ref()) {
            Some(predicate) if states => predicate.to_bytes(),
            _ if states => continue,
            _ if kind == Kind::Attestation => envelope(stored),
            _ => stored.clone(),
        };
        items.push(Item {
            manifest: proven.origin().manifest.unwrap_or_else(|| proven.digest()),
            kind: if is_signature {
                "signature"
            } else {
                "attestation"
            },
            predicate_type: statement.map(|statement| statement.predicate_type.clone()),
            verified: true,
            bytes,
        });
    }
    Ok(print(context, &verification.name, &items, &[]))
}

/// Bills of materials by what is stated.
fn states_sbom(predicate_type: &str) -> bool {
    predicate_type.starts_with("https://spdx.dev/Document")
        || predicate_type.starts_with("https://cyclonedx.org/bom")
        || predicate_type.starts_with("https://cyclonedx.org/schema")
}

/// The envelope of a bundle, or what is one already.
fn envelope(bytes: &Bytes) -> Bytes {
    match Bundle::parse(bytes, &Limits::DEFAULT) {
        Ok(Bundle {
            content: BundleContent::Dsse(envelope),
            ..
        }) => envelope.to_json().into(),
        _ => bytes.clone(),
    }
}

/// What a manifest of evidence holds of the kind that is wanted; nothing of it is verified.
async fn read(
    depot: &dyn Depot,
    piece: &Piece,
    kind: Kind,
    wanted: Option<&PredicateType>,
    states: bool,
    unread: &mut Vec<Unread>,
) -> Result<Vec<Item>, Failure> {
    let Manifest::Image(image) = &piece.resolved.manifest else {
        return Ok(Vec::new());
    };
    let limits = Limits::DEFAULT;
    let mut items = Vec::new();
    for layer in &image.layers {
        let (bytes, statement) = match layer.media_type.as_str() {
            other if other.starts_with(media_types::BUNDLE_PREFIX) => {
                let fetched = fetch(depot, piece, layer, limits.bundle_bytes, unread).await?;
                let Some(bytes) = fetched else { continue };
                let parsed = Bundle::parse(&bytes, &limits);
                let statement = match parsed {
                    Ok(Bundle {
                        content: BundleContent::Dsse(envelope),
                        ..
                    }) => Statement::parse(envelope.payload, &limits).ok(),
                    _ => None,
                };
                (bytes, statement)
            }
            media_types::DSSE_ENVELOPE if kind != Kind::Bundle => {
                let fetched = fetch(depot, piece, layer, limits.bundle_bytes, unread).await?;
                let Some(bytes) = fetched else { continue };
                let statement = Envelope::parse(&bytes, &limits)
                    .ok()
                    .and_then(|envelope| Statement::parse(envelope.payload, &limits).ok());
                (bytes, statement)
            }
            media_types::SIMPLE_SIGNING if kind == Kind::Signature => {
                let fetched = fetch(depot, piece, layer, limits.bundle_bytes, unread).await?;
                let Some(payload) = fetched else { continue };
                (legacy_line(layer, &payload), None)
            }
            other if kind == Kind::Sbom && is_sbom(other) => {
                let fetched = fetch(depot, piece, layer, SBOM_BYTES, unread).await?;
                let Some(bytes) = fetched else { continue };
                (bytes, None)
            }
            _ => continue,
        };
        let predicate_type = statement
            .as_ref()
            .map(|statement| statement.predicate_type.clone());
        let signature = predicate_type
            .as_deref()
            .is_none_or(|found| found == predicate_types::COSIGN_SIGN);
        let plain_sbom = is_sbom(&layer.media_type);
        let fits = match kind {
            Kind::Bundle => true,
            Kind::Signature => signature && !plain_sbom,
            Kind::Attestation => !signature && !plain_sbom,
            Kind::Sbom => plain_sbom || predicate_type.as_deref().is_some_and(states_sbom),
        };
        let typed = wanted.is_none_or(|wanted| {
            predicate_type
                .as_deref()
                .is_some_and(|found| wanted.accepts(found))
        });
        if !fits || !typed {
            continue;
        }
        let bytes = match statement.and_then(|statement| statement.predicate) {
            Some(predicate) if states => predicate.to_bytes(),
            None if states && !plain_sbom => continue,
            _ if kind == Kind::Attestation => envelope(&bytes),
            _ => bytes,
        };
        items.push(Item {
            manifest: piece.resolved.descriptor.digest,
            kind: if plain_sbom {
                "sbom"
            } else {
                evidence_kind::unverified_kind(piece).0.word()
            },
            predicate_type,
            verified: false,
            bytes,
        });
    }
    Ok(items)
}

/// A layer's bytes. One that is broken hides no other, and is told of; a store that cannot be asked ends the command.
async fn fetch(
    depot: &dyn Depot,
    piece: &Piece,
    layer: &Descriptor,
    cap: u64,
    unread: &mut Vec<Unread>,
) -> Result<Option<Bytes>, Failure> {
    match depot.blob(layer, cap).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.class(),
                ErrorClass::Unreadable | ErrorClass::OverLimit
            ) =>
        {
            unread.push(Unread {
                manifest: piece.resolved.descriptor.digest,
                why: error.to_string(),
                there: true,
            });
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A layer of a `.sig` manifest as cosign's `download signature` prints it.
fn legacy_line(layer: &Descriptor, payload: &[u8]) -> Bytes {
    let annotation = |name: &str| layer.annotations.get(name).cloned();
    let parsed =
        |name: &str| annotation(name).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    json!({
        "Base64Signature": annotation("dev.cosignproject.cosign/signature").unwrap_or_default(),
        "Payload": encode_base64(payload),
        "Cert": annotation("dev.sigstore.cosign/certificate"),
        "Chain": annotation("dev.sigstore.cosign/chain"),
        "Bundle": parsed("dev.sigstore.cosign/bundle"),
        "RFC3161Timestamp": parsed("dev.sigstore.cosign/rfc3161timestamp"),
    })
    .to_string()
    .into()
}

/// The document on one line: JSON loses the white space between its members, anything else goes out as it is.
fn one_line(bytes: &[u8]) -> Vec<u8> {
    if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err() {
        return bytes.to_vec();
    }
    let mut line = Vec::with_capacity(bytes.len());
    let (mut inside, mut escaped) = (false, false);
    for byte in bytes {
        if inside {
            inside = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            inside = *byte == b'"';
        }
        line.push(*byte);
    }
    line
}

fn print(context: &mut Context<'_, '_>, name: &str, items: &[Item], unread: &[Unread]) -> Done {
    for item in items {
        let mut line = one_line(&item.bytes);
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        context.printer.document(&line);
    }
    let verified = items.iter().all(|item| item.verified);
    for one in unread {
        context.printer.warn(&format!(
            "`{}` could not be read: {}",
            one.manifest,
            escape::field(&one.why)
        ));
    }
    context.printer.say(&match items.len() {
        0 if !unread.is_empty() => format!("nothing of this kind could be read from {name}"),
        0 => format!("nothing of this kind is attached to {name}"),
        number if verified => format!("{number} from {name}, verified"),
        number => format!("{number} from {name}, not verified"),
    });
    let status = if unread.iter().any(|one| one.there || items.is_empty()) {
        ExitStatus::Unavailable
    } else if items.is_empty() {
        ExitStatus::NoEvidence
    } else {
        ExitStatus::Pass
    };
    Done {
        status,
        result: Some(json!({
            "image": name,
            "exitCode": status.code(),
            "items": items.iter().map(|item| json!({
                "manifest": item.manifest.to_string(),
                "kind": item.kind,
                "predicateType": item.predicate_type.as_deref().map(|text| escape::capped(text, escape::FIELD_BYTES)),
                "verified": item.verified,
                "content": encode_base64(&item.bytes),
            })).collect::<Vec<_>>(),
            "unread": unread.iter().map(|one| json!({
                "manifest": one.manifest.to_string(),
                "why": escape::capped(&one.why, escape::FIELD_BYTES),
            })).collect::<Vec<_>>(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn only_white_space_between_members_goes() {
        let line = |text: &str| String::from_utf8(one_line(text.as_bytes())).unwrap();
        assert_eq!(
            line("{\n \"a b\" : [ 1 ,\t\"c \\\" d\" ]\n}\n"),
            "{\"a b\":[1,\"c \\\" d\"]}"
        );
        assert_eq!(line("{\"a\\\\\" : 1}"), "{\"a\\\\\":1}");
        assert_eq!(line("no json\n  at all"), "no json\n  at all");
    }
}
