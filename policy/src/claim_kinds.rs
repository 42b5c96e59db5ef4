//! Whether a claim is of the kind that a rule asks for.

use std::collections::BTreeMap;

use countersign_formats::predicate_types::{COSIGN_SIGN, PredicateType};
use countersign_proof::{Claim, Rejected, Subject};

use crate::error::shown;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::moments::span_text;
use crate::rules::{About, Requirement, Select, Terms};

/// A `signature` rule (`statement: None`) or a `statement` rule, whose inner `None` takes any type.
#[derive(Clone)]
pub(crate) struct Leaf<'a> {
    pub(crate) statement: Option<Option<&'a PredicateType>>,
    pub(crate) by: &'a [String],
    pub(crate) annotations: &'a BTreeMap<String, String>,
    pub(crate) terms: &'a Terms,
}

impl<'a> Leaf<'a> {
    /// The rule as a leaf; `None` for a rule made of rules.
    pub(crate) fn of(rule: &'a Requirement) -> Option<Self> {
        match rule {
            Requirement::Signature {
                by,
                annotations,
                terms,
            } => Some(Self {
                statement: None,
                by,
                annotations,
                terms,
            }),
            Requirement::Statement {
                predicate_type,
                by,
                annotations,
                terms,
            } => Some(Self {
                statement: Some(predicate_type.as_ref()),
                by,
                annotations,
                terms,
            }),
            _ => None,
        }
    }
}

impl Leaf<'_> {
    /// The rule in words.
    pub(crate) fn words(&self) -> String {
        let names: Vec<String> = self.by.iter().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            self.words_by("nobody")
        } else {
            self.words_by(&names.join(" or "))
        }
    }

    /// The rule in words, with `by` for its signers.
    pub(crate) fn words_by(&self, by: &str) -> String {
        let what = match self.statement {
            None => "signature".to_owned(),
            Some(None) => "statement of any type".to_owned(),
            Some(Some(predicate)) => format!("statement of type `{}`", predicate.uri),
        };
        let selected = match self.terms.select {
            Select::Any => String::new(),
            Select::All { minimum } => format!("every one of at least {minimum}: "),
            Select::Latest => "the latest ".to_owned(),
        };
        let mut words = format!("{selected}{what} by {by}");
        if !self.annotations.is_empty() {
            let pairs: Vec<String> = self
                .annotations
                .iter()
                .map(|(name, value)| format!("`{name}={value}`"))
                .collect();
            words.push_str(&format!(" with {}", pairs.join(", ")));
        }
        if let Some(age) = self.terms.max_age {
            words.push_str(&format!(", not older than {}", span_text(age)));
        }
        words.push_str(match self.terms.subject {
            About::Asked => "",
            About::Index => ", about the index",
            About::Platform => ", about the platform's image",
            About::EachPlatform => ", about each platform's image",
        });
        if self.terms.via_index {
            words.push_str(" or the index that lists it");
        }
        words
    }
}

/// What stands between the claim's kind and the rule.
pub(crate) fn claim_kind(subject: &Subject, leaf: &Leaf<'_>, claim: &Claim) -> Option<Mismatch> {
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

pub(crate) fn signature_kind(subject: &Subject, claim: &Claim) -> Option<Mismatch> {
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
