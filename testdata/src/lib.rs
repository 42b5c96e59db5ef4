//! A laboratory that makes Sigstore evidence, honest or bent in one chosen place, and the vectors made with it.
//!
//! For tests only: its keys are derived from their names and protect nothing.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lab feeds tests: a wrong assumption here must stop them at once"
)]

pub mod attacks;
pub mod catalogue;
pub mod certificate;
pub mod certificate_log;
pub mod der_writer;
pub mod keys;
pub mod lab;
pub mod merkle;
pub mod timestamp_authority;
pub mod transparency_log;
pub mod tuf_repository;
pub mod vector;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// PEM with lines of 64 characters.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).expect("base64 is text"));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn base64_decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("base64")
}
