//! What `copy`, `save` and `load` do: survey, judge when asked to, carry, report.

mod chosen;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countersign::Verifier;
use countersign_formats::{Descriptor, Digest, Manifest, Reference};
use countersign_registry::layout::{ArchiveWriter, Layout};
use countersign_registry::replicate::{
    Moving, Piece, Replicated, Role, Scope, Step, Survey, replicate, survey,
};
use countersign_registry::{Depot, Outage, Settings, StoreError, open_depot};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::arguments::{Carried, Trust};
use crate::commands::Done;
use crate::context::Context;
use crate::escape;
use crate::evidence_kind::{self, Unsaid};
use crate::exit::ExitStatus;
use crate::explain;
use crate::failure::Failure;
use crate::files::{self, Existing};
use crate::judging::Judging;
use crate::progress::Progress;
use crate::trust::{self, Wanted};
use crate::{images, stores};
use chosen::Chosen;

/// Where an image comes from and where it goes.
pub(crate) struct Route {
    pub(crate) source: Reference,
    pub(crate) destination: Reference,
    /// Whether the destination was written with a tag; one without gets the source's, never a `latest` that nobody wrote.
    pub(crate) tagged: bool,
    /// Whether the destination is a folder that cosign may load from, or an archive of one.
    pub(crate) for_cosign: bool,
}

/// Whether a reference was written with a tag.
pub(crate) fn is_tagged(text: &str) -> bool {
    let name = text.split('@').next().unwrap_or(text);
    name.rsplit('/').next().unwrap_or(name).contains(':')
}

/// A destination, and what must be done when everything is in it.
enum Destination {
    Depot(Arc<dyn Depot>),
    Archive(Arc<ArchiveWriter>),
}

impl Destination {
    fn open(reference: &Reference, settings: &Settings) -> Result<Self, Failure> {
        Ok(match reference {
            Reference::Registry(_) => Self::Depot(open_depot(reference, settings)?),
            Reference::Layout(layout) => Self::Depot(Arc::new(
                Layout::create(layout.path())?.with_limits(settings.limits.clone()),
            )),
            Reference::Archive(archive) => Self::Archive(Arc::new(ArchiveWriter::create(
                archive.path(),
                settings.limits.clone(),
            )?)),
        })
    }

    /// Refuses what can be no destination, without a trace.
    fn possible(reference: &Reference) -> Result<(), Failure> {
        match reference {
            Reference::Registry(_) => Ok(()),
            Reference::Layout(layout) => match Layout::open(layout.path()) {
                Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Reference::Archive(archive) => {
                files::writable("the archive", Path::new(archive.path()), Existing::Replace)
            }
        }
    }

    fn depot(&self) -> Arc<dyn Depot> {
        match self {
            Self::Depot(depot) => Arc::clone(depot),
            Self::Archive(archive) => {
                let depot: Arc<dyn Depot> = Arc::<ArchiveWriter>::clone(archive);
                depot
            }
        }
    }
}

/// What was judged before anything was written.
#[derive(Default)]
struct Judged {
    /// Digests of the pieces of evidence that count.
    accepted: Vec<Digest>,
    /// The decision about each image.
    records: Vec<Value>,
}

impl Judged {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.records.extend(other.records);
    }

    /// The decision about the one image, or a list of them.
    fn record(&self) -> Value {
        match self.records.as_slice() {
            [record] => record.clone(),
            records => Value::from(records),
        }
    }
}

