//! Credential files of Docker and podman.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::credential_file(data));
