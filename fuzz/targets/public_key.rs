//! The parser `public_key`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::PublicKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = PublicKey::from_pem(data);
    if let Ok(key) = PublicKey::from_spki_der(data) {
        let again = PublicKey::from_pem(key.to_pem().as_bytes()).expect("a written key reads again");
        assert_eq!(again.spki(), key.spki());
    }
});
