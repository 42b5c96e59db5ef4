//! The parser `envelope`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::{Envelope, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(envelope) = Envelope::parse(&bytes, &Limits::DEFAULT) {
        let written = Bytes::from(envelope.to_json());
        let again = Envelope::parse(&written, &Limits::DEFAULT).expect("a written envelope reads again");
        assert_eq!(again.payload, envelope.payload);
    }
});
