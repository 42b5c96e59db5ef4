//! Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature); N-71.

use crate::lab::{builder, image, prove, public};
use countersign_formats::encode_base64;
use countersign_proof::Witness;
use countersign_testdata::keys::{LabKey, sha256};
use countersign_testdata::lab::{Evidence, Lab, NOW, SIGNED_AT};

/// The evidence with a line more on the checkpoint of its entry.
fn cosigned(lab: &Lab, key: &LabKey, name: &str, time: i64, signed_time: i64) -> Evidence {
    let mut evidence = lab
        .keyless("dev@lab.example")
        .rekor_v2()
        .timestamped()
        .build();
    let place = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
    let note = evidence.bundle.pointer_mut(place).unwrap();
    let text = note.as_str().unwrap().to_owned();
    let signed = text.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let message = format!("cosignature/v1\ntime {signed_time}\n{signed}");
    let hint = &sha256(&[name.as_bytes(), b"\n\x04", &key.raw_public()].concat())[..4];
    let blob = [hint, &time.to_be_bytes(), &key.sign(message.as_bytes())].concat();
    *note = format!("{text}\u{2014} {name} {}\n", encode_base64(&blob)).into();
    evidence
}

#[test]
fn a_trusted_witness_is_named_and_all_others_count_for_nothing() {
    let lab = Lab::new();
    let (witness, stranger) = (LabKey::ed25519("witness"), LabKey::ed25519("stranger"));
    let trust = || {
        builder(&lab).witness(Witness {
            name: "witness.example".to_owned(),
            key: public(&witness),
        })
    };
    for (evidence, expected) in [
        (
            cosigned(&lab, &witness, "witness.example", SIGNED_AT, SIGNED_AT),
            1,
        ),
        (cosigned(&lab, &witness, "witness.example", NOW, NOW), 1),
        (
            cosigned(&lab, &witness, "witness.example", NOW + 1, NOW + 1),
            0,
        ),
        (
            cosigned(&lab, &witness, "witness.example", SIGNED_AT, SIGNED_AT + 1),
            0,
        ),
        (
            cosigned(&lab, &witness, "other.example", SIGNED_AT, SIGNED_AT),
            0,
        ),
        (
            cosigned(&lab, &stranger, "witness.example", SIGNED_AT, SIGNED_AT),
            0,
        ),
    ] {
        let verified = prove(&evidence, &image(), trust()).unwrap();
        assert_eq!(verified.witnesses().len(), expected);
        let noted = verified
            .report()
            .checks
            .iter()
            .filter(|check| check.name() == "witness")
            .count();
        assert_eq!(noted, expected);
        assert!(
            prove(&evidence, &image(), builder(&lab))
                .unwrap()
                .witnesses()
                .is_empty()
        );
    }
}

#[test]
fn a_witness_s_key_is_read_as_it_is_published() {
    let key = LabKey::ed25519("witness");
    let text = |name: &str, hashed: &str, kind: u8, raw: &[u8]| {
        let hash = sha256(&[hashed.as_bytes(), b"\n\x04", raw].concat());
        let hash: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let key = encode_base64(&[&[kind][..], raw].concat());
        format!("{name}+{hash}+{key}")
    };
    let raw = key.raw_public();
    let read = Witness::parse(&text("w.example", "w.example", 4, &raw)).unwrap();
    assert_eq!(read.name, "w.example");
    assert_eq!(read.key.spki(), public(&key).spki());
    for refused in [
        text("w.example", "v.example", 4, &raw),
        // Type 1 is a log's plain Ed25519 signature, no cosignature.
        text("w.example", "w.example", 1, &raw),
        text("w.example", "w.example", 4, &raw[..31]),
        text("", "", 4, &raw),
        text("w example", "w example", 4, &raw),
        "w.example".to_owned(),
        "w.example+00000000".to_owned(),
        "w.example+00000000+!".to_owned(),
    ] {
        let error = Witness::parse(&refused).unwrap_err();
        assert_eq!(error.code(), "trust-witness-key", "{refused}");
    }
}
