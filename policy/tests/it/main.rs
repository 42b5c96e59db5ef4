//! Policies as documents, and what a judge makes of real evidence.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test stops at the first wrong assumption"
)]

mod documents;
mod explain;
mod explain_standing;
mod identities;
mod judge;
mod kinds;
mod lints;
mod model;
mod modes;
mod platforms;
mod proofs;
mod properties;
mod road;
mod scopes;
mod times;
mod unknown;
mod validity;
mod workshop;
