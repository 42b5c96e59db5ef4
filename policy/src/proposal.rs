//! A tight policy proposed from what is signed; nobody has confirmed that those who signed were meant to.

mod holder;
mod shared;
mod signers;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, PublicKey, UnixTime, Window};
use countersign_proof::{KeyId, Signer, TrustedKey, Verified};

use crate::decision::Decision;
use crate::error::PolicyError;
use crate::pattern::Pattern;
use crate::rules::{About, Policy, Requirement, SignerRule, Terms};
use crate::set::{PolicySet, Source};
use shared::Cluster;

/// Most pieces of one image that a proposal's comments name.
const NAMED_PIECES: usize = 20;

/// An image and what is proven about it.
#[derive(Debug)]
pub struct Observed {
    /// The image by its digest, for people.
    pub name: String,
    /// The repository that a scope would name; `None` for a folder or a file.
    pub repository: Option<String>,
    /// The image's digest.
    pub digest: Digest,
    /// The images that it lists, where it is an index.
    pub platforms: BTreeSet<Digest>,
    /// Everything that is proven about it and about the images that it lists.
    pub pieces: Vec<Arc<Verified>>,
    /// What was found and proves nothing.
    pub left_out: Vec<LeftOut>,
}

/// A piece of evidence that was found and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The form in which it is stored and its digest, for people.
    pub piece: String,
    /// The stable code of what is wrong with it, kebab-case.
    pub code: &'static str,
    /// What is wrong with it, in one sentence.
    pub message: String,
}

/// A key that its owner names, and what it is called.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// What policies call it.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// A policy that was proposed, parsed and looked through for what is hardly meant.
#[derive(Debug)]
pub struct Proposal {
    yaml: String,
    policies: PolicySet,
}

/// Why nothing can be proposed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// Nothing about the image is proven.
    #[error(
        "nothing about `{image}` is proven: {found} of evidence found, none of it by a known key or an identity"
    )]
    NothingProven {
        /// The image by its digest.
        image: String,
        /// How many pieces were found.
        found: String,
    },
    /// Images of one repository share no kind of claim.
    #[error("the images of `{repository}` have no claim in common that a policy could ask for")]
    NothingInCommon {
        /// The repository.
        repository: String,
    },
    /// The images show too many different values for one pattern.
    #[error("the images show more than {limit} different values of the {what} of one signer")]
    TooVarious {
        /// What differs.
        what: &'static str,
        /// Most different values that are listed.
        limit: usize,
    },
    /// What was written is no policy, or one that a linter warns of.
    #[error("the proposal cannot be used: {detail}")]
    Unusable {
        /// What is wrong with it.
        detail: String,
    },
}

impl ProposalError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingProven { .. } => "proposal-nothing-proven",
            Self::NothingInCommon { .. } => "proposal-nothing-in-common",
            Self::TooVarious { .. } => "proposal-too-various",
            Self::Unusable { .. } => "proposal-unusable",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NothingProven { .. } => "name the keys that may have signed with `--key`; `countersign discover IMAGE` lists what is there",
            Self::NothingInCommon { .. } => "give images that are signed alike, or propose a policy for each",
            Self::TooVarious { .. } => "give fewer images, of the releases that the policy is for",
            Self::Unusable { .. } => return None,
        }.to_owned())
    }
}

impl From<PolicyError> for ProposalError {
    fn from(error: PolicyError) -> Self {
        Self::Unusable {
            detail: error.to_string(),
        }
    }
}

impl Observed {
    /// What a decision by [`Proposal::observing`] saw of an image; `name` is the image by its digest.
    #[must_use]
    pub fn of(name: &str, repository: Option<&str>, decision: &Decision) -> Self {
        let digest = decision.digests.subject;
        let rejected = decision.rejected.iter().map(|piece| LeftOut {
            piece: piece_words(piece.origin().form.code(), piece.digest()),
            code: piece.code(),
            message: piece.to_string(),
        });
        let unusable = decision.unusable.iter().map(|piece| LeftOut {
            piece: piece_words(piece.origin.form.code(), None),
            code: piece.code,
            message: piece.message.clone(),
        });
        Self {
            name: name.to_owned(),
            repository: repository.map(str::to_owned),
            digest,
            // Of an index sources are asked about what it lists; of an image that was reached through one also about its relatives.
            platforms: decision
                .sources
                .iter()
                .map(|report| report.about)
                .filter(|about| *about != digest && decision.index.is_none())
                .collect(),
            pieces: decision
                .accepted
                .iter()
                .chain(&decision.unused)
                .cloned()
                .collect(),
            left_out: rejected.chain(unusable).collect(),
        }
    }
}

