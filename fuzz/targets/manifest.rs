//! The parser `manifest`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::{Limits, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Manifest::parse(data, None, &Limits::DEFAULT);
    let _ = Manifest::parse(data, Some("application/vnd.oci.image.manifest.v1+json"), &Limits::DEFAULT);
});
