//! `trust export`: trust, and what proves it, in a file for machines without a network.

use countersign::pack::{PackWriter, SectionKind, TufRole};
use countersign_trust_store::tuf::{Freshness, SIGNING_CONFIG, TRUSTED_ROOT};
use serde_json::json;

use super::Done;
use super::trust_update::chosen;
use crate::arguments::TrustExport;
use crate::context::Context;
use crate::escape::{self, field};
use crate::failure::Failure;
use crate::files::Existing;
use crate::{held_trust, packs};

pub(crate) fn run(arguments: &TrustExport, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let path = &arguments.file;
    let existing = match arguments.yes {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    packs::writable(path, existing)?;
    let cache = chosen(context)?;
    let acquired = held_trust::get(context, &cache, None, false)?;
    if let Freshness::Kept { reason } = &acquired.freshness {
        context.printer.warn(&format!(
            "the trust was not refreshed, and what was fetched at {} is exported: {}",
            acquired.checked,
            field(&reason.to_string())
        ));
    }
    let parts = acquired.material.parts();
    let mut pack = PackWriter::new();
    pack.annotate(
        held_trust::MIRROR_ANNOTATION,
        cache.instance().mirror.clone(),
    );
    let held = cache.instance();
    // With the root that is held here: whoever holds the one before goes on from it.
    pack.tuf_metadata(
        TufRole::Root,
        format!("{}.root.json", held.root_version),
        held.root.clone(),
    );
    for (version, root) in (held.root_version.saturating_add(1)..).zip(&parts.roots) {
        pack.tuf_metadata(TufRole::Root, format!("{version}.root.json"), root.clone());
    }
    pack.tuf_metadata(
        TufRole::Timestamp,
        "timestamp.json",
        parts.timestamp.clone(),
    );
    pack.tuf_metadata(TufRole::Snapshot, "snapshot.json", parts.snapshot.clone());
    pack.tuf_metadata(TufRole::Targets, "targets.json", parts.targets.clone());
    for (kind, name) in [
        (SectionKind::TrustedRoot, TRUSTED_ROOT),
        (SectionKind::SigningConfig, SIGNING_CONFIG),
    ] {
        if let Some(bytes) = acquired.material.file(name) {
            pack.section(kind, name, bytes.clone());
        }
    }
    context.runtime()?.block_on(pack.write(path))?;
    let shown = path.display().to_string();
    context.printer.say(&format!(
        "{} holds until {}; read it with `--trust-pack` where the same root is held: version {} of {}",
        field(&shown),
        acquired.material.expires(),
        held.root_version,
        field(&held.mirror)
    ));
    Ok(Done::pass(json!({
        "file": escape::capped(&shown, escape::FIELD_BYTES),
        "mirror": held.mirror,
        "rootVersion": held.root_version,
        "checked": acquired.checked.to_string(),
        "expires": acquired.material.expires().to_string(),
        "roles": held_trust::roles(&acquired.material),
    })))
}
