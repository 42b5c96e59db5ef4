//! The other end of keyless signing: identity tokens, Fulcio, Rekor and timestamp authorities.
//!
//! Each client sends what it is given to the one address it was made for, and compares the answer with the question before it
//! hands it on: a certificate for another key, an entry for another artifact or a timestamp for another request is an error here.
//! Whether an answer is signed by somebody who is trusted is for `countersign_proof::verify` to say, when the finished bundle is
//! verified; no key or certificate that a service tells of itself is ever used for that.
//!
//! ```no_run
//! use bytes::Bytes;
//! use countersign_formats::{Envelope, PublicKey, UnixTime};
//! use countersign_proof::Scheme;
//! use countersign_services::identity::{AUDIENCE, Ambient, Expected};
//! use countersign_services::rekor::LoggedContent;
//! use countersign_services::{
//!     Client, Fulcio, Rekor, RekorVersion, ServiceError, Settings, SigningConfig, Submission, TimestampAuthority,
//! };
//!
//! /// A certificate for a key, and what proves when the key signed an envelope.
//! async fn keyless(
//!     config: &SigningConfig,
//!     key: &PublicKey,
//!     sign: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
//!     seal: impl Fn(&Bytes) -> Envelope,
//!     now: UnixTime,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::new(Settings::default());
//!     let source = Ambient::detect(|name| std::env::var(name).ok())?.ok_or("not in a CI system")?;
//!     let token = source.fetch(&client, AUDIENCE).await?.check(&Expected::default(), now)?;
//!
//!     let authority = config.certificate_authority(now)?.ok_or("no certificate authority")?;
//!     let fulcio = Fulcio::new(&client, &authority.url)?;
//!     let certificate = fulcio.certify(&token, key, now, &sign).await?.certificate().clone();
//!     let envelope = seal(&certificate);
//!     let signature = envelope.signatures.first().ok_or("not signed")?.signature.clone();
//!
//!     // Timestamps first: with them the certificate can be proven before anything becomes public in a log.
//!     let authorities = config.timestamp_authorities(now)?;
//!     let timestamps = authorities.gather(|service| {
//!         let (client, signature) = (client.clone(), signature.clone());
//!         async move { TimestampAuthority::new(&client, &service.url)?.stamp(&signature).await }
//!     });
//!     let timestamps: Vec<Bytes> = timestamps.await?;
//!
//!     let logs = config.logs(now)?;
//!     let entries = logs.gather(|service| {
//!         let (client, envelope, key, certificate) = (client.clone(), envelope.clone(), key.clone(), certificate.clone());
//!         async move {
//!             let version = RekorVersion::of(&service)?;
//!             let submission = Submission {
//!                 content: LoggedContent::Envelope(&envelope),
//!                 key: &key,
//!                 scheme: Scheme::EcdsaP256Sha256,
//!                 certificate: Some(&certificate),
//!             };
//!             Rekor::new(&client, &service.url, version)?.enter(&submission).await
//!         }
//!     });
//!     let entries = entries.await?;
//!     // A bundle of these is verified with `countersign_proof::verify` before it is given to anybody.
//! #   let _ = (timestamps, entries);
//!     Ok(())
//! }
//! ```
//!
//! No clock is read: `now` is an argument. A [`Client`] belongs to the async runtime that it is used in.

mod error;
pub mod fulcio;
mod http;
pub mod identity;
mod random;
pub mod rekor;
mod secret;
mod settings;
mod signing_config;
mod static_files;
pub mod timestamp;
#[doc(hidden)]
pub mod untrusted;

pub use error::{AnswerFault, ErrorClass, Outage, ServiceError, ServiceKind, ServiceName};
pub use fulcio::{CertificateChain, Fulcio};
pub use http::{Client, check_address};
pub use rekor::{Rekor, RekorVersion, Submission};
pub use secret::Secret;
pub use settings::{Diagnostics, Event, Settings};
pub use signing_config::{Selection, Selector, Service, SigningConfig};
pub use static_files::StaticFiles;
pub use timestamp::TimestampAuthority;
