//! Claims that images have in common, and which of them a policy asks for.

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::predicate_types::{COSIGN_SIGN, resolve};
use countersign_proof::{Claim, Image, Subject, Verified};

use crate::claim_kinds::signature_kind;
use crate::proposal::holder::Holder;
use crate::proposal::{Observed, ProposalError};
use crate::rules::{About, Demand};

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Signature,
    /// A statement of this predicate type.
    Statement(String),
}

/// Which digest a claim is about: what was asked for, or each image of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Asked,
    Platforms,
}

type Pair = (Kind, Place, Holder);

/// Repositories whose images share claims, and the rules for them.
pub(super) struct Cluster<'a> {
    pub(super) images: Vec<&'a Observed>,
    pub(super) rules: Vec<Rule<'a>>,
    /// What is on some of the images only, and on how many.
    pub(super) partly: Vec<(Kind, Holder, usize)>,
}

/// One rule.
pub(super) struct Rule<'a> {
    pub(super) kind: Kind,
    pub(super) about: About,
    /// Whoever may have made the claim; any of them.
    pub(super) by: BTreeSet<Holder>,
    /// The claims that meet the rule.
    pub(super) pieces: Vec<&'a Verified>,
    /// The most that stands behind one of the claims about each image, and of that the least.
    pub(super) demand: Demand,
}

impl<'a> Cluster<'a> {
    /// The images by repository, and repositories together where one signer made one kind of claim about each of their images.
    pub(super) fn all(images: &'a [Observed]) -> Result<Vec<Self>, ProposalError> {
        let mut repositories: BTreeMap<&str, Vec<&Observed>> = BTreeMap::new();
        for image in images {
            let name = image.repository.as_deref().unwrap_or_default();
            repositories.entry(name).or_default().push(image);
        }
        let mut together: Vec<(Vec<&Observed>, BTreeSet<Pair>)> = Vec::new();
        for images in repositories.into_values() {
            let common = common(&images);
            let fits = together
                .iter_mut()
                .find(|(_, other)| !common.is_disjoint(other));
            match fits {
                Some((all, other)) => {
                    all.extend(images);
                    *other = other.intersection(&common).cloned().collect();
                }
                None => together.push((images, common)),
            }
        }
        together
            .into_iter()
            .map(|(images, common)| Self::of(images, &common))
            .collect()
    }

    fn of(images: Vec<&'a Observed>, common: &BTreeSet<Pair>) -> Result<Self, ProposalError> {
        let pairs: Vec<BTreeSet<Pair>> = images.iter().map(|image| pairs(image)).collect();
        let mut wanted: BTreeMap<(Kind, Place), Vec<BTreeSet<Holder>>> = BTreeMap::new();
        for (kind, place, holder) in common {
            let by = BTreeSet::from([holder.clone()]);
            wanted.entry((kind.clone(), *place)).or_default().push(by);
        }
        // What each image has by somebody, though by nobody on all of them.
        for (kind, place, _) in pairs.iter().flatten() {
            let by = |pairs: &BTreeSet<Pair>| -> BTreeSet<Holder> {
                let same = pairs
                    .iter()
                    .filter(|pair| pair.0 == *kind && pair.1 == *place);
                same.map(|pair| pair.2.clone()).collect()
            };
            let each: Vec<BTreeSet<Holder>> = pairs.iter().map(by).collect();
            if each.iter().all(|by| !by.is_empty()) {
                wanted
                    .entry((kind.clone(), *place))
                    .or_insert_with(|| vec![each.into_iter().flatten().collect()]);
            }
        }
        let asked: BTreeSet<Kind> = wanted
            .keys()
            .filter(|(_, place)| *place == Place::Asked)
            .map(|(kind, _)| kind.clone())
            .collect();
        // An index pins its images: a claim about both is asked for once.
        wanted.retain(|(kind, place), _| *place == Place::Asked || !asked.contains(kind));
        let mut rules = Vec::new();
        for ((kind, place), alternatives) in wanted {
            for by in alternatives {
                rules.push(Rule::new(&images, kind.clone(), place, by));
            }
        }
        if rules.is_empty() {
            let repository = images.first().map_or("", |image| image.name.as_str());
            let repository = repository.split('@').next().unwrap_or_default().to_owned();
            return Err(ProposalError::NothingInCommon { repository });
        }
        let mut partly: BTreeMap<(Kind, Holder), usize> = BTreeMap::new();
        for pairs in &pairs {
            let named: BTreeSet<_> = pairs
                .iter()
                .map(|(kind, _, holder)| (kind.clone(), holder.clone()))
                .collect();
            for pair in named {
                *partly.entry(pair).or_default() += 1;
            }
        }
        partly.retain(|(kind, holder), _| {
            !rules
                .iter()
                .any(|rule| rule.kind == *kind && rule.by.contains(holder))
        });
        let partly = partly
            .into_iter()
            .map(|((kind, holder), count)| (kind, holder, count))
            .collect();
        Ok(Self {
            images,
            rules,
            partly,
        })
    }
}

