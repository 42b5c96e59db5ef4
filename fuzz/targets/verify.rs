//! The whole way from bytes to a proof.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::verify(data));
