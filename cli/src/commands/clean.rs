//! `clean`: evidence that is not wanted any more, listed first and deleted only when asked to.

use std::collections::BTreeSet;

use countersign_formats::{
    Digest, ImageIndex, Limits, Manifest, Reference, UnixTime, encode_base64, media_types,
};
use countersign_proof::{Origin, StorageForm, SubjectAlternativeName, Unproven, Unverified};
use countersign_registry::replicate::{Choice, Extent, Piece, Role, Scope, survey};
use countersign_registry::{Depot, StoreError, Target, fallback_tag, open_depot};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Done;
use crate::arguments::Clean;
use crate::context::Context;
use crate::escape;
use crate::evidence_kind::{self, Unsaid};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{images, moving, stores};

/// Largest simple-signing payload or bundle that is read to learn who is said to have signed, in bytes.
const SIGNER_BYTES: u64 = 8 << 20;

/// Something that would be deleted.
struct Unwanted {
    place: Place,
    /// What it is about.
    subject: Option<Digest>,
    kind: &'static str,
    why: String,
    outcome: &'static str,
}

enum Place {
    Manifest(Digest),
    Tag(String),
}

pub(crate) fn run(arguments: &Clean, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let reference = stores::reference(&arguments.image)?;
    if arguments.orphans && (moving::is_tagged(&arguments.image) || arguments.image.contains('@')) {
        return Err(Failure::usage(
            "orphans-of-an-image",
            "`--orphans` is about a whole repository, and an image was named",
        )
        .hint("leave out the tag and the digest"));
    }
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let depot = open_depot(&reference, &settings)?;
    let mut unwanted = if arguments.orphans {
        runtime.block_on(orphans(&*depot))?
    } else {
        runtime.block_on(chosen(context, &*depot, &reference, arguments))?
    };
    if arguments.yes {
        for item in &mut unwanted {
            item.outcome = delete(&runtime, &*depot, item)?;
        }
    }
    report(context, &reference, arguments.yes, &unwanted)
}

/// Evidence about the image that the flags choose, with what is attached to that.
async fn chosen(
    context: &Context<'_, '_>,
    depot: &dyn Depot,
    reference: &Reference,
    arguments: &Clean,
) -> Result<Vec<Unwanted>, Failure> {
    if arguments.evidence_type.is_empty()
        && arguments.older_than.is_none()
        && arguments.signer.is_none()
    {
        return Err(Failure::usage("nothing-chosen", "nothing says what is to be cleaned").hint(
            "write `--type TYPE` (or `--type all`), `--older-than AGE`, `--signer SIGNER`, or `--orphans`",
        ));
    }
    let before = match &arguments.older_than {
        Some(age) => Some(UnixTime(context.now.0.saturating_sub(seconds(age)?))),
        None => None,
    };
    let types = types(&arguments.evidence_type)?;
    let root = depot.resolve(&stores::target(reference)).await?;
    let found = survey(
        depot,
        Extent::Whole(root),
        &Scope::Everything,
        &Limits::DEFAULT,
    )
    .await?;
    let images: BTreeSet<Digest> = found
        .pieces
        .iter()
        .filter(|piece| piece.role.subject().is_none())
        .map(|piece| piece.resolved.descriptor.digest)
        .collect();
    let mut gone = BTreeSet::new();
    let mut unwanted = Vec::new();
    for piece in &found.pieces {
        let Some(subject) = piece.role.subject() else {
            continue;
        };
        let attached = gone.contains(subject);
        let why = if attached {
            "attached to something that goes".to_owned()
        } else if images.contains(subject)
            && types.as_ref().is_none_or(|types| types(piece))
            && before.is_none_or(|before| is_older(piece, before))
            && is_by(depot, piece, arguments.signer.as_deref()).await?
        {
            "chosen".to_owned()
        } else {
            continue;
        };
        gone.insert(piece.resolved.descriptor.digest);
        unwanted.push(Unwanted {
            place: match &piece.role {
                Role::Tagged { tag, .. } => Place::Tag(tag.clone()),
                _ => Place::Manifest(piece.resolved.descriptor.digest),
            },
            subject: Some(*subject),
            kind: evidence_kind::unverified_kind(piece).0.word(),
            why,
            outcome: "kept",
        });
    }
    // What is attached goes before what it is attached to.
    unwanted.reverse();
    Ok(unwanted)
}

fn types(values: &[String]) -> Result<Option<Choice>, Failure> {
    if values.is_empty() || values.iter().any(|value| value == "all") {
        return Ok(None);
    }
    // A bundle of an unknown kind may be the one that everything rests on.
    evidence_kind::choice("--type", values, Unsaid::Left).map(Some)
}