impl<'a> Rule<'a> {
    fn new(images: &[&'a Observed], kind: Kind, place: Place, by: BTreeSet<Holder>) -> Self {
        let mut all = Vec::new();
        let mut demand: Option<Demand> = None;
        for image in images {
            for target in targets(image, place) {
                let pieces: Vec<&Verified> = image
                    .pieces
                    .iter()
                    .map(AsRef::as_ref)
                    .filter(|piece| *piece.subject() == target)
                    .filter(|piece| kind_of(piece).as_ref() == Some(&kind))
                    .filter(|piece| {
                        Holder::of(piece.signer()).is_some_and(|holder| by.contains(&holder))
                    })
                    .collect();
                let strongest = pieces
                    .iter()
                    .map(|piece| Demand::of(piece))
                    .max_by_key(|found| (found.times, found.logs, found.timestamps, found.scts))
                    .unwrap_or_default();
                demand = Some(demand.map_or(strongest, |least| least.least(&strongest)));
                all.extend(pieces);
            }
        }
        let index = images.iter().all(|image| !image.platforms.is_empty());
        let about = match place {
            Place::Asked if index => About::Index,
            Place::Asked => About::Asked,
            Place::Platforms if index => About::EachPlatform,
            Place::Platforms => About::Platform,
        };
        Self {
            kind,
            about,
            by,
            pieces: all,
            demand: demand.unwrap_or_default(),
        }
    }
}

impl Demand {
    /// What both have.
    pub(super) fn least(&self, other: &Self) -> Self {
        Self {
            logs: self.logs.min(other.logs),
            timestamps: self.timestamps.min(other.timestamps),
            scts: self.scts.min(other.scts),
            times: self.times.min(other.times),
            witnesses: self.witnesses.min(other.witnesses),
        }
    }
}

/// What all of the images have.
fn common(images: &[&Observed]) -> BTreeSet<Pair> {
    let mut images = images.iter();
    let Some(first) = images.next() else {
        return BTreeSet::new();
    };
    images.fold(pairs(first), |common, image| {
        common.intersection(&pairs(image)).cloned().collect()
    })
}

/// The claims about an image, and about each of the images that it lists.
fn pairs(image: &Observed) -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for place in [Place::Asked, Place::Platforms] {
        let mut targets = targets(image, place).into_iter();
        let Some(first) = targets.next() else {
            continue;
        };
        let claims = |target| -> BTreeSet<(Kind, Holder)> {
            let about = image
                .pieces
                .iter()
                .filter(|piece| *piece.subject() == target);
            about
                .filter_map(|piece| Some((kind_of(piece)?, Holder::of(piece.signer())?)))
                .collect()
        };
        let shared = targets.fold(claims(first), |shared, target| {
            shared.intersection(&claims(target)).cloned().collect()
        });
        pairs.extend(
            shared
                .into_iter()
                .map(|(kind, holder)| (kind, place, holder)),
        );
    }
    pairs
}

/// The digests that a claim must be about; an image that is no index is its own platform.
fn targets(image: &Observed, place: Place) -> Vec<countersign_formats::Digest> {
    match place {
        Place::Platforms if !image.platforms.is_empty() => {
            image.platforms.iter().copied().collect()
        }
        _ => vec![image.digest],
    }
}

/// What the piece claims, where a rule can ask for it.
fn kind_of(piece: &Verified) -> Option<Kind> {
    let subject = Subject::Image(Image::pinned(*piece.subject()));
    if signature_kind(&subject, piece.claim()).is_none() {
        return Some(Kind::Signature);
    }
    match piece.claim() {
        Claim::Statement(statement) if statement.predicate_type != COSIGN_SIGN => {
            let found = statement.predicate_type.clone();
            resolve(&found).is_ok().then_some(Kind::Statement(found))
        }
        _ => None,
    }
}
