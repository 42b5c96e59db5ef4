//! Inclusion proofs and the checkpoints that they lead to.

use serde_json::{Value, json};

use crate::catalogue::USER;
use crate::keys::LabKey;
use crate::lab::Lab;
use crate::transparency_log::{CheckpointSpec, NoteSigner};
use crate::vector::Vector;

const G: &str = "checkpoints";
const V1: &str = "checkpoint-of-a-version-1-log";
const V2: &str = "checkpoint-of-a-version-2-log";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let v1 = || lab.keyless(USER).rekor_v1();
    let v2 = || lab.keyless(USER).rekor_v2().timestamped();
    let accept = |name, claim, rows: &[&'static str], bend: fn(&mut CheckpointSpec)| {
        Vector::accepted(G, name, claim)
            .rows(rows)
            .bundle(
                &v1()
                    .entry(move |entry| entry.checkpoint = Some(bend))
                    .build(),
            )
            .proven(1, 0, 1)
    };
    let reject = |name, claim, rows: &[&'static str], code, bend: fn(&mut CheckpointSpec)| {
        Vector::rejected(G, name, claim, code, V1)
            .rows(rows)
            .bundle(
                &v1()
                    .entry(move |entry| entry.checkpoint = Some(bend))
                    .build(),
            )
    };
    let reject_v2 = |name, claim, rows: &[&'static str], code, bend: fn(&mut CheckpointSpec)| {
        Vector::rejected(G, name, claim, code, V2)
            .rows(rows)
            .bundle(
                &v2()
                    .entry(move |entry| entry.checkpoint = Some(bend))
                    .build(),
            )
    };
    let proof = |name, claim, rows: &[&'static str], code, bend: fn(&mut Value)| {
        Vector::rejected(G, name, claim, code, V1)
            .rows(rows)
            .bundle(
                &v1()
                    .bundle(move |bundle| {
                        bend(
                            &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"],
                        )
                    })
                    .build(),
            )
    };
    let note = |name, claim, rows: &[&'static str], code, from: &'static str, to: &'static str| {
        Vector::rejected(G, name, claim, code, V1).rows(rows).bundle(&v1().bundle(move |bundle| {
            let envelope = &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"];
            let text = envelope.as_str().unwrap_or_default().replacen(from, to, 1);
            *envelope = json!(text);
        }).build())
    };
    vec![
        accept(
            V1,
            "a version 1 checkpoint signed by its log over the proven root verifies",
            &[],
            |_| {},
        ),
        Vector::accepted(
            G,
            V2,
            "a version 2 checkpoint with the log's host name as origin verifies",
        )
        .bundle(&v2().build())
        .proven(1, 1, 1),
        accept(
            "checkpoint-with-extension-lines",
            "further lines under the root are signed and accepted",
            &["N-70"],
            |checkpoint| checkpoint.extensions = vec!["Timestamp: 1768478400000000000".to_owned()],
        ),
        accept(
            "checkpoint-with-unknown-witness",
            "a line of an unknown witness is ignored",
            &["N-71"],
            |checkpoint| {
                checkpoint.signers.push(NoteSigner {
                    key: LabKey::ed25519("witness"),
                    name: "witness.example".to_owned(),
                    hint: [1, 2, 3, 4],
                    broken: false,
                });
            },
        ),
        accept(
            "log-s-line-behind-a-witness",
            "the log's own line may be any of the lines",
            &["N-71"],
            |checkpoint| {
                checkpoint.signers.insert(
                    0,
                    NoteSigner {
                        key: LabKey::ed25519("witness"),
                        name: "witness.example".to_owned(),
                        hint: [1, 2, 3, 4],
                        broken: false,
                    },
                );
            },
        ),
        reject(
            "checkpoint-by-another-key-under-the-log-s-hint",
            "a key hint does not lend the log's key",
            &["A018"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].key = LabKey::p256("stranger"),
        ),
        reject(
            "checkpoint-of-another-tree",
            "the proof must lead to the root that the log signed",
            &["A018", "A145"],
            "checkpoint-tree",
            |checkpoint| checkpoint.root = vec![9; 32],
        ),
        reject(
            "checkpoint-without-signature",
            "a checkpoint that nobody signed is refused",
            &["A018", "A146"],
            "bad-value",
            |checkpoint| checkpoint.signers.clear(),
        ),
        reject(
            "checkpoint-signed-by-witness-only",
            "a witness does not stand in for the log",
            &["N-71", "A018"],
            "checkpoint-signature",
            |checkpoint| {
                checkpoint.signers = vec![NoteSigner {
                    key: LabKey::ed25519("witness"),
                    name: "witness.example".to_owned(),
                    hint: [1, 2, 3, 4],
                    broken: false,
                }];
            },
        ),
        reject(
            "checkpoint-signature-broken",
            "a broken checkpoint signature is refused",
            &["A018"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].broken = true,
        ),
        reject(
            "checkpoint-of-another-size",
            "the checkpoint's size must be the proof's",
            &["N-72", "A145"],
            "checkpoint-tree",
            |checkpoint| checkpoint.size = "10".to_owned(),
        ),
        reject(
            "origin-with-a-tree-that-is-no-number",
            "a version 1 log's origin ends in the number of its tree",
            &["N-70"],
            "checkpoint-origin",
            |checkpoint| checkpoint.origin = "rekor.lab.example - 12x".to_owned(),
        ),
        accept(
            "origin-of-the-host-alone",
            "a version 1 log may sign under the host of its base URL, as version 2 logs do",
            &["N-70"],
            |checkpoint| checkpoint.origin = "rekor.lab.example".to_owned(),
        ),
        accept(
            "origin-under-another-name-with-a-tree",
            "a version 1 log's name is a setting of its server, not its address: key, line and tree bind the checkpoint",
            &["N-70"],
            |checkpoint| {
                checkpoint.origin = "log.lab.example - 1193050959916656506".to_owned();
                checkpoint.signers[0].name = "log.lab.example".to_owned();
            },
        ),
        reject(
            "origin-without-a-tree",
            "a version 1 log's origin names its tree or is its host",
            &["N-70"],
            "checkpoint-origin",
            |checkpoint| {
                checkpoint.origin = "log.lab.example".to_owned();
                checkpoint.signers[0].name = "log.lab.example".to_owned();
            },
        ),
        reject(
            "size-with-leading-zero",
            "a size has one spelling",
            &["N-70", "#1722"],
            "bad-value",
            |checkpoint| checkpoint.size = "09".to_owned(),
        ),
        reject(
            "size-with-sign",
            "a size has no sign",
            &["N-70", "#1722"],
            "bad-value",
            |checkpoint| checkpoint.size = "+9".to_owned(),
        ),
        reject(
            "size-with-blank",
            "a size has no blank in front of it",
            &["N-70", "#1722"],
            "bad-value",
            |checkpoint| checkpoint.size = " 9".to_owned(),
        ),
        reject(
            "size-with-exponent",
            "a size is digits",
            &["N-70", "#1722"],
            "bad-value",
            |checkpoint| checkpoint.size = "9e0".to_owned(),
        ),
        reject(
            "root-too-short",
            "a root is as long as the hash",
            &["N-70"],
            "bad-value",
            |checkpoint| {
                checkpoint.root.pop();
            },
        ),
        reject(
            "more-lines-than-the-limit",
            "more signature lines than the limit are refused",
            &["A115", "A014"],
            "over-limit",
            |checkpoint| {
                let line = NoteSigner {
                    broken: true,
                    ..checkpoint.signers[0].clone()
                };
                checkpoint.signers.splice(0..0, vec![line; 40]);
            },
        ),
        reject(
            "origin-of-another-log",
            "a log signs under its own name",
            &["N-70"],
            "checkpoint-signature",
            |checkpoint| checkpoint.origin = "rekor-b.lab.example - 2605736670972794746".to_owned(),
        ),
        reject_v2(
            "version-2-origin-of-another-host",
            "a version 2 log signs under its own host name",
            &["N-70", "#1722"],
            "checkpoint-origin",
            |checkpoint| checkpoint.origin = "log2026-2.rekor.lab.example".to_owned(),
        ),
        reject_v2(
            "version-2-line-under-another-name",
            "the signature line carries the log's name",
            &["N-70", "#1722"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].name = "rekor.lab.example".to_owned(),
        ),
        reject_v2(
            "version-2-line-under-a-pattern",
            "a signature line's name is a name, not a pattern",
            &["N-70", "#1722"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].name = ".*".to_owned(),
        ),
        reject_v2(
            "version-2-line-under-a-part-of-the-name",
            "a part of the log's name is not its name",
            &["N-70", "#1722"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].name = "lab.example".to_owned(),
        ),
        reject_v2(
            "version-2-line-with-another-hint",
            "the signature line carries the log's key hint",
            &["N-70"],
            "checkpoint-signature",
            |checkpoint| checkpoint.signers[0].hint = [0; 4],
        ),
        note(
            "carriage-return-in-the-note",
            "a note has plain line ends",
            &["N-70"],
            "bad-value",
            "\n",
            "\r\n",
        ),
        note(
            "blank-line-missing",
            "text and signatures are apart",
            &["N-70"],
            "bad-value",
            "\n\n",
            "\n",
        ),
        note(
            "dash-instead-of-em-dash",
            "a signature line begins with an em dash",
            &["N-70"],
            "bad-value",
            "\u{2014}",
            "-",
        ),
        note(
            "note-text-changed",
            "the note's text is signed",
            &["A018", "N-70"],
            "checkpoint-signature",
            "\n9\n",
            "\n8\n",
        ),
        proof(
            "inclusion-proof-missing",
            "a promise does not stand in for an inclusion proof in a bundle",
            &["A005", "A018", "A019"],
            "wrong-type",
            |proof| *proof = Value::Null,
        ),
        proof(
            "checkpoint-missing",
            "an inclusion proof without checkpoint proves nothing",
            &["A018"],
            "log-no-proof",
            |proof| {
                proof.as_object_mut().expect("object").remove("checkpoint");
            },
        ),
        proof(
            "proof-at-another-index",
            "a proof holds for one index",
            &["N-72", "A145"],
            "log-inclusion",
            |proof| proof["logIndex"] = json!("4"),
        ),
        proof(
            "proof-for-another-size",
            "a proof holds for one size",
            &["N-72", "A145"],
            "checkpoint-tree",
            |proof| proof["treeSize"] = json!("8"),
        ),
        proof(
            "proof-of-size-zero",
            "nothing is in an empty tree",
            &["N-72", "A145"],
            "bad-value",
            |proof| proof["treeSize"] = json!("0"),
        ),
        proof(
            "proof-index-equals-size",
            "an index is below the size",
            &["N-72", "A145"],
            "bad-value",
            |proof| proof["logIndex"] = json!("9"),
        ),
        proof(
            "proof-with-huge-size",
            "a size near 2^63 is refused without effort",
            &["N-72", "A010"],
            "checkpoint-tree",
            |proof| proof["treeSize"] = json!("9223372036854775807"),
        ),
        proof(
            "proof-with-one-hash-too-few",
            "a hash too few is refused",
            &["N-72"],
            "log-inclusion",
            |proof| {
                proof["hashes"].as_array_mut().expect("list").pop();
            },
        ),
        proof(
            "proof-with-one-hash-too-many",
            "a hash too many is refused",
            &["N-72"],
            "log-inclusion",
            |proof| {
                let first = proof["hashes"][0].clone();
                proof["hashes"].as_array_mut().expect("list").push(first);
            },
        ),
        proof(
            "proof-with-hashes-swapped",
            "the order of hashes matters",
            &["N-72"],
            "log-inclusion",
            |proof| proof["hashes"].as_array_mut().expect("list").swap(0, 1),
        ),
        proof(
            "proof-with-short-hash",
            "a hash has 32 bytes",
            &["N-72"],
            "bad-value",
            |proof| proof["hashes"][0] = json!("AAAA"),
        ),
        proof(
            "proof-with-too-many-hashes",
            "more hashes than the limit are refused",
            &["A014", "N-72"],
            "over-limit",
            |proof| {
                let first = proof["hashes"][0].clone();
                proof["hashes"] = json!(vec![first; 65]);
            },
        ),
        proof(
            "proof-root-differs",
            "the root beside the proof must be the checkpoint's",
            &["A005", "N-72", "A018"],
            "checkpoint-tree",
            |proof| proof["rootHash"] = json!(crate::encode(&[9; 32])),
        ),
    ]
}