/// `12h`, `90d`, `2w` in seconds.
fn seconds(text: &str) -> Result<i64, Failure> {
    let refused = || {
        Failure::usage(
            "invalid-value",
            format!("--older-than: `{}` is no age", escape::field(text)),
        )
        .hint("write hours, days or weeks: `12h`, `90d`, `2w`")
    };
    let mut characters = text.chars();
    let unit = match characters.next_back() {
        Some('h') => 3600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => return Err(refused()),
    };
    let count: i64 = characters.as_str().parse().map_err(|_| refused())?;
    match count.checked_mul(unit) {
        Some(seconds) if count >= 0 => Ok(seconds),
        _ => Err(refused()),
    }
}

/// Whether a piece says that it was made before a time; one that says nothing is not.
fn is_older(piece: &Piece, before: UnixTime) -> bool {
    piece
        .resolved
        .manifest
        .annotations()
        .get(media_types::ANNOTATION_CREATED)
        .and_then(|text| UnixTime::parse_rfc3339(text).ok())
        .is_some_and(|made| made.0 < before.0)
}

/// Whether a piece says that it was made by a signer.
async fn is_by(depot: &dyn Depot, piece: &Piece, signer: Option<&str>) -> Result<bool, StoreError> {
    let Some(signer) = signer else {
        return Ok(true);
    };
    let Manifest::Image(image) = &piece.resolved.manifest else {
        return Ok(false);
    };
    let limits = Limits::DEFAULT;
    for layer in &image.layers {
        if layer.size > SIGNER_BYTES {
            continue;
        }
        let origin = |form| Origin {
            form,
            descriptor: Some(layer.clone()),
            manifest: Some(piece.resolved.descriptor.digest),
            repository: None,
        };
        let bytes = depot.blob(layer, SIGNER_BYTES).await?;
        let read = match layer.media_type.as_str() {
            media_types::SIMPLE_SIGNING => Unverified::simple_signing(
                bytes,
                &layer.annotations,
                origin(StorageForm::SignatureTag),
                &limits,
            ),
            media_types::DSSE_ENVELOPE => Unverified::dsse(
                bytes,
                &layer.annotations,
                origin(StorageForm::AttestationTag),
                &limits,
            ),
            other if other.starts_with(media_types::BUNDLE_PREFIX) => {
                Unverified::bundle(bytes, origin(StorageForm::BundleReferrer), &limits)
            }
            _ => continue,
        };
        if let Ok(read) = read
            && says(&read.peek(), signer)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn says(unproven: &Unproven, signer: &str) -> bool {
    let name = unproven
        .unverified_san
        .as_ref()
        .map(SubjectAlternativeName::value);
    let hint = unproven.unverified_key_hint.as_deref();
    // Bundles spell a key's id in base64, and people as a digest.
    let spelled = Digest::parse(signer).map(|id| encode_base64(id.as_bytes()));
    hint == Some(signer)
        || name == Some(signer)
        || spelled.is_ok_and(|spelled| hint == Some(spelled.as_str()))
}

/// Evidence in the whole repository about manifests that are gone.
async fn orphans(depot: &dyn Depot) -> Result<Vec<Unwanted>, Failure> {
    let mut unwanted = Vec::new();
    for tag in depot.tags().await? {
        let Some((subject, kind)) = about(&tag) else {
            continue;
        };
        depot.renew();
        let there = depot.exists(&subject).await?;
        let list = kind == "list of referrers";
        let index = if list {
            depot.fallback(&subject).await?
        } else {
            None
        };
        let why = match (there, &index) {
            (false, _) => "what it is about is gone",
            (true, Some(index)) if index.index.manifests.is_empty() => "the list is empty",
            _ => continue,
        };
        for entry in index.iter().flat_map(|index| &index.index.manifests) {
            // Only what is about the manifest that is gone: a list may name anything.
            let referrer = match depot.resolve(&Target::Digest(entry.digest)).await {
                Ok(referrer) => referrer,
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let its = referrer.manifest.subject().map(|its| its.digest);
            if its == Some(subject) {
                unwanted.push(Unwanted {
                    place: Place::Manifest(entry.digest),
                    subject: Some(subject),
                    kind: "referrer",
                    why: why.to_owned(),
                    outcome: "kept",
                });
            }
        }
        unwanted.push(Unwanted {
            place: Place::Tag(tag),
            subject: Some(subject),
            kind,
            why: why.to_owned(),
            outcome: "kept",
        });
    }
    Ok(unwanted)
}

/// What a tag made of a digest is about, with a prefix or without. A cut SHA-512 says too little to call anything gone.
fn about(tag: &str) -> Option<(Digest, &'static str)> {
    let (stem, kind) = match tag.rsplit_once('.') {
        Some((stem, "sig")) => (stem, "signature"),
        Some((stem, "att")) => (stem, "attestation"),
        Some((stem, "sbom")) => (stem, "sbom"),
        Some(_) => return None,
        None => (tag, "list of referrers"),
    };
    let start = stem.rfind("sha256-")?;
    let (prefix, name) = stem.split_at_checked(start)?;
    if kind == "list of referrers" && !prefix.is_empty() {
        return None;
    }
    let digest = Digest::parse(&name.replacen('-', ":", 1)).ok()?;
    (fallback_tag(&digest) == name).then_some((digest, kind))
}

/// Deletes one thing, and takes it off the list that names it.
fn delete(runtime: &Runtime, depot: &dyn Depot, item: &Unwanted) -> Result<&'static str, Failure> {
    depot.renew();
    let done = match &item.place {
        Place::Tag(tag) => runtime.block_on(depot.delete_tag(tag)),
        Place::Manifest(digest) => runtime.block_on(async {
            let done = depot.delete_manifest(digest).await?;
            if let Some(subject) = &item.subject
                && let Some(list) = depot.fallback(subject).await?
                && list
                    .index
                    .manifests
                    .iter()
                    .any(|entry| entry.digest == *digest)
            {
                let remove = |index: &mut ImageIndex| {
                    let before = index.manifests.len();
                    index.manifests.retain(|entry| entry.digest != *digest);
                    index.manifests.len() != before
                };
                depot.edit_fallback(subject, &remove).await?;
            }
            Ok(done)
        }),
    };
    match done {
        Ok(true) => Ok("deleted"),
        Ok(false) => Ok("gone already"),
        Err(StoreError::Unsupported { .. }) => Ok("refused"),
        Err(error) => Err(error.into()),
    }
}

fn report(
    context: &mut Context<'_, '_>,
    reference: &Reference,
    yes: bool,
    unwanted: &[Unwanted],
) -> Result<Done, Failure> {
    for item in unwanted {
        let name = match &item.place {
            Place::Manifest(digest) => digest.to_string(),
            Place::Tag(tag) => escape::field(tag),
        };
        let outcome = if yes {
            item.outcome
        } else {
            "would be deleted"
        };
        context
            .printer
            .line(&format!("{outcome} {} {name} ({})", item.kind, item.why));
    }
    let refused = unwanted
        .iter()
        .filter(|item| item.outcome == "refused")
        .count();
    context.printer.say(&match (unwanted.len(), yes) {
        (0, _) => "there is nothing to clean".to_owned(),
        (number, false) => format!("{number} would be deleted; add `--yes` to do it"),
        (number, true) => format!("{} of {number} deleted", number - refused),
    });
    let status = if refused > 0 {
        context.printer.say(&format!(
            "error: the registry refuses deletes: {refused} stay; its operator must allow them or clean up there"
        ));
        ExitStatus::Unavailable
    } else {
        ExitStatus::Pass
    };
    Ok(Done {
        status,
        result: Some(json!({
            "repository": images::repository(reference),
            "dryRun": !yes,
            "exitCode": status.code(),
            "items": unwanted.iter().map(record).collect::<Vec<Value>>(),
        })),
    })
}

fn record(item: &Unwanted) -> Value {
    let (digest, tag) = match &item.place {
        Place::Manifest(digest) => (Some(digest.to_string()), None),
        Place::Tag(tag) => (None, Some(escape::capped(tag, escape::FIELD_BYTES))),
    };
    json!({
        "digest": digest,
        "tag": tag,
        "kind": item.kind,
        "subject": item.subject.map(|subject| subject.to_string()),
        "why": item.why,
        "outcome": item.outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::{about, seconds};

    #[test]
    fn ages_are_hours_days_and_weeks() {
        assert_eq!(seconds("12h").unwrap(), 43_200);
        assert_eq!(seconds("90d").unwrap(), 7_776_000);
        assert_eq!(seconds("2w").unwrap(), 1_209_600);
        for wrong in ["", "d", "12", "-1d", "1y", "99999999999999999w", "é"] {
            assert_eq!(seconds(wrong).unwrap_err().code, "invalid-value", "{wrong}");
        }
    }

    #[test]
    fn only_tags_made_of_a_whole_digest_are_about_something() {
        let hex = "ab".repeat(32);
        for (tag, kind) in [
            (format!("sha256-{hex}"), Some("list of referrers")),
            (format!("sha256-{hex}.sig"), Some("signature")),
            (format!("team-sha256-{hex}.att"), Some("attestation")),
            (format!("team-sha256-{hex}"), None),
            (format!("sha256-{hex}.txt"), None),
            (format!("sha256-{hex}0.sig"), None),
            ("sha256-ab.sig".to_owned(), None),
            ("v1".to_owned(), None),
        ] {
            assert_eq!(about(&tag).map(|(_, kind)| kind), kind, "{tag}");
        }
    }
}
