//! `doctor`: what a registry can do and which consumers see what is there, as a report for a ticket.

use countersign_formats::{Reference, RegistryReference};
use countersign_registry::replicate::{Extent, Scope, survey};
use countersign_registry::{
    Ability, Outage, Probed, Registry, Store, StoreError, Target, open_depot,
};
use serde_json::{Value, json};

use super::{Done, login};
use crate::arguments::Doctor;
use crate::context::Context;
use crate::escape;
use crate::evidence_kind::{self, Kind};
use crate::failure::Failure;
use crate::{moving, stores};

/// A clock that is wrong by more seconds than this is told of: certificates live ten minutes.
const SKEW_SECONDS: i64 = 60;

/// How much of each form of evidence is beside an image.
#[derive(Default)]
struct Forms {
    bundles: usize,
    signature_tags: usize,
    attestation_tags: usize,
    notation: usize,
    others: usize,
}

pub(crate) fn run(arguments: &Doctor, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let (reference, repository_given) = reference(&arguments.registry)?;
    if arguments.write && !repository_given {
        return Err(Failure::usage(
            "repository-missing",
            "`--write` needs a repository that it may write to",
        )
        .hint("name one that is made for this: `HOST/scratch/doctor`"));
    }
    let other = match &arguments.mount_from {
        Some(other) => Some(other_repository(&reference, other)?),
        None => None,
    };
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let registry = Registry::open(&reference, &settings)?;
    let target = match repository_given {
        true if named(&arguments.registry) => target(&reference),
        // Any image says how the repository answers.
        true => runtime.block_on(any_image(&registry))?,
        false => None,
    };
    let probed = runtime.block_on(registry.probe(target.as_ref(), context.now));
    let mut probed = probed.map_err(no_registry)?;
    if arguments.write {
        runtime.block_on(registry.probe_by_writing(&mut probed))?;
    }
    if let Some((other, tagged)) = other {
        let from = Registry::open(&other, &settings)?;
        runtime.block_on(async {
            let image = match tagged {
                true => self::target(&other),
                false => any_image(&from).await?,
            };
            registry
                .probe_mount_from(&mut probed, &from, image.as_ref())
                .await;
            Ok::<_, Failure>(())
        })?;
    }
    let forms = match &target {
        Some(target) => Some(runtime.block_on(async {
            let depot = open_depot(&Reference::Registry(reference.clone()), &settings)?;
            let root = depot.resolve(target).await?;
            let found = survey(
                &*depot,
                Extent::Whole(root),
                &Scope::Everything,
                &settings.limits,
            )
            .await?;
            Ok::<_, Failure>(count(&found.pieces))
        })?),
        None => None,
    };
    let name = if repository_given {
        reference.name()
    } else {
        reference.registry().to_owned()
    };
    let consumers = consumers(&probed, forms.as_ref());
    tell(context, &name, &probed, forms.as_ref(), &consumers);
    if repository_given && target.is_none() && !arguments.write {
        context.printer.say(&format!(
            "`{}` has no tag of an image, or is not there",
            escape::field(&name)
        ));
    } else if forms.is_none() && !arguments.write {
        context
            .printer
            .say("name an image to see what is beside it and who finds it: `HOST/REPOSITORY:TAG`");
    }
    if !arguments.write {
        context.printer.say(
            "uploads, conditions on PUT, sizes and deletes were not tried: `--write` with a repository made for that does",
        );
    }
    Ok(Done::pass(json!({
        "registry": reference.registry(),
        "repository": repository_given.then(|| reference.repository().to_owned()),
        "reached": probed.reached,
        "at": context.now.to_string(),
        "server": probed.server.as_deref().map(|text| escape::capped(text, escape::FIELD_BYTES)),
        "clockSkewSeconds": probed.clock_skew,
        "findings": probed.findings.iter().map(|finding| json!({
            "name": finding.name,
            "ability": word(finding.ability),
            "detail": escape::capped(&finding.detail, escape::FIELD_BYTES),
        })).collect::<Vec<Value>>(),
        "evidence": forms.as_ref().map(|forms| json!({
            "bundles": forms.bundles,
            "signatureTags": forms.signature_tags,
            "attestationTags": forms.attestation_tags,
            "notation": forms.notation,
            "others": forms.others,
        })),
        "consumers": consumers.iter().map(|(name, sees)| json!({"name": name, "sees": sees})).collect::<Vec<Value>>(),
        "leftBehind": probed.left_behind,
        "requests": registry.requests(),
    })))
}

