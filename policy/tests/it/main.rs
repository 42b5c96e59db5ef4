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
mod judge;
mod lints;
mod model;
mod properties;
mod road;
mod terms;
mod validity;
