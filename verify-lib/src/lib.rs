//! Reference in, decision out: the verifier that others embed.
//!
//! A [`Verifier`] resolves a reference once, asks its policies what evidence is missing, fetches
//! that under a deadline, proves each piece and ends with a [`Decision`]. It reads no clock: `now` is
//! an argument.
//!
//! # A file and its bundle
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use countersign::formats::{Limits, UnixTime};
//! use countersign::policy::{Outcome, Source};
//! use countersign::proof::BytesContent;
//! use countersign::{Evidence, PolicySet, Verifier, blocking};
//!
//! let policy = r#"
//! apiVersion: countersign.dev/v1
//! kind: Policy
//! metadata: {name: example}
//! spec:
//!   signers:
//!     release:
//!       key:
//!         pem: |
//!           -----BEGIN PUBLIC KEY-----
//!           MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1u1WrcFDNlRKb5nlNoBZDsWrbUbd
//!           s0JZbBazoho01cRPOvyrCM4xwUDqwxlr9wLCcW0+q7vJ+Be/5oZJDsIWSQ==
//!           -----END PUBLIC KEY-----
//!   require:
//!     signature: {by: release}
//! "#;
//! let bundle = r#"{
//!   "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
//!   "verificationMaterial": {"publicKey": {"hint": "EzOIbAkFuRVB1WWBg23c2FHNPn6Am79Z/LlP8L3FgrA="}},
//!   "messageSignature": {
//!     "messageDigest": {"algorithm": "SHA2_256", "digest": "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM="},
//!     "signature": "MEUCIQDFfsELHQJC63fFOPVdBr8s9MqMwz3s4N4QljXXfOQ+/wIgP1T5JTDp14wmYIDTlJ3E4U5HIYPuTCjNz+ALW2Bzwek="
//!   }
//! }"#;
//!
//! let source = Source { name: "policy.yaml".to_owned(), bytes: Bytes::from(policy) };
//! let policies = PolicySet::parse(&[source], &Limits::DEFAULT)?;
//! let verifier = Verifier::builder().policy(policies).build()?;
//! let verifier = blocking::Verifier::new(verifier)?;
//! let evidence = [Evidence::new("hello.sigstore.json", bundle)];
//! let now = UnixTime(1_800_000_000);
//!
//! let decision = verifier.verify_blob(Arc::new(BytesContent(Bytes::from("hello\n"))), &evidence, now)?;
//! assert_eq!(decision.outcome(), Outcome::Pass);
//!
//! let decision = verifier.verify_blob(Arc::new(BytesContent(Bytes::from("tampered\n"))), &evidence, now)?;
//! assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
//! println!("{}", decision.rejected[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # An image
//!
//! Certificates are judged by a trusted root; the embedded one is the public-good instance's.
//!
//! ```no_run
//! use countersign::formats::{Limits, Reference, UnixTime};
//! use countersign::{Verifier, load_policies, trust_store};
//!
//! # async fn example(now: UnixTime) -> Result<(), Box<dyn std::error::Error>> {
//! let policies = load_policies(&["policies".into()], &Limits::DEFAULT)?;
//! let verifier = Verifier::builder()
//!     .policy(policies)
//!     .trusted_root(trust_store::public_good()?.trusted_root())
//!     .build()?;
//! let verification = verifier.verify(&Reference::parse("ghcr.io/acme/app:1.4")?, now).await?;
//! if verification.decision.passes() {
//!     println!("{}", verification.name);
//! }
//! # Ok(())
//! # }
//! ```

pub mod blocking;
mod error;
mod evidence;
mod gather;
mod memory;
pub mod pack;
mod pieces;
mod policies;
mod pool;
pub mod record;
mod relatives;
mod verifier;

pub use countersign_formats as formats;
pub use countersign_policy as policy;
pub use countersign_proof as proof;
pub use countersign_registry as registry;
pub use countersign_trust_store as trust_store;

pub use countersign_policy::{Decision, Outcome, PolicySet, Verdict};

pub use error::{ErrorClass, VerifyError};
pub use evidence::Evidence;
pub use policies::{
    POLICIES_TYPE, POLICY_DOCUMENT, PolicyLoadError, is_published, load_policies,
    load_published_policies, policy_sources, publish_policies, published_reference,
};
pub use verifier::{Verification, Verifier, VerifierBuilder};
