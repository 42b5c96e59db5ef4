//! The subject and its relatives: the index that it was reached through, and the images that an index lists.

use std::collections::BTreeSet;

use countersign_formats::{Descriptor, Digest, ImageIndex, Limits, Manifest, media_types};
use countersign_proof::{Image, Subject};

use crate::evidence::{Cause, CauseClass};
use crate::rules::About;

/// Most images of one index that a rule looks at: each costs requests of its own.
const PLATFORMS: usize = Limits::DEFAULT.index_images;

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(crate) subject: Subject,
    pub(crate) index: Option<Image>,
    pub(crate) name: Option<String>,
}

/// An image that an index does not list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the index `{index}` does not list `{image}`")]
pub struct NotInIndex {
    /// The index.
    pub index: Box<Digest>,
    /// The image.
    pub image: Box<Digest>,
}

impl Asked {
    /// Asks about this subject alone.
    #[must_use]
    pub fn about(subject: Subject) -> Self {
        Self {
            subject,
            index: None,
            name: None,
        }
    }

    /// What is judged.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The repository that it is asked for by.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The index that it was reached through.
    #[must_use]
    pub fn index(&self) -> Option<Digest> {
        self.index.as_ref().map(|index| *index.digest())
    }

    /// The image was reached through this index, whose own bytes must list it.
    ///
    /// # Errors
    ///
    /// [`NotInIndex`], also when `index` was not read or is no index.
    pub fn through(mut self, index: Image) -> Result<Self, NotInIndex> {
        let image = self.subject.digest();
        let lists = match index.manifest() {
            Some(Manifest::Index(index)) => {
                index.manifests.iter().any(|entry| entry.digest == image)
            }
            _ => false,
        };
        if !lists {
            return Err(NotInIndex {
                index: Box::new(*index.digest()),
                image: Box::new(image),
            });
        }
        self.index = Some(index);
        Ok(self)
    }

    /// The repository that it was asked for by, such as `ghcr.io/acme/app`; scopes are compared with it. Without a name
    /// every scope holds and no exception does.
    #[must_use]
    pub fn named(mut self, repository: &str) -> Self {
        self.name = Some(repository.to_owned());
        self
    }
}

/// The subject with what is known of its manifest and of its index.
#[derive(Debug)]
pub(crate) struct Family {
    subject: Subject,
    index: Option<Image>,
    /// Why the subject's manifest could not be had.
    failed: Option<Cause>,
}

/// What the claims of a rule must be about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Targets {
    /// These, each.
    These(Vec<Digest>),
    /// It depends on this manifest.
    Wanted(Digest),
    /// It could not be found out.
    Failed(Cause),
    /// There is no such thing, for this reason.
    Absent(&'static str),
}

impl Family {
    pub(crate) fn new(subject: Subject, index: Option<Image>) -> Self {
        Self {
            subject,
            index,
            failed: None,
        }
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The index through which the subject was reached.
    pub(crate) fn through(&self) -> Option<Digest> {
        self.index.as_ref().map(|index| *index.digest())
    }

    /// Takes the manifest of `digest`; the digest of what came was computed when it was read.
    pub(crate) fn take(&mut self, digest: Digest, manifest: Result<Image, Cause>) {
        if digest != self.subject.digest() || !matches!(self.subject, Subject::Image(_)) {
            return;
        }
        match manifest {
            Ok(image) if image.manifest().is_some() && *image.digest() == digest => {
                self.subject = Subject::Image(image);
                self.failed = None;
            }
            Ok(_) => {
                self.failed = Some(Cause {
                    class: CauseClass::Unreadable,
                    source: "the image".to_owned(),
                    detail: format!("what was had for `{digest}` is another manifest"),
                });
            }
            Err(cause) => self.failed = Some(cause),
        }
    }

    /// The index that vouches for its children, where it is not the target itself.
    pub(crate) fn index_over(&self, target: &Digest) -> Option<Digest> {
        let index = match (&self.index, &self.subject) {
            (Some(index), _) => index,
            (None, Subject::Image(image)) => image,
            (None, Subject::Blob(_)) => return None,
        };
        let lists = match index.manifest() {
            Some(Manifest::Index(manifest)) => manifest
                .manifests
                .iter()
                .any(|entry| entry.digest == *target),
            _ => false,
        };
        lists.then(|| *index.digest())
    }

    /// Whether a piece about `digest` may have been gathered on purpose.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        if *digest == self.subject.digest() {
            return true;
        }
        let index = match (&self.index, &self.subject) {
            (Some(index), _) => index,
            (None, Subject::Image(image)) => image,
            (None, Subject::Blob(_)) => return false,
        };
        index.digest() == digest
            || matches!(index.manifest(), Some(Manifest::Index(manifest))
                if manifest.manifests.iter().any(|entry| entry.digest == *digest))
    }

    pub(crate) fn targets(&self, about: About) -> Targets {
        let own = self.subject.digest();
        let image = match (&self.subject, about) {
            (_, About::Asked) => return Targets::These(vec![own]),
            (Subject::Blob(_), _) => {
                return Targets::Absent("a file has no index and no platforms");
            }
            (Subject::Image(image), _) => image,
        };
        if let Some(index) = &self.index {
            return match (about, index.manifest()) {
                (About::Index, _) => Targets::These(vec![*index.digest()]),
                (About::EachPlatform, Some(Manifest::Index(manifest))) => images(manifest),
                _ => Targets::These(vec![own]),
            };
        }
        match image.manifest() {
            None => match &self.failed {
                Some(cause) => Targets::Failed(cause.clone()),
                None => Targets::Wanted(own),
            },
            Some(Manifest::Index(_)) if about == About::Index => Targets::These(vec![own]),
            Some(Manifest::Index(manifest)) => images(manifest),
            Some(Manifest::Image(_)) if about == About::Index => {
                Targets::Absent("the image is no index and was not reached through one")
            }
            Some(Manifest::Image(_)) => Targets::These(vec![own]),
        }
    }
}

/// The images of an index: every entry but the attestations that BuildKit puts beside them, which nothing can run.
fn images(index: &ImageIndex) -> Targets {
    let mut seen = BTreeSet::new();
    let mut images = Vec::new();
    for entry in &index.manifests {
        if is_attestation(entry) || !seen.insert(entry.digest) {
            continue;
        }
        if matches!(
            entry.media_type.as_str(),
            media_types::OCI_INDEX | media_types::DOCKER_LIST
        ) {
            return Targets::Absent(
                "the index lists another index, and rules about platforms look into one level only",
            );
        }
        images.push(entry.digest);
    }
    if images.is_empty() {
        return Targets::Absent("the index lists no image");
    }
    if images.len() > PLATFORMS {
        return Targets::Failed(Cause {
            class: CauseClass::Budget,
            source: "the index".to_owned(),
            detail: format!("it lists more than {PLATFORMS} images (`index_images`)"),
        });
    }
    Targets::These(images)
}

/// Whether an entry of an index is what BuildKit puts beside images, which nothing can run: an entry that names a platform is an
/// image, whatever its annotations say.
#[must_use]
pub fn is_attestation(entry: &Descriptor) -> bool {
    let kind = entry.annotations.get(media_types::ANNOTATION_BUILDKIT_TYPE);
    kind.map(String::as_str) == Some("attestation-manifest")
        && entry
            .platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
}
