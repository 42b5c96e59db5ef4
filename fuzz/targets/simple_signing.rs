//! The parser `simple_signing`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::SimpleSigning;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = SimpleSigning::parse(&Bytes::copy_from_slice(data));
});
