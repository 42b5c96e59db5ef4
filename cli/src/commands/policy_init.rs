//! `policy init`: a tight policy, proposed from what is signed.

use std::path::Path;

use countersign::{Verification, Verifier};
use countersign_formats::{Limits, Reference};
use countersign_policy::{
    Decision, KnownKey, Observed, PolicySet, Proposal, ProposalError, Verdict,
};
use countersign_proof::KeyId;
use countersign_registry::Target;
use serde_json::json;

use super::Done;
use crate::arguments::Init;
use crate::context::Context;
use crate::elsewhere::Elsewhere;
use crate::escape;
use crate::exit::ExitStatus;
use crate::explain;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::judging::Judging;
use crate::material::Material;
use crate::packs::Records;
use crate::{key_files, stores};

impl From<ProposalError> for Failure {
    fn from(error: ProposalError) -> Self {
        let status = match &error {
            ProposalError::NothingProven { .. } | ProposalError::NothingInCommon { .. } => {
                ExitStatus::NoneAcceptable
            }
            _ => ExitStatus::Usage,
        };
        Failure::new(status, error.code(), error.to_string()).or_hint(error.hint())
    }
}

pub(crate) fn run(arguments: &Init, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    if arguments.anchors.material.insecure_ignore_sct
        || arguments.anchors.material.insecure_ignore_tlog
    {
        return Err(Failure::usage(
            "conflicting-flags",
            "a proposal leaves out no check, and a flag asks for that",
        )
        .hint(
            "propose without it, and write `insecure` with its reason into the policy yourself",
        ));
    }
    let existing = Existing::under(arguments.yes);
    if let Some(path) = &arguments.output_file {
        files::writable("the policy", path, existing)?;
    }
    let keys = keys(arguments, context)?;
    let sight = Sight::new(arguments, context)?;
    let observing = sight.verifier(arguments, context, Proposal::observing(&keys))?;
    let seen = sight.judge_all(&observing, context)?;
    let mut observed = Vec::new();
    for (verification, repository) in &seen {
        complete(verification)?;
        let image = Observed::of(
            &verification.name,
            repository.as_deref(),
            &verification.decision,
        );
        if image.pieces.is_empty() && image.left_out.is_empty() {
            return Err(Failure::new(
                ExitStatus::NoEvidence,
                "no-evidence",
                format!(
                    "nothing is attached to {}",
                    escape::field(&verification.name)
                ),
            )
            .hint("sign it first; a policy can be proposed only from what is signed"));
        }
        observed.push(image);
    }
    let proposal = Proposal::of(&observed, &keys, context.now, &Limits::DEFAULT)?;
    let verifier = sight.verifier(arguments, context, proposal.policies().clone())?;
    for (verification, _) in sight.judge_all(&verifier, context)? {
        passes(&verification)?;
    }
    finish(arguments, context, existing, &proposal, &observed)
}

