//! The parser `bundle`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::{Bundle, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(bundle) = Bundle::parse(&bytes, &Limits::DEFAULT) {
        let written = Bytes::from(bundle.to_json());
        Bundle::parse(&written, &Limits::DEFAULT).expect("a written bundle reads again");
    }
});
