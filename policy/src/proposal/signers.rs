//! Signers in the proposed document.

use std::collections::BTreeSet;

use countersign_proof::Verified;

use crate::claims::CertificateClaim;
use crate::pattern::Pattern;
use crate::proposal::holder::{self, Build, Holder};
use crate::proposal::text::{Text, known};
use crate::proposal::{KnownKey, ProposalError};
use crate::write::quoted;

/// A signer: whoever signed, as exactly as what was seen allows.
pub(super) fn write(
    out: &mut Text,
    holder: &Holder,
    name: &str,
    pieces: &[&Verified],
    keys: &[KnownKey],
) -> Result<(), ProposalError> {
    match holder {
        Holder::Key(id) => {
            out.comment(2, &format!("The key that you named, {id}. DECIDE: `validUntil`, for the day on which it is replaced."));
            out.line(2, &format!("{}:", quoted(name)));
            out.line(3, "key:");
            out.line(4, "pem: |");
            let pem = known(holder, keys).map(|known| known.key.to_pem());
            for line in pem.unwrap_or_default().lines() {
                out.line(5, line);
            }
        }
        Holder::Person {
            issuer,
            name: person,
        } => {
            out.comment(2, "Somebody whom the issuer vouches for. DECIDE: whether this person, and this issuer, may sign releases.");
            out.line(2, &format!("{}:", quoted(name)));
            out.line(3, "keyless:");
            out.line(4, &format!("issuer: {}", exact(issuer)?));
            out.line(4, &format!("identity: {}", exact(person)?));
        }
        Holder::Certificate { name: person } => {
            out.comment(
                2,
                "A holder of a certificate of your own authority, which names no issuer.",
            );
            out.line(2, &format!("{}:", quoted(name)));
            out.line(3, "certificate:");
            out.line(4, &format!("identity: {}", exact(person)?));
        }
        Holder::Build(build) => self::build(out, build, name, pieces)?,
    }
    Ok(())
}

fn build(
    out: &mut Text,
    build: &Build,
    name: &str,
    pieces: &[&Verified],
) -> Result<(), ProposalError> {
    let values = |claim| holder::values(pieces, claim);
    let refs = values(CertificateClaim::SourceRepositoryRef);
    let triggers = holder::pattern("trigger", &values(CertificateClaim::BuildTrigger))?;
    let git_ref = holder::pattern("ref", &refs)?;
    out.comment(
        2,
        &format!("A build of {}, as its certificates say.", build.repository),
    );
    ref_comment(out, &refs);
    out.line(2, &format!("{}:", quoted(name)));
    out.line(3, "keyless:");
    out.line(4, &format!("issuer: {}", exact(&build.issuer)?));
    let github = build.on_github();
    let workflow = github.and(build.workflow());
    if build.is_called() || workflow.is_none() {
        out.comment(
            4,
            "The instructions that signed; another repository may call the same ones.",
        );
        if let Some(identity) = holder::pattern("identity", &holder::names(pieces))? {
            out.line(4, &format!("identity: {}", written(&identity)));
        }
    }
    let mut claims: Vec<(CertificateClaim, Pattern)> = Vec::new();
    let mut claim =
        |claim, pattern: Option<Pattern>| claims.extend(pattern.map(|found| (claim, found)));
    if let Some(repository) = github {
        out.line(4, "github:");
        out.line(5, &format!("repository: {}", exact(repository)?));
        if let Some(workflow) = workflow {
            out.line(5, &format!("workflow: {}", exact(workflow)?));
        }
        for (field, pattern) in [("ref", &git_ref), ("trigger", &triggers)] {
            if let Some(pattern) = pattern {
                out.line(5, &format!("{field}: {}", written(pattern)));
            }
        }
    } else {
        let repository = BTreeSet::from([build.repository.clone()]);
        claim(
            CertificateClaim::SourceRepositoryUri,
            holder::pattern("repository", &repository)?,
        );
        claim(CertificateClaim::SourceRepositoryRef, git_ref);
        claim(CertificateClaim::BuildTrigger, triggers);
    }
    if workflow.is_none() && build.is_called() {
        let config = holder::pattern("build config", &values(CertificateClaim::BuildConfigUri))?;
        claim(CertificateClaim::BuildConfigUri, config);
    }
    for (kind, value) in [
        (CertificateClaim::RunnerEnvironment, &build.runner),
        (
            CertificateClaim::SourceRepositoryIdentifier,
            &build.identifier,
        ),
    ] {
        if let Some(value) = value {
            claim(
                kind,
                holder::pattern("claim", &BTreeSet::from([value.clone()]))?,
            );
        }
    }
    if claims.is_empty() {
        return Ok(());
    }
    if build.identifier.is_some() {
        out.comment(4, "The identifier stays when a repository is renamed, and is another one when somebody takes its name.");
    }
    out.line(4, "claims:");
    for (claim, pattern) in claims {
        out.line(5, &format!("{}: {}", claim.as_str(), written(&pattern)));
    }
    Ok(())
}

fn ref_comment(out: &mut Text, refs: &BTreeSet<String>) {
    let all = |head: &str| !refs.is_empty() && refs.iter().all(|found| found.starts_with(head));
    out.comment(2, &if all("refs/tags/") {
        "DECIDE: the ref is no wider than the tags seen, so that the next release may be denied; `refs/tags/v*` admits each."
            .to_owned()
    } else if refs.iter().any(|found| found.starts_with("refs/pull/")) {
        "WARNING: built from a pull request, whose content anybody may have written. DECIDE: whether such a build may be deployed."
            .to_owned()
    } else if all("refs/heads/") {
        "DECIDE: whether whoever may push to this branch may release.".to_owned()
    } else {
        format!("DECIDE: which refs may be released; {} were seen.", refs.len())
    });
}

fn exact(text: &str) -> Result<String, ProposalError> {
    Pattern::exact(text)
        .map(|pattern| written(&pattern))
        .map_err(|error| ProposalError::Unusable {
            detail: error.to_string(),
        })
}

/// A pattern as a policy writes it: plain where that is read as the same kind.
fn written(pattern: &Pattern) -> String {
    let text = pattern.as_str();
    match Pattern::parse(text) {
        Ok(parsed) if parsed.kind() == pattern.kind() => quoted(text),
        _ => format!("{{{}: {}}}", pattern.kind(), quoted(text)),
    }
}
