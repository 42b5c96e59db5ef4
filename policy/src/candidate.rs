//! Holds one proven piece of evidence against one `signature` or `statement` rule.

use std::collections::BTreeMap;

use countersign_formats::predicate_types::{COSIGN_SIGN, PredicateType};
use countersign_proof::{
    Claim, Danger, Dated, KeyId, Rejected, Signer, Subject, TrustedKey, Verified,
};

use crate::claims;
use crate::error::shown;
use crate::evaluate::Facts;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::nearest::only_difference;
use crate::pattern::Pattern;
use crate::rules::{Demand, Policy, SignerRule};

/// A `signature` rule (`statement: None`) or a `statement` rule, whose inner `None` takes any type.
#[derive(Clone)]
pub(crate) struct Leaf<'a> {
    pub(crate) statement: Option<Option<&'a PredicateType>>,
    pub(crate) by: &'a [String],
    pub(crate) annotations: &'a BTreeMap<String, String>,
}

/// What came of a candidate.
pub(crate) struct CandidateJudgement {
    /// Whether the claim is of the kind and type that the rule asks for.
    pub(crate) right_kind: bool,
    pub(crate) signer: Option<String>,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Leaf<'_> {
    /// The rule in words.
    pub(crate) fn words(&self) -> String {
        let what = match self.statement {
            None => "signature".to_owned(),
            Some(None) => "statement of any type".to_owned(),
            Some(Some(predicate)) => format!("statement of type `{}`", predicate.uri),
        };
        let names: Vec<String> = self.by.iter().map(|name| format!("`{name}`")).collect();
        let by = if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(" or ")
        };
        if self.annotations.is_empty() {
            return format!("{what} by {by}");
        }
        let pairs: Vec<String> = self
            .annotations
            .iter()
            .map(|(name, value)| format!("`{name}={value}`"))
            .collect();
        format!("{what} by {by} with {}", pairs.join(", "))
    }
}

/// Everything that stands between the piece and the rule.
pub(crate) fn judge_candidate(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    piece: &Verified,
) -> CandidateJudgement {
    let mut mismatches = Vec::new();
    if let Some(mismatch) = binding(facts, piece) {
        return CandidateJudgement {
            right_kind: false,
            signer: None,
            mismatches: vec![mismatch],
        };
    }
    let kind = claim_kind(facts.subject, leaf, piece.claim());
    let right_kind = kind.is_none();
    mismatches.extend(kind);
    let (signer, missed) = nearest_signer(facts, policy, leaf, piece);
    mismatches.extend(missed);
    mismatches.extend(annotations(leaf, piece));
    let (demand, whose) = match piece.signer() {
        Signer::Key(_) => (&policy.trust.keys, "keys"),
        _ => (&policy.trust.certificates, "certificates"),
    };
    mismatches.extend(thresholds(policy, demand, whose, piece));
    let signer = if mismatches.is_empty() { signer } else { None };
    CandidateJudgement {
        right_kind,
        signer,
        mismatches,
    }
}

/// A proof holds for its subject and under its trust; one of another subject proves nothing here.
fn binding(facts: &Facts<'_>, piece: &Verified) -> Option<Mismatch> {
    if *piece.subject() != facts.subject.digest() {
        return Some(Mismatch::new(
            MismatchKind::Binding,
            format!("`{}`", facts.subject.digest()),
            format!("`{}`", piece.subject()),
        ));
    }
    if !piece.via().is_empty() {
        return Some(
            Mismatch::new(
                MismatchKind::Binding,
                "the subject itself",
                "something that leads to it",
            )
            .message(
                "the claim names something that leads to the subject, and no rule asks for that",
            ),
        );
    }
    (piece.trust() != facts.trust).then(|| {
        Mismatch::new(
            MismatchKind::Binding,
            facts.trust.to_string(),
            piece.trust().to_string(),
        )
        .message("the proof was made under other trust material")
    })
}

fn claim_kind(subject: &Subject, leaf: &Leaf<'_>, claim: &Claim) -> Option<Mismatch> {
    match leaf.statement {
        Some(wanted) => statement_kind(wanted, claim),
        None => signature_kind(subject, claim),
    }
}

