//! Which repository is trusted on this machine: the public-good one that is built in, or one that its user named.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::json::{ObjectWriter, Reader};
use countersign_formats::{Document, Limits};
use countersign_proof::digest;

use super::error::TufError;
use super::trusted::TrustedRootMetadata;
use crate::load::read_capped;

/// The mirror of Sigstore's public-good instance.
pub const PUBLIC_GOOD_MIRROR: &str = "https://tuf-repo-cdn.sigstore.dev";
/// Root 16 of that instance, byte for byte as the crate `sigstore-trust-root` 0.15.1 ships it.
static PUBLIC_GOOD_ROOT: &[u8] = include_bytes!("../../roots/public-good-tuf-root.json");
/// Name of the file in the settings folder.
const FILE: &str = "instance.json";
/// The largest such file, in bytes: a root, escaped.
const FILE_BYTES: u64 = 4 << 20;

/// A repository and the root that is held for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Address of the mirror.
    pub mirror: String,
    /// The root at which every proof begins; it came from the user or with the program.
    pub root: Bytes,
    /// Version of that root.
    pub root_version: u64,
}

/// Where settings and caches lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// What the user decided: which instance is trusted.
    pub settings: PathBuf,
    /// What can be fetched again.
    pub cache: PathBuf,
}

impl Instance {
    /// The public-good instance of Sigstore, whose root is built in.
    ///
    /// # Errors
    ///
    /// [`TufError::Malformed`], which a test rules out.
    pub fn public_good(limits: &Limits) -> Result<Self, TufError> {
        Self::new(
            PUBLIC_GOOD_MIRROR,
            Bytes::from_static(PUBLIC_GOOD_ROOT),
            limits,
        )
    }

    /// An instance with the root that its user holds.
    ///
    /// # Errors
    ///
    /// When the root is not one, or has not signed itself.
    pub fn new(mirror: &str, root: Bytes, limits: &Limits) -> Result<Self, TufError> {
        let root_version = TrustedRootMetadata::held(&root, limits)?.root.version;
        Ok(Self {
            mirror: mirror.trim_end_matches('/').to_owned(),
            root,
            root_version,
        })
    }

    /// The instance that was named on this machine; `None` when none was.
    ///
    /// # Errors
    ///
    /// When there is a file and it cannot be used: never a silent fall back to another instance (N-87).
    pub fn load(folders: &Folders, limits: &Limits) -> Result<Option<Self>, TufError> {
        let path = folders.settings.join(FILE);
        let failed = |reason: String| TufError::File {
            path: path.clone(),
            reason,
        };
        let bytes = match read_capped(&path, FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(failed(format!("larger than {FILE_BYTES} bytes"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let (mirror, root) = read(&bytes, limits).map_err(|error| failed(error.to_string()))?;
        Self::new(&mirror, root, limits)
            .map(Some)
            .map_err(|error| failed(error.to_string()))
    }

    /// Makes this the instance of this machine.
    ///
    /// # Errors
    ///
    /// [`TufError::File`].
    pub fn save(&self, folders: &Folders) -> Result<(), TufError> {
        let text = std::str::from_utf8(&self.root).map_err(|_| TufError::File {
            path: folders.settings.join(FILE),
            reason: "the root is not text".to_owned(),
        })?;
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.number("format", 1);
        object.string("mirror", &self.mirror);
        object.string("root", text);
        object.end();
        write_whole(&folders.settings, FILE, &out)
    }

    /// Where material of this instance is kept: by its root, so that two mirrors of one repository share it, and no name from outside
    /// becomes a path (CVE-2026-24686).
    #[must_use]
    pub fn cache_folder(&self, folders: &Folders) -> PathBuf {
        let name = digest::sha256(&self.root).hex();
        folders.cache.join(name.get(..32).unwrap_or(name.as_str()))
    }
}

impl Folders {
    /// The folders of this user: below `COUNTERSIGN_TRUST_DIR` or `TUF_ROOT`, else where the platform keeps settings and caches.
    ///
    /// `None` when there is no home.
    pub fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let path = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let one = path("COUNTERSIGN_TRUST_DIR")
            // cosign keeps other files there.
            .or_else(|| path("TUF_ROOT").map(|root| root.join("countersign")));
        if let Some(one) = one {
            return Some(Self {
                cache: one.join("cache"),
                settings: one,
            });
        }
        let (settings, cache) = if cfg!(target_os = "macos") {
            let library = path("HOME")?.join("Library");
            (library.join("Application Support"), library.join("Caches"))
        } else if cfg!(windows) {
            (path("APPDATA")?, path("LOCALAPPDATA")?)
        } else {
            // The specification wants absolute paths and others ignored.
            let absolute = |name: &str| path(name).filter(|path| path.is_absolute());
            let home = |below: &str| path("HOME").map(|home| home.join(below));
            (
                absolute("XDG_CONFIG_HOME").or_else(|| home(".config"))?,
                absolute("XDG_CACHE_HOME").or_else(|| home(".cache"))?,
            )
        };
        Some(Self {
            settings: settings.join("countersign").join("trust"),
            cache: cache.join("countersign").join("trust"),
        })
    }
}

fn read(bytes: &[u8], limits: &Limits) -> Result<(String, Bytes), countersign_formats::Error> {
    let mut reader = Reader::from_bytes(
        Document::Json,
        bytes,
        ("instance_bytes", FILE_BYTES),
        limits,
    )?;
    let (mut format, mut mirror, mut root) = (None, None, None);
    reader.object(|reader, name| {
        match name {
            "format" => format = Some(reader.whole_number()?),
            "mirror" => {
                mirror = Some(
                    reader
                        .capped_string(("name_bytes", limits.name_bytes))?
                        .into_owned(),
                );
            }
            "root" => root = Some(Bytes::from(reader.string()?.into_owned().into_bytes())),
            other => return Err(reader.unknown_field(other)),
        }
        Ok(())
    })?;
    let format = reader.required("format", format)?;
    if format != 1 {
        return Err(reader.bad_value("format 1", &format.to_string()));
    }
    let result = (
        reader.required("mirror", mirror)?,
        reader.required("root", root)?,
    );
    reader.end()?;
    Ok(result)
}

/// Writes a file beside its name and renames it: a reader sees the old one or the new one.
pub(super) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TufError> {
    let path = folder.join(name);
    let failed = |error: std::io::Error| TufError::File {
        path: path.clone(),
        reason: error.to_string(),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}
