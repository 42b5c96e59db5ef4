//! What proofs say about evidence from the lab; that each single fault is rejected is for the vectors in `testdata` to show.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a wrong assumption of a test must stop it at once"
)]

mod algorithms;
mod authorities;
mod certificates;
mod keys;
mod lab;
mod proofs;
mod real_images;
mod trust;
mod witnesses;
mod words;
