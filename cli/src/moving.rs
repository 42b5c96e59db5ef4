//! Images that are moved: `copy`, `save` or `load`, from the survey to the report.

mod chosen;
mod destination;
mod judged;
mod report;
mod route;

pub(crate) use report::count;
pub(crate) use route::{Route, is_tagged, local};

use std::sync::{Arc, Mutex, PoisonError};

use countersign_formats::Reference;
use countersign_registry::replicate::{Moving, Scope, Step, Watch, replicate, survey};
use countersign_registry::{Outage, Settings, StoreError, open_depot};

use crate::arguments::Carried;
use crate::commands::Done;
use crate::context::Context;
use crate::evidence_kind::{self, Unsaid};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::trust::{self, Wanted};
use crate::{elsewhere, images, stores};
use chosen::Chosen;
use destination::Destination;
use judged::{judge_each, judging, refuse_idle_trust};
use report::{Told, report};
use route::{destination_tag, mount};

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
    if !carried.no_evidence && matches!(route.source, Reference::Registry(_)) {
        elsewhere::warn_of_cosign_repository(
            context,
            "what it holds about the image does not come along",
        );
    }
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
        destination
            .finish(&route.destination, marked, &settings.limits)
            .await?;
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

/// One bar for everything that moves.
fn watch(context: &Context<'_, '_>) -> Watch {
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
