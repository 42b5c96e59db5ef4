//! `trust init`: chooses the repository that says whom this machine trusts.

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_trust_store::tuf::{Cache, Instance, TufError};
use serde_json::json;

use super::Done;
use super::trust_update::report;
use crate::arguments::TrustInit;
use crate::context::Context;
use crate::escape::field;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{files, held_trust};

/// The variable of `--mirror`.
const MIRROR_VARIABLE: &str = "COUNTERSIGN_MIRROR";

pub(crate) fn run(arguments: &TrustInit, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let limits = Limits::DEFAULT;
    let built_in = Instance::public_good(&limits)?;
    let instance = match (&arguments.mirror, &arguments.root) {
        (None, None) => built_in,
        (Some(mirror), None) => Instance {
            // What it serves is proven from the root that is built in: it can be a mirror of that instance and of no other.
            mirror: mirror.trim_end_matches('/').to_owned(),
            ..built_in
        },
        (Some(mirror), Some(path)) => {
            let root = Bytes::from(files::read("the root", path, limits.tuf_root_bytes)?);
            Instance::new(mirror, root, &limits).map_err(|error| {
                let malformed = matches!(error, TufError::Malformed { .. });
                let failure = Failure::from(error);
                let message = format!("`{}`: {}", field(&path.display().to_string()), failure.message);
                // A file that is no root at all is a bad argument; a root that its own keys did not sign is trust that cannot be had.
                let status = if malformed { ExitStatus::Usage } else { failure.status };
                Failure { status, message, ..failure }.or_hint(Some(
                    "`--root` names the root metadata of a TUF repository (`1.root.json`, `root.json`), which its owners give you; a `trusted_root.json` is named with `--trusted-root`, by each command".to_owned(),
                ))
            })?
        }
        (None, Some(_)) => {
            return Err(Failure::usage(
                "missing-argument",
                "a root is named, and not where its repository is",
            )
            .hint("add `--mirror URL`"));
        }
    };
    let folders = held_trust::folders()?;
    let cache = Cache::new(instance.clone(), &folders, &limits);
    // Also when nothing is fetched yet: an address that cannot be used is not kept for later.
    held_trust::usable_mirror(context, &instance.mirror)?;
    if context.global.offline {
        instance.save(&folders)?;
        context.printer.say(&format!(
            "{} is the repository of this machine; nothing was fetched, as `--offline` asks",
            field(&instance.mirror)
        ));
        return Ok(Done::pass(json!({
            "mirror": instance.mirror,
            "rootVersion": instance.root_version,
            "fetched": false,
        })));
    }
    // Only what works is chosen: a typing error leaves everything as it was.
    let variable = context.environment(MIRROR_VARIABLE);
    let place = match variable.is_some() && variable == arguments.mirror {
        true => format!("in `{MIRROR_VARIABLE}`"),
        false => "with `--mirror`".to_owned(),
    };
    let acquired = held_trust::get_from(context, &cache, None, true, &place)?;
    instance.save(&folders)?;
    report(context, &cache, &acquired)
}
