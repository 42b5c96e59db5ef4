//! What a browser brings back from a login.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::login_return(data));
