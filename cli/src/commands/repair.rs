//! `repair`: the list of an image's referrers under its fallback tag, brought into order.

use countersign_formats::{Digest, Manifest, Reference};
use countersign_registry::{Mended, Mending, fallback_tag, mend, open_depot};
use serde_json::{Value, json};

use super::Done;
use crate::arguments::Repair;
use crate::context::Context;
use crate::failure::Failure;
use crate::{images, moving, stores};

pub(crate) fn run(arguments: &Repair, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let reference = stores::reference(&arguments.image)?;
    if !matches!(reference, Reference::Registry(_)) {
        return Err(Failure::usage(
            "not-a-registry",
            format!("`{}` is not in a registry", images::repository(&reference)),
        )
        .hint("a layout has no fallback tags; its `index.json` lists everything"));
    }
    let mending = Mending {
        known: arguments
            .known
            .iter()
            .map(|text| {
                Digest::parse(text).map_err(|error| {
                    Failure::usage("invalid-value", format!("--known: `{text}`: {error}"))
                        .hint("write a digest as `sha256:…`")
                })
            })
            .collect::<Result<_, _>>()?,
        drop_dangling: arguments.drop_dangling,
        dry_run: arguments.dry_run,
    };
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let depot = open_depot(&reference, &settings)?;
    let root = runtime.block_on(depot.resolve(&stores::target(&reference)))?;
    let mut subjects = vec![root.descriptor.digest];
    if arguments.recursive
        && let Manifest::Index(index) = &root.manifest
    {
        subjects.extend(index.manifests.iter().map(|entry| entry.digest));
    }
    let mut lists = Vec::new();
    for subject in subjects {
        let mended = runtime.block_on(mend(&*depot, &subject, &mending))?;
        tell(context, &subject, &mended, &mending);
        lists.push(record(&subject, &mended));
    }
    context
        .printer
        .line(&images::pinned(&reference, &root.descriptor.digest));
    Ok(Done::pass(json!({
        "image": images::pinned(&reference, &root.descriptor.digest),
        "dryRun": arguments.dry_run,
        "lists": lists,
        "requests": depot.requests(),
    })))
}

fn tell(context: &mut Context<'_, '_>, subject: &Digest, mended: &Mended, mending: &Mending) {
    let tag = fallback_tag(subject);
    let printer = &mut context.printer;
    if !mended.present && mended.restored.is_empty() {
        printer.say(&format!(
            "`{tag}`: there is no list, and nothing to put into one"
        ));
    }
    for (digest, wrong) in &mended.corrected {
        printer.say(&format!(
            "  {digest}: {} said something else than the manifest",
            wrong.join(", ")
        ));
    }
    for (digest, origin) in &mended.restored {
        printer.say(&format!("  {digest}: was not listed; found by {origin}"));
    }
    for digest in &mended.dangling {
        printer.say(&format!(
            "  {digest}: is listed and not there{}",
            kept(mending)
        ));
    }
    for digest in &mended.strangers {
        printer.say(&format!(
            "  {digest}: is listed and refers to something else{}",
            kept(mending)
        ));
    }
    if mended.duplicates > 0 {
        let number = moving::count(mended.duplicates, "entry was", "entries were");
        printer.say(&format!("  {number} there more than once"));
    }
    for (digest, why) in &mended.unknown {
        printer.warn(&format!("`{digest}` was given as known: {why}"));
    }
    if !mended.tags_complete && mended.present {
        printer.warn("not every tag of the repository was looked at");
    }
    let what = match (mended.written, mended.is_damaged(mending)) {
        (true, _) => "mended",
        (false, true) => "would be mended (dry run)",
        (false, false) => "in order",
    };
    if mended.present || mended.written {
        printer.say(&format!("`{tag}`: {what}"));
    }
}

fn kept(mending: &Mending) -> &'static str {
    if mending.drop_dangling {
        " (taken out)"
    } else {
        " (kept; `--drop-dangling` takes it out)"
    }
}

fn record(subject: &Digest, mended: &Mended) -> Value {
    let digests = |list: &[Digest]| list.iter().map(Digest::to_string).collect::<Vec<_>>();
    json!({
        "subject": subject.to_string(),
        "tag": fallback_tag(subject),
        "present": mended.present,
        "entriesBefore": mended.before,
        "corrected": mended.corrected.iter().map(|(digest, wrong)| json!({
            "digest": digest.to_string(), "members": wrong,
        })).collect::<Vec<_>>(),
        "restored": mended.restored.iter().map(|(digest, origin)| json!({
            "digest": digest.to_string(), "foundBy": origin,
        })).collect::<Vec<_>>(),
        "dangling": digests(&mended.dangling),
        "strangers": digests(&mended.strangers),
        "duplicates": mended.duplicates,
        "unknown": mended.unknown.iter().map(|(digest, why)| json!({
            "digest": digest.to_string(), "why": why,
        })).collect::<Vec<_>>(),
        "tagsComplete": mended.tags_complete,
        "written": mended.written,
    })
}
