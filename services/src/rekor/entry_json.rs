//! Reading the entries that logs answer with.

use bytes::Bytes;
use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, InclusionProof, Limits, LogBody, LogEntry, UnixTime};

use super::ANSWER_BYTES;

/// Bytes of a log's identifier, and of a node of its tree.
const HASH_BYTES: usize = 32;
/// Bytes of the name of an entry: the tree's identifier and the leaf hash, in hexadecimal.
const NAME_BYTES: usize = 80;
/// Entries that a log finds for one that it is shown: one in each of its shards at most.
const FOUND_ENTRIES: usize = 16;

/// Reads the answer of a log of version 1: an object with one member, which is named after the entry.
pub(crate) fn version_1(body: &[u8], limits: &Limits) -> Result<LogEntry, Error> {
    let mut reader = reader(body, limits)?;
    let entry = read_named(&mut reader, limits)?;
    reader.end()?;
    Ok(entry)
}

/// Reads what a log of version 1 answers that was asked for one entry: a list of such objects, which are the same entry.
pub(crate) fn version_1_found(body: &[u8], limits: &Limits) -> Result<Option<LogEntry>, Error> {
    let mut reader = reader(body, limits)?;
    let found = reader.capped_list(("found_entries", FOUND_ENTRIES), |reader| {
        read_named(reader, limits)
    })?;
    reader.end()?;
    Ok(found.into_iter().next())
}

fn read_named(reader: &mut Reader<'_>, limits: &Limits) -> Result<LogEntry, Error> {
    let mut entry = None;
    reader.map(|reader, name| {
        if name.len() > NAME_BYTES || entry.is_some() {
            return Err(reader.unknown_field(name));
        }
        entry = Some(read_entry(reader, limits)?);
        Ok(())
    })?;
    reader.required("entry", entry)
}