/// What the doctor alone can say of an address where nothing answers: the general hint leads to the doctor.
fn no_registry(error: StoreError) -> Failure {
    let nothing = matches!(
        &error,
        StoreError::Unavailable {
            outage: Outage::Status { status: 404, .. },
            ..
        }
    );
    let failure = Failure::from(error);
    match nothing {
        true => failure.instead(
            "nothing answers there as a registry does (`/v2/`): check the host, the port and what stands before the registry",
        ),
        false => failure,
    }
}

/// A registry alone is asked with a repository that need not exist: nothing but the API's root is looked at then.
fn reference(text: &str) -> Result<(RegistryReference, bool), Failure> {
    if !text.contains('/') && !text.starts_with("oci:") && !text.starts_with("oci-archive:") {
        let reference = login::in_registry(text, "countersign/doctor")?;
        return Ok((reference, false));
    }
    match stores::reference(text)? {
        Reference::Registry(reference) => Ok((reference, true)),
        _ => Err(Failure::usage(
            "not-a-registry",
            format!("`{}` is not in a registry", escape::field(text)),
        )
        .hint("write `HOST[:PORT]` or `HOST[:PORT]/REPOSITORY[:TAG]`")),
    }
}

/// The repository `text` of the same registry, and whether a tag or digest stands behind it.
fn other_repository(
    reference: &RegistryReference,
    text: &str,
) -> Result<(RegistryReference, bool), Failure> {
    let full = format!("{}/{text}", reference.registry());
    match stores::reference(&full)? {
        Reference::Registry(other) if other.repository() != reference.repository() => {
            Ok((other, named(text)))
        }
        _ => Err(Failure::usage(
            "bad-repository",
            format!(
                "`{}` is no other repository of `{}`",
                escape::field(text),
                reference.registry()
            ),
        )
        .hint("write its name without the registry's: `--mount-from acme/app`")),
    }
}

/// Whether an image is named, and not the repository alone.
fn named(text: &str) -> bool {
    text.contains('@') || moving::is_tagged(text)
}

/// The first tag of a repository that is no evidence; a repository that is not there yet has none.
async fn any_image(registry: &Registry) -> Result<Option<Target>, Failure> {
    let tags = match registry.tags().await {
        Ok(tags) => tags,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut images = tags.into_iter().filter(|tag| !tag.contains("sha256-"));
    Ok(images.next().map(Target::Tag))
}

fn target(reference: &RegistryReference) -> Option<Target> {
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => Some(Target::Digest(*digest)),
        (None, Some(tag)) => Some(Target::Tag(tag.to_owned())),
        (None, None) => None,
    }
}

fn count(pieces: &[countersign_registry::replicate::Piece]) -> Forms {
    use countersign_registry::replicate::Role;
    let mut forms = Forms::default();
    for piece in pieces {
        let kind = evidence_kind::unverified_kind(piece).0;
        match (&piece.role, kind) {
            (Role::Root | Role::Child, _) => {}
            (Role::Tagged { .. }, Kind::Signature) => forms.signature_tags += 1,
            (Role::Tagged { .. }, Kind::Attestation) => forms.attestation_tags += 1,
            (_, Kind::Notation) => forms.notation += 1,
            (Role::Referrer { .. }, Kind::Signature | Kind::Attestation | Kind::Bundle)
                if evidence_kind::artifact_type(piece)
                    .starts_with(countersign_formats::media_types::BUNDLE_PREFIX) =>
            {
                forms.bundles += 1;
            }
            _ => forms.others += 1,
        }
    }
    forms
}