impl Proposal {
    /// The policy to observe by: it makes a judge read everything about an image and its platforms, and passes nothing.
    #[must_use]
    pub fn observing(keys: &[KnownKey]) -> PolicySet {
        let nobody = "nobody".to_owned();
        let mut signers = BTreeMap::new();
        // Neither text names anybody: `.invalid` is reserved (RFC 2606 section 2).
        if let (Ok(identity), Ok(issuer)) = (
            Pattern::exact("nobody@example.invalid"),
            Pattern::exact("https://issuer.invalid"),
        ) {
            let rule = SignerRule::Keyless {
                identity: Some(identity),
                issuer,
                claims: BTreeMap::new(),
            };
            signers.insert(nobody.clone(), rule);
        }
        if !keys.is_empty() {
            let keys = keys.iter().map(|known| {
                TrustedKey {
                    key: known.key.clone(),
                    valid: Window {
                        start: None,
                        end: None,
                    },
                    schemes: None,
                }
                .into()
            });
            let keys = keys.collect();
            signers.insert("keys".to_owned(), SignerRule::Key { keys });
        }
        let terms = Terms {
            subject: About::EachPlatform,
            ..Terms::default()
        };
        let require = Requirement::AnyOf(vec![
            Requirement::Signature {
                by: vec![nobody.clone()],
                annotations: BTreeMap::new(),
                terms,
            },
            Requirement::Statement {
                predicate_type: None,
                by: vec![nobody],
                annotations: BTreeMap::new(),
                terms,
            },
        ]);
        PolicySet::from(Policy::new("observing", signers, require))
    }

    /// The tightest policies that these images have in common, one for all repositories that share a signer of a claim; `now` is
    /// the time of the observation.
    ///
    /// Whether the images pass is for the caller to judge, by a [`crate::Judge`] as any other policy.
    ///
    /// # Errors
    ///
    /// [`ProposalError`].
    pub fn of(
        images: &[Observed],
        keys: &[KnownKey],
        now: UnixTime,
        limits: &Limits,
    ) -> Result<Self, ProposalError> {
        if let Some(image) = images.iter().find(|image| image.pieces.is_empty()) {
            return Err(ProposalError::NothingProven {
                image: image.name.clone(),
                found: match image.left_out.len() {
                    1 => "1 piece".to_owned(),
                    number => format!("{number} pieces"),
                },
            });
        }
        let clusters = Cluster::all(images)?;
        let yaml = text::write(&clusters, images, keys, now)?;
        let source = Source {
            name: "proposal".to_owned(),
            bytes: Bytes::from(yaml.clone()),
        };
        let policies = PolicySet::parse(&[source], limits)?;
        if let Some(warning) = policies.warnings().into_iter().next() {
            return Err(ProposalError::Unusable { detail: warning });
        }
        Ok(Self { yaml, policies })
    }

    /// The document, with comments that say why each line is there.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// The policies in it.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }
}

fn piece_words(form: &str, digest: Option<&Digest>) -> String {
    match digest {
        Some(digest) => format!("{form} {digest}"),
        None => form.to_owned(),
    }
}

/// The keys that signed nothing that was seen.
fn idle<'a>(images: &[Observed], keys: &'a [KnownKey]) -> Vec<&'a KnownKey> {
    let pieces = || images.iter().flat_map(|image| &image.pieces);
    keys.iter()
        .filter(|known| {
            let id = KeyId::of(&known.key);
            !pieces().any(|piece| matches!(piece.signer(), Signer::Key(key) if *key == id))
        })
        .collect()
}
