//! What a policy asks for: signers, thresholds and a tree of requirements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::predicate_types::PredicateType;
use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Danger, TrustedKey};

use crate::claims::CertificateClaim;
use crate::pattern::Pattern;
use crate::wording::Wording;

/// One policy: whom it speaks of, who may sign, what their proofs must carry, and which claims must be there.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Name, unique in its set; decisions and messages use it.
    pub name: String,
    /// What becomes of an image that the policy does not pass.
    pub mode: Mode,
    /// The last second at which the policy passes anything; `None` means that it does not expire.
    pub expires: Option<UnixTime>,
    /// The images that the policy speaks of; every one by default.
    pub scope: Scope,
    /// The signers that requirements refer to by name.
    pub signers: BTreeMap<String, SignerRule>,
    /// What a proof must carry, by kind of signer.
    pub trust: Thresholds,
    /// What never counts, whoever signed it.
    pub deny: DenyList,
    /// What becomes of an image of which an outage hides the evidence.
    pub unavailable: Unavailable,
    /// Checks that the policy leaves out, each with its reason.
    pub insecure: Vec<Insecure>,
    /// What must hold.
    pub require: Requirement,
    /// The words of whoever asked for this without a document; no part of what is asked.
    pub wording: Option<Arc<dyn Wording>>,
}

impl Policy {
    /// A policy that asks `require` of every image, enforced, with the default thresholds.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        signers: BTreeMap<String, SignerRule>,
        require: Requirement,
    ) -> Self {
        Self {
            name: name.into(),
            mode: Mode::default(),
            expires: None,
            scope: Scope::default(),
            signers,
            trust: Thresholds::default(),
            deny: DenyList::default(),
            unavailable: Unavailable::default(),
            insecure: Vec::new(),
            require,
            wording: None,
        }
    }
}

/// What a policy does with an answer that is not a pass; the verdict stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Deny.
    #[default]
    Enforce,
    /// Admit with a warning.
    Warn,
    /// Admit; the decision alone says what was wrong.
    Audit,
}

/// What a policy does when an outage (transport, authentication, stale trust) hides the evidence; the verdict stays unknown,
/// and a source that is incomplete, unreadable or beyond a budget is never excused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unavailable {
    /// As the mode says, which is to deny by default.
    #[default]
    Deny,
    /// Admit with a warning.
    Warn,
    /// Admit with a warning where the same policies passed the same subject not longer ago than this.
    UseCached {
        /// In seconds.
        max_age: u64,
    },
}

/// The images that a policy speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Globs over repositories such as `ghcr.io/acme/**`; an empty list means every image.
    pub images: Vec<Pattern>,
    /// Repositories whose images the policy lets through for a time.
    pub except: Vec<Exception>,
}

/// Images that a policy lets through until a day, for a reason; deny-lists hold for them all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// A glob over repositories.
    pub image: Pattern,
    /// The last second at which the exception holds.
    pub until: UnixTime,
    /// Why.
    pub reason: String,
}

/// What never counts, whoever signed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenyList {
    /// Images and files that are denied whatever is said about them.
    pub digests: BTreeSet<Digest>,
    /// Identities in certificates whose signatures count for nothing.
    pub identities: Vec<Pattern>,
    /// Serial numbers of certificates whose signatures count for nothing, in lower-case hexadecimal without leading zeros.
    pub serials: BTreeSet<String>,
}

/// A check that a policy leaves out, and why; each decision shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insecure {
    /// The check.
    pub danger: Danger,
    /// Why it is left out, for whoever reads the decision.
    pub reason: String,
}

/// Who counts as one named signer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SignerRule {
    /// Any of these keys.
    Key {
        /// The keys, each with its own window.
        keys: Vec<SignerKey>,
    },
    /// A certificate whose issuer matches, and its subject alternative name and claims as far as they are asked for;
    /// with neither of these nobody matches.
    Keyless {
        /// Who: an e-mail address or a URI; `None` leaves it to the claims.
        identity: Option<Pattern>,
        /// Who vouches for it: the URL of the identity provider.
        issuer: Pattern,
        /// What the certificate must claim about its build; a claim that it does not have never matches.
        claims: BTreeMap<CertificateClaim, Pattern>,
    },
    /// A certificate of an own authority that knows no identity tokens, by its subject alternative name.
    Certificate {
        /// Who: an e-mail address or a URI.
        identity: Pattern,
    },
}

/// A key of a signer.
#[derive(Debug, Clone)]
pub struct SignerKey {
    /// The key with its window and schemes.
    pub trusted: TrustedKey,
    /// When somebody else may first have had it: only a signature that is proven to be older counts.
    pub compromised_since: Option<UnixTime>,
}

impl From<TrustedKey> for SignerKey {
    fn from(trusted: TrustedKey) -> Self {
        Self {
            trusted,
            compromised_since: None,
        }
    }
}

/// Least counts for proofs, by kind of signer, and which trust they must be made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// For signatures by a managed key; nothing by default.
    pub keys: Demand,
    /// For signatures by a certificate: one log, one SCT and one proven time by default.
    pub certificates: Demand,
    /// For signatures by one signer, in place of what its kind needs.
    pub signers: BTreeMap<String, Demand>,
    /// SHA-256 of the trusted root's document that proofs must be made under; `None` takes any.
    pub root: Option<Digest>,
}