/// Which programs see which form, and whether any of it is there.
fn consumers(probed: &Probed, forms: Option<&Forms>) -> Vec<(&'static str, String)> {
    let lists = match probed.ability("referrers-api") {
        Ability::Yes => "by the referrers API",
        Ability::No => "by the fallback tag, which works without the API",
        Ability::Unknown => "by the referrers API or the fallback tag",
    };
    let none = Forms::default();
    let here = forms.unwrap_or(&none);
    let tags = here.signature_tags + here.attestation_tags;
    let Forms {
        bundles, notation, ..
    } = *here;
    let cosign3 = if bundles > 0 { bundles } else { tags };
    let all = bundles + tags + notation + here.others;
    let rows: [(&'static str, String, usize); 8] = [
        ("countersign", format!("every form, {lists}"), all),
        (
            "cosign 3",
            format!("bundles, {lists}; without any, `.sig` and `.att` tags"),
            cosign3,
        ),
        (
            "cosign 2",
            "`.sig` and `.att` tags; bundles only with `--new-bundle-format`".to_owned(),
            tags,
        ),
        (
            "podman, CRI-O, skopeo",
            "`.sig` tags alone".to_owned(),
            here.signature_tags,
        ),
        (
            "policy-controller",
            "`.sig` and `.att` tags; bundles only where its policy says so".to_owned(),
            tags,
        ),
        (
            "Kyverno",
            "`.sig` and `.att` tags; bundles only with `type: SigstoreBundle`".to_owned(),
            tags,
        ),
        ("notation", format!("its own signatures, {lists}"), notation),
        (
            "oras discover",
            format!("referrers of every kind, {lists}; no tags"),
            all - tags,
        ),
    ];
    rows.into_iter()
        .map(|(name, sees, number)| match forms {
            Some(_) => (name, format!("{sees}: {number} of {all} here")),
            None => (name, sees),
        })
        .collect()
}

fn tell(
    context: &mut Context<'_, '_>,
    name: &str,
    probed: &Probed,
    forms: Option<&Forms>,
    consumers: &[(&'static str, String)],
) {
    let printer = &mut context.printer;
    printer.line(&format!("registry    {}", escape::field(name)));
    printer.line(&format!("countersign {}", env!("CARGO_PKG_VERSION")));
    printer.line(&format!("reached     {}", escape::field(&probed.reached)));
    printer.line(&format!("at          {}", context.now));
    if let Some(server) = &probed.server {
        printer.line(&format!("server      {}", escape::field(server)));
    }
    printer.line(&match probed.clock_skew {
        None => "clock       the registry does not say what time it is".to_owned(),
        Some(skew) if skew.abs() <= SKEW_SECONDS => {
            format!("clock       agrees within {} s", skew.abs().max(1))
        }
        Some(skew) => format!(
            "clock       the registry's is {} s {}",
            skew.abs(),
            if skew > 0 { "ahead" } else { "behind" }
        ),
    });
    printer.line("");
    for finding in &probed.findings {
        printer.line(&format!(
            "{:<21} {:<8} {}",
            finding.name,
            word(finding.ability),
            escape::field(&finding.detail)
        ));
    }
    printer.line("");
    for (consumer, sees) in consumers {
        printer.line(&format!("{consumer:<21} {sees}"));
    }
    if let Some(forms) = forms
        && forms.others > 0
    {
        printer.line(&format!(
            "{:<21} {} artifacts of other kinds",
            "", forms.others
        ));
    }
    for left in &probed.left_behind {
        printer.warn(&format!(
            "could not be removed again: {}",
            escape::field(left)
        ));
    }
    if let Some(skew) = probed.clock_skew.filter(|skew| skew.abs() > SKEW_SECONDS) {
        printer.warn(&format!(
            "one of the two clocks is wrong by {} s: short-lived certificates and tokens will be refused",
            skew.abs()
        ));
    }
    if probed.ability("referrers-api") == Ability::No
        && probed.ability("conditional-put") == Ability::No
    {
        printer.say("several writers at once are told apart by looking again: another tool's write can cost an entry; `countersign repair` brings back what can still be found");
    }
}

fn word(ability: Ability) -> &'static str {
    match ability {
        Ability::Yes => "yes",
        Ability::No => "no",
        Ability::Unknown => "unknown",
    }
}