/// Moves an image along its route and reports.
pub(crate) fn run(
    context: &mut Context<'_, '_>,
    route: &Route,
    carried: &Carried,
) -> Result<Done, Failure> {
    refuse_idle_trust(carried)?;
    if carried.trust.print_policy {
        let policies = trust::policy(context, &carried.trust, Wanted::Signature, false, &[])?;
        return Ok(trust::print(context, &policies));
    }
    let scope = scope(carried)?;
    let settings = settings(context);
    // Whom to trust and where to are known to be readable before the source is asked.
    let judging = match carried.verify_first {
        true => Some(judging(context, &carried.trust)?),
        false => None,
    };
    Destination::possible(&route.destination)?;
    let runtime = context.runtime_of_several_threads()?;
    let source = open_depot(&route.source, &settings)?;
    let chosen = runtime.block_on(async {
        let named = source.resolve(&stores::target(&route.source)).await?;
        Chosen::find(context, &*source, named, carried).await
    })?;
    let tag = destination_tag(route, &chosen)?;
    let judged = match judging {
        Some(judging) => match judge_each(context, &runtime, route, &chosen, judging)? {
            Ok(judged) => Some(judged),
            Err(denied) => return Ok(denied),
        },
        None => None,
    };
    let found = runtime.block_on(survey(&*source, chosen.extent(), &scope, &settings.limits))?;
    let destination = Destination::open(&route.destination, &settings)?;
    let depot = destination.depot();
    let moving = Moving {
        tag: tag.clone(),
        mount: mount(route),
        parallel: usize::from(carried.parallel),
        blob_bytes: settings.limits.moved_blob_bytes,
        watch: Some(watch(context)),
    };
    let done = runtime.block_on(async {
        let done = replicate(&source, &depot, &found, &moving).await?;
        // cosign takes one image out of a folder.
        let marked = chosen.sole().filter(|_| route.for_cosign);
        let marked = marked.map(|image| &image.descriptor.digest);
        if let (Some(image), Reference::Layout(layout)) = (marked, &route.destination) {
            let layout = Layout::open(layout.path())?.with_limits(settings.limits.clone());
            layout.mark_for_cosign(image)?;
        }
        if let Destination::Archive(archive) = &destination {
            if let Some(image) = marked {
                archive.mark_for_cosign(image).await;
            }
            archive.finish().await?;
        }
        Ok::<_, StoreError>(done)
    });
    let done = done.map_err(|error| refused_index(error, &chosen))?;
    let requests = source.requests() + depot.requests();
    Ok(report(
        context,
        &Told {
            source: images::pinned(&route.source, &chosen.digest()),
            route,
            chosen: &chosen,
            tag,
            judged: judged.as_ref(),
            found: &found,
            done: &done,
            requests,
        },
    ))
}

/// A flag that says whom to trust and is not acted on would be a check that somebody believes in.
fn refuse_idle_trust(carried: &Carried) -> Result<(), Failure> {
    if carried.verify_first || carried.trust.print_policy || !carried.trust.names_somebody() {
        return Ok(());
    }
    Err(Failure::usage(
        "conflicting-flags",
        "a flag says whom to trust, and nothing is verified without `--verify-first`",
    )
    .hint("add `--verify-first`, or drop the trust flags"))
}

fn scope(carried: &Carried) -> Result<Scope, Failure> {
    if carried.no_evidence {
        return Ok(Scope::ImageAlone);
    }
    if carried.only.is_empty() {
        return Ok(Scope::Everything);
    }
    evidence_kind::choice("--only", &carried.only, Unsaid::Taken).map(Scope::Chosen)
}

/// As for every command, but the deadline is for standing still: who moves gigabytes needs more than who asks a question.
pub(crate) fn settings(context: &Context<'_, '_>) -> Settings {
    let mut settings = stores::settings(context);
    settings.shared_deadline = None;
    // What is moved is what is there now.
    settings.cache = None;
    settings
}

/// Some registries take no index that names what they do not have.
fn refused_index(error: StoreError, chosen: &Chosen) -> Failure {
    let refused = matches!(
        &error,
        StoreError::Unavailable {
            outage: Outage::Status {
                status: 400..=499,
                ..
            },
            ..
        }
    );
    let failure = Failure::from(error);
    if refused && chosen.is_sparse() {
        return failure.instead(
            "the destination may refuse an index that names images which it does not have; drop `--sparse-index`, or copy all platforms",
        );
    }
    failure
}

/// The tag at the destination; a digest that is named there must be the image's.
fn destination_tag(route: &Route, chosen: &Chosen) -> Result<Option<String>, Failure> {
    let Some(root) = chosen.sole() else {
        return no_single_name(route).map(|()| None);
    };
    if let Some(digest) = route.destination.digest()
        && *digest != root.descriptor.digest
    {
        return Err(Failure::usage(
            "destination-digest",
            format!(
                "the destination is named by `{digest}` and the image is `{}`",
                root.descriptor.digest
            ),
        )
        .hint("drop the digest from the destination: an image keeps its own"));
    }
    let own = route
        .destination
        .tag()
        .filter(|_| route.tagged)
        .map(str::to_owned);
    let named_by_digest = route.destination.digest().is_some();
    Ok(own.or_else(|| {
        images::resolved_tag(&route.source)
            .filter(|_| !named_by_digest)
            .map(str::to_owned)
    }))
}

/// Several images cannot share a tag or a digest.
fn no_single_name(route: &Route) -> Result<(), Failure> {
    let tag = route.destination.tag().filter(|_| route.tagged);
    if tag.is_none() && route.destination.digest().is_none() {
        return Ok(());
    }
    Err(Failure::usage(
        "several-images-one-name",
        "several images are moved, and the destination names one",
    )
    .hint("leave its tag off: each image arrives by its own digest; or add `--sparse-index`, so that the tag names the index"))
}

