//! Names of images in registries: host, port, repository, tag and digest, each with its own grammar.

use crate::digest::Digest;
use crate::reference::RegistryReference;
use crate::reference_error::ReferenceErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};

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

/// Reads a reference into a registry, in its canonical form.
pub(crate) fn registry_reference(text: &str) -> Result<RegistryReference, ReferenceErrorKind> {
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
        // The port that https has anyway: with and without it is the same registry, so there must be one form. A host
        // without a dot is a registry by its port alone: `box/app` would be a repository of Docker Hub.
        None => Ok(host),
        Some(443) if names_a_registry(&host) => Ok(host),
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
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}
