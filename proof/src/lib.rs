//! Evidence in, proofs out: this signer made this claim about this subject at these proven times.
//!
//! [`Unverified`] pieces are parsed and nothing more; [`verify`] is the one road to a [`Verified`], whose fields are private,
//! so that holding one is the proof. What is trusted stands in [`TrustMaterial`], prepared once and shared. This crate knows
//! no policy: how many logs or timestamps are wanted, and whose signature counts, is for its caller to say. It opens no
//! socket and no file and reads no clock.

mod asn1;
mod authorities;
mod authority;
mod certificate;
mod checkpoint;
mod claim;
mod codes;
mod crypto;
mod dangers;
pub mod digest;
mod evidence;
mod fault;
mod identity;
mod key;
mod log;
mod log_binding;
mod merkle;
mod message;
mod moment;
mod naming;
mod pss;
mod raw;
mod reject_reason;
mod rejected;
mod report;
mod sct;
mod subject;
mod timestamp;
mod trust;
mod trust_error;
mod trusted_log;
mod verified;
mod verify;

pub use claim::{Claim, ClaimKind, StatementClaim};
pub use codes::CODES;
pub use dangers::{Danger, Dangers};
pub use evidence::{
    BundlePiece, DssePiece, NotationPiece, Origin, SimpleSigningPiece, StorageForm, Unproven,
    Unverified,
};
pub use fault::{CertificateFault, LogFault, SctFault, TimestampFault};
pub use identity::{CertificateIdentity, FulcioExtensions, SubjectAlternativeName, X509Identity};
pub use key::{KeyId, Scheme, TrustedKey};
pub use raw::is_signature;
pub use reject_reason::RejectReason;
pub use rejected::{Rejected, UnverifiedSigner};
pub use report::{Check, LogId, VerificationReport};
pub use subject::{BytesContent, Content, ContentError, DigestContent, Image, ReadImage, Subject};
pub use trust::{TrustBuilder, TrustMaterial, Witness};
pub use trust_error::{DisabledReason, TrustError, TrustWarning};
pub use verified::{Dated, Link, LogProofKind, ProvenEntry, ProvenTimestamp, Signer, Verified};
pub use verify::verify;
