//! Pieces of evidence as they arrived: well-formed and nothing more.

use crate::certificate::Certificate;
use crate::claim::ClaimKind;
use crate::digest;
use crate::identity::{self, SubjectAlternativeName};
use crate::reject_reason::RejectReason;
use crate::rejected::{Rejected, UnverifiedSigner};
use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, Descriptor, Digest, Envelope, KeyMaterial, LegacyAnnotations, Limits,
    Statement,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The form in which evidence is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StorageForm {
    /// A Sigstore bundle that refers to the image.
    BundleReferrer,
    /// A Sigstore bundle in a file.
    BundleFile,
    /// A layer of the image's `.sig` tag.
    SignatureTag,
    /// A layer of the image's `.att` tag.
    AttestationTag,
    /// A layer of a signature manifest that refers to the image.
    SignatureReferrer,
    /// A DSSE envelope in a manifest that refers to the image.
    DsseReferrer,
    /// A DSSE envelope in a file.
    DsseFile,
    /// A Notary Project signature that refers to the image.
    NotationReferrer,
    /// An unsigned SBOM that refers to the image.
    SbomReferrer,
    /// A layer of the image's `.sbom` tag.
    SbomTag,
    /// An unsigned BuildKit attestation manifest inside an image index.
    BuildkitManifest,
}

impl StorageForm {
    /// A stable name, in kebab case.
    pub fn code(self) -> &'static str {
        match self {
            Self::BundleReferrer => "bundle-referrer",
            Self::BundleFile => "bundle-file",
            Self::SignatureTag => "signature-tag",
            Self::AttestationTag => "attestation-tag",
            Self::SignatureReferrer => "signature-referrer",
            Self::DsseReferrer => "dsse-referrer",
            Self::DsseFile => "dsse-file",
            Self::NotationReferrer => "notation-referrer",
            Self::SbomReferrer => "sbom-referrer",
            Self::SbomTag => "sbom-tag",
            Self::BuildkitManifest => "buildkit-manifest",
        }
    }
}

impl fmt::Display for StorageForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BundleReferrer => "bundle stored as referrer",
            Self::BundleFile => "bundle file",
            Self::SignatureTag => "signature tag (.sig)",
            Self::AttestationTag => "attestation tag (.att)",
            Self::SignatureReferrer => "signature stored as referrer",
            Self::DsseReferrer => "envelope stored as referrer",
            Self::DsseFile => "envelope file",
            Self::NotationReferrer => "notation signature",
            Self::SbomReferrer => "SBOM stored as referrer",
            Self::SbomTag => "SBOM tag (.sbom)",
            Self::BuildkitManifest => "BuildKit attestation manifest",
        })
    }
}

/// Where a piece of evidence came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The form it is stored in.
    pub form: StorageForm,
    /// The descriptor of the blob that holds it.
    pub descriptor: Option<Descriptor>,
    /// The digest of the manifest that names the blob.
    pub manifest: Option<Digest>,
    /// The repository or layout it was read from.
    pub repository: Option<String>,
}

impl Origin {
    /// An origin of which only the form is known.
    pub fn new(form: StorageForm) -> Self {
        Self {
            form,
            descriptor: None,
            manifest: None,
            repository: None,
        }
    }
}

/// A piece of evidence that parsed. Nothing in it is proven; [`crate::verify`] is the only way on.
#[derive(Clone, Debug)]
pub enum Unverified {
    /// A Sigstore bundle.
    Bundle(BundlePiece),
    /// A simple-signing payload with the annotations of its layer.
    SimpleSigning(SimpleSigningPiece),
    /// A DSSE envelope with the annotations of its layer, if it has one.
    Dsse(DssePiece),
    /// A Notary Project signature.
    Notation(NotationPiece),
}

/// A parsed Sigstore bundle.
#[derive(Clone, Debug)]
pub struct BundlePiece {
    pub(crate) held: Arc<Held>,
    pub(crate) bundle: Bundle,
}

/// A simple-signing payload, and parsed annotations.
#[derive(Clone, Debug)]
pub struct SimpleSigningPiece {
    pub(crate) held: Arc<Held>,
    pub(crate) payload: Bytes,
    pub(crate) annotations: LegacyAnnotations,
    pub(crate) signature: Bytes,
}

/// A parsed DSSE envelope, and parsed annotations.
#[derive(Clone, Debug)]
pub struct DssePiece {
    pub(crate) held: Arc<Held>,
    pub(crate) envelope: Envelope,
    pub(crate) annotations: LegacyAnnotations,
}

/// A Notary Project signature, unread.
#[derive(Clone, Debug)]
pub struct NotationPiece {
    pub(crate) held: Arc<Held>,
}

/// The bytes that arrived, or what is known of them when they were let go, and where from.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Option<Bytes>,
    pub(crate) size: u64,
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
    digest: OnceLock<Digest>,
}

