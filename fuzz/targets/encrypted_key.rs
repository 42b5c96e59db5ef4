//! The parser of `encrypted_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::encrypted_key(data));
