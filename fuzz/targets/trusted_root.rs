//! The parser `trusted_root`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::{Limits, TrustedRoot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = TrustedRoot::parse(&Bytes::copy_from_slice(data), &Limits::DEFAULT);
});
