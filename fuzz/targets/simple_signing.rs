//! The parser of `simple_signing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::simple_signing(data));
