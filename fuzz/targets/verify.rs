//! The whole way from bytes to a proof: no panic, no hang, no unbounded memory, whatever the bundle or layer says.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, PublicKey, TrustedRoot, UnixTime, Window};
use countersign_proof::{Image, Origin, StorageForm, Subject, TrustMaterial, TrustedKey, Unverified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<TrustMaterial> = LazyLock::new(|| {
    let root = Bytes::from(Lab::new().trusted_root().to_string());
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).expect("the lab's root parses");
    let key = PublicKey::from_spki_der(LabKey::p256("bench").spki()).expect("the lab's key parses");
    let key = TrustedKey { key, valid: Window { start: None, end: None }, schemes: None };
    TrustMaterial::builder().trusted_root(&root).key(key).build().expect("the lab's trust builds")
});

fuzz_target!(|data: &[u8]| {
    let Some((form, bytes)) = data.split_first() else { return };
    let origin = Origin { form: StorageForm::BundleFile, descriptor: None, manifest: None, repository: None };
    let limits = &Limits::DEFAULT;
    let piece = match form % 3 {
        0 => Unverified::bundle(Bytes::copy_from_slice(bytes), origin, limits),
        // A layer, then its annotations as `name=value` lines.
        form => {
            let (layer, rest) = match bytes.iter().position(|byte| *byte == 0x1e) {
                Some(at) => (&bytes[..at], &bytes[at + 1..]),
                None => (bytes, &[][..]),
            };
            let mut annotations = BTreeMap::new();
            for pair in String::from_utf8_lossy(rest).split('\u{1f}') {
                if let Some((name, value)) = pair.split_once('=') {
                    annotations.insert(name.to_owned(), value.to_owned());
                }
            }
            let layer = Bytes::copy_from_slice(layer);
            if form == 1 {
                Unverified::simple_signing(layer, &annotations, origin, limits)
            } else {
                Unverified::dsse(layer, &annotations, origin, limits)
            }
        }
    };
    let subject = Subject::Image(Image::pinned(Digest::parse(&Lab::image()).expect("a digest")));
    match piece.and_then(|piece| verify(&piece, &subject, &TRUST, UnixTime(NOW))) {
        Ok(verified) => assert_eq!(verified.subject().to_string(), Lab::image()),
        Err(rejected) => assert!(!rejected.code().is_empty()),
    }
});
