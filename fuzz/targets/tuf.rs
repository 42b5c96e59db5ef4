//! Metadata of a TUF repository.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::tuf(data));
