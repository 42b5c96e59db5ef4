//! The parser `digest`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::Digest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
    }
});
