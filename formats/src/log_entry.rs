//! Transparency log entries as bundles carry them.

use crate::base64_text::encode_base64;
use crate::descriptor::name_string;
use crate::error::{Error, ErrorKind};
use crate::json::{ObjectWriter, Reader, write_string};
use crate::limits::Limits;
use crate::unix_time::UnixTime;
use bytes::Bytes;

/// Bytes of a node of a Merkle tree (RFC 6962 §2.1: SHA-256).
pub(crate) const NODE_BYTES: usize = 32;

/// Bytes that the identifier of a log has at most.
pub(crate) const LOG_ID_BYTES: usize = 64;

/// An entry of a transparency log, with what the log promised or proved about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Index in the log as a whole, over all its shards.
    pub log_index: u64,
    /// Identifier of the log.
    pub log_id: Bytes,
    /// Kind of the entry, such as `dsse`.
    pub kind: String,
    /// Version of the kind, such as `0.0.1`.
    pub version: String,
    /// When the log says it took the entry; only a promise signs it. `None` when absent or 0.
    pub integrated_time: Option<UnixTime>,
    /// The signed entry timestamp.
    pub promise: Option<Bytes>,
    /// The inclusion proof.
    pub proof: Option<InclusionProof>,
    /// The canonical body of the entry.
    pub body: Bytes,
}

/// A Merkle inclusion proof with the checkpoint that signs its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index of the leaf in its tree.
    pub log_index: u64,
    /// Leaves of the tree; more than `log_index`.
    pub tree_size: u64,
    /// Root of the tree; 32 bytes.
    pub root_hash: Bytes,
    /// Hashes from the leaf's sibling up to the root; 32 bytes each.
    pub hashes: Vec<Bytes>,
    /// The checkpoint, a signed note; empty when absent.
    pub checkpoint: String,
}

impl LogEntry {
    /// Reads an entry in the protobuf JSON of bundles, where zeros may be left out.
    pub(crate) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut log_index, mut integrated_time) = (0, 0);
        let (mut log_id, mut kind_version, mut promise, mut proof, mut body) =
            (None, None, None, None, None);
        reader.object(|reader, name| {
            match name {
                "logIndex" => log_index = reader.protobuf_int64()?,
                "logId" => {
                    log_id = Some(read_bytes_message(
                        reader,
                        "keyId",
                        ("log_id_bytes", LOG_ID_BYTES),
                    )?)
                }
                "kindVersion" => kind_version = Some(read_kind_version(reader, limits)?),
                "integratedTime" => integrated_time = reader.protobuf_int64()?,
                "inclusionPromise" => {
                    let cap = ("signature_bytes", limits.signature_bytes);
                    promise = Some(read_bytes_message(reader, "signedEntryTimestamp", cap)?);
                }
                "inclusionProof" => proof = Some(InclusionProof::read(reader, limits)?),
                "canonicalizedBody" => body = Some(read_body(reader, limits)?),
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        let (kind, version) = reader.required("kindVersion", kind_version)?;
        Ok(Self {
            log_index,
            log_id: reader.required("logId", log_id)?,
            kind,
            version,
            integrated_time: time_of(integrated_time),
            promise,
            proof,
            body: reader.required(
                "canonicalizedBody",
                body.filter(|body: &Bytes| !body.is_empty()),
            )?,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::new(out);
        object.string("logIndex", &self.log_index.to_string());
        object.object("logId", |object| {
            object.string("keyId", &encode_base64(&self.log_id))
        });
        object.object("kindVersion", |object| {
            object.string("kind", &self.kind);
            object.string("version", &self.version);
        });
        if let Some(time) = self.integrated_time {
            object.string("integratedTime", &time.0.to_string());
        }
        if let Some(promise) = &self.promise {
            object.object("inclusionPromise", |object| {
                object.string("signedEntryTimestamp", &encode_base64(promise))
            });
        }
        if let Some(proof) = &self.proof {
            object.object("inclusionProof", |object| proof.write(object));
        }
        object.string("canonicalizedBody", &encode_base64(&self.body));
        object.end();
    }
}

impl InclusionProof {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut log_index, mut tree_size) = (0, 0);
        let (mut root_hash, mut hashes, mut checkpoint) = (None, Vec::new(), None);
        reader.object(|reader, name| {
            match name {
                "logIndex" => log_index = reader.protobuf_int64()?,
                "treeSize" => tree_size = reader.protobuf_int64()?,
                "rootHash" => root_hash = Some(read_node(reader)?),
                "hashes" => {
                    hashes = reader.capped_list(("proof_hashes", limits.proof_hashes), read_node)?
                }
                "checkpoint" => checkpoint = Some(read_checkpoint(reader, limits)?),
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        if log_index >= tree_size {
            return Err(reader.bad_value(
                "a leaf index below the size of the tree",
                &log_index.to_string(),
            ));
        }
        Ok(Self {
            log_index,
            tree_size,
            root_hash: reader.required("rootHash", root_hash)?,
            hashes,
            checkpoint: checkpoint.unwrap_or_default(),
        })
    }

    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.string("logIndex", &self.log_index.to_string());
        object.string("rootHash", &encode_base64(&self.root_hash));
        object.string("treeSize", &self.tree_size.to_string());
        object.list("hashes", &self.hashes, |out, hash| {
            write_string(out, &encode_base64(hash))
        });
        if !self.checkpoint.is_empty() {
            object.object("checkpoint", |object| {
                object.string("envelope", &self.checkpoint)
            });
        }
    }
}

/// A protobuf message with one member that is bytes, which must be there and not be empty.
pub(crate) fn read_bytes_message(
    reader: &mut Reader<'_>,
    member: &'static str,
    cap: (&'static str, usize),
) -> Result<Bytes, Error> {
    let mut bytes = None;
    reader.object(|reader, name| {
        if name != member {
            return Err(reader.unknown_field(name));
        }
        bytes = Some(reader.base64(cap)?);
        Ok(())
    })?;
    reader.required(member, bytes.filter(|bytes: &Bytes| !bytes.is_empty()))
}

/// The canonical body, base64.
pub(crate) fn read_body(reader: &mut Reader<'_>, limits: &Limits) -> Result<Bytes, Error> {
    let maximum = usize::try_from(limits.log_body_bytes).unwrap_or(usize::MAX);
    reader.base64(("log_body_bytes", maximum))
}

/// The time of a protobuf field in which 0 stands for absent.
pub(crate) fn time_of(seconds: u64) -> Option<UnixTime> {
    i64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds != 0)
        .map(UnixTime)
}

fn read_kind_version(reader: &mut Reader<'_>, limits: &Limits) -> Result<(String, String), Error> {
    let (mut kind, mut version) = (None, None);
    reader.object(|reader, name| {
        match name {
            "kind" => kind = Some(name_string(reader, limits)?),
            "version" => version = Some(name_string(reader, limits)?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    Ok((
        reader.required("kind", kind)?,
        reader.required("version", version)?,
    ))
}

fn read_checkpoint(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    let mut envelope = None;
    reader.object(|reader, name| {
        if name != "envelope" {
            return Err(reader.unknown_field(name));
        }
        envelope = Some(
            reader
                .capped_string(("note_bytes", limits.note_bytes))?
                .into_owned(),
        );
        Ok(())
    })?;
    Ok(envelope.unwrap_or_default())
}

fn read_node(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let node = reader.base64(("node_bytes", NODE_BYTES))?;
    if node.len() != NODE_BYTES {
        let found = format!("{} bytes", node.len());
        return Err(reader.error(ErrorKind::BadValue {
            expected: "a hash of 32 bytes",
            found,
        }));
    }
    Ok(node)
}
