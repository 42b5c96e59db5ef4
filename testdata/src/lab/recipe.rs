//! Recipes for evidence: who signs what, where it is logged or dated, how it is bent.

mod evidence;

pub use evidence::Evidence;

use serde_json::Value;

use super::statement::image_statement;
use super::{IN_TOTO, Lab, SIGNED_AT};
use crate::certificate::{CertificateSpec, Identity};
use crate::keys::LabKey;
use crate::timestamp_authority::TimestampSpec;
use crate::transparency_log::{EntrySpec, Log};

/// Who signs in a recipe.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A managed key.
    Key(LabKey),
    /// A certificate.
    Certificate {
        /// The key that is certified.
        key: LabKey,
        /// The certificate, not yet signed.
        certificate: Box<CertificateSpec>,
        /// Who signs the certificate.
        issuer: Identity,
    },
}

/// What is signed.
#[derive(Clone, Debug)]
pub enum Content {
    /// A DSSE envelope.
    Envelope {
        /// Payload type.
        payload_type: String,
        /// Payload.
        payload: Vec<u8>,
    },
    /// A file.
    Message(Vec<u8>),
    /// cosign's simple signing payload, signed as it is.
    SimpleSigning(Vec<u8>),
}

type Bend<'lab, T> = Vec<Box<dyn Fn(&mut T) + 'lab>>;

/// Evidence in the making: honest unless bent.
pub struct Recipe<'lab> {
    lab: &'lab Lab,
    signer: Signer,
    content: Content,
    signing_key: Option<LabKey>,
    logs: Vec<(Log, &'static str)>,
    integrated_time: i64,
    authorities: Vec<(Identity, i64)>,
    chain: Option<Vec<Vec<u8>>>,
    bend_certificate: Bend<'lab, CertificateSpec>,
    bend_signature: Bend<'lab, Vec<u8>>,
    bend_body: Bend<'lab, Value>,
    bend_entry: Bend<'lab, EntrySpec>,
    bend_timestamp: Bend<'lab, TimestampSpec>,
    bend_bundle: Bend<'lab, Value>,
}

impl<'lab> Recipe<'lab> {
    pub(super) fn new(lab: &'lab Lab, signer: Signer) -> Self {
        Self {
            lab,
            signer,
            content: Content::Envelope {
                payload_type: IN_TOTO.to_owned(),
                payload: image_statement(&Lab::image()).to_string().into_bytes(),
            },
            signing_key: None,
            logs: Vec::new(),
            integrated_time: SIGNED_AT,
            authorities: Vec::new(),
            chain: None,
            bend_certificate: Vec::new(),
            bend_signature: Vec::new(),
            bend_body: Vec::new(),
            bend_entry: Vec::new(),
            bend_timestamp: Vec::new(),
            bend_bundle: Vec::new(),
        }
    }

    /// Signs this statement in place of the image signature.
    pub fn statement(self, statement: &Value) -> Self {
        self.payload(IN_TOTO, statement.to_string().as_bytes())
    }

    /// Signs these bytes in an envelope of this type.
    pub fn payload(mut self, payload_type: &str, payload: &[u8]) -> Self {
        self.content = Content::Envelope {
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
        };
        self
    }

    /// Signs a file.
    pub fn message(mut self, bytes: &[u8]) -> Self {
        self.content = Content::Message(bytes.to_vec());
        self
    }

    /// Signs a simple signing payload.
    pub fn simple_signing(mut self, payload: &[u8]) -> Self {
        self.content = Content::SimpleSigning(payload.to_vec());
        self
    }

    /// Signs with another key than the one that is named.
    pub fn signed_by(mut self, key: LabKey) -> Self {
        self.signing_key = Some(key);
        self
    }

    /// Certifies another key.
    pub fn certified_key(mut self, other: LabKey) -> Self {
        if let Signer::Certificate {
            key, certificate, ..
        } = &mut self.signer
        {
            certificate.spki = other.spki().to_vec();
            *key = other;
        }
        self
    }

    /// Has the certificate issued by another authority; its issuer name becomes that one's.
    pub fn issued_by(mut self, authority: &Identity) -> Self {
        if let Signer::Certificate {
            certificate,
            issuer,
            ..
        } = &mut self.signer
        {
            certificate.issuer = authority.name.clone();
            *issuer = authority.clone();
        }
        self
    }

    /// Adds an entry of the version 1 log: `dsse` for envelopes, `hashedrekord` else.
    pub fn rekor_v1(self) -> Self {
        let log = self.lab.rekor_v1.clone();
        self.logged(log, "")
    }

    /// Adds an entry of the Ed25519 version 2 log.
    pub fn rekor_v2(self) -> Self {
        let log = self.lab.rekor_v2.clone();
        self.logged(log, "")
    }

    /// Adds an entry of any log; `kind` is empty for the usual one, else `dsse`, `intoto` or `hashedrekord`.
    pub fn logged(mut self, log: Log, kind: &'static str) -> Self {
        self.logs.push((log, kind));
        self
    }

    /// When version 1 logs say that they integrated the entry.
    pub fn integrated_at(mut self, seconds: i64) -> Self {
        self.integrated_time = seconds;
        self
    }

    /// Adds a timestamp of the P-384 authority.
    pub fn timestamped(self) -> Self {
        let authority = self.lab.timestamp_leaf.clone();
        self.timestamped_by(&authority, SIGNED_AT)
    }

    /// Adds a timestamp of any authority at any time.
    pub fn timestamped_by(mut self, authority: &Identity, seconds: i64) -> Self {
        self.authorities.push((authority.clone(), seconds));
        self
    }

    /// Writes a chain in place of the leaf certificate; the leaf goes first.
    pub fn chain(mut self, above: Vec<Vec<u8>>) -> Self {
        self.chain = Some(above);
        self
    }

    /// Bends the certificate before SCTs and signature are made.
    pub fn certificate(mut self, bend: impl Fn(&mut CertificateSpec) + 'lab) -> Self {
        self.bend_certificate.push(Box::new(bend));
        self
    }

    /// Bends the signature before it is logged and stamped.
    pub fn signature(mut self, bend: impl Fn(&mut Vec<u8>) + 'lab) -> Self {
        self.bend_signature.push(Box::new(bend));
        self
    }

    /// Bends the body of each log entry before it is logged.
    pub fn body(mut self, bend: impl Fn(&mut Value) + 'lab) -> Self {
        self.bend_body.push(Box::new(bend));
        self
    }

    /// Bends each log entry before it is logged.
    pub fn entry(mut self, bend: impl Fn(&mut EntrySpec) + 'lab) -> Self {
        self.bend_entry.push(Box::new(bend));
        self
    }

    /// Bends each timestamp before it is signed.
    pub fn timestamp(mut self, bend: impl Fn(&mut TimestampSpec) + 'lab) -> Self {
        self.bend_timestamp.push(Box::new(bend));
        self
    }

    /// Bends the finished bundle.
    pub fn bundle(mut self, bend: impl Fn(&mut Value) + 'lab) -> Self {
        self.bend_bundle.push(Box::new(bend));
        self
    }
}
