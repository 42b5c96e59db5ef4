//! A piece taken apart: what is signed, by which signature, and what stands beside it.

use super::Question;
use crate::dangers::Danger;
use crate::evidence::{Held, Unverified};
use crate::fault::CertificateFault;
use crate::identity;
use crate::message::SignedMessage;
use crate::naming;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::Check;
use bytes::Bytes;
use countersign_formats::{BundleContent, Envelope, KeyMaterial, LogEntry, media_types};
use std::sync::Arc;

/// A piece taken apart; nothing is proven.
pub(super) struct Opened<'a> {
    pub(super) held: &'a Arc<Held>,
    pub(super) content: Content<'a>,
    pub(super) message: SignedMessage<'a>,
    pub(super) signature: &'a Bytes,
    pub(super) material: Material<'a>,
    pub(super) entries: &'a [LogEntry],
    pub(super) timestamps: &'a [Bytes],
    /// The bytes of an envelope outside of a bundle, which cosign has dated in place of its signature.
    pub(super) envelope: Option<&'a Bytes>,
    /// Bundles must prove inclusion whatever version they say they are; older forms carry promises.
    pub(super) inclusion_required: bool,
    pub(super) checks: Vec<Check>,
    pub(super) dangers: Vec<Danger>,
}

pub(super) enum Content<'a> {
    Envelope(&'a Envelope),
    SimpleSigning(&'a Bytes),
    Message,
}

pub(super) enum Material<'a> {
    Key {
        hint: Option<&'a str>,
    },
    Certificate {
        leaf: &'a Bytes,
        intermediates: &'a [Bytes],
    },
}

pub(super) fn open<'a>(
    piece: &'a Unverified,
    signature: usize,
    question: &Question<'a>,
) -> Checked<Opened<'a>> {
    let (held, content, signed, material, entries, timestamps) = match piece {
        Unverified::Bundle(piece) => {
            let bundle = &piece.bundle;
            let material = match &bundle.material {
                KeyMaterial::PublicKey { hint } => Material::Key { hint: Some(hint) },
                KeyMaterial::Certificate(leaf) => Material::Certificate {
                    leaf,
                    intermediates: &[],
                },
                KeyMaterial::Chain(chain) => match chain.split_first() {
                    Some((leaf, intermediates)) => Material::Certificate {
                        leaf,
                        intermediates,
                    },
                    None => {
                        let fault = CertificateFault::Malformed {
                            what: "chain: it is empty",
                        };
                        return Err(RejectReason::Certificate { position: 0, fault }.into());
                    }
                },
            };
            let (content, signature) = match &bundle.content {
                BundleContent::Dsse(envelope) => (
                    Content::Envelope(envelope),
                    only_signature(envelope, signature)?,
                ),
                BundleContent::Message { digest, signature } => {
                    naming::compare_message_digest(digest.as_ref(), question.subject)?;
                    (Content::Message, signature)
                }
            };
            (
                &piece.held,
                content,
                signature,
                material,
                bundle.log_entries.as_slice(),
                bundle.timestamps.as_slice(),
            )
        }
        Unverified::SimpleSigning(piece) => {
            let annotations = &piece.annotations;
            let material =
                annotated_material(annotations.certificate.as_ref(), &annotations.chain, None);
            let (entries, timestamps) = (
                annotations.entry.as_slice(),
                annotations.timestamp.as_slice(),
            );
            (
                &piece.held,
                Content::SimpleSigning(&piece.payload),
                &piece.signature,
                material,
                entries,
                timestamps,
            )
        }
        Unverified::Dsse(piece) => {
            let annotations = &piece.annotations;
            let keyid = piece
                .envelope
                .signatures
                .get(signature)
                .and_then(|signature| signature.keyid.as_deref());
            let material =
                annotated_material(annotations.certificate.as_ref(), &annotations.chain, keyid);
            let (entries, timestamps) = (
                annotations.entry.as_slice(),
                annotations.timestamp.as_slice(),
            );
            let signature = only_signature(&piece.envelope, signature)?;
            (
                &piece.held,
                Content::Envelope(&piece.envelope),
                signature,
                material,
                entries,
                timestamps,
            )
        }
        Unverified::Notation(_) => {
            return Err(RejectReason::UnsupportedForm {
                form: "a notation signature",
            }
            .into());
        }
    };
    let message = match content {
        Content::Envelope(envelope) => {
            // N-30: a closed list of one.
            if envelope.payload_type != media_types::IN_TOTO_PAYLOAD {
                let found = identity::excerpt(&envelope.payload_type);
                return Err(RejectReason::PayloadType {
                    found,
                    expected: media_types::IN_TOTO_PAYLOAD,
                }
                .into());
            }
            SignedMessage::envelope(&envelope.payload_type, &envelope.payload)
        }
        Content::SimpleSigning(payload) => SignedMessage::payload(payload),
        Content::Message => SignedMessage::subject(question.subject, held.limits.bundle_bytes),
    };
    Ok(Opened {
        held,
        content,
        message,
        signature: signed,
        material,
        entries,
        timestamps,
        envelope: match piece {
            Unverified::Dsse(piece) => piece.held.bytes.as_ref(),
            _ => None,
        },
        inclusion_required: matches!(piece, Unverified::Bundle(_)),
        checks: Vec::with_capacity(16),
        dangers: Vec::new(),
    })
}

fn only_signature(envelope: &Envelope, position: usize) -> Checked<&Bytes> {
    match envelope.signatures.get(position) {
        Some(signature) => Ok(&signature.signature),
        None => Err(RejectReason::SignatureCount {
            found: envelope.signatures.len(),
            expected: "at least one",
        }
        .into()),
    }
}

fn annotated_material<'a>(
    leaf: Option<&'a Bytes>,
    chain: &'a [Bytes],
    hint: Option<&'a str>,
) -> Material<'a> {
    match leaf {
        Some(leaf) => Material::Certificate {
            leaf,
            intermediates: chain,
        },
        None => Material::Key { hint },
    }
}
