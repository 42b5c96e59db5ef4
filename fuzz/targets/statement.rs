//! The parser `statement`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use bytes::Bytes;
use countersign_formats::{Limits, Statement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let payload = Bytes::copy_from_slice(data);
    if let Ok(statement) = Statement::parse(payload, &Limits::DEFAULT) {
        if let Some(predicate) = &statement.predicate {
            serde_json::from_slice::<serde::de::IgnoredAny>(predicate.bytes()).expect("a predicate is one JSON value");
        }
    }
});
