//! Reading an OCI image layout, wherever its files are: the same rules for a directory and for a tar archive.

use std::collections::BTreeSet;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Limits, Manifest, media_types};
use countersign_proof::digest;

use crate::error::{Fault, StoreError, Thing};
use crate::store::{ListedVia, Listing, Resolved, Target};

/// Largest `index.json` in bytes: a layout may hold many images, but a sparse file of gigabytes is not a list.
pub(super) const INDEX_BYTES: u64 = 16 << 20;
/// Entries of an `index.json`; more than an image index may have because a layout is a whole repository.
const INDEX_ENTRIES: usize = 20_000;
/// Blobs that are looked into for referrers that no list names.
const SCANNED_BLOBS: usize = 10_000;
/// Bytes that are read in search of referrers, all manifests together.
const SCANNED_BYTES: u64 = 256 << 20;

/// What an entry of `index.json` is in a layout saved by cosign.
const COSIGN_SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
const COSIGN_ATTESTATIONS: &str = "dev.cosignproject.cosign/atts";

/// Where the files of a layout are.
pub(super) trait Source: Send + Sync {
    /// The store's name for people.
    fn name(&self) -> String;
    /// The limits that hold.
    fn limits(&self) -> &Limits;
    /// The bytes of `index.json`, at most [`INDEX_BYTES`].
    fn index(&self) -> Result<Bytes, StoreError>;
    /// A blob's size in bytes; `None` when it is absent.
    fn size(&self, digest: &Digest) -> Result<Option<u64>, StoreError>;
    /// A blob's bytes, not yet hashed; `None` when it is absent. More than `cap` bytes are an error that calls the blob `what`.
    fn read(
        &self,
        digest: &Digest,
        cap: u64,
        what: &'static str,
    ) -> Result<Option<Bytes>, StoreError>;
    /// The digests of at most `most` blobs, and whether these are all.
    fn blobs(&self, most: usize) -> Result<(Vec<Digest>, bool), StoreError>;
}

/// Reads `index.json`.
pub(super) fn index(source: &dyn Source) -> Result<ImageIndex, StoreError> {
    parse_index(&source.index()?, source)
}

/// Parses the bytes of an `index.json`.
pub(super) fn parse_index(bytes: &[u8], source: &dyn Source) -> Result<ImageIndex, StoreError> {
    let limits = Limits {
        manifest_bytes: INDEX_BYTES,
        index_entries: INDEX_ENTRIES,
        ..source.limits().clone()
    };
    // The file's place says that it is an index: umoci leaves the media type out.
    match Manifest::parse(bytes, Some(media_types::OCI_INDEX), &limits) {
        Ok(Manifest::Index(index)) => Ok(index),
        Ok(Manifest::Image(_)) => Err(malformed(
            source,
            "index.json",
            "it is an image manifest, not an index",
        )),
        Err(error) => Err(malformed(source, "index.json", error)),
    }
}

/// Reads the manifest that a target means.
pub(super) fn resolve(source: &dyn Source, target: &Target) -> Result<Resolved, StoreError> {
    match target {
        Target::Digest(digest) => {
            let absent = || StoreError::NotFound {
                thing: Thing::Image,
                name: format!("{}@{digest}", source.name()),
            };
            manifest(source, digest, None)?.ok_or_else(absent)
        }
        Target::Tag(name) => {
            let absent = || StoreError::NotFound {
                thing: Thing::Image,
                name: format!("{}:{name}", source.name()),
            };
            tagged(source, name)?.ok_or_else(absent)
        }
        Target::Sole => listed(source, &sole(source, &index(source)?)?),
    }
}

/// Reads the manifest under a tag; cosign's `.sig` and `.att` are also found by their kind.
pub(super) fn tagged(source: &dyn Source, name: &str) -> Result<Option<Resolved>, StoreError> {
    let index = index(source)?;
    let mut entries = index
        .manifests
        .iter()
        .filter(|entry| ref_name(entry) == Some(name));
    if let Some(entry) = entries.next() {
        if entries.any(|other| other.digest != entry.digest) {
            return Err(StoreError::response(
                source.name(),
                format!("index.json gives the tag `{name}` to two manifests"),
            ));
        }
        return listed(source, entry).map(Some);
    }
    match saved_by_cosign(&index, name) {
        Some(entry) => listed(source, entry).map(Some),
        None => Ok(None),
    }
}

/// Reads a blob of exactly the size and digest of its descriptor.
pub(super) fn blob(
    source: &dyn Source,
    descriptor: &Descriptor,
    cap: u64,
) -> Result<Bytes, StoreError> {
    if descriptor.size > cap {
        return Err(StoreError::untrusted(
            source.name(),
            Fault::OverLimit {
                what: "blob",
                limit: cap,
            },
        ));
    }
    let absent = || StoreError::NotFound {
        thing: Thing::Blob,
        name: format!("{}@{}", source.name(), descriptor.digest),
    };
    let found = source.size(&descriptor.digest)?.ok_or_else(absent)?;
    if found != descriptor.size {
        let fault = Fault::SizeMismatch {
            digest: descriptor.digest,
            expected: descriptor.size,
            found,
        };
        return Err(StoreError::untrusted(source.name(), fault));
    }
    let bytes = source
        .read(&descriptor.digest, descriptor.size, "blob")?
        .ok_or_else(absent)?;
    proven(source, &descriptor.digest, bytes)
}

