//! What a judge asks for and what it is given.

use std::fmt;

use countersign_formats::{Digest, UnixTime, predicate_types::COSIGN_SIGN};
use countersign_proof::{Image, Origin, Rejected, Verified};

/// One thing that is still missing to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Want {
    /// Everything that this source has about the subject.
    Source(SourceKind),
    /// Everything that this source has about a relative of the subject: the index that it was reached through, or an image
    /// that it lists. Answered by [`Supplied::About`], with pieces that were proven about that digest.
    About(Digest, SourceKind),
    /// The manifest or index of this digest. Answered by [`Supplied::Manifest`].
    Manifest(Digest),
}

/// Where evidence about a subject can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SourceKind {
    /// What the caller brought along, such as files named on the command line.
    Given,
    /// The referrers of the subject that may hold what is asked for, by what their listing says.
    BundleReferrers,
    /// The tag `sha256-….sig`.
    SignatureTag,
    /// The tag `sha256-….att`.
    AttestationTag,
    /// What these list as something else; a listing is a hint and no proof, so it is read before
    /// anything is denied.
    OtherPieces,
}

/// What the judge is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Supplied {
    /// One piece of evidence, proven or rejected.
    Piece(Box<Result<Verified, Rejected>>),
    /// One piece that arrived and cannot count, for a reason that needs no proof.
    Unusable(Box<Unusable>),
    /// One piece that a source lists and that could not be had: the source is incomplete.
    Missing(SourceKind, Cause),
    /// A source's answer; its pieces come beside it.
    Source(SourceKind, Answer),
    /// What was found about a relative of the subject.
    About(Digest, Vec<Supplied>),
    /// A manifest, read and hashed by [`Image::read`], or why it could not be had.
    Manifest(Digest, Box<Result<Image, Cause>>),
}

/// A piece that arrived and cannot count, whatever is in it: it is stored in a way that its form forbids.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// Where it came from.
    pub origin: Origin,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
}

/// How a source answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It said that it has nothing.
    Absent,
    /// It was read.
    Read {
        /// Whether to the end; a list cut at a limit is not complete.
        complete: bool,
        /// When it was read: now, or earlier for a cached listing.
        as_of: UnixTime,
    },
    /// It could not be asked, or lied.
    Failed(Cause),
}

/// Why something could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of trouble.
    pub class: CauseClass,
    /// Which source, in words: a host, a path, a repository.
    pub source: String,
    /// What happened, in one sentence without full stop.
    pub detail: String,
}

/// Kinds of trouble; each decides an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseClass {
    /// No answer, a deadline, 429 or a server's error: exit code 20.
    Network,
    /// Credentials missing or refused: exit code 21.
    Authentication,
    /// Trust material missing or too old: exit code 22.
    StaleTrust,
    /// A source was not read to its end: exit code 20.
    Incomplete,
    /// What arrived is not what was promised, such as another digest: exit code 20.
    Unreadable,
    /// A limit on pieces or bytes was reached: exit code 20.
    Budget,
    /// Nothing proves that a signature is not older than a rule allows: exit code 20.
    Undated,
    /// The trust material is not what a policy pins: exit code 22.
    WrongTrust,
}

impl CauseClass {
    /// The stable code of this kind, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Authentication => "authentication",
            Self::StaleTrust => "stale-trust",
            Self::Incomplete => "incomplete",
            Self::Unreadable => "unreadable",
            Self::Budget => "budget",
            Self::Undated => "undated",
            Self::WrongTrust => "wrong-trust",
        }
    }

    /// Whether it is an outage, which a policy may excuse. What whoever may push can bring about is none: else a flood of
    /// evidence would buy an admission.
    #[must_use]
    pub fn is_outage(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Authentication | Self::StaleTrust
        )
    }

    /// Of several causes the one that names the outcome: authentication, then trust, then the rest.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Authentication => 0,
            Self::WrongTrust => 1,
            Self::StaleTrust => 2,
            Self::Network => 3,
            Self::Unreadable => 4,
            Self::Incomplete => 5,
            Self::Budget => 6,
            Self::Undated => 7,
        }
    }
}

impl SourceKind {
    /// The stable code of this source, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::BundleReferrers => "bundle-referrers",
            Self::OtherPieces => "other-pieces",
            Self::SignatureTag => "signature-tag",
            Self::AttestationTag => "attestation-tag",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Given => "the evidence given",
            Self::BundleReferrers => "the referrers",
            Self::OtherPieces => "the other pieces",
            Self::SignatureTag => "the `.sig` tag",
            Self::AttestationTag => "the `.att` tag",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.source, self.detail)
    }
}

/// What kinds of claim could still help; tells a fetcher what to fetch first, never what to skip.
#[derive(Debug, Clone, Default)]
pub struct Interest {
    pub(crate) signatures: bool,
    pub(crate) any_statement: bool,
    pub(crate) statements: Vec<countersign_formats::predicate_types::PredicateType>,
}

impl Interest {
    /// Interest in whatever there is.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            signatures: true,
            any_statement: true,
            statements: Vec::new(),
        }
    }

    /// Whether a piece could help that a listing says to be a statement of this predicate type;
    /// without a hint, or with an empty one, anything could.
    #[must_use]
    pub fn likely(&self, unverified_predicate_type: Option<&str>) -> bool {
        match unverified_predicate_type {
            None | Some("") => true,
            Some(found) => {
                self.any_statement
                    || (self.signatures && found == COSIGN_SIGN)
                    || self.statements.iter().any(|wanted| wanted.accepts(found))
            }
        }
    }
}
