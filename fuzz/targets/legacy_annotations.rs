//! The parser of `legacy_annotations`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::legacy_annotations(data));
