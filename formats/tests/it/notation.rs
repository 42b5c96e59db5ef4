//! Notary Project envelopes whose parts are missing, null or of another kind (A043).

use bytes::Bytes;
use countersign_formats::{Limits, NotationSignature};

const COSE: &[u8] = include_bytes!("../../../testdata/peers/notation-1.3.2/signature.cose");

fn code(bytes: &[u8]) -> &'static str {
    match NotationSignature::parse(&Bytes::copy_from_slice(bytes), &Limits::DEFAULT) {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

#[test]
fn a_signature_of_notation_is_read() {
    assert_eq!(code(COSE), "accepted");
}

#[test]
fn a_part_that_is_null_or_missing_is_refused() {
    // tag 18, COSE_Sign1: protected, unprotected, payload, signature
    for envelope in [
        &[0xd2, 0x84, 0x40, 0xa0, 0xf6, 0x40][..],
        &[0xd2, 0x84, 0xf6, 0xf6, 0xf6, 0xf6],
        &[0xd2, 0x84, 0x40, 0xa0, 0x40, 0xf6],
        &[0xd2, 0x83, 0x40, 0xa0, 0x40],
        &[0xd2, 0x80],
        &[0xd2, 0xf6],
        &[0xd2],
        &[0xf6],
        &[],
    ] {
        assert_ne!(code(envelope), "accepted", "{envelope:02x?}");
    }
}

#[test]
fn an_envelope_that_is_cut_anywhere_is_refused() {
    for length in 0..COSE.len() {
        let cut = COSE.get(..length).unwrap_or_default();
        assert_ne!(code(cut), "accepted", "{length} bytes");
    }
}
