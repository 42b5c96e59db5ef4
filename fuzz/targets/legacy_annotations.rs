//! The parser `legacy_annotations`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::{LegacyAnnotations, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut annotations = std::collections::BTreeMap::new();
    let keys = [
        "dev.cosignproject.cosign/signature",
        "dev.sigstore.cosign/certificate",
        "dev.sigstore.cosign/chain",
        "dev.sigstore.cosign/bundle",
        "dev.sigstore.cosign/rfc3161timestamp",
        "predicateType",
    ];
    for (key, value) in keys.iter().zip(text.split('\u{1f}')) {
        annotations.insert((*key).to_owned(), value.to_owned());
    }
    let _ = LegacyAnnotations::parse(&annotations, &Limits::DEFAULT);
});
