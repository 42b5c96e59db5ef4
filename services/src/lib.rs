//! The other end of keyless signing: identity tokens, Fulcio, Rekor and timestamp authorities.
//!
//! Each client sends what it is given to the one address it was made for, and compares the answer with the question before it
//! hands it on: a certificate for another key, an entry for another artifact or a timestamp for another request is an error here.
//! Whether an answer is signed by somebody who is trusted is for `countersign_proof::verify` to say, when the finished bundle is
//! verified; no key or certificate that a service tells of itself is ever used for that.
//!
//! No clock is read: `now` is an argument. A [`Client`] belongs to the async runtime that it is used in.

mod bounded_text;
mod error;
pub mod fulcio;
mod http;
pub mod identity;
mod random;
pub mod rekor;
mod secret;
mod settings;
mod signing_config;
pub mod timestamp;

pub use error::{AnswerFault, ErrorClass, Outage, ServiceError, ServiceKind, ServiceName};
pub use fulcio::{CertificateChain, Fulcio};
pub use http::Client;
pub use rekor::{Rekor, RekorVersion, Submission};
pub use secret::Secret;
pub use settings::{Diagnostics, Event, Settings};
pub use signing_config::{Selection, Selector, Service, SigningConfig};
pub use timestamp::TimestampAuthority;
