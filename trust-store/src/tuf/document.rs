//! One file of TUF metadata, parsed: what it says, not yet whether anybody who counts signed it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use countersign_formats::json::Reader;
use countersign_formats::{Digest, Document, Error, ErrorKind, HashAlgorithm, Limits, UnixTime};

use super::canonical;
use super::key::{TufKey, hex};
use super::roles::Role;

/// What all metadata has, and the body of its role.
#[derive(Clone, Debug)]
pub(super) struct Metadata<B> {
    pub(super) role: Role,
    pub(super) bytes: Bytes,
    pub(super) version: u64,
    pub(super) expires: UnixTime,
    pub(super) body: B,
    message: Vec<u8>,
    signatures: Vec<(String, Vec<u8>)>,
}

/// Body of `root`.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) consistent_snapshot: bool,
    pub(super) keys: BTreeMap<String, TufKey>,
    pub(super) roles: BTreeMap<Role, RoleKeys>,
}

/// Whose signatures count for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleKeys {
    pub(super) ids: BTreeSet<String>,
    pub(super) threshold: u64,
}

/// Body of `timestamp` and of `snapshot`: the metadata files that are current.
#[derive(Clone, Debug)]
pub(super) struct Listed(pub(super) BTreeMap<String, ListedMetadata>);

/// What is known of a metadata file before it is read.
#[derive(Clone, Debug)]
pub(super) struct ListedMetadata {
    pub(super) version: u64,
    pub(super) length: Option<u64>,
    pub(super) digests: Vec<Digest>,
}

/// Body of `targets`.
#[derive(Clone, Debug)]
pub(super) struct Targets(pub(super) BTreeMap<String, Target>);

/// A file that the repository serves.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) length: u64,
    pub(super) digests: Vec<Digest>,
}

/// A body and how it is read.
pub(super) trait Body: Sized {
    /// Reads the members that are the role's own; what they do not know they pass over.
    fn read(signed: &str, role: Role, limits: &Limits) -> Result<Self, Error>;
}