fn statement_kind(wanted: Option<&PredicateType>, claim: &Claim) -> Option<Mismatch> {
    let expected = wanted.map_or("a statement".to_owned(), |predicate| {
        format!("`{}`", predicate.uri)
    });
    let Claim::Statement(statement) = claim else {
        return Some(Mismatch::new(
            MismatchKind::ClaimKind,
            expected,
            claim_words(claim),
        ));
    };
    let found = statement.predicate_type.as_str();
    match wanted {
        Some(predicate) if !predicate.accepts(found) => Some(
            Mismatch::new(
                MismatchKind::PredicateType,
                expected,
                format!("`{}`", shown(found)),
            )
            .hint(if found == COSIGN_SIGN {
                "this is a signature; attest the type that is asked for".to_owned()
            } else {
                format!(
                    "ask for `type: {}`, or attest the type that is asked for",
                    shown(found)
                )
            }),
        ),
        _ => None,
    }
}

fn signature_kind(subject: &Subject, claim: &Claim) -> Option<Mismatch> {
    match (claim, subject) {
        (Claim::SimpleSigning { .. }, Subject::Image(_))
        | (Claim::Message { .. }, Subject::Blob(_)) => None,
        (Claim::Statement(statement), _) if statement.predicate_type == COSIGN_SIGN => {
            let says_nothing = statement
                .predicate
                .as_ref()
                .is_none_or(|predicate| is_empty_object(predicate.bytes()));
            (!says_nothing).then(|| {
                Mismatch::new(MismatchKind::Predicate, "empty", "not empty")
                    .message("the signature's predicate says something, and a signature says nothing but its subject")
            })
        }
        (Claim::Statement(statement), _) => {
            let found = shown(&statement.predicate_type);
            // An SBOM or a failed scan is signed, too: taking it for a signature would admit both.
            Some(
                Mismatch::new(
                    MismatchKind::PredicateType,
                    format!("`{COSIGN_SIGN}`"),
                    format!("`{found}`"),
                )
                .message(format!("a statement of type `{found}` is no signature"))
                .hint(format!(
                    "sign the subject itself, or ask for `statement` with `type: {found}`"
                )),
            )
        }
        (Claim::Message { .. }, Subject::Image(_)) => Some(
            Mismatch::new(
                MismatchKind::ClaimKind,
                "a signature of an image",
                "a signature of bytes",
            )
            .message("a signature over the bytes of a manifest is no signature of the image")
            .hint("sign the image with `countersign sign`"),
        ),
        (Claim::SimpleSigning { .. }, Subject::Blob(_)) => Some(Mismatch::new(
            MismatchKind::ClaimKind,
            "a signature of bytes",
            claim_words(claim),
        )),
        (other, _) => Some(Mismatch::new(
            MismatchKind::ClaimKind,
            "a signature",
            claim_words(other),
        )),
    }
}

fn claim_words(claim: &Claim) -> String {
    match claim {
        Claim::Statement(statement) => {
            format!("a statement of type `{}`", shown(&statement.predicate_type))
        }
        Claim::SimpleSigning { .. } => "a simple signing payload".to_owned(),
        Claim::Message { .. } => "a signature of bytes".to_owned(),
        _ => "a claim of an unknown kind".to_owned(),
    }
}

/// `{}`, with what JSON allows around and within.
fn is_empty_object(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    rest.next() == Some(&b'{') && rest.next() == Some(&b'}') && rest.next().is_none()
}

/// The first signer that matches, or what separates the piece from the one that it misses least.
fn nearest_signer(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    piece: &Verified,
) -> (Option<String>, Vec<Mismatch>) {
    let mut nearest: Option<(u32, Vec<Mismatch>)> = None;
    for name in leaf.by {
        let mismatches = match policy.signers.get(name) {
            Some(rule) => signer(facts, policy, name, rule, piece),
            None => vec![
                Mismatch::new(
                    MismatchKind::SignerKind,
                    format!("`{name}`"),
                    signer_words(piece.signer()),
                )
                .message(format!("the signer `{name}` is not defined")),
            ],
        };
        if mismatches.is_empty() {
            return (Some(name.clone()), Vec::new());
        }
        let distance = mismatches
            .iter()
            .map(|mismatch| mismatch.kind.distance())
            .sum();
        if nearest.as_ref().is_none_or(|(known, _)| distance < *known) {
            nearest = Some((distance, mismatches));
        }
    }
    let mismatches = nearest
        .map(|(_, mismatches)| mismatches)
        .unwrap_or_else(|| {
            vec![
                Mismatch::new(
                    MismatchKind::SignerKind,
                    "nobody",
                    signer_words(piece.signer()),
                )
                .message("the rule names no signer"),
            ]
        });
    (None, mismatches)
}

