//! Countersign and real peers, both directions, on real registries: `just interop`.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its scene has nothing to say; the suite prints its matrix"
)]

mod both_ways;
mod key_kinds;
mod keyless;
mod layouts;
mod matrix;
mod moving;
mod offline;
mod races;
mod scene;
mod trust;
