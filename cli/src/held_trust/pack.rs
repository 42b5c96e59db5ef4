//! What a trust pack proves, from the root that is held.

use std::path::Path;

use countersign::pack::{Pack, SectionKind, TufRole};
use countersign_formats::Limits;
use countersign_trust_store::tuf::{Instance, Material, Parts, SIGNING_CONFIG, TufError};
use countersign_trust_store::{Root, RootOrigin};

use super::{HeldTrust, cache, undated};
use crate::arguments::TrustSource;
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;

/// The annotation of a pack that says which mirror it was exported from; nothing proves it.
pub(crate) const MIRROR_ANNOTATION: &str = "dev.countersign.pack.mirror";

/// Proves a pack from the root that is held: the chosen repository's, else the public-good one's that is built in.
pub(super) fn from_pack(
    context: &Context<'_, '_>,
    path: &Path,
    source: &TrustSource,
) -> Result<HeldTrust, Failure> {
    let limits = Limits::DEFAULT;
    let held = match cache(context)? {
        Some(cache) => cache.instance().clone(),
        None => Instance::public_good(&limits)?,
    };
    let pack = Pack::open(path, &limits)?;
    let material = proven(&held, &pack)?;
    let expired = |error: TufError| {
        of_pack(path, error).instead(
        "export it anew with `countersign trust export`, where the mirror can be reached; is the clock of this machine right?",
    )
    };
    material.check(context.now).map_err(expired)?;
    let origin = RootOrigin::Pack(path.to_owned());
    let root = Root::parse(material.trusted_root()?.clone(), origin, &limits)?;
    undated(source, &root)?;
    Ok(HeldTrust::of(&root, Some(&material), None, "pack"))
}

/// What the held root proves of a pack.
fn proven(held: &Instance, pack: &Pack) -> Result<Material, Failure> {
    let mut parts = Parts::default();
    for section in pack.sections_of(SectionKind::TufMetadata) {
        let bytes = section.bytes.clone();
        let place = match section.tuf_role {
            Some(TufRole::Timestamp) => &mut parts.timestamp,
            Some(TufRole::Snapshot) => &mut parts.snapshot,
            Some(TufRole::Targets) => &mut parts.targets,
            _ => {
                parts.roots.push(bytes);
                continue;
            }
        };
        if !place.is_empty() {
            return Err(Failure::usage(
                "pack-section-count",
                format!(
                    "the pack `{}` has two files of metadata for one role",
                    pack.path().display()
                ),
            ));
        }
        *place = bytes;
    }
    if parts.timestamp.is_empty() {
        return Err(Failure::new(
            ExitStatus::TrustMaterial,
            "pack-unproven",
            format!(
                "the pack `{}` holds no metadata that could prove its trusted root",
                pack.path().display()
            ),
        )
        .hint("`countersign trust export` writes packs with it"));
    }
    let root = pack.required(SectionKind::TrustedRoot)?;
    parts.files.insert(
        countersign_trust_store::tuf::TRUSTED_ROOT.to_owned(),
        root.bytes.clone(),
    );
    if let Some(config) = pack.section(SectionKind::SigningConfig)? {
        parts
            .files
            .insert(SIGNING_CONFIG.to_owned(), config.bytes.clone());
    }
    parts.sort_roots();
    Material::prove(&held.root, parts, &Limits::DEFAULT).map_err(|error| {
        let unsigned = matches!(error, TufError::Threshold { .. });
        let failure = of_pack(pack.path(), error);
        if !unsigned {
            return failure;
        }
        let from = pack
            .annotations()
            .get(MIRROR_ANNOTATION)
            .map_or("another repository", String::as_str);
        failure.instead(&format!(
            "this machine holds root version {} of {}, and the pack says that it is of {}: hold the root of the repository that is meant, `countersign trust init --offline --mirror URL --root FILE`",
            held.root_version,
            crate::escape::field(&held.mirror),
            crate::escape::field(from),
        ))
    })
}

/// What is wrong with the trust in a pack.
fn of_pack(path: &Path, error: TufError) -> Failure {
    let failure = Failure::from(error);
    let path = path.display().to_string();
    Failure {
        message: format!("the pack `{}`: {}", crate::escape::field(&path), failure.message),
        ..failure
    }
    .or_hint(Some(
        "it is not as it was exported: copy it again, or export it anew with `countersign trust export`".to_owned(),
    ))
}