impl<B: Body> Metadata<B> {
    /// Parses metadata of a role.
    pub(super) fn parse(bytes: &Bytes, role: Role, limits: &Limits) -> Result<Self, Error> {
        let mut reader =
            Reader::from_bytes(Document::TufMetadata, bytes, role.limit(limits), limits)?;
        let (mut signed, mut signatures) = (None, None);
        let signature_bytes = limits.signature_bytes;
        reader.object(|reader, name| {
            match name {
                "signed" => signed = Some(reader.checked_raw()?),
                "signatures" => {
                    // CVE-2020-6173: signatures cost time, so that their number is bounded before any is looked at.
                    let cap = ("tuf_signatures", limits.tuf_signatures);
                    signatures =
                        Some(reader.capped_list(cap, |reader| signature(reader, signature_bytes))?);
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let signed = reader.required("signed", signed)?;
        let signatures = reader.required("signatures", signatures)?;
        reader.end()?;
        let (version, expires) =
            common(signed, role, limits).map_err(|error| error.within("signed"))?;
        let mut message = Vec::new();
        canonical::write(
            &mut Reader::new(Document::TufMetadata, signed, limits),
            &mut message,
        )?;
        Ok(Self {
            role,
            bytes: bytes.clone(),
            version,
            expires,
            body: B::read(signed, role, limits).map_err(|error| error.within("signed"))?,
            message,
            signatures,
        })
    }

    /// How many different keys of a role signed this.
    pub(super) fn signers(&self, root: &Root, role: &RoleKeys) -> u64 {
        let mut signers = BTreeSet::new();
        for (id, signature) in &self.signatures {
            let Some(key) = role.ids.contains(id).then(|| root.keys.get(id)).flatten() else {
                continue;
            };
            // A key counts once, however often and under however many ids it signed (CVE-2020-15093, CVE-2020-6174).
            if !signers.contains(&key.identity()) && key.signed(&self.message, signature) {
                signers.insert(key.identity());
            }
        }
        signers.len() as u64
    }
}

fn signature(reader: &mut Reader<'_>, signature_bytes: usize) -> Result<(String, Vec<u8>), Error> {
    let (mut id, mut value) = (None, None);
    reader.object(|reader, name| {
        match name {
            "keyid" => {
                id = Some(
                    reader
                        .capped_string(("tuf_key_id_bytes", 256))?
                        .into_owned(),
                )
            }
            "sig" => {
                let text = reader.string()?;
                if text.len() > signature_bytes.saturating_mul(2) {
                    return Err(reader.over_limit("signature_bytes", signature_bytes));
                }
                value = Some(
                    hex(&text, signature_bytes)
                        .ok_or_else(|| reader.bad_value("hexadecimal text", &text))?,
                );
            }
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    Ok((
        reader.required("keyid", id)?,
        reader.required("sig", value)?,
    ))
}

/// Version and expiry, after type and version of the specification were found to be the right ones.
fn common(signed: &str, role: Role, limits: &Limits) -> Result<(u64, UnixTime), Error> {
    let mut reader = Reader::new(Document::TufMetadata, signed, limits);
    let (mut kind, mut specification, mut version, mut expires) = (None, None, None, None);
    reader.object(|reader, name| {
        let cap = ("name_bytes", limits.name_bytes);
        match name {
            "_type" => kind = Some(reader.capped_string(cap)?),
            "spec_version" => specification = Some(reader.capped_string(cap)?),
            "version" => version = Some(reader.whole_number()?),
            "expires" => {
                let text = reader.capped_string(cap)?;
                expires = Some(
                    UnixTime::parse_rfc3339(&text)
                        .map_err(|error| error.in_document(Document::TufMetadata))?,
                );
            }
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    // Metadata of one role must not pass for that of another, whoever signs both.
    let kind = reader.required("_type", kind)?;
    if kind != role.name() {
        return Err(reader.error(ErrorKind::Conflict {
            first: format!("_type `{}`", kind.chars().take(32).collect::<String>()),
            second: format!("the role {role}"),
        }));
    }
    let specification = reader.required("spec_version", specification)?;
    if specification != "1" && !specification.starts_with("1.") {
        return Err(reader.error(ErrorKind::Unsupported {
            what: "version of the TUF specification",
            found: specification.chars().take(32).collect(),
        }));
    }
    let version = reader.required("version", version)?;
    if version == 0 {
        return Err(reader.bad_value("a version of at least 1", "0"));
    }
    Ok((version, reader.required("expires", expires)?))
}

impl Body for Root {
    fn read(signed: &str, _: Role, limits: &Limits) -> Result<Self, Error> {
        let mut reader = Reader::new(Document::TufMetadata, signed, limits);
        let mut consistent_snapshot = None;
        let mut keys = None;
        let mut roles = None;
        reader.object(|reader, name| {
            match name {
                "consistent_snapshot" => consistent_snapshot = Some(reader.boolean()?),
                "keys" => {
                    let mut known = BTreeMap::new();
                    let mut count = 0;
                    reader.map(|reader, id| {
                        count += 1;
                        if count > limits.tuf_keys {
                            return Err(reader.over_limit("tuf_keys", limits.tuf_keys));
                        }
                        if let Some(key) = TufKey::read(reader, limits)? {
                            known.insert(id.to_owned(), key);
                        }
                        Ok(())
                    })?;
                    keys = Some(known);
                }
                "roles" => {
                    let mut read = BTreeMap::new();
                    reader.map(|reader, name| {
                        match Role::ALL.into_iter().find(|role| role.name() == name) {
                            Some(role) => {
                                read.insert(role, role_keys(reader, limits)?);
                                Ok(())
                            }
                            None => reader.ignore(),
                        }
                    })?;
                    roles = Some(read);
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let roles = reader.required("roles", roles)?;
        for role in Role::ALL {
            if !roles.contains_key(&role) {
                return Err(reader
                    .error(ErrorKind::MissingField { name: role.name() })
                    .within("roles"));
            }
        }
        Ok(Self {
            // Absent means false in old repositories (TUF §4.3).
            consistent_snapshot: consistent_snapshot.unwrap_or(false),
            keys: reader.required("keys", keys)?,
            roles,
        })
    }
}

fn role_keys(reader: &mut Reader<'_>, limits: &Limits) -> Result<RoleKeys, Error> {
    let (mut ids, mut threshold) = (None, None);
    reader.object(|reader, name| {
        match name {
            "keyids" => {
                let list = reader.capped_list(("tuf_keys", limits.tuf_keys), |reader| {
                    Ok(reader
                        .capped_string(("tuf_key_id_bytes", 256))?
                        .into_owned())
                })?;
                ids = Some(list.into_iter().collect());
            }
            "threshold" => threshold = Some(reader.whole_number()?),
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    let threshold = reader.required("threshold", threshold)?;
    // CVE-2026-23992: a threshold of none would be met by nobody's signature.
    if threshold == 0 {
        return Err(reader.bad_value("a threshold of at least 1", "0"));
    }
    Ok(RoleKeys {
        ids: reader.required("keyids", ids)?,
        threshold,
    })
}

impl Body for Listed {
    fn read(signed: &str, role: Role, limits: &Limits) -> Result<Self, Error> {
        let mut reader = Reader::new(Document::TufMetadata, signed, limits);
        let mut files = None;
        reader.object(|reader, name| match name {
            "meta" => {
                files = Some(entries(reader, limits, listed)?);
                Ok(())
            }
            _ => reader.ignore(),
        })?;
        let files = reader.required("meta", files)?;
        let wanted = match role {
            Role::Timestamp => "snapshot.json",
            _ => "targets.json",
        };
        if !files.contains_key(wanted) {
            return Err(reader
                .error(ErrorKind::MissingField { name: wanted })
                .within("meta"));
        }
        Ok(Self(files))
    }
}

/// The entries of an object by name, at most [`Limits::tuf_entries`].
fn entries<'a, Entry>(
    reader: &mut Reader<'a>,
    limits: &Limits,
    entry: fn(&mut Reader<'a>, &Limits) -> Result<Entry, Error>,
) -> Result<BTreeMap<String, Entry>, Error> {
    let mut read = BTreeMap::new();
    reader.map(|reader, name| {
        if read.len() >= limits.tuf_entries {
            return Err(reader.over_limit("tuf_entries", limits.tuf_entries));
        }
        read.insert(name.to_owned(), entry(reader, limits)?);
        Ok(())
    })?;
    Ok(read)
}

fn listed(reader: &mut Reader<'_>, limits: &Limits) -> Result<ListedMetadata, Error> {
    let (mut version, mut length, mut digests) = (None, None, Vec::new());
    reader.object(|reader, name| {
        match name {
            "version" => version = Some(reader.whole_number()?),
            "length" => length = Some(reader.whole_number()?),
            "hashes" => digests = hashes(reader, limits)?,
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    Ok(ListedMetadata {
        version: reader.required("version", version)?,
        length,
        digests,
    })
}

/// The digests of known algorithms; of several unknown ones none is not enough.
fn hashes(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Digest>, Error> {
    let hashes = reader.string_map(("subject_digests", limits.subject_digests))?;
    let mut digests = Vec::new();
    for (name, value) in &hashes {
        if let Some(algorithm) = HashAlgorithm::from_name(name) {
            digests.push(
                Digest::from_hex(algorithm, value)
                    .map_err(|error| error.in_document(Document::TufMetadata))?,
            );
        }
    }
    if digests.is_empty() {
        return Err(reader.bad_value("a sha256, sha384 or sha512", "none of them"));
    }
    Ok(digests)
}

impl Body for Targets {
    fn read(signed: &str, _: Role, limits: &Limits) -> Result<Self, Error> {
        let mut reader = Reader::new(Document::TufMetadata, signed, limits);
        let mut files = None;
        reader.object(|reader, name| match name {
            "targets" => {
                files = Some(entries(reader, limits, target)?);
                Ok(())
            }
            _ => reader.ignore(),
        })?;
        Ok(Self(reader.required("targets", files)?))
    }
}

fn target(reader: &mut Reader<'_>, limits: &Limits) -> Result<Target, Error> {
    let (mut length, mut digests) = (None, None);
    reader.object(|reader, name| {
        match name {
            "length" => length = Some(reader.whole_number()?),
            "hashes" => digests = Some(hashes(reader, limits)?),
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    Ok(Target {
        length: reader.required("length", length)?,
        digests: reader.required("hashes", digests)?,
    })
}