/// Least counts of what must stand behind one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Distinct transparency logs with a proven entry.
    pub logs: usize,
    /// Distinct timestamp authorities.
    pub timestamps: usize,
    /// Distinct certificate transparency logs; only certificates have them.
    pub scts: usize,
    /// Distinct sources of a proven time: timestamp authorities and logs that promise a time.
    pub times: usize,
    /// Distinct witnesses that signed a log's checkpoint.
    pub witnesses: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            keys: Demand::default(),
            certificates: Demand {
                logs: 1,
                timestamps: 0,
                scts: 1,
                times: 1,
                witnesses: 0,
            },
            signers: BTreeMap::new(),
            root: None,
        }
    }
}

/// A tree of claims that must be there. Every rule is monotone, so that evidence withheld never helps, except statements
/// with `select: all` or `latest`, which pass only where every source was read to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Requirement {
    /// A signature of the subject itself: for images cosign's `sign` statement or a simple signing
    /// payload, for blobs that statement or a message signature.
    Signature {
        /// Names of signers; any of them.
        by: Vec<String>,
        /// Annotations that the signed claim must carry, with equal values.
        annotations: BTreeMap<String, String>,
        /// About what, and how old; what is selected is always [`Select::Any`].
        terms: Terms,
    },
    /// An in-toto statement about the subject.
    Statement {
        /// Type of the predicate; `None` takes any.
        predicate_type: Option<PredicateType>,
        /// Names of signers; any of them.
        by: Vec<String>,
        /// Annotations that the statement's subject must carry, with equal values.
        annotations: BTreeMap<String, String>,
        /// Which statements, about what, and how old.
        terms: Terms,
    },
    /// Every one of these; an empty list never passes.
    AllOf(Vec<Requirement>),
    /// One of these; an empty list never passes.
    AnyOf(Vec<Requirement>),
    /// A number of these, each by a different signer.
    AtLeast {
        /// How many must pass; zero never passes.
        count: usize,
        /// What makes two signers different.
        distinct: Distinct,
        /// The rules that are counted: signatures, statements, and `anyOf` of those.
        of: Vec<Requirement>,
    },
}

/// Which of the claims a rule looks at, what they must be about, and how old they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Which of the signers' claims must be as the rule says.
    pub select: Select,
    /// Most seconds since the claim was made, by the lower bound of its time: the start of the certificate, or a time
    /// inside the signed claim.
    pub max_age: Option<u64>,
    /// What the claim must be about.
    pub subject: About,
    /// Whether a claim about the index counts for the manifests that it lists.
    pub via_index: bool,
}

/// Which claims of the right type by the right signers must be as the rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Select {
    /// One of them.
    #[default]
    Any,
    /// Every one, and at least so many different ones. Not monotone.
    All {
        /// Least number of different claims.
        minimum: usize,
    },
    /// Every one that may be the latest, by proven times. Not monotone.
    Latest,
}

/// What a claim must be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum About {
    /// Whatever was asked about: the digest itself.
    #[default]
    Asked,
    /// The index that was asked about, or through which the image was reached.
    Index,
    /// The image of one platform; where an index was asked about, each of its images, since any may run.
    Platform,
    /// Each image of the index.
    EachPlatform,
}

impl Terms {
    /// Whether evidence withheld can never help.
    #[must_use]
    pub fn is_monotone(&self) -> bool {
        self.select == Select::Any
    }
}

impl Select {
    /// The word that policies use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All { .. } => "all",
            Self::Latest => "latest",
        }
    }
}

impl About {
    /// The word that policies use; [`About::Asked`] has none.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Asked => None,
            Self::Index => Some("index"),
            Self::Platform => Some("platform"),
            Self::EachPlatform => Some("eachPlatform"),
        }
    }
}

/// What makes two signers different when `atLeast` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distinct {
    /// A key, or a certificate's subject name together with its issuer.
    #[default]
    Identity,
    /// The issuer of a certificate; a key stands for itself.
    Issuer,
    /// The key; a certificate counts by its identity, since its key is used once.
    Key,
}

impl Distinct {
    /// The word that policies use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Issuer => "issuer",
            Self::Key => "key",
        }
    }
}

impl Mode {
    /// The word that policies use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

impl Requirement {
    /// A signature of the asked subject by one of `by`.
    #[must_use]
    pub fn signature(by: Vec<String>, annotations: BTreeMap<String, String>) -> Self {
        Self::Signature {
            by,
            annotations,
            terms: Terms::default(),
        }
    }

    /// A statement of `predicate_type` about the asked subject by one of `by`; `None` takes any type.
    #[must_use]
    pub fn statement(
        predicate_type: Option<PredicateType>,
        by: Vec<String>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        Self::Statement {
            predicate_type,
            by,
            annotations,
            terms: Terms::default(),
        }
    }

    /// Whether evidence withheld can never help: no part selects `all` or `latest`.
    #[must_use]
    pub fn is_monotone(&self) -> bool {
        let mut monotone = true;
        self.each_leaf(&mut |leaf| {
            if let Self::Signature { terms, .. } | Self::Statement { terms, .. } = leaf {
                monotone &= terms.is_monotone();
            }
        });
        monotone
    }

    /// Calls `visit` for each `signature` and `statement` of the tree, in order.
    pub(crate) fn each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&'a Requirement)) {
        match self {
            Self::Signature { .. } | Self::Statement { .. } => visit(self),
            Self::AllOf(rules) | Self::AnyOf(rules) | Self::AtLeast { of: rules, .. } => {
                for rule in rules {
                    rule.each_leaf(visit);
                }
            }
        }
    }
}
