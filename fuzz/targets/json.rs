//! The JSON reader against serde_json.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The reader and serde_json agree on what is JSON, but for the reader's two extra rules: duplicates and depth.
    let ours = countersign_fuzz::read_whole(text);
    let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if ours {
        assert!(theirs, "the reader accepts what serde_json refuses");
    }
});
