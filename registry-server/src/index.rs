//! A layout's `index.json`, edited without losing what others wrote into it.

use std::collections::HashSet;

use countersign_formats::Digest;
use serde_json::{Map, Value, json};

use crate::names;

/// The annotation that is a tag (image layout specification, "index.json").
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// `index.json` as it is, unknown members and entries included.
#[derive(Debug)]
pub(crate) struct Index {
    document: Map<String, Value>,
    entries: Vec<Value>,
}

/// One readable entry of an index.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) tag: Option<String>,
}

impl Index {
    pub(crate) fn new() -> Self {
        let mut document = Map::new();
        document.insert("schemaVersion".to_owned(), json!(2));
        document.insert(
            "mediaType".to_owned(),
            json!(countersign_formats::media_types::OCI_INDEX),
        );
        Self {
            document,
            entries: Vec::new(),
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let Value::Object(mut document) =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?
        else {
            return Err("not a JSON object".to_owned());
        };
        let entries = match document.get_mut("manifests").map(Value::take) {
            Some(Value::Array(entries)) => entries,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err("`manifests` is not an array".to_owned()),
        };
        Ok(Self { document, entries })
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut document = self.document.clone();
        document.insert("manifests".to_owned(), Value::Array(self.entries.clone()));
        Value::Object(document).to_string().into_bytes()
    }

    /// All entries, readable or not.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries that can be read, in their order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().filter_map(read)
    }

    /// The last entry with this tag: tools that append without removing mean the last.
    pub(crate) fn tagged(&self, tag: &str) -> Option<Entry> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| tag_of(entry) == Some(tag))
            .find_map(read)
    }

    pub(crate) fn find(&self, digest: &Digest) -> Option<Entry> {
        let text = digest.to_string();
        self.entries
            .iter()
            .filter(|entry| digest_of(entry) == Some(&text))
            .find_map(read)
    }

    pub(crate) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.entries().filter_map(|entry| entry.tag).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Adds a manifest under `tags`. Without tags, and for a referrer always, there is an entry without a tag too.
    pub(crate) fn add(&mut self, manifest: &Entry, tags: &[String], is_referrer: bool) {
        for tag in tags {
            self.untag(tag);
            self.entries.push(write(manifest, Some(tag)));
        }
        if tags.is_empty() || is_referrer {
            self.keep(manifest);
        }
    }

    /// Removes a tag; the manifest stays reachable by its digest.
    pub(crate) fn untag(&mut self, tag: &str) -> bool {
        let (removed, kept): (Vec<Value>, Vec<Value>) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| tag_of(entry) == Some(tag));
        self.entries = kept;
        for entry in removed.iter().filter_map(read) {
            if self.find(&entry.digest).is_none() {
                self.entries.push(write(&entry, None));
            }
        }
        !removed.is_empty()
    }

    /// Removes a manifest with all its tags.
    pub(crate) fn remove(&mut self, digest: &Digest) -> bool {
        let text = digest.to_string();
        let before = self.entries.len();
        self.entries.retain(|entry| digest_of(entry) != Some(&text));
        self.entries.len() != before
    }

    /// Removes the tagless entries of an index's children: they are reachable through the index, and a layout whose
    /// `index.json` lists them beside their index confuses tools that expect one image.
    pub(crate) fn absorb(&mut self, children: &HashSet<String>) {
        self.entries.retain(|entry| {
            entry.get("annotations").is_some()
                || digest_of(entry).is_none_or(|digest| !children.contains(digest))
        });
    }

    fn keep(&mut self, manifest: &Entry) {
        let text = manifest.digest.to_string();
        if !self
            .entries
            .iter()
            .any(|entry| digest_of(entry) == Some(&text) && tag_of(entry).is_none())
        {
            self.entries.push(write(manifest, None));
        }
    }
}

fn digest_of(entry: &Value) -> Option<&str> {
    entry.get("digest")?.as_str()
}

fn tag_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

fn read(entry: &Value) -> Option<Entry> {
    Some(Entry {
        digest: Digest::parse(digest_of(entry)?).ok()?,
        media_type: entry.get("mediaType")?.as_str()?.to_owned(),
        size: entry.get("size")?.as_u64()?,
        // Other tools put whole references here; those are no tags of this repository.
        tag: tag_of(entry)
            .filter(|tag| names::is_tag(tag))
            .map(str::to_owned),
    })
}

fn write(entry: &Entry, tag: Option<&str>) -> Value {
    let mut value = json!({
        "mediaType": entry.media_type,
        "digest": entry.digest.to_string(),
        "size": entry.size,
    });
    if let (Some(tag), Some(members)) = (tag, value.as_object_mut()) {
        members.insert("annotations".to_owned(), json!({ REF_NAME: tag }));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{Entry, Index};

    fn entry(letter: char) -> Entry {
        Entry {
            digest: format!("sha256:{}", letter.to_string().repeat(64))
                .parse()
                .unwrap(),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            size: 7,
            tag: None,
        }
    }

    #[test]
    fn a_moved_tag_leaves_its_manifest_reachable_by_digest() {
        let mut index = Index::new();
        index.add(&entry('a'), &["t".to_owned()], false);
        index.add(&entry('b'), &["t".to_owned()], false);
        assert_eq!(index.tagged("t").unwrap().digest, entry('b').digest);
        assert_eq!(index.find(&entry('a').digest).unwrap().tag, None);
        assert_eq!(index.tags(), ["t"]);
    }

    #[test]
    fn a_tagged_referrer_has_an_entry_without_a_tag() {
        let mut index = Index::new();
        index.add(&entry('a'), &["t".to_owned()], true);
        index.add(&entry('a'), &["t".to_owned()], true);
        let tags: Vec<_> = index.entries().map(|entry| entry.tag).collect();
        assert_eq!(tags, [None, Some("t".to_owned())]);
    }

    #[test]
    fn what_others_wrote_survives() {
        let text = r#"{"schemaVersion":2,"x":{"y":1},"manifests":[{"odd":true},{"mediaType":"m","digest":"sha256:bad","size":1,"z":0}]}"#;
        let mut index = Index::parse(text.as_bytes()).unwrap();
        index.add(&entry('a'), &["t".to_owned()], false);
        assert!(index.remove(&entry('a').digest));
        assert_eq!(String::from_utf8(index.to_json()).unwrap(), text);
    }

    #[test]
    fn children_of_an_index_are_listed_through_it_only() {
        let mut index = Index::new();
        index.add(&entry('a'), &[], false);
        index.add(&entry('b'), &["t".to_owned()], false);
        index.absorb(&[entry('a').digest.to_string(), entry('b').digest.to_string()].into());
        assert!(index.find(&entry('a').digest).is_none());
        assert!(index.tagged("t").is_some());
    }
}