impl Held {
    fn new(bytes: Bytes, origin: Origin, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            size: bytes.len() as u64,
            bytes: Some(bytes),
            origin,
            limits: limits.clone(),
            digest: OnceLock::new(),
        })
    }

    fn let_go(digest: Digest, size: u64, origin: Origin, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            bytes: None,
            size,
            origin,
            limits: limits.clone(),
            digest: OnceLock::from(digest),
        })
    }

    pub(crate) fn digest(&self) -> &Digest {
        // What was let go was hashed before.
        let bytes = self.bytes.as_deref().unwrap_or_default();
        self.digest.get_or_init(|| digest::sha256(bytes))
    }
}

impl Unverified {
    /// Reads a Sigstore bundle of version 0.1, 0.2 or 0.3.
    ///
    /// # Errors
    /// What [`Bundle::parse`] refuses, and an envelope without exactly one signature.
    pub fn bundle(bytes: Bytes, origin: Origin, limits: &Limits) -> Result<Self, Rejected> {
        let read = Bundle::parse(&bytes, limits);
        let bundle = read.map_err(RejectReason::from).and_then(one_signature);
        match bundle {
            Ok(bundle) => Ok(Self::Bundle(BundlePiece {
                held: Held::new(bytes, origin, limits),
                bundle,
            })),
            Err(reason) => Err(unreadable(reason, &bytes, origin)),
        }
    }

    /// As [`Unverified::bundle`], for bytes that nobody needs again: they are hashed and let go, and the payload takes their place in
    /// memory.
    ///
    /// # Errors
    /// As [`Unverified::bundle`].
    pub fn bundle_in_place(
        bytes: Bytes,
        origin: Origin,
        limits: &Limits,
    ) -> Result<Self, Rejected> {
        let (digest, size) = (digest::sha256(&bytes), bytes.len() as u64);
        let read = Bundle::parse_in_place(bytes, limits);
        let bundle = read.map_err(RejectReason::from).and_then(one_signature);
        match bundle {
            Ok(bundle) => Ok(Self::Bundle(BundlePiece {
                held: Held::let_go(digest, size, origin, limits),
                bundle,
            })),
            Err(reason) => Err(Rejected::new(reason, origin).about(digest, None, None)),
        }
    }

    /// Reads a simple-signing payload (`bytes` are the layer's) and the annotations of its layer.
    ///
    /// # Errors
    /// What [`LegacyAnnotations::parse`] refuses, and a layer without signature.
    pub fn simple_signing(
        payload: Bytes,
        annotations: &BTreeMap<String, String>,
        origin: Origin,
        limits: &Limits,
    ) -> Result<Self, Rejected> {
        let annotations = match LegacyAnnotations::parse(annotations, limits) {
            Ok(annotations) => annotations,
            Err(error) => return Err(unreadable(error.into(), &payload, origin)),
        };
        let Some(signature) = annotations.signature.clone() else {
            return Err(unreadable(RejectReason::NoSignature, &payload, origin));
        };
        Ok(Self::SimpleSigning(SimpleSigningPiece {
            held: Held::new(payload.clone(), origin, limits),
            payload,
            annotations,
            signature,
        }))
    }

    /// Reads a DSSE envelope and the annotations of its layer; without a layer the map is empty.
    ///
    /// # Errors
    /// What [`Envelope::parse`] and [`LegacyAnnotations::parse`] refuse, and an envelope without signatures or with
    /// more than the limit.
    pub fn dsse(
        bytes: Bytes,
        annotations: &BTreeMap<String, String>,
        origin: Origin,
        limits: &Limits,
    ) -> Result<Self, Rejected> {
        let parsed = Envelope::parse(&bytes, limits).and_then(|envelope| {
            LegacyAnnotations::parse(annotations, limits).map(|annotations| (envelope, annotations))
        });
        let (envelope, annotations) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return Err(unreadable(error.into(), &bytes, origin)),
        };
        let found = envelope.signatures.len();
        if found == 0 || found > limits.envelope_signatures {
            let reason = RejectReason::SignatureCount {
                found,
                expected: "at least one, and no more than the limit",
            };
            return Err(unreadable(reason, &bytes, origin));
        }
        Ok(Self::Dsse(DssePiece {
            held: Held::new(bytes, origin, limits),
            envelope,
            annotations,
        }))
    }

    /// Takes a Notary Project signature, which is recognised and not read yet.
    pub fn notation(bytes: Bytes, origin: Origin, limits: &Limits) -> Self {
        Self::Notation(NotationPiece {
            held: Held::new(bytes, origin, limits),
        })
    }

    pub(crate) fn held(&self) -> &Arc<Held> {
        match self {
            Self::Bundle(piece) => &piece.held,
            Self::SimpleSigning(piece) => &piece.held,
            Self::Dsse(piece) => &piece.held,
            Self::Notation(piece) => &piece.held,
        }
    }

    /// Where the piece came from.
    pub fn origin(&self) -> &Origin {
        &self.held().origin
    }

    /// The bytes that arrived; `None` when they were let go ([`Unverified::bundle_in_place`]).
    pub fn bytes(&self) -> Option<&Bytes> {
        self.held().bytes.as_ref()
    }

    /// How many bytes arrived.
    pub fn size(&self) -> u64 {
        self.held().size
    }

    /// SHA-256 of the bytes that arrived.
    pub fn digest(&self) -> Digest {
        *self.held().digest()
    }

    /// What the piece says about itself; for lists and messages, never for a decision.
    pub fn peek(&self) -> Unproven {
        let mut unproven = Unproven::default();
        match self {
            Self::Bundle(piece) => {
                match &piece.bundle.material {
                    KeyMaterial::PublicKey { hint } => {
                        unproven.unverified_key_hint = (!hint.is_empty()).then(|| hint.clone());
                    }
                    KeyMaterial::Certificate(leaf) => unproven.read_certificate(leaf),
                    KeyMaterial::Chain(chain) => {
                        if let Some(leaf) = chain.first() {
                            unproven.read_certificate(leaf);
                        }
                    }
                }
                match &piece.bundle.content {
                    BundleContent::Dsse(envelope) => {
                        unproven.read_payload(&envelope.payload, &piece.held.limits)
                    }
                    BundleContent::Message { .. } => {
                        unproven.unverified_claim = Some(ClaimKind::Message)
                    }
                }
                unproven.unverified_log_entries = piece.bundle.log_entries.len();
                unproven.unverified_timestamps = piece.bundle.timestamps.len();
            }
            Self::SimpleSigning(piece) => {
                unproven.unverified_claim = Some(ClaimKind::SimpleSigning);
                unproven.read_annotations(&piece.annotations);
            }
            Self::Dsse(piece) => {
                unproven.read_payload(&piece.envelope.payload, &piece.held.limits);
                unproven.unverified_key_hint = piece
                    .envelope
                    .signatures
                    .first()
                    .and_then(|signature| signature.keyid.clone());
                unproven.read_annotations(&piece.annotations);
            }
            Self::Notation(_) => {}
        }
        unproven
    }
}