fn signer(
    facts: &Facts<'_>,
    policy: &Policy,
    name: &str,
    rule: &SignerRule,
    piece: &Verified,
) -> Vec<Mismatch> {
    match (rule, piece.signer()) {
        (SignerRule::Key { keys }, Signer::Key(found)) => {
            key(facts, policy, name, keys, found, piece)
                .into_iter()
                .collect()
        }
        (
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            },
            Signer::Fulcio(certificate),
        ) => {
            let mut mismatches = Vec::new();
            match identity {
                Some(expected) => {
                    let san = certificate.san.value();
                    if !expected.matches(san) {
                        mismatches.push(identity_mismatch(policy, name, expected, san));
                    }
                }
                // Whatever an issuer vouches for is nobody's signature.
                None if claims.is_empty() => mismatches.push(
                    Mismatch::new(
                        MismatchKind::Identity,
                        "nobody",
                        signer_words(piece.signer()),
                    )
                    .message(format!("the signer `{name}` names nobody")),
                ),
                None => {}
            }
            mismatches.extend(claims::mismatches(name, claims, certificate));
            let found = certificate.issuer.as_deref();
            if !found.is_some_and(|found| issuer.matches(found)) {
                let only = mismatches.is_empty();
                mismatches.push(issuer_mismatch(policy, name, issuer, found, only));
            }
            mismatches
        }
        (SignerRule::Certificate { identity }, Signer::Fulcio(certificate))
            if certificate.issuer.is_none() =>
        {
            let san = certificate.san.value();
            if identity.matches(san) {
                Vec::new()
            } else {
                vec![identity_mismatch(policy, name, identity, san)]
            }
        }
        // The owner of the authority names people without saying who vouches for them: a certificate that names its issuer
        // as well is of another kind, and counts only where the issuer is named.
        (SignerRule::Certificate { .. }, Signer::Fulcio(certificate)) => vec![issuer_expected(
            policy,
            name,
            certificate.issuer.as_deref().unwrap_or_default(),
        )],
        (SignerRule::Certificate { identity }, Signer::X509(certificate)) => match &certificate.san
        {
            Some(san) if identity.matches(san.value()) => Vec::new(),
            Some(san) => vec![identity_mismatch(policy, name, identity, san.value())],
            None => vec![
                Mismatch::new(
                    MismatchKind::Identity,
                    format!("`{}`", shown(identity.as_str())),
                    "absent",
                )
                .message("the certificate names nobody"),
            ],
        },
        (SignerRule::Key { .. }, found) => vec![
            Mismatch::new(
                MismatchKind::SignerKind,
                format!("a key of `{name}`"),
                signer_words(found),
            )
            .hint(format!(
                "sign with the key, or add the identity as a signer to policy `{}`",
                policy.name
            )),
        ],
        (SignerRule::Keyless { .. } | SignerRule::Certificate { .. }, found) => vec![
            Mismatch::new(
                MismatchKind::SignerKind,
                format!("a certificate of `{name}`"),
                signer_words(found),
            )
            .hint(format!(
                "sign with a certificate, or add the key as a signer to policy `{}`",
                policy.name
            )),
        ],
    }
}

fn identity_mismatch(policy: &Policy, name: &str, expected: &Pattern, found: &str) -> Mismatch {
    let mismatch = Mismatch::new(
        MismatchKind::Identity,
        format!("`{}`", shown(expected.as_str())),
        format!("`{}`", shown(found)),
    )
    .hint(change(policy, name, "identity"));
    match only_difference(expected, found) {
        Some(only) => mismatch.message(format!(
            "identity differs only in the {}: `{}`, expected `{}`",
            only.part, only.found, only.expected
        )),
        None => mismatch,
    }
}

