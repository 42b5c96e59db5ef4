//! Countersign and real peers, both directions, on real registries: `just interop`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot set up its scene has nothing to say; the suite prints its matrix"
)]

mod admission;
mod both_ways;
mod carriers;
mod clients;
mod commands;
mod key_kinds;
mod keyless;
mod layouts;
mod matrix;
mod moving;
mod offline;
mod our_registry;
mod races;
mod scene;
mod stack;
mod trust;
mod tuf;
mod version_1_log;
