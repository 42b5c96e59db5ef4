//! Content descriptors of the OCI image specification.

use crate::base64_text::encode_base64;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::json::{ObjectWriter, Reader};
use crate::limits::Limits;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What a manifest, an index or a layout says about one blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of the blob.
    pub media_type: String,
    /// Digest of the blob.
    pub digest: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Type of the artifact when the blob is a manifest.
    pub artifact_type: Option<String>,
    /// Platform that the blob is for.
    pub platform: Option<Platform>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// The blob itself, embedded; its length is [`Descriptor::size`], its digest is unchecked.
    pub data: Option<Bytes>,
    /// Whether the descriptor names other places to fetch the blob from; they are never followed.
    pub has_urls: bool,
    /// Members this crate does not know, with their JSON text, in the order they were read.
    pub extra: Vec<(String, String)>,
}

/// The platform of a descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// Operating system, as Go names it.
    pub os: String,
    /// Processor architecture, as Go names it.
    pub architecture: String,
    /// Variant of the architecture.
    pub variant: Option<String>,
    /// Version of the operating system.
    pub os_version: Option<String>,
    /// Members this crate does not know, with their JSON text, in the order they were read.
    pub extra: Vec<(String, String)>,
}

impl Descriptor {
    /// A descriptor with nothing but the three members that every one has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: BTreeMap::new(),
            data: None,
            has_urls: false,
            extra: Vec::new(),
        }
    }

    /// Reads one descriptor.
    ///
    /// # Errors
    /// Everything [`Reader::object`] returns, `missing-field`, `bad-digest`, `bad-value`.
    pub fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut media_type, mut digest, mut size) = (None, None, None);
        let (mut artifact_type, mut platform, mut annotations, mut data) = (None, None, None, None);
        let mut has_urls = false;
        let mut extra = Vec::new();
        reader.object(|reader, name| {
            match name {
                "mediaType" => media_type = Some(name_string(reader, limits)?),
                "digest" => {
                    let text = reader.string()?;
                    digest = Some(
                        Digest::parse(&text)
                            .map_err(|error| error.in_document(reader.document()))?,
                    );
                }
                "size" => size = Some(reader.whole_number()?),
                "artifactType" => artifact_type = Some(name_string(reader, limits)?),
                "platform" => platform = Some(Platform::read(reader, limits)?),
                "annotations" => {
                    annotations = Some(reader.string_map(("annotations", limits.annotations))?)
                }
                "data" => {
                    let maximum = usize::try_from(limits.manifest_bytes).unwrap_or(usize::MAX);
                    data = Some(reader.base64(("manifest_bytes", maximum))?);
                }
                _ => {
                    has_urls |= name == "urls";
                    extra.push((name.to_owned(), reader.checked_raw()?.to_owned()));
                }
            }
            Ok(())
        })?;
        let size = reader.required("size", size)?;
        if data
            .as_ref()
            .is_some_and(|data: &Bytes| data.len() as u64 != size)
        {
            return Err(reader.error(ErrorKind::Conflict {
                first: "data".to_owned(),
                second: "size".to_owned(),
            }));
        }
        Ok(Self {
            media_type: reader.required("mediaType", media_type)?,
            digest: reader.required("digest", digest)?,
            size,
            artifact_type: artifact_type.filter(|text| !text.is_empty()),
            platform,
            annotations: annotations.unwrap_or_default(),
            data,
            has_urls,
            extra,
        })
    }

    /// Writes the descriptor as JSON at the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::new(out);
        object.string("mediaType", &self.media_type);
        object.number("size", self.size);
        object.string("digest", &self.digest.to_string());
        if let Some(data) = &self.data {
            object.string("data", &encode_base64(data));
        }
        for (name, value) in &self.extra {
            object.raw(name, value.as_bytes());
        }
        if !self.annotations.is_empty() {
            object.strings("annotations", &self.annotations);
        }
        if let Some(platform) = &self.platform {
            platform.write(object.key("platform"));
        }
        if let Some(artifact_type) = &self.artifact_type {
            object.string("artifactType", artifact_type);
        }
        object.end();
    }
}

impl Platform {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut platform = Self::default();
        reader.object(|reader, name| {
            match name {
                "os" => platform.os = name_string(reader, limits)?,
                "architecture" => platform.architecture = name_string(reader, limits)?,
                "variant" => platform.variant = Some(name_string(reader, limits)?),
                "os.version" => platform.os_version = Some(name_string(reader, limits)?),
                _ => platform
                    .extra
                    .push((name.to_owned(), reader.checked_raw()?.to_owned())),
            }
            Ok(())
        })?;
        Ok(platform)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::new(out);
        object.string("architecture", &self.architecture);
        object.string("os", &self.os);
        if let Some(version) = &self.os_version {
            object.string("os.version", version);
        }
        for (name, value) in &self.extra {
            object.raw(name, value.as_bytes());
        }
        if let Some(variant) = &self.variant {
            object.string("variant", variant);
        }
        object.end();
    }
}

/// Writes a list of descriptors as a member of `object`.
pub(crate) fn write_list(object: &mut ObjectWriter<'_>, name: &str, descriptors: &[Descriptor]) {
    object.list(name, descriptors, |out, descriptor| descriptor.write(out));
}

/// Reads a string that may have as many bytes as a name may.
pub(crate) fn name_string(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    Ok(reader
        .capped_string(("name_bytes", limits.name_bytes))?
        .into_owned())
}