/// `only`: whether nothing else differs.
fn issuer_mismatch(
    policy: &Policy,
    name: &str,
    expected: &Pattern,
    found: Option<&str>,
    only: bool,
) -> Mismatch {
    let expected = format!("`{}`", shown(expected.as_str()));
    let found = found.map_or("absent".to_owned(), |found| format!("`{}`", shown(found)));
    let lead = if only {
        "only the issuer differs: it is"
    } else {
        "issuer is"
    };
    let message = format!("{lead} {found}, expected {expected}");
    Mismatch::new(MismatchKind::Issuer, expected, found)
        .message(message)
        .hint(change(policy, name, "issuer"))
}

fn issuer_expected(policy: &Policy, name: &str, found: &str) -> Mismatch {
    let found = format!("`{}`", shown(found));
    let message = format!("the certificate names the issuer {found}, and the rule names none");
    Mismatch::new(MismatchKind::Issuer, "absent", found)
        .message(message)
        .hint(change(policy, name, "issuer"))
}

fn change(policy: &Policy, name: &str, field: &str) -> String {
    format!(
        "if this signer is meant, change the {field} of the signer `{name}` in policy `{}`",
        policy.name
    )
}

fn key(
    facts: &Facts<'_>,
    policy: &Policy,
    name: &str,
    keys: &[TrustedKey],
    found: &KeyId,
    piece: &Verified,
) -> Option<Mismatch> {
    let same: Vec<&TrustedKey> = keys
        .iter()
        .filter(|key| KeyId::of(&key.key) == *found)
        .collect();
    if same.is_empty() {
        let expected: Vec<String> = keys
            .iter()
            .take(4)
            .map(|key| format!("`{}`", KeyId::of(&key.key)))
            .collect();
        return Some(
            Mismatch::new(
                MismatchKind::Key,
                expected.join(" or "),
                format!("`{found}`"),
            )
            .hint(format!(
                "if this key is meant, add it to the keys of the signer `{name}` in policy `{}`",
                policy.name
            )),
        );
    }
    let mut missed = None;
    for key in same {
        if let Some(schemes) = key
            .schemes
            .as_ref()
            .filter(|schemes| !schemes.contains(&piece.scheme()))
        {
            let allowed: Vec<String> = schemes
                .iter()
                .map(|scheme| format!("`{}`", scheme.name()))
                .collect();
            missed = Some(Mismatch::new(
                MismatchKind::Scheme,
                allowed.join(" or "),
                format!("`{}`", piece.scheme().name()),
            ));
            continue;
        }
        // A proven time says "no later than". Without one the signature may be of today, so only an
        // open window lets it count.
        let (within, found) = match piece.dated() {
            Dated::Within { not_after, .. } => (
                key.valid.contains(not_after),
                format!("no later than {not_after}"),
            ),
            Dated::Undated => (facts.clock.is_within(&key.valid), "not proven".to_owned()),
        };
        if within {
            return None;
        }
        let edge = |time: Option<countersign_formats::UnixTime>| {
            time.map_or("ever".to_owned(), |time| time.to_string())
        };
        missed = Some(
            Mismatch::new(
                MismatchKind::KeyWindow,
                format!("within the key's window from {} to {}", edge(key.valid.start), edge(key.valid.end)),
                found,
            )
            .hint("sign with a key that is valid, or keep a log entry or timestamp from the time when this one was"),
        );
    }
    missed
}

fn annotations(leaf: &Leaf<'_>, piece: &Verified) -> Vec<Mismatch> {
    if leaf.annotations.is_empty() {
        return Vec::new();
    }
    let have = piece.claim().annotations();
    leaf.annotations
        .iter()
        .filter(|(name, value)| have.get(*name) != Some(*value))
        .map(|(name, value)| {
            let found = have
                .get(name)
                .map_or("absent".to_owned(), |found| format!("`{}`", shown(found)));
            Mismatch::new(
                MismatchKind::Annotation,
                format!("`{}`", shown(value)),
                found.clone(),
            )
            .message(format!(
                "the annotation `{}` is {found}, expected `{}`",
                shown(name),
                shown(value)
            ))
            .about(shown(name))
            .hint(format!("sign with `-a {}={}`", shown(name), shown(value)))
        })
        .collect()
}

