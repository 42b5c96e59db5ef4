//! Names of images: in registries, in OCI layouts and in archives of such layouts.
//!
//! A reference has one canonical form, which is what is matched against policies, fetched and reported. Short names mean
//! what container runtimes take them to mean: `nginx` is `docker.io/library/nginx:latest`.
//!
//! In the path of a layout or archive the last `:` after the last `/` begins a tag when what follows is a valid tag; a
//! digest is what follows the last `@` when it begins like one.

use crate::digest::Digest;
use crate::error::excerpt;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest reference that is looked at, in bytes: a path of 4096, a tag and a digest.
const REFERENCE_BYTES: usize = 4096 + 512;
/// The longest path of a layout or archive, in bytes.
const PATH_BYTES: usize = 4096;
/// The longest host name, in bytes (RFC 1035 §2.3.4).
const HOST_BYTES: usize = 253;
/// The longest label of a host name, in bytes (RFC 1035 §2.3.4).
const LABEL_BYTES: usize = 63;
/// The longest repository name, in bytes, as registries hold it.
const REPOSITORY_BYTES: usize = 255;
/// The longest tag, in bytes (distribution specification, "Pulling manifests").
const TAG_BYTES: usize = 128;

/// The one name of Docker Hub.
const DOCKER_HUB: &str = "docker.io";
/// Other names of Docker Hub.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// In a registry.
    Registry(RegistryReference),
    /// In an OCI layout on disk, `oci:DIR[:TAG][@DIGEST]`.
    Layout(LayoutReference),
    /// In an archive of an OCI layout, `oci-archive:FILE[:TAG][@DIGEST]`.
    Archive(ArchiveReference),
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    /// [`ReferenceError`] with the reason; its hint says what to write instead.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let parsed = if text.is_empty() {
            Err(ReferenceErrorKind::Empty)
        } else if text.len() > REFERENCE_BYTES {
            Err(ReferenceErrorKind::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(ReferenceErrorKind::Character)
        } else if let Some(rest) = text.strip_prefix("oci:") {
            path_reference(rest)
                .map(|(path, tag, digest)| Self::Layout(LayoutReference { path, tag, digest }))
        } else if let Some(rest) = text.strip_prefix("oci-archive:") {
            path_reference(rest)
                .map(|(path, tag, digest)| Self::Archive(ArchiveReference { path, tag, digest }))
        } else {
            registry_reference(text).map(Self::Registry)
        };
        parsed.map_err(|kind| ReferenceError {
            text: excerpt(text),
            kind,
        })
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => reference.tag(),
            Self::Layout(reference) => reference.tag(),
            Self::Archive(reference) => reference.tag(),
        }
    }

    /// The digest, if there is one.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Registry(reference) => reference.digest(),
            Self::Layout(reference) => reference.digest(),
            Self::Archive(reference) => reference.digest(),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Layout(reference) => reference.fmt(f),
            Self::Archive(reference) => reference.fmt(f),
        }
    }
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl RegistryReference {
    /// Host and port: `ghcr.io`, `127.0.0.1:5000`, `[::1]:5000`; `docker.io` for Docker Hub. Port 443 is left out.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository, such as `acme/app`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` when neither tag nor digest was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given; it wins over a tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository, such as `ghcr.io/acme/app`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same repository at `digest`, without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            tag: None,
            digest: Some(digest),
        }
    }
}

impl fmt::Display for RegistryReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        suffix(f, self.tag(), self.digest())
    }
}

/// An image in an OCI layout directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl LayoutReference {
    /// Path of the directory.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl fmt::Display for LayoutReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.path)?;
        suffix(f, self.tag(), self.digest())
    }
}

/// An image in an archive of an OCI layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArchiveReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ArchiveReference {
    /// Path of the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl fmt::Display for ArchiveReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci-archive:{}", self.path)?;
        suffix(f, self.tag(), self.digest())
    }
}

/// Why a text is not a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// Nothing is there.
    Empty,
    /// The text, or a part of it, is too long.
    TooLong,
    /// There is a character that no reference has: a control character, a space, a letter outside ASCII.
    Character,
    /// There is a URL scheme or the transport of another tool.
    Scheme,
    /// There is a user name or password.
    UserInformation,
    /// The registry is not a host name or address.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// The repository does not follow the rules for repository names.
    Repository,
    /// The repository has upper-case letters.
    UpperCase,
    /// The text is the identifier of a local image, which no registry knows.
    ImageId,
    /// The tag does not follow the rules for tags.
    Tag,
    /// What follows `@` is not a digest.
    Digest,
    /// The path of a layout or archive is missing.
    Path,
}

