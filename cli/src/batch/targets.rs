//! From names to digests: each image is resolved once, and with `-r` an index is followed to its platforms.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use countersign_formats::{Descriptor, Digest, Manifest, Platform, Reference};
use countersign_policy::is_attestation;
use countersign_registry::{Budget, Settings, Store};

use super::list::Named;
use super::pause::Pause;
use crate::escape;
use crate::failure::Failure;
use crate::signatory::Voice;
use crate::{images, stores};

/// How deep indexes may lie in indexes.
const DEPTH: usize = 4;

/// An image that is to be signed.
pub(crate) struct Target {
    /// As somebody wrote it; for a platform the index that it was found in.
    pub(crate) text: String,
    pub(crate) reference: Reference,
    pub(crate) store: Rc<dyn Store>,
    pub(crate) image: Descriptor,
    /// The platform, for an image that was found in an index.
    pub(crate) platform: Option<String>,
    /// `ghcr.io/acme/app@sha256:…`
    pub(crate) name: String,
}

/// What could not be resolved.
pub(crate) struct Missed {
    pub(crate) text: String,
    /// The name by digest, where that much is known.
    pub(crate) name: Option<(String, Digest)>,
    pub(crate) failure: Failure,
}

/// How images are looked up.
pub(crate) struct Resolving<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) pause: &'a Pause,
    pub(crate) voice: &'a Voice,
    pub(crate) recursive: bool,
    /// A deadline for each image of many, in place of the command's.
    pub(crate) each: Option<Duration>,
}

impl Resolving<'_> {
    /// The image that was named, and with `-r` what lies below it.
    pub(crate) async fn resolve(&self, named: &Named) -> Vec<Result<Target, Missed>> {
        let mut found = Vec::new();
        if let Err(failure) = self.follow(named, &mut found).await {
            found.push(Err(Missed {
                text: named.text.clone(),
                name: None,
                failure,
            }));
        }
        found
    }

    async fn follow(
        &self,
        named: &Named,
        found: &mut Vec<Result<Target, Missed>>,
    ) -> Result<(), Failure> {
        let settings = match self.each {
            Some(limit) => &Settings {
                shared_deadline: Some(Arc::new(Budget::new(limit))),
                ..self.settings.clone()
            },
            None => self.settings,
        };
        let (store, target) = stores::open(&named.reference, settings)?;
        let store: Rc<dyn Store> = Rc::from(store);
        let resolved = self.pause.obeying(|| store.resolve(&target)).await?;
        if let Some(tag) = images::resolved_tag(&named.reference) {
            self.voice.detail(&format!(
                "tag `{}` is {} now",
                escape::field(tag),
                resolved.descriptor.digest
            ));
        }
        let target = |image: Descriptor, platform: Option<String>| Target {
            text: named.text.clone(),
            reference: named.reference.clone(),
            store: Rc::clone(&store),
            name: images::pinned(&named.reference, &image.digest),
            image,
            platform,
        };
        let root = resolved.descriptor.digest;
        let mut seen = HashSet::from([root]);
        found.push(Ok(target(resolved.descriptor, None)));
        let below = |index: Digest, manifests: Vec<Descriptor>| {
            let entries = manifests.into_iter();
            entries.map(move |child| (index, child))
        };
        let mut level: Vec<(Digest, Descriptor)> = match resolved.manifest {
            Manifest::Index(index) if self.recursive => below(root, index.manifests).collect(),
            _ => return Ok(()),
        };
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for (parent, child) in level {
                // BuildKit keeps unsigned attestations as if they were a platform.
                if is_attestation(&child) || !seen.insert(child.digest) {
                    continue;
                }
                match self.pause.obeying(|| store.manifest(&child)).await {
                    Ok(resolved) => {
                        if let Manifest::Index(index) = resolved.manifest {
                            next.extend(below(child.digest, index.manifests));
                        }
                        let platform = child.platform.as_ref().map(platform);
                        found.push(Ok(target(resolved.descriptor, platform)));
                    }
                    Err(error) => found.push(Err(Missed {
                        text: named.text.clone(),
                        name: Some((
                            images::pinned(&named.reference, &child.digest),
                            child.digest,
                        )),
                        failure: error.of_child(store.name(), parent, child.digest).into(),
                    })),
                }
            }
            level = next;
            if level.is_empty() {
                return Ok(());
            }
        }
        Err(Failure::new(
            crate::exit::ExitStatus::Unavailable,
            "over-limit",
            format!("indexes lie in indexes, more than {DEPTH} deep"),
        )
        .hint("sign the inner indexes by their digests"))
    }
}

fn platform(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = &platform.variant {
        text.push('/');
        text.push_str(variant);
    }
    escape::field(&text)
}