fn one_signature(bundle: Bundle) -> Result<Bundle, RejectReason> {
    match &bundle.content {
        BundleContent::Dsse(envelope) if envelope.signatures.len() != 1 => {
            Err(RejectReason::SignatureCount {
                found: envelope.signatures.len(),
                expected: "exactly one",
            })
        }
        _ => Ok(bundle),
    }
}

fn unreadable(reason: RejectReason, bytes: &Bytes, origin: Origin) -> Rejected {
    Rejected::new(reason, origin).about(digest::sha256(bytes), None, None)
}

/// What a piece says about itself; nothing of it is proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unproven {
    /// The kind of its claim.
    pub unverified_claim: Option<ClaimKind>,
    /// The digests its statement names, as `algorithm:value`, in order.
    pub unverified_subjects: Vec<String>,
    /// The hint at its key.
    pub unverified_key_hint: Option<String>,
    /// Whether it carries a certificate.
    pub unverified_certificate: bool,
    /// The name in its certificate.
    pub unverified_san: Option<SubjectAlternativeName>,
    /// The issuer in its certificate.
    pub unverified_issuer: Option<String>,
    /// How many log entries it carries.
    pub unverified_log_entries: usize,
    /// How many timestamps it carries.
    pub unverified_timestamps: usize,
}

impl Unproven {
    /// The predicate type of its statement.
    pub fn unverified_predicate_type(&self) -> Option<&str> {
        match &self.unverified_claim {
            Some(ClaimKind::Statement { predicate_type }) => Some(predicate_type),
            _ => None,
        }
    }

    /// Who it says its signer is.
    pub fn unverified_signer(&self) -> UnverifiedSigner {
        if self.unverified_certificate {
            UnverifiedSigner::Certificate {
                san: self.unverified_san.clone(),
                issuer: self.unverified_issuer.clone(),
            }
        } else {
            UnverifiedSigner::Key {
                hint: self.unverified_key_hint.clone(),
            }
        }
    }

    fn read_certificate(&mut self, leaf: &Bytes) {
        self.unverified_certificate = true;
        if let Ok(named) =
            Certificate::parse(leaf).and_then(|certificate| identity::read(&certificate))
        {
            self.unverified_san = named.san;
            self.unverified_issuer = named.issuer;
        }
    }

    fn read_annotations(&mut self, annotations: &LegacyAnnotations) {
        if let Some(leaf) = &annotations.certificate {
            self.read_certificate(leaf);
        }
        self.unverified_log_entries = usize::from(annotations.entry.is_some());
        self.unverified_timestamps = usize::from(annotations.timestamp.is_some());
    }

    fn read_payload(&mut self, payload: &Bytes, limits: &Limits) {
        if let Ok(statement) = Statement::parse(payload.clone(), limits) {
            self.unverified_subjects = statement
                .subjects
                .iter()
                .flat_map(|subject| &subject.digests)
                .map(|(algorithm, value)| format!("{algorithm}:{value}"))
                .collect();
            self.unverified_claim = Some(ClaimKind::Statement {
                predicate_type: statement.predicate_type,
            });
        }
    }
}
