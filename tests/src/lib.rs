//! The harness of the whole-program tests: programs of this workspace and real peers, started on loopback.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness that cannot set up its scene has nothing to test"
)]

pub mod image;
pub mod peers;
pub mod process;
pub mod registries;

pub use image::RealImage;
pub use peers::{Peer, skipped, skipped_without};
pub use process::{Outcome, Program, countersign};
pub use registries::{LOGIN, Registry, RegistryKind};
