//! `trust update`: compares the trust with its mirror now.

use countersign_trust_store::tuf::{Acquired, Cache};
use serde_json::json;

use super::Done;
use crate::context::Context;
use crate::escape::field;
use crate::failure::Failure;
use crate::held_trust;

pub(crate) fn run(context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let cache = chosen(context)?;
    if context.global.offline {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--offline` opens no socket, and an update needs one",
        )
        .hint("drop `--offline`; `countersign trust show` says what there is"));
    }
    let acquired = held_trust::get(context, &cache, None, true)?;
    report(context, &cache, &acquired)
}

/// The repository of this machine, which must have been chosen.
pub(super) fn chosen(context: &Context<'_, '_>) -> Result<Cache, Failure> {
    held_trust::cache(context)?.ok_or_else(|| {
        Failure::usage(
            "no-repository",
            "no repository says whom this machine trusts",
        )
        .hint("run `countersign trust init`, or `countersign trust init --mirror URL --root FILE`")
    })
}

/// Says what was got.
pub(super) fn report(
    context: &mut Context<'_, '_>,
    cache: &Cache,
    acquired: &Acquired,
) -> Result<Done, Failure> {
    let mirror = &cache.instance().mirror;
    context.printer.say(&format!(
        "{}: compared at {}, holds until {}",
        field(mirror),
        acquired.checked,
        acquired.material.expires()
    ));
    Ok(Done::pass(json!({
        "mirror": mirror,
        "rootVersion": cache.instance().root_version,
        "fetched": true,
        "checked": acquired.checked.to_string(),
        "expires": acquired.material.expires().to_string(),
        "roles": held_trust::roles(&acquired.material),
    })))
}
