//! The server over loopback: what clients send and what they are answered.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod client;

mod authentication;
mod changes;
mod hooks;
mod hostile;
mod listings;
mod manifests;
mod neighbours;
mod storage;
mod uploads;