/// A text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceError {
    text: String,
    kind: ReferenceErrorKind,
}

impl ReferenceError {
    /// Why.
    pub fn kind(&self) -> ReferenceErrorKind {
        self.kind
    }

    /// A stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ReferenceErrorKind::Empty => "reference-empty",
            ReferenceErrorKind::TooLong => "reference-too-long",
            ReferenceErrorKind::Character => "reference-character",
            ReferenceErrorKind::Scheme => "reference-scheme",
            ReferenceErrorKind::UserInformation => "reference-user-information",
            ReferenceErrorKind::Host => "reference-host",
            ReferenceErrorKind::Port => "reference-port",
            ReferenceErrorKind::Repository => "reference-repository",
            ReferenceErrorKind::UpperCase => "reference-upper-case",
            ReferenceErrorKind::ImageId => "reference-image-id",
            ReferenceErrorKind::Tag => "reference-tag",
            ReferenceErrorKind::Digest => "reference-digest",
            ReferenceErrorKind::Path => "reference-path",
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ReferenceErrorKind::Empty => "write an image such as `ghcr.io/acme/app:1.4`",
            ReferenceErrorKind::Scheme => {
                "write the image without a scheme, as in `ghcr.io/acme/app:1.4`; a layout on disk is `oci:DIR`"
            }
            ReferenceErrorKind::UserInformation => {
                "log in to the registry; a reference carries no credentials"
            }
            ReferenceErrorKind::UpperCase => "write the repository in lower case",
            ReferenceErrorKind::ImageId => {
                "name the image by repository and digest, `ghcr.io/acme/app@sha256:…`"
            }
            ReferenceErrorKind::Digest => {
                "a digest is `sha256:` and 64 lower-case hexadecimal digits"
            }
            ReferenceErrorKind::Path => "write `oci:DIR` or `oci:DIR:TAG`",
            ReferenceErrorKind::TooLong
            | ReferenceErrorKind::Character
            | ReferenceErrorKind::Host
            | ReferenceErrorKind::Port
            | ReferenceErrorKind::Repository
            | ReferenceErrorKind::Tag => return None,
        };
        Some(hint.to_owned())
    }
}

impl std::error::Error for ReferenceError {}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            ReferenceErrorKind::Empty => "nothing is there",
            ReferenceErrorKind::TooLong => "it is too long",
            ReferenceErrorKind::Character => "it has a character that no reference has",
            ReferenceErrorKind::Scheme => "it begins with a scheme",
            ReferenceErrorKind::UserInformation => "it has a user name",
            ReferenceErrorKind::Host => "the registry is not a host name or address",
            ReferenceErrorKind::Port => "the port is not a number from 1 to 65535",
            ReferenceErrorKind::Repository => "the repository is not a valid name",
            ReferenceErrorKind::UpperCase => "the repository has upper-case letters",
            ReferenceErrorKind::ImageId => "it is the identifier of a local image",
            ReferenceErrorKind::Tag => "the tag is not a valid tag",
            ReferenceErrorKind::Digest => "what follows `@` is not a digest",
            ReferenceErrorKind::Path => "the path is missing or the tag is empty",
        };
        write!(f, "`{}` is not an image reference: {reason}", self.text)
    }
}

fn suffix(f: &mut fmt::Formatter<'_>, tag: Option<&str>, digest: Option<&Digest>) -> fmt::Result {
    if let Some(tag) = tag {
        write!(f, ":{tag}")?;
    }
    if let Some(digest) = digest {
        write!(f, "@{digest}")?;
    }
    Ok(())
}

fn registry_reference(text: &str) -> Result<RegistryReference, ReferenceErrorKind> {
    if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(ReferenceErrorKind::Character);
    }
    if has_scheme(text) {
        return Err(ReferenceErrorKind::Scheme);
    }
    let (rest, digest) = match text.split_once('@') {
        None => (text, None),
        // A digest has no `/`: then what stands before `@` was a user.
        Some((_, after)) if after.contains('/') => return Err(ReferenceErrorKind::UserInformation),
        Some((rest, after)) => (
            rest,
            Some(Digest::parse(after).map_err(|_| ReferenceErrorKind::Digest)?),
        ),
    };
    let (registry, remainder) = match rest.split_once('/') {
        Some((first, remainder)) if names_a_registry(first) => (Some(first), remainder),
        _ => (None, rest),
    };
    let (path, tag) = match remainder.split_once(':') {
        Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
        Some(_) => return Err(ReferenceErrorKind::Tag),
        None => (remainder, None),
    };
    check_repository(path)?;
    let registry = registry.map_or_else(|| Ok(DOCKER_HUB.to_owned()), canonical_registry)?;
    if registry == DOCKER_HUB && is_image_id(path) {
        return Err(ReferenceErrorKind::ImageId);
    }
    let repository = if registry == DOCKER_HUB && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    if repository.len() > REPOSITORY_BYTES {
        return Err(ReferenceErrorKind::TooLong);
    }
    let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
    Ok(RegistryReference {
        registry,
        repository,
        tag,
        digest,
    })
}

