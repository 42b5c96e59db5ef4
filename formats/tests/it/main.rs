//! Tests of the formats through their public face.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests stop the test, and the measurement prints its figures"
)]

mod bundle;
mod closed;
mod fixtures;
mod json;
mod keys;
mod log;
mod manifest;
mod mutation;
mod notation;
mod reference;
mod speed;
mod statement;
mod trusted_root;
