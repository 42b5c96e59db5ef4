//! The JSON reader: what it accepts, serde_json accepts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::json(data));