/// Lists the manifests whose `subject` is `digest`: those that `index.json` names, and orphan blobs.
///
/// cosign's `save` leaves referrers as blobs that nothing lists, so blobs are looked into when the list has none or was written by cosign.
pub(super) fn referrers(source: &dyn Source, digest: &Digest) -> Result<Listing, StoreError> {
    let index = index(source)?;
    let most = source.limits().referrers;
    let mut search = Search {
        source,
        subject: digest,
        hex: digest.hex(),
        read: 0,
        seen: BTreeSet::new(),
        descriptors: Vec::new(),
        complete: true,
    };
    for entry in &index.manifests {
        search.look(&entry.digest, Some(&entry.media_type))?;
    }
    // `save` says kinds, too, and lists every referrer; its entries have names.
    let by_cosign = index
        .manifests
        .iter()
        .any(|entry| kind(entry).is_some() && ref_name(entry).is_none());
    if search.descriptors.is_empty() || by_cosign {
        let (blobs, all) = source.blobs(SCANNED_BLOBS)?;
        search.complete &= all;
        for blob in blobs {
            search.look(&blob, None)?;
        }
    }
    let Search {
        mut descriptors,
        mut complete,
        ..
    } = search;
    if descriptors.len() > most {
        descriptors.truncate(most);
        complete = false;
    }
    Ok(Listing {
        descriptors,
        complete,
        via: ListedVia::Layout,
    })
}

/// All tags in the order of `index.json`, each once.
pub(super) fn tags(source: &dyn Source) -> Result<Vec<String>, StoreError> {
    let mut seen = BTreeSet::new();
    let index = index(source)?;
    Ok(index
        .manifests
        .iter()
        .filter_map(ref_name)
        .filter(|name| seen.insert(*name))
        .map(str::to_owned)
        .collect())
}

/// The tag of an entry.
pub(super) fn ref_name(entry: &Descriptor) -> Option<&str> {
    entry
        .annotations
        .get(media_types::ANNOTATION_REF_NAME)
        .map(String::as_str)
}

/// What a manifest says about itself where others list it as a referrer.
pub(crate) fn referrer_descriptor(resolved: &Resolved) -> Descriptor {
    let mut descriptor = resolved.descriptor.clone();
    descriptor.artifact_type = match &resolved.manifest {
        Manifest::Image(image) => Some(image.effective_artifact_type().to_owned()),
        Manifest::Index(index) => index.artifact_type.clone(),
    };
    descriptor.annotations = resolved.manifest.annotations().clone();
    descriptor
}

/// The hashed and parsed manifest under a digest; `None` when there is no such blob.
pub(super) fn manifest(
    source: &dyn Source,
    digest: &Digest,
    media_type: Option<&str>,
) -> Result<Option<Resolved>, StoreError> {
    let Some(bytes) = source.read(digest, source.limits().manifest_bytes, "manifest")? else {
        return Ok(None);
    };
    let bytes = proven(source, digest, bytes)?;
    let manifest = Manifest::parse(&bytes, media_type, source.limits())
        .map_err(|error| malformed(source, "manifest", error))?;
    let descriptor = Descriptor::new(manifest.media_type(), *digest, bytes.len() as u64);
    Ok(Some(Resolved {
        descriptor,
        bytes,
        manifest,
    }))
}

/// The manifest that an entry of the list names, of exactly its size.
pub(super) fn listed(source: &dyn Source, entry: &Descriptor) -> Result<Resolved, StoreError> {
    let absent = || StoreError::NotFound {
        thing: Thing::Image,
        name: format!("{}@{}", source.name(), entry.digest),
    };
    let resolved = manifest(source, &entry.digest, Some(&entry.media_type))?.ok_or_else(absent)?;
    if resolved.descriptor.size != entry.size {
        let fault = Fault::SizeMismatch {
            digest: entry.digest,
            expected: entry.size,
            found: resolved.descriptor.size,
        };
        return Err(StoreError::untrusted(source.name(), fault));
    }
    Ok(resolved)
}

