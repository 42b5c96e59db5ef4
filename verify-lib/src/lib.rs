//! Reference in, decision out: the verifier that others embed.
//!
//! A [`Verifier`] resolves a reference once, asks its policies what evidence is missing, fetches
//! that under a deadline, proves each piece and ends with a [`Decision`].

pub mod blocking;
mod error;
mod evidence;
mod gather;
mod pieces;
mod policies;
mod pool;
mod verifier;

pub use countersign_formats as formats;
pub use countersign_policy as policy;
pub use countersign_proof as proof;
pub use countersign_registry as registry;
pub use countersign_trust_store as trust_store;

pub use countersign_policy::{Decision, Outcome, PolicySet, Verdict};

pub use error::{ErrorClass, VerifyError};
pub use evidence::Evidence;
pub use policies::{PolicyLoadError, load_policies};
pub use verifier::{Verification, Verifier, VerifierBuilder};
