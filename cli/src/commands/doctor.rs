//! `doctor`: what a registry can do and which consumers see what is there, as a report for a ticket.

use countersign_formats::{Reference, RegistryReference};
use countersign_registry::replicate::{Scope, survey};
use countersign_registry::{Ability, Probed, Registry, Store, Target, open_depot};
use serde_json::{Value, json};

use super::Done;
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
    let settings = moving::settings(context);
    let runtime = context.runtime()?;
    let registry = Registry::open(&reference, &settings)?;
    let target = repository_given.then(|| target(&reference)).flatten();
    let mut probed = runtime.block_on(registry.probe(target.as_ref(), context.now))?;
    if arguments.write {
        runtime.block_on(registry.probe_by_writing(&mut probed))?;
    }
    let forms = match &target {
        Some(target) => Some(runtime.block_on(async {
            let depot = open_depot(&Reference::Registry(reference.clone()), &settings)?;
            let root = depot.resolve(target).await?;
            let found = survey(&*depot, root, &Scope::Everything).await?;
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
    Ok(Done::pass(json!({
        "registry": reference.registry(),
        "repository": repository_given.then(|| reference.repository().to_owned()),
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

/// A registry alone is asked with a repository that need not exist: nothing but the API's root is looked at then.
fn reference(text: &str) -> Result<(RegistryReference, bool), Failure> {
    let given = text.contains('/');
    let full = if given {
        text.to_owned()
    } else {
        format!("{text}/countersign/doctor")
    };
    match stores::reference(&full)? {
        Reference::Registry(reference) => Ok((reference, given)),
        _ => Err(Failure::usage(
            "not-a-registry",
            format!("`{}` is not in a registry", escape::field(text)),
        )
        .hint("write `HOST[:PORT]` or `HOST[:PORT]/REPOSITORY[:TAG]`")),
    }
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
    let there = |what: &str, number: Option<usize>| match number {
        None => format!("{what}"),
        Some(0) => format!("{what}: none here"),
        Some(number) => format!("{what}: {number} here"),
    };
    let bundles = there("bundles", forms.map(|forms| forms.bundles));
    let tags = there(
        "`.sig` and `.att` tags",
        forms.map(|forms| forms.signature_tags + forms.attestation_tags),
    );
    let signatures = there("`.sig` tags", forms.map(|forms| forms.signature_tags));
    let notation = there("notation signatures", forms.map(|forms| forms.notation));
    vec![
        (
            "countersign",
            format!("{bundles}, {lists}; {tags}; {notation}"),
        ),
        (
            "cosign 3",
            format!("{bundles}, {lists}; {tags} when there is no bundle"),
        ),
        (
            "cosign 2",
            format!("{tags}; bundles only with `--new-bundle-format`"),
        ),
        ("podman, CRI-O, skopeo", format!("{signatures}; no bundles")),
        (
            "policy-controller",
            format!("{tags}; bundles only where its policy says so"),
        ),
        (
            "Kyverno",
            format!("{tags}; {bundles} with `type: SigstoreBundle`"),
        ),
        ("notation", format!("{notation}, {lists}")),
        (
            "oras discover",
            format!("all referrers, {lists}; no `.sig` and `.att` tags"),
        ),
    ]
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
