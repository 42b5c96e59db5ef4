//! The program as a whole: real processes on layouts, files and loopback registries.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

mod blobs;
mod builds;
mod cleaning;
mod conformance;
mod demonstration;
mod discover;
mod evidence;
mod identities;
mod images;
mod keyless;
mod keys;
mod legacy;
mod lies;
mod logins;
mod loopback;
mod many;
mod mending;
mod messages;
mod migrating;
mod moving;
mod moving_order;
mod output;
mod own_authority;
mod platforms;
mod policies;
mod policy_init;
mod policy_modes;
mod policy_sources;
mod program;
mod refusals;
mod scripted;
mod secrecy;
mod service_faults;
mod sigstore;
mod sockets;
mod table;
mod trust;
mod trust_mistakes;
mod tuf_mirror;
mod witnesses;
mod workshop;