fn has_scheme(text: &str) -> bool {
    const TRANSPORTS: [&str; 6] = [
        "docker:",
        "docker-archive:",
        "docker-daemon:",
        "containers-storage:",
        "dir:",
        "ostree:",
    ];
    // `dir:5000/x` is a registry with a port for a runtime, so only what cannot be one is taken for a transport.
    text.contains("://")
        || TRANSPORTS.iter().any(|transport| {
            text.strip_prefix(transport)
                .is_some_and(|rest| rest.starts_with(['/', '.', '[']))
        })
}

/// Whether the part before the first `/` is a registry: the rule of container runtimes.
fn names_a_registry(first: &str) -> bool {
    first.contains(['.', ':', '[']) || first.eq_ignore_ascii_case("localhost")
}

fn canonical_registry(text: &str) -> Result<String, ReferenceErrorKind> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(ReferenceErrorKind::Host)?;
            // A zone (`%eth0`) does not parse: it means something on one machine only.
            let address: Ipv6Addr = address.parse().map_err(|_| ReferenceErrorKind::Host)?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return Err(ReferenceErrorKind::Host),
            };
            (format!("[{address}]"), port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (canonical_host(host)?, Some(port)),
            None => (canonical_host(text)?, None),
        },
    };
    match port.map(check_port).transpose()? {
        // The port that https has anyway: with and without it is the same registry, so there must be one form.
        None | Some(443) => Ok(host),
        Some(port) => Ok(format!("{host}:{port}")),
    }
}

fn canonical_host(text: &str) -> Result<String, ReferenceErrorKind> {
    let label_is_valid = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > HOST_BYTES || !text.split('.').all(label_is_valid) {
        return Err(ReferenceErrorKind::Host);
    }
    let host = text.to_ascii_lowercase();
    if DOCKER_HUB_ALIASES.contains(&host.as_str()) {
        return Ok(DOCKER_HUB.to_owned());
    }
    // `127.1`, `0x7f.1` and `127.0.0.01` are addresses for some resolvers: only the dotted quad is let through.
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(ReferenceErrorKind::Host);
    }
    Ok(host)
}

fn check_port(text: &str) -> Result<u16, ReferenceErrorKind> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or(ReferenceErrorKind::Port)
}

fn check_repository(path: &str) -> Result<(), ReferenceErrorKind> {
    if path.len() > REPOSITORY_BYTES {
        return Err(ReferenceErrorKind::TooLong);
    }
    if path.split('/').all(is_component) {
        return Ok(());
    }
    let lower = path.to_ascii_lowercase();
    if lower.split('/').all(is_component) {
        return Err(ReferenceErrorKind::UpperCase);
    }
    Err(ReferenceErrorKind::Repository)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` of the distribution specification.
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends_well = |byte: Option<&u8>| byte.is_some_and(|byte| alphanumeric(*byte));
    ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes
            .chunk_by(|left, right| alphanumeric(*left) == alphanumeric(*right))
            .all(|run| match run {
                [b'.' | b'_'] | [b'_', b'_'] => true,
                _ => {
                    run.iter().all(|byte| alphanumeric(*byte))
                        || run.iter().all(|byte| *byte == b'-')
                }
            })
}

fn is_image_id(path: &str) -> bool {
    path.len() == 64
        && path
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` of the distribution specification.
fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

type PathParts = (String, Option<String>, Option<Digest>);

fn path_reference(text: &str) -> Result<PathParts, ReferenceErrorKind> {
    if text.starts_with("//") {
        return Err(ReferenceErrorKind::Scheme);
    }
    let digest_begins = |after: &str| {
        ["sha256:", "sha384:", "sha512:"]
            .iter()
            .any(|name| after.starts_with(name))
    };
    let (rest, digest) = match text.rsplit_once('@') {
        Some((rest, after)) if digest_begins(after) => (
            rest,
            Some(Digest::parse(after).map_err(|_| ReferenceErrorKind::Digest)?),
        ),
        _ => (text, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((_, "")) => return Err(ReferenceErrorKind::Path),
        Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err(ReferenceErrorKind::Path);
    }
    if path.len() > PATH_BYTES {
        return Err(ReferenceErrorKind::TooLong);
    }
    Ok((path.to_owned(), tag, digest))
}
