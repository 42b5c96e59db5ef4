//! The verifier against stores that behave, break and lie.

mod blobs;
mod images;
mod layouts;
mod policies;
mod shelf;