/// Blobs can be mounted from another repository of the same registry.
fn mount(route: &Route) -> Option<String> {
    match (&route.source, &route.destination) {
        (Reference::Registry(source), Reference::Registry(destination))
            if source.registry() == destination.registry()
                && source.repository() != destination.repository() =>
        {
            Some(source.repository().to_owned())
        }
        _ => None,
    }
}

/// What the trust flags amount to.
fn judging(context: &mut Context<'_, '_>, flags: &Trust) -> Result<Judging, Failure> {
    let policies = trust::policy(context, flags, Wanted::Signature, false, &[])?;
    Judging::of_files(context, policies, flags, &[])
}

/// Judges the images where they are, to the first that is denied.
fn judge_each(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    route: &Route,
    chosen: &Chosen,
    judging: Judging,
) -> Result<Result<Judged, Done>, Failure> {
    let (verifier, _) = judging.verifier(context)?;
    let mut judged = Judged::default();
    for image in chosen.images() {
        let name = images::pinned(&route.source, &image.descriptor.digest);
        match judge(context, runtime, &name, &verifier)? {
            Ok(one) => judged.add(one),
            Err(denied) => return Ok(Err(denied)),
        }
    }
    Ok(Ok(judged))
}

/// Judges an image where it is; `Err` inside is the denial, an answer of its own.
fn judge(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    name: &str,
    verifier: &Verifier,
) -> Result<Result<Judged, Done>, Failure> {
    let pinned = stores::reference(name)?;
    let now = context.now;
    let verification = runtime.block_on(verifier.verify(&pinned, now))?;
    let decision = &verification.decision;
    let status = explain::status(decision);
    let question = crate::judging::question(verifier);
    explain::explain(context, &verification.name, decision, &question);
    let record = crate::judging::record(decision);
    if status != ExitStatus::Pass {
        context.printer.say("nothing was written");
        return Ok(Err(Done {
            status,
            result: Some(json!({
                "source": name,
                "copied": false,
                "exitCode": status.code(),
                "decision": record,
            })),
        }));
    }
    Ok(Ok(Judged {
        accepted: decision
            .accepted
            .iter()
            .map(|verified| verified.digest())
            .collect(),
        records: vec![record],
    }))
}

/// One bar for everything that moves.
fn watch(context: &Context<'_, '_>) -> countersign_registry::replicate::Watch {
    let terminal = context.terminal;
    let words = context.printer.words();
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    Arc::new(move |step: &Step| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Step::Surveyed { bytes, .. } => *bar = Some(Progress::bytes("copy", *bytes, terminal)),
            Step::Blob { size, .. } => {
                if let Some(bar) = &*bar {
                    bar.advance(*size);
                }
            }
            Step::Note(note) => words.say(note),
            _ => {}
        }
    })
}

/// Everything that there is to report.
struct Told<'a> {
    source: String,
    route: &'a Route,
    chosen: &'a Chosen,
    tag: Option<String>,
    judged: Option<&'a Judged>,
    found: &'a Survey,
    done: &'a Replicated,
    requests: u64,
}

fn report(context: &mut Context<'_, '_>, told: &Told<'_>) -> Done {
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

fn is_verified(judged: Option<&Judged>, piece: &Piece) -> bool {
    let Manifest::Image(image) = &piece.resolved.manifest else {
        return false;
    };
    judged.is_some_and(|judged| {
        image
            .layers
            .iter()
            .any(|layer| judged.accepted.contains(&layer.digest))
    })
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

/// A reference to the layout or the archive that `--dir` or `--file` names.
pub(crate) fn local(
    dir: Option<&Path>,
    file: Option<&Path>,
    select: Option<&str>,
) -> Result<Reference, Failure> {
    let (form, path) = match (dir, file) {
        (Some(dir), _) => ("oci", dir),
        (None, Some(file)) => ("oci-archive", file),
        (None, None) => {
            return Err(Failure::usage(
                "missing-argument",
                "neither `--dir` nor `--file` is given",
            ));
        }
    };
    let path = path.to_str().ok_or_else(|| {
        Failure::usage(
            "path-not-text",
            format!("the path `{}` is not UTF-8", path.display()),
        )
    })?;
    let suffix = match select {
        None => String::new(),
        Some(digest) if digest.starts_with("sha") && digest.contains(':') => format!("@{digest}"),
        Some(tag) => format!(":{tag}"),
    };
    stores::reference(&format!("{form}:{path}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::is_tagged;

    #[test]
    fn a_port_is_no_tag() {
        assert!(is_tagged("127.0.0.1:5000/acme/app:1.4"));
        assert!(is_tagged("ghcr.io/acme/app:1.4@sha256:00"));
        assert!(!is_tagged("127.0.0.1:5000/acme/app"));
        assert!(!is_tagged("127.0.0.1:5000/acme/app@sha256:00"));
    }
}