fn thresholds(policy: &Policy, demand: &Demand, whose: &str, piece: &Verified) -> Vec<Mismatch> {
    let demand = lowered(demand, piece);
    let counted = Demand::of(piece);
    [
        (
            MismatchKind::Logs,
            "logs",
            "transparency logs",
            demand.logs,
            counted.logs,
        ),
        (
            MismatchKind::Timestamps,
            "timestamps",
            "timestamp authorities",
            demand.timestamps,
            counted.timestamps,
        ),
        (
            MismatchKind::Scts,
            "scts",
            "certificate transparency logs",
            demand.scts,
            counted.scts,
        ),
        (
            MismatchKind::Times,
            "times",
            "sources of a proven time",
            demand.times,
            counted.times,
        ),
    ]
    .into_iter()
    .filter(|(.., wanted, found)| found < wanted)
    .map(|(kind, field, words, wanted, found)| {
        Mismatch::new(kind, wanted.to_string(), found.to_string())
            .message(format!(
                "{found} distinct {words} stand behind the signature, expected {wanted}"
            ))
            .hint(format!(
                "`spec.trust.{whose}.{field}` in policy `{}` asks for it",
                policy.name
            ))
    })
    .collect()
}

impl Demand {
    /// What stands behind a proof, each instance counted once however often it appears.
    fn of(piece: &Verified) -> Self {
        use std::collections::BTreeSet;
        let logs: BTreeSet<_> = piece.logs().iter().map(|entry| &entry.log).collect();
        let timestamps: BTreeSet<_> = piece
            .timestamps()
            .iter()
            .map(|timestamp| &timestamp.authority)
            .collect();
        let scts: BTreeSet<_> = piece.scts().iter().collect();
        let promised: BTreeSet<_> = piece
            .logs()
            .iter()
            .filter(|entry| entry.integrated_time.is_some())
            .map(|entry| &entry.log)
            .collect();
        Self {
            logs: logs.len(),
            timestamps: timestamps.len(),
            scts: scts.len(),
            times: timestamps.len() + promised.len(),
        }
    }
}

/// The demand without what an accepted danger switches off; the decision names the danger.
fn lowered(demand: &Demand, piece: &Verified) -> Demand {
    let mut demand = *demand;
    for danger in piece.dangers() {
        match danger {
            Danger::IgnoreSct => demand.scts = 0,
            Danger::IgnoreLog => demand.logs = 0,
            Danger::JudgeCertificatesNow => demand.times = 0,
            _ => {}
        }
    }
    demand
}

/// The signer in words.
pub(crate) fn signer_words(signer: &Signer) -> String {
    match signer {
        Signer::Key(key) => format!("the key `{key}`"),
        Signer::Fulcio(certificate) => {
            let issuer = certificate.issuer.as_deref().unwrap_or("no issuer");
            format!(
                "`{}` of `{}`",
                shown(certificate.san.value()),
                shown(issuer)
            )
        }
        Signer::X509(certificate) => {
            let name = certificate.san.as_ref().map_or("nobody", |san| san.value());
            format!(
                "`{}` in a certificate of `{}`",
                shown(name),
                shown(&certificate.authority)
            )
        }
        _ => "another certificate".to_owned(),
    }
}

/// For a rejected piece that says it is of the right kind: whether it says that a key signed it.
pub(crate) fn rejected_kind(
    subject: &Subject,
    leaf: &Leaf<'_>,
    rejected: &Rejected,
) -> Option<bool> {
    use countersign_proof::{ClaimKind, UnverifiedSigner};
    let right = match rejected.unverified_claim()? {
        ClaimKind::Statement { predicate_type } => match leaf.statement {
            None => predicate_type == COSIGN_SIGN,
            Some(None) => true,
            Some(Some(wanted)) => wanted.accepts(predicate_type),
        },
        ClaimKind::SimpleSigning => {
            leaf.statement.is_none() && matches!(subject, Subject::Image(_))
        }
        ClaimKind::Message => leaf.statement.is_none() && matches!(subject, Subject::Blob(_)),
        _ => false,
    };
    right.then(|| {
        matches!(
            rejected.unverified_signer(),
            Some(UnverifiedSigner::Key { .. })
        )
    })
}
