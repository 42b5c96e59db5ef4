//! The verifier against stores that behave, break and lie.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first wrong assumption"
)]

mod blobs;
mod images;
mod layouts;
mod places;
mod policies;
mod record;
mod shelf;
