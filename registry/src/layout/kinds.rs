//! What cosign looks for in a folder that it is to load or to verify from: each entry's kind.

use countersign_formats::{Descriptor, Digest, ImageIndex, media_types};

use super::{ArchiveWriter, Layout, source};
use crate::error::StoreError;
use crate::referrer::fallback_tag;

const IMAGE: &str = "dev.cosignproject.cosign/image";
const INDEX: &str = "dev.cosignproject.cosign/imageIndex";
const SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
const ATTESTATIONS: &str = "dev.cosignproject.cosign/atts";

impl Layout {
    /// Says in `index.json` which entry is the image and which are its signatures and attestations under tags, as `cosign save` does:
    /// `cosign load` and `cosign verify --local-image` find them by that and by nothing else.
    ///
    /// # Errors
    /// As for every change of the list.
    pub fn mark_for_cosign(&self, image: &Digest) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let mut index = source::index(self)?;
        if mark(&mut index, image) {
            self.write_index(&index)?;
        }
        Ok(())
    }
}

impl ArchiveWriter {
    /// As [`Layout::mark_for_cosign`], for who unpacks the archive.
    pub async fn mark_for_cosign(&self, image: &Digest) {
        self.change_index(|index| {
            mark(index, image);
        })
        .await;
    }
}

/// cosign takes the first of a kind, so that in a folder of several images the one saved last is marked alone.
fn mark(index: &mut ImageIndex, image: &Digest) -> bool {
    let tag = fallback_tag(image);
    let mut changed = false;
    for entry in &mut index.manifests {
        let kind = kind_of(entry, image, &tag);
        let before = entry.annotations.get(media_types::ANNOTATION_COSIGN_KIND);
        // An entry without a name that has a kind is cosign's own: the kind is all by which it is found.
        let is_cosigns = kind.is_none() && source::ref_name(entry).is_none();
        if before.map(String::as_str) == kind || is_cosigns {
            continue;
        }
        changed = true;
        match kind {
            Some(kind) => entry.annotations.insert(
                media_types::ANNOTATION_COSIGN_KIND.to_owned(),
                kind.to_owned(),
            ),
            None => entry
                .annotations
                .remove(media_types::ANNOTATION_COSIGN_KIND),
        };
    }
    changed
}

fn kind_of(entry: &Descriptor, image: &Digest, tag: &str) -> Option<&'static str> {
    let named = source::ref_name(entry).and_then(|name| name.strip_prefix(tag));
    match (named, entry.media_type.as_str()) {
        (Some(".sig"), _) => Some(SIGNATURES),
        (Some(".att"), _) => Some(ATTESTATIONS),
        _ if entry.digest != *image => None,
        (_, media_types::OCI_INDEX | media_types::DOCKER_LIST) => Some(INDEX),
        _ => Some(IMAGE),
    }
}

#[cfg(test)]
mod tests {
    use countersign_formats::{Descriptor, ImageIndex, media_types};
    use countersign_proof::digest;

    use super::mark;
    use crate::referrer::fallback_tag;

    fn entry(content: &str, tag: Option<&str>) -> Descriptor {
        let digest = digest::sha256(content.as_bytes());
        let mut entry = Descriptor::new(media_types::OCI_MANIFEST, digest, 1);
        if let Some(tag) = tag {
            let name = media_types::ANNOTATION_REF_NAME.to_owned();
            entry.annotations.insert(name, tag.to_owned());
        }
        entry
    }

    #[test]
    fn the_image_and_its_tags_have_a_kind_and_nothing_else_has() {
        let image = entry("image", Some("1.0"));
        let tag = fallback_tag(&image.digest);
        let mut index = ImageIndex {
            manifests: vec![
                image.clone(),
                entry("signatures", Some(&format!("{tag}.sig"))),
                entry("attestations", Some(&format!("{tag}.att"))),
                entry("referrer", None),
                entry("other", Some("2.0")),
            ],
            ..ImageIndex::default()
        };
        assert!(mark(&mut index, &image.digest));
        let kinds = |index: &ImageIndex| -> Vec<Option<String>> {
            let entries = index.manifests.iter();
            let kinds = entries.map(|entry| entry.annotations.get("kind").cloned());
            kinds.collect()
        };
        let kind = |name: &str| Some(format!("dev.cosignproject.cosign/{name}"));
        assert_eq!(
            kinds(&index),
            [kind("image"), kind("sigs"), kind("atts"), None, None]
        );
        assert!(!mark(&mut index, &image.digest), "nothing is left to say");
        // Another image of the same folder is saved: cosign would take the first of two.
        let other = digest::sha256(b"other");
        assert!(mark(&mut index, &other));
        assert_eq!(kinds(&index), [None, None, None, None, kind("image")]);
    }
}
