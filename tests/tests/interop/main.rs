//! Countersign and real peers, both directions, on real registries: `just interop`.

mod both_ways;
mod key_kinds;
mod layouts;
mod offline;
mod scene;
