//! No parser panics on a valid document that somebody changed.

use crate::fixtures::*;
use countersign_formats::{
    Bundle, Checkpoint, EncryptedPrivateKey, Envelope, ImageIndex, LegacyAnnotations, Limits,
    LogBody, Manifest, PublicKey, Reference, SimpleSigning, Statement, TrustedRoot,
    pem_certificates, write_pem,
};
use proptest::prelude::*;

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        manifest(),
        index(),
        bundle(),
        message_bundle(),
        envelope(),
        statement(),
        simple_signing(),
        hashed_rekord_v1(),
        hashed_rekord_v2(),
        dsse_v1(),
        dsse_v2(),
        intoto_v2(),
        trusted_root(),
        legacy_bundle(),
        checkpoint(),
        write_pem(
            "ENCRYPTED SIGSTORE PRIVATE KEY",
            encrypted_key_json().as_bytes(),
        ),
        write_pem("CERTIFICATE", &[7; 100]),
        format!("ghcr.io:443/acme/app:1.4@sha256:{HEX}"),
    ];
    let mut seeds: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    seeds.push(
        [
            &[
                0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
            ][..],
            &[1; 32],
        ]
        .concat(),
    );
    seeds
}

fn every_parser(input: &[u8]) {
    let limits = Limits::DEFAULT;
    let shared = bytes::Bytes::copy_from_slice(input);
    let _ = Manifest::parse(input, None, &limits);
    let _ = ImageIndex::parse_up_to(
        input,
        Some("application/vnd.oci.image.index.v1+json"),
        1,
        &limits,
    );
    let _ = Envelope::parse(&shared, &limits);
    let _ = SimpleSigning::parse(&shared);
    let _ = TrustedRoot::parse(&shared, &limits);
    let _ = PublicKey::from_spki_der(input);
    let _ = PublicKey::from_pem(input);
    let _ = EncryptedPrivateKey::parse_pem(input);
    let _ = pem_certificates(input, &limits);
    if let Ok(bundle) = Bundle::parse(&shared, &limits) {
        assert!(Bundle::parse(&bundle.to_json().into(), &limits).is_ok());
    }
    if let Ok(statement) = Statement::parse(shared, &limits) {
        let _ = statement.predicate.map(|predicate| predicate.bytes().len());
    }
    for (kind, version) in [
        ("hashedrekord", "0.0.1"),
        ("hashedrekord", "0.0.2"),
        ("dsse", "0.0.1"),
        ("dsse", "0.0.2"),
        ("intoto", "0.0.2"),
    ] {
        let _ = LogBody::parse(kind, version, input);
    }
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = Reference::parse(text);
        let _ = Checkpoint::parse(text, &limits);
        let mut annotations = legacy_annotations();
        for value in annotations.values_mut() {
            let whole = std::mem::replace(value, text.to_owned());
            *value = if text.len() % 2 == 0 {
                whole
            } else {
                text.to_owned()
            };
        }
        let _ = LegacyAnnotations::parse(&annotations, &limits);
        let bundle = [("dev.sigstore.cosign/bundle".to_owned(), text.to_owned())];
        let _ = LegacyAnnotations::parse(&bundle.into_iter().collect(), &limits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1500)))]
    #[test]
    fn changed_documents_never_panic(
        seed in prop::sample::select(seeds()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..6_u8, any::<u8>()), 1..5),
    ) {
        let mut input = seed;
        for (first, second, kind, byte) in edits {
            let (at, other) = (first.index(input.len() + 1), second.index(input.len() + 1));
            let (low, high) = (at.min(other), at.max(other));
            match kind {
                0 => input.insert(at, byte),
                1 => input.truncate(at),
                2 => drop(input.drain(low..high.min(low + 8))),
                3 => { let part = input[low..high].to_vec(); input.splice(low..low, part); }
                4 => if let Some(place) = input.get_mut(at) { *place = byte },
                _ => if let Some(place) = input.get_mut(at) { *place ^= 1 << (byte % 8) },
            }
        }
        every_parser(&input);
    }

    #[test]
    fn arbitrary_bytes_never_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
        every_parser(&input);
    }
}
