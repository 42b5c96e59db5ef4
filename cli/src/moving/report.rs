//! The report of what was moved.

use countersign_formats::{Descriptor, Digest};
use countersign_registry::replicate::{Piece, Replicated, Role, Survey};
use serde_json::{Value, json};

use super::chosen::Chosen;
use super::judged::{Judged, is_verified};
use super::route::Route;
use crate::commands::Done;
use crate::context::Context;
use crate::escape;
use crate::evidence_kind;
use crate::images;

/// Everything that there is to report.
pub(super) struct Told<'a> {
    pub(super) source: String,
    pub(super) route: &'a Route,
    pub(super) chosen: &'a Chosen,
    pub(super) tag: Option<String>,
    pub(super) judged: Option<&'a Judged>,
    pub(super) found: &'a Survey,
    pub(super) done: &'a Replicated,
    pub(super) requests: u64,
}

pub(super) fn report(context: &mut Context<'_, '_>, told: &Told<'_>) -> Done {
    let Told {
        chosen,
        found,
        done,
        ..
    } = told;
    let names: Vec<String> = chosen
        .images()
        .iter()
        .map(|image| images::pinned(&told.route.destination, &image.descriptor.digest))
        .collect();
    let sole = chosen.sole().map(|image| &image.descriptor);
    let evidence: Vec<&Piece> = found
        .pieces
        .iter()
        .filter(|piece| piece.role.subject().is_some())
        .collect();
    let images = found
        .pieces
        .iter()
        .filter(|piece| piece.role == Role::Child)
        .count();
    for piece in &evidence {
        let (kind, predicates) = evidence_kind::unverified_kind(piece);
        let what = predicates
            .first()
            .map(|found| format!(" {}", escape::field(found)));
        context.printer.say(&format!(
            "  {} {}{} about {} [{}]",
            kind.word(),
            piece.resolved.descriptor.digest,
            what.unwrap_or_default(),
            subject_word(piece, sole),
            verified_word(told.judged, piece),
        ));
    }
    for entry in &found.dangling {
        context.printer.warn(&format!(
            "`{}` in the list of `{}` was passed over: {}",
            entry.entry.digest, entry.subject, entry.why
        ));
    }
    for tagged in done.tagged.iter().filter(|tagged| tagged.kept > 0) {
        context.printer.say(&format!(
            "  the tag `{}` keeps {} of the destination's own",
            escape::field(&tagged.tag),
            count(tagged.kept, "layer", "layers")
        ));
    }
    context.printer.say(&format!(
        "copied {}{} with {} and {}; {} carried ({} bytes), {} mounted, {} there already",
        match (sole, chosen.images().len()) {
            (None, several) => format!("{several} images of "),
            (Some(_), _) => String::new(),
        },
        told.source,
        count(images, "platform manifest", "platform manifests"),
        count(evidence.len(), "piece of evidence", "pieces of evidence"),
        count(done.carried, "blob", "blobs"),
        done.bytes,
        done.mounted,
        done.present,
    ));
    for name in &names {
        context.printer.line(name);
    }
    let destination = match names.as_slice() {
        [name] => name.clone(),
        _ => images::repository(&told.route.destination),
    };
    Done::pass(json!({
        "source": told.source,
        "destination": destination,
        "images": names,
        "sparseIndex": chosen.is_sparse(),
        "copied": true,
        "exitCode": 0,
        "digest": sole.map(|image| image.digest.to_string()),
        "mediaType": sole.map(|image| escape::capped(&image.media_type, escape::FIELD_BYTES)),
        "tag": told.tag,
        "verified": told.judged.is_some(),
        "decision": told.judged.map(Judged::record),
        "children": images,
        "evidence": evidence.iter().map(|piece| entry(piece, told.judged)).collect::<Vec<_>>(),
        "passedOver": found.passed_over,
        "dangling": found.dangling.iter().map(|entry| json!({
            "digest": entry.entry.digest.to_string(),
            "subject": entry.subject.to_string(),
            "why": entry.why,
        })).collect::<Vec<_>>(),
        "foreignLayers": done.foreign.iter().map(Digest::to_string).collect::<Vec<_>>(),
        "mergedTags": done.tagged.iter().filter(|tagged| tagged.kept > 0).map(|tagged| json!({
            "tag": tagged.tag,
            "digest": tagged.digest.to_string(),
            "kept": tagged.kept,
        })).collect::<Vec<_>>(),
        "blobs": {
            "present": done.present,
            "mounted": done.mounted,
            "carried": done.carried,
            "bytes": done.bytes,
        },
        "requests": told.requests,
    }))
}

fn subject_word(piece: &Piece, sole: Option<&Descriptor>) -> String {
    match piece.role.subject() {
        Some(subject) if sole.is_some_and(|image| image.digest == *subject) => {
            "the image".to_owned()
        }
        Some(subject) => subject.to_string(),
        None => String::new(),
    }
}

/// Evidence moves whether or not it was verified, and this says which.
fn verified_word(judged: Option<&Judged>, piece: &Piece) -> &'static str {
    match is_verified(judged, piece) {
        true => "verified",
        false => "not verified",
    }
}

fn entry(piece: &Piece, judged: Option<&Judged>) -> Value {
    let (kind, predicates) = evidence_kind::unverified_kind(piece);
    let capped = |text: &str| escape::capped(text, escape::FIELD_BYTES);
    let (via, tag) = match &piece.role {
        Role::Tagged { tag, .. } => ("tag", Some(capped(tag))),
        _ => ("referrer", None),
    };
    json!({
        "digest": piece.resolved.descriptor.digest.to_string(),
        "subject": piece.role.subject().map(Digest::to_string),
        "kind": kind.word(),
        "artifactType": capped(evidence_kind::artifact_type(piece)),
        "predicateTypes": predicates.iter().map(|found| capped(found)).collect::<Vec<_>>(),
        "via": via,
        "tag": tag,
        "size": piece.resolved.descriptor.size,
        "verified": is_verified(judged, piece),
    })
}

pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
