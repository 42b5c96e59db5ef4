//! What is allowed in a policy and probably not meant.

mod inclusion;
mod looseness;
mod times;
mod tree;

use std::fmt;

use countersign_formats::UnixTime;

use crate::places::Places;
use crate::rules::Policy;
use crate::set::PolicySet;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not meant.
    Warning,
}

/// The kinds of finding; each has a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Lint {
    /// A part that changes nothing, since another part says as much.
    Shadowed,
    /// Two parts of which one makes the other useless.
    Contradictory,
    /// A policy that nothing can pass.
    AlwaysDeny,
    /// A policy, or a signer, that asks nothing of anybody.
    AlwaysPass,
    /// A pattern that ends in the middle of a name, so that others can have a name that matches.
    Unanchored,
    /// A rule that passes only where every source was read.
    NonMonotone,
    /// Something that ends soon, or has ended.
    Expiring,
    /// A signer that no rule names.
    UnusedSigner,
    /// A check that the policy leaves out.
    Insecure,
    /// A question that was not decided.
    Undecided,
}

/// One finding about a policy, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the source; empty for a policy that flags amount to.
    pub file: String,
    /// Line, counted from 1.
    pub line: Option<u64>,
    /// Column in characters, counted from 1.
    pub column: Option<u64>,
    /// How much it weighs.
    pub severity: Severity,
    /// What kind it is.
    pub lint: Lint,
    /// Name of the policy.
    pub policy: String,
    /// Which part of it, such as `require.allOf[0]`.
    pub part: String,
    /// What was found, in one sentence without full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Lint {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Shadowed,
        Self::Contradictory,
        Self::AlwaysDeny,
        Self::AlwaysPass,
        Self::Unanchored,
        Self::NonMonotone,
        Self::Expiring,
        Self::UnusedSigner,
        Self::Insecure,
        Self::Undecided,
    ];

    /// The stable code of this kind, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Shadowed => "lint-shadowed",
            Self::Contradictory => "lint-contradictory",
            Self::AlwaysDeny => "lint-always-deny",
            Self::AlwaysPass => "lint-always-pass",
            Self::Unanchored => "lint-unanchored",
            Self::NonMonotone => "lint-non-monotone",
            Self::Expiring => "lint-expiring",
            Self::UnusedSigner => "lint-unused-signer",
            Self::Insecure => "lint-insecure",
            Self::Undecided => "lint-undecided",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::NonMonotone | Self::Insecure | Self::Undecided => Severity::Note,
            _ => Severity::Warning,
        }
    }
}

impl Severity {
    /// The word that editors know.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            out.write_str(&self.file)?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(out, ":{line}:{column}")?;
            }
            out.write_str(": ")?;
        }
        let (severity, code) = (self.severity.as_str(), self.lint.code());
        write!(
            out,
            "{severity}: policy `{}`: {} [{code}]",
            self.policy, self.message
        )
    }
}

impl PolicySet {
    /// What is allowed and probably not meant. Exact for globs and for trees of up to 20 claims; what was not
    /// decided is a finding of its own. Without `now` nothing is said about what ends soon.
    #[must_use]
    pub fn lint(&self, now: Option<UnixTime>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (policy, places) in self.policies().iter().zip(self.places()) {
            let mut lints = Lints {
                policy,
                places,
                findings: Vec::new(),
            };
            looseness::signers(&mut lints);
            looseness::scope(&mut lints);
            looseness::switches(&mut lints);
            tree::lint(&mut lints);
            times::contradictions(&mut lints);
            if let Some(now) = now {
                times::lint(&mut lints, now);
            }
            findings.append(&mut lints.findings);
        }
        findings
    }

    /// [`PolicySet::lint`] without notes and without a clock, each in one sentence.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.lint(None)
            .into_iter()
            .filter(|finding| finding.severity == Severity::Warning)
            .map(|finding| format!("policy `{}`: {}", finding.policy, finding.message))
            .collect()
    }
}

/// The findings about one policy.
struct Lints<'a> {
    policy: &'a Policy,
    places: &'a Places,
    findings: Vec<Finding>,
}

impl Lints<'_> {
    fn add(&mut self, lint: Lint, part: &str, message: String, hint: &str) {
        let place = self.places.find(part);
        self.findings.push(Finding {
            file: self.places.file.clone(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            severity: lint.severity(),
            lint,
            policy: self.policy.name.clone(),
            part: part.to_owned(),
            message,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }
}
