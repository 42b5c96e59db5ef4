//! The parser of `checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::checkpoint(data));
