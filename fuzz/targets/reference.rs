//! The parser `reference`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = Reference::parse(text) {
        let printed = reference.to_string();
        let again = Reference::parse(&printed).expect("a printed reference reads again");
        assert_eq!(again.to_string(), printed, "printing is canonical");
    }
});
