//! The parser of policies: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_policy::{PolicySet, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let source = Source { name: "policy.yaml".to_owned(), bytes: Bytes::copy_from_slice(data) };
    if let Ok(policies) = PolicySet::parse(&[source], &Limits::DEFAULT) {
        let written = Source { name: "written.yaml".to_owned(), bytes: Bytes::from(policies.to_yaml()) };
        let again = PolicySet::parse(&[written], &Limits::DEFAULT).expect("a written policy reads again");
        assert_eq!(again.digest(), policies.digest(), "writing keeps the meaning");
    }
});