/// Reads the answer of a log of version 2: a TransparencyLogEntry in protobuf JSON, where zeros may be left out.
pub(crate) fn version_2(body: &[u8], limits: &Limits) -> Result<LogEntry, Error> {
    let mut reader = reader(body, limits)?;
    let mut log_index = 0;
    let (mut log_id, mut kind, mut version, mut proof, mut canonical) =
        (None, None, None, None, None);
    let mut integrated_time = 0;
    let mut promise = None;
    reader.object(|reader, name| {
        match name {
            // In protobuf JSON null stands for absent, and Rekor 2 writes `"inclusionPromise": null`.
            _ if reader.peek()? == Kind::Null => reader.null()?,
            "logIndex" => log_index = reader.protobuf_int64()?,
            "logId" => {
                log_id = only_member(reader, "keyId", |reader| {
                    reader.base64(("log_id_bytes", 64))
                })?
            }
            "kindVersion" => reader.object(|reader, name| {
                match name {
                    "kind" => kind = Some(read_name(reader, limits)?),
                    "version" => version = Some(read_name(reader, limits)?),
                    _ => reader.ignore()?,
                }
                Ok(())
            })?,
            "integratedTime" => integrated_time = reader.protobuf_int64()?,
            "inclusionPromise" => {
                promise = only_member(reader, "signedEntryTimestamp", |reader| {
                    reader.base64(("signature_bytes", limits.signature_bytes))
                })?;
            }
            "inclusionProof" => proof = Some(read_proof(reader, limits, &PROTOBUF)?),
            "canonicalizedBody" => canonical = Some(read_body(reader, limits)?),
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    let entry = LogEntry {
        log_index,
        log_id: reader.required("logId", log_id)?,
        kind: reader.required("kind", kind)?,
        version: reader.required("version", version)?,
        integrated_time: time(integrated_time),
        promise,
        proof,
        body: reader.required("canonicalizedBody", canonical)?,
    };
    reader.end()?;
    Ok(entry)
}

fn reader<'a>(body: &'a [u8], limits: &Limits) -> Result<Reader<'a>, Error> {
    Reader::from_bytes(Document::Json, body, ("answer_bytes", ANSWER_BYTES), limits)
}

fn read_entry(reader: &mut Reader<'_>, limits: &Limits) -> Result<LogEntry, Error> {
    let (mut body, mut log_id, mut log_index, mut integrated_time) = (None, None, None, None);
    let (mut promise, mut proof) = (None, None);
    reader.object(|reader, name| {
        match name {
            "body" => body = Some(read_body(reader, limits)?),
            "logID" => log_id = Some(read_hex(reader)?),
            "logIndex" => log_index = Some(reader.whole_number()?),
            "integratedTime" => integrated_time = Some(reader.whole_number()?),
            "verification" => reader.object(|reader, name| {
                match name {
                    "signedEntryTimestamp" => {
                        promise = Some(reader.base64(("signature_bytes", limits.signature_bytes))?);
                    }
                    "inclusionProof" => proof = Some(read_proof(reader, limits, &PLAIN)?),
                    _ => reader.ignore()?,
                }
                Ok(())
            })?,
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    let body = reader.required("body", body)?;
    let (kind, version) = LogBody::peek_kind(&body)?;
    Ok(LogEntry {
        log_index: reader.required("logIndex", log_index)?,
        log_id: reader.required("logID", log_id)?,
        kind,
        version,
        integrated_time: time(reader.required("integratedTime", integrated_time)?),
        promise: promise.filter(|promise: &Bytes| !promise.is_empty()),
        proof,
        body,
    })
}

/// How the two versions spell the parts of a proof.
struct Spelling {
    node: fn(&mut Reader<'_>) -> Result<Bytes, Error>,
    number: fn(&mut Reader<'_>) -> Result<u64, Error>,
    checkpoint: fn(&mut Reader<'_>, &Limits) -> Result<Option<String>, Error>,
}

/// Version 1: hexadecimal, JSON numbers, the checkpoint as it is.
const PLAIN: Spelling = Spelling {
    node: read_hex,
    number: |reader| reader.whole_number(),
    checkpoint: |reader, limits| read_note(reader, limits).map(Some),
};

/// Version 2: base64, numbers as text, the checkpoint in an object.
const PROTOBUF: Spelling = Spelling {
    node: |reader| reader.base64(("node_bytes", HASH_BYTES)),
    number: |reader| reader.protobuf_int64(),
    checkpoint: |reader, limits| {
        only_member(reader, "envelope", |reader| read_note(reader, limits))
    },
};

fn read_proof(
    reader: &mut Reader<'_>,
    limits: &Limits,
    spelling: &Spelling,
) -> Result<InclusionProof, Error> {
    let mut proof = InclusionProof {
        log_index: 0,
        tree_size: 0,
        root_hash: Bytes::new(),
        hashes: Vec::new(),
        checkpoint: String::new(),
    };
    reader.object(|reader, name| {
        match name {
            "logIndex" => proof.log_index = (spelling.number)(reader)?,
            "treeSize" => proof.tree_size = (spelling.number)(reader)?,
            "rootHash" => proof.root_hash = (spelling.node)(reader)?,
            "hashes" => {
                proof.hashes =
                    reader.capped_list(("proof_hashes", limits.proof_hashes), spelling.node)?
            }
            "checkpoint" => {
                proof.checkpoint = (spelling.checkpoint)(reader, limits)?.unwrap_or_default()
            }
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    let nodes = proof.hashes.iter().chain([&proof.root_hash]);
    if nodes.into_iter().any(|node| node.len() != HASH_BYTES) {
        return Err(reader.bad_value("hashes of 32 bytes", "another length"));
    }
    if proof.log_index >= proof.tree_size {
        return Err(reader.bad_value(
            "a leaf index below the size of the tree",
            &proof.log_index.to_string(),
        ));
    }
    Ok(proof)
}

fn read_note(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    reader
        .capped_string(("note_bytes", limits.note_bytes))
        .map(|note| note.into_owned())
}

fn read_body(reader: &mut Reader<'_>, limits: &Limits) -> Result<Bytes, Error> {
    let maximum = usize::try_from(limits.log_body_bytes).unwrap_or(usize::MAX);
    reader.base64(("log_body_bytes", maximum))
}

fn read_name(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    reader
        .capped_string(("name_bytes", limits.name_bytes))
        .map(|name| name.into_owned())
}

/// An object of which one member counts.
fn only_member<T>(
    reader: &mut Reader<'_>,
    member: &str,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut value = None;
    reader.object(|reader, name| {
        if name == member {
            value = Some(read(reader)?);
            return Ok(());
        }
        reader.ignore()
    })?;
    Ok(value)
}

/// 32 bytes in hexadecimal.
fn read_hex(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let text = reader.string()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .take(HASH_BYTES + 1)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect();
    bytes
        .filter(|bytes| bytes.len() == HASH_BYTES)
        .map(Bytes::from)
        .ok_or_else(|| reader.bad_value("32 bytes in hexadecimal", &text))
}

/// 0 stands for absent.
fn time(seconds: u64) -> Option<UnixTime> {
    i64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds != 0)
        .map(UnixTime)
}