/// The entry of the one image: what is left without signatures, attestations and referrers, or among several the one with a tag.
fn sole(source: &dyn Source, index: &ImageIndex) -> Result<Descriptor, StoreError> {
    let mut images: Vec<&Descriptor> = Vec::new();
    for entry in &index.manifests {
        let evidence = matches!(kind(entry), Some(COSIGN_SIGNATURES | COSIGN_ATTESTATIONS))
            || ref_name(entry).is_some_and(is_evidence_tag);
        if evidence || images.iter().any(|other| other.digest == entry.digest) {
            continue;
        }
        images.push(entry);
    }
    // Only now, when the cheap signs do not decide, the manifests are read for a subject.
    if images.len() > 1 {
        let mut kept = Vec::new();
        for entry in images {
            let subject = match manifest(source, &entry.digest, Some(&entry.media_type)) {
                Ok(Some(resolved)) => resolved.manifest.subject().is_some(),
                // A broken bystander must not hide the image.
                Ok(None) | Err(_) => false,
            };
            if !subject {
                kept.push(entry);
            }
        }
        images = kept;
    }
    let named: Vec<&&Descriptor> = images
        .iter()
        .filter(|entry| is_named(index, &entry.digest))
        .collect();
    match (images.as_slice(), named.as_slice()) {
        ([image], _) => Ok((*image).clone()),
        ([], _) => Err(StoreError::NotFound {
            thing: Thing::Image,
            name: source.name(),
        }),
        (_, [image]) => Ok((**image).clone()),
        (several, _) => Err(StoreError::Ambiguous {
            store: source.name(),
            choices: several
                .iter()
                .take(10)
                .map(|entry| {
                    ref_name(entry)
                        .map_or_else(|| format!("@{}", entry.digest), |name| format!(":{name}"))
                })
                .collect(),
        }),
    }
}

fn is_named(index: &ImageIndex, digest: &Digest) -> bool {
    index
        .manifests
        .iter()
        .any(|entry| entry.digest == *digest && ref_name(entry).is_some())
}

/// Whether a tag is one of those under which evidence about another manifest is kept.
fn is_evidence_tag(name: &str) -> bool {
    let Some((prefix, rest)) = name.split_once('-') else {
        return false;
    };
    let hex = rest.split('.').next().unwrap_or(rest);
    matches!(prefix, "sha256" | "sha384" | "sha512")
        && hex.len() >= 64
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// In a layout saved by cosign signatures and attestations have a kind instead of the tag that they had in the registry.
fn saved_by_cosign<'a>(index: &'a ImageIndex, tag: &str) -> Option<&'a Descriptor> {
    let (digest, wanted) = match tag.rsplit_once('.')? {
        (digest, "sig") => (digest, COSIGN_SIGNATURES),
        (digest, "att") => (digest, COSIGN_ATTESTATIONS),
        _ => return None,
    };
    let image = Digest::parse(&digest.replacen('-', ":", 1)).ok()?;
    let about_image = index
        .manifests
        .iter()
        .any(|entry| entry.digest == image && kind(entry).is_some());
    let mut entries = index
        .manifests
        .iter()
        .filter(|entry| kind(entry) == Some(wanted));
    let entry = entries.next()?;
    // One image a directory: with two lists of signatures it is unknown whose they are.
    (about_image && entries.next().is_none()).then_some(entry)
}

fn kind(entry: &Descriptor) -> Option<&str> {
    let kind = entry.annotations.get(media_types::ANNOTATION_COSIGN_KIND)?;
    kind.starts_with("dev.cosignproject.cosign/")
        .then_some(kind.as_str())
}

fn proven(source: &dyn Source, expected: &Digest, bytes: Bytes) -> Result<Bytes, StoreError> {
    let found = digest::of(expected.algorithm(), &bytes);
    if found != *expected {
        return Err(StoreError::untrusted(
            source.name(),
            Fault::DigestMismatch {
                expected: *expected,
                found,
            },
        ));
    }
    Ok(bytes)
}

fn malformed(source: &dyn Source, what: &'static str, error: impl std::fmt::Display) -> StoreError {
    StoreError::untrusted(
        source.name(),
        Fault::Malformed {
            what,
            error: error.to_string(),
        },
    )
}

/// A search through manifests for those with one subject.
struct Search<'a> {
    source: &'a dyn Source,
    subject: &'a Digest,
    hex: String,
    read: u64,
    seen: BTreeSet<Digest>,
    descriptors: Vec<Descriptor>,
    complete: bool,
}

impl Search<'_> {
    /// Looks into one blob; whatever is not a manifest with the subject is passed over.
    fn look(&mut self, digest: &Digest, media_type: Option<&str>) -> Result<(), StoreError> {
        if digest == self.subject || self.seen.contains(digest) {
            return Ok(());
        }
        let Some(size) = self.source.size(digest)? else {
            return Ok(());
        };
        if size > self.source.limits().manifest_bytes {
            return Ok(());
        }
        if self.read.saturating_add(size) > SCANNED_BYTES {
            self.complete = false;
            return Ok(());
        }
        self.read += size;
        let Some(bytes) = self.source.read(digest, size, "manifest")? else {
            return Ok(());
        };
        self.seen.insert(*digest);
        // Most blobs are layers: without the subject's digest in its text it is no referrer, and parsing it is not needed.
        let candidate = bytes.first() == Some(&b'{') && contains(&bytes, self.hex.as_bytes());
        if !candidate || digest::of(digest.algorithm(), &bytes) != *digest {
            return Ok(());
        }
        let Ok(manifest) = Manifest::parse(&bytes, media_type, self.source.limits()) else {
            return Ok(());
        };
        if manifest
            .subject()
            .is_some_and(|subject| subject.digest == *self.subject)
        {
            let descriptor = Descriptor::new(manifest.media_type(), *digest, bytes.len() as u64);
            self.descriptors.push(referrer_descriptor(&Resolved {
                descriptor,
                bytes,
                manifest,
            }));
        }
        Ok(())
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