/// Prints the proposal, or writes it.
fn finish(
    arguments: &Init,
    context: &mut Context<'_, '_>,
    existing: Existing,
    proposal: &Proposal,
    observed: &[Observed],
) -> Result<Done, Failure> {
    let yaml = proposal.yaml();
    if let Some(path) = &arguments.output_file {
        let bytes = yaml.as_bytes();
        files::write("the policy", path, bytes, Audience::Everybody, existing)?;
        context
            .printer
            .line(&escape::field(&path.display().to_string()));
    } else {
        context.printer.document(yaml.as_bytes());
    }
    let left_out: usize = observed.iter().map(|image| image.left_out.len()).sum();
    if left_out > 0 {
        context.printer.warn(&format!(
            "{left_out} {} of evidence proved nothing and {} not used; the comments say why",
            if left_out == 1 { "piece" } else { "pieces" },
            if left_out == 1 { "was" } else { "were" },
        ));
    }
    context.printer.warn(
        "trust on first use: the policy names those who signed, and nobody has confirmed that they should have; read it before it guards anything",
    );
    let field = |text: &str| escape::capped(text, escape::FIELD_BYTES);
    Ok(Done::pass(json!({
        "file": arguments.output_file.as_ref().map(|path| field(&path.display().to_string())),
        "policy": yaml,
        "policyDigest": proposal.policies().digest().to_string(),
        "images": observed.iter().map(|image| json!({
            "image": image.name,
            "digest": image.digest.to_string(),
            "proven": image.pieces.len(),
            "notUsed": image.left_out.iter().map(|piece| json!({
                "piece": field(&piece.piece),
                "code": piece.code,
                "message": field(&piece.message),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })))
}

/// An outage could hide a signer, or what all images have in common.
fn complete(verification: &Verification) -> Result<(), Failure> {
    let decision = &verification.decision;
    let unread = decision.sources.iter().find(|report| !report.is_read());
    let detail = match (&decision.verdict, unread) {
        (Verdict::Unknown(causes), _) => causes.first().map(ToString::to_string),
        (_, Some(report)) => Some(format!("{} could not be read to the end", report.source)),
        _ => return Ok(()),
    };
    let status = match explain::status(decision) {
        status @ (ExitStatus::Authentication | ExitStatus::TrustMaterial) => status,
        _ => ExitStatus::Unavailable,
    };
    Err(Failure::new(
        status,
        "proposal-incomplete",
        format!(
            "it could not be found out what is signed about {}: {}",
            escape::field(&verification.name),
            escape::field(&detail.unwrap_or_default())
        ),
    )
    .hint("nothing is proposed from half of the evidence; try again when that is mended"))
}

/// The last check: the images pass what is proposed for them, judged as `verify` judges.
fn passes(verification: &Verification) -> Result<(), Failure> {
    let decision: &Decision = &verification.decision;
    if decision.passes() {
        return Ok(());
    }
    let why = match &decision.verdict {
        Verdict::Fail(reasons) => reasons.first().map(|reason| reason.message.clone()),
        Verdict::Unknown(causes) => causes.first().map(ToString::to_string),
        Verdict::Pass => None,
    };
    Err(Failure::new(
        explain::status(decision),
        "proposal-not-passed",
        format!(
            "{} does not pass what would be proposed for it: {}",
            escape::field(&verification.name),
            escape::field(&why.unwrap_or_default())
        ),
    )
    .hint("what is attached may have changed meanwhile: try again; else propose a policy for each image"))
}

/// The keys with names for a policy: those of their files.
fn keys(arguments: &Init, context: &Context<'_, '_>) -> Result<Vec<KnownKey>, Failure> {
    let mut keys: Vec<KnownKey> = Vec::new();
    for text in &arguments.key {
        let key = key_files::public(context, text)?;
        let id = KeyId::of(&key);
        if keys.iter().any(|known| KeyId::of(&known.key) == id) {
            continue;
        }
        let name = match text.strip_prefix("env://") {
            Some(name) => name.to_owned(),
            None => Path::new(text)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        keys.push(KnownKey { name, key });
    }
    Ok(keys)
}

/// Where the images are looked at, twice: to observe and to judge the proposal.
enum Sight {
    Stores(Vec<Reference>),
    Pack(Box<Records>, Vec<String>),
}

impl Sight {
    fn new(arguments: &Init, context: &Context<'_, '_>) -> Result<Self, Failure> {
        if let Some(path) = &arguments.pack {
            let records = Records::open(path)?;
            return Ok(Self::Pack(Box::new(records), arguments.images.clone()));
        }
        let settings = stores::settings(context);
        let runtime = context.runtime()?;
        let mut pinned = Vec::new();
        for text in &arguments.images {
            let reference = stores::reference(text)?;
            // Both looks are at one image: a tag may move between them.
            let (store, target) = stores::open(&reference, &settings)?;
            let digest = match target {
                Target::Digest(digest) => digest,
                other => runtime.block_on(store.resolve(&other))?.descriptor.digest,
            };
            let name = format!("{}@{digest}", store.name());
            let reference = stores::reference(&name)?;
            if !pinned.contains(&reference) {
                pinned.push(reference);
            }
        }
        Ok(Self::Stores(pinned))
    }

    fn verifier(
        &self,
        arguments: &Init,
        context: &mut Context<'_, '_>,
        policies: PolicySet,
    ) -> Result<Verifier, Failure> {
        let judging = Judging {
            material: Material::of(context, &arguments.anchors, &policies)?,
            policies,
            evidence: Vec::new(),
            elsewhere: Some(Elsewhere::new(context, &arguments.places)?),
        };
        judging.thorough(context)
    }

    /// Each image with the repository that a scope would name.
    fn judge_all(
        &self,
        verifier: &Verifier,
        context: &mut Context<'_, '_>,
    ) -> Result<Vec<(Verification, Option<String>)>, Failure> {
        let (runtime, now) = (context.runtime()?, context.now);
        match self {
            Self::Stores(references) => references
                .iter()
                .map(|reference| {
                    let verification = runtime.block_on(verifier.verify(reference, now))?;
                    let repository = matches!(reference, Reference::Registry(_))
                        .then(|| repository(&verification));
                    Ok((verification, repository))
                })
                .collect(),
            Self::Pack(records, names) => records
                .chosen(names)?
                .iter()
                .map(|chosen| {
                    let verification = records.verify(chosen, verifier, &runtime, now)?;
                    let recorded = stores::reference(&chosen.record.reference);
                    let repository = matches!(recorded, Ok(Reference::Registry(_)))
                        .then(|| repository(&verification));
                    Ok((verification, repository))
                })
                .collect(),
        }
    }
}

fn repository(verification: &Verification) -> String {
    let name = verification.name.split('@').next();
    name.unwrap_or_default().to_owned()
}
