//! Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature): what counts, and what counts for nothing.

use crate::catalogue::USER;
use crate::keys::LabKey;
use crate::lab::{Lab, NOW, SIGNED_AT};
use crate::transparency_log::{CheckpointSpec, Cosigner};
use crate::vector::Vector;

const G: &str = "witnesses";
const GOOD: &str = "cosigned-by-a-trusted-witness";
const NAME: &str = "witness.example";
const SECOND: &str = "witness-b.example";

fn key() -> LabKey {
    LabKey::ed25519("lab-witness")
}

fn second_key() -> LabKey {
    LabKey::ed25519("lab-witness-b")
}

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let v2 = |bend: fn(&mut CheckpointSpec)| {
        lab.keyless(USER)
            .rekor_v2()
            .timestamped()
            .entry(move |entry| entry.checkpoint = Some(bend))
            .build()
    };
    let cosigned = |name, claim, found: &[&'static str], bend: fn(&mut CheckpointSpec)| {
        Vector::accepted(G, name, claim)
            .rows(&["N-71"])
            .bundle(&v2(bend))
            .witness(NAME, &key())
            .witness(SECOND, &second_key())
            .witnessed(found)
            .proven(1, 1, 1)
    };
    vec![
        cosigned(
            GOOD,
            "a trusted witness's cosignature is found and named",
            &[NAME],
            |checkpoint| add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT)),
        ),
        Vector::accepted(
            G,
            "version-1-checkpoint-cosigned-by-a-trusted-witness",
            "a witness may cosign checkpoints of either kind of log",
        )
        .rows(&["N-71"])
        .bundle(
            &lab.keyless(USER)
                .rekor_v1()
                .entry(|entry| {
                    entry.checkpoint = Some(|checkpoint| {
                        add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT));
                    });
                })
                .build(),
        )
        .witness(NAME, &key())
        .witnessed(&[NAME])
        .proven(1, 0, 1),
        cosigned(
            "cosigned-by-two-trusted-witnesses",
            "two witnesses count as two",
            &[NAME, SECOND],
            |checkpoint| {
                add(checkpoint, Cosigner::new(&second_key(), SECOND, SIGNED_AT));
                add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT));
            },
        ),
        cosigned(
            "cosigned-twice-by-one-witness",
            "two lines of one witness count once",
            &[NAME],
            |checkpoint| {
                add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT));
                add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT + 1));
            },
        ),
        cosigned(
            "cosigned-at-this-second",
            "a cosignature may be as young as now",
            &[NAME],
            |checkpoint| add(checkpoint, Cosigner::new(&key(), NAME, NOW)),
        ),
        cosigned(
            "cosigned-in-the-future",
            "a cosignature from after now counts for nothing",
            &[],
            |checkpoint| add(checkpoint, Cosigner::new(&key(), NAME, NOW + 1)),
        ),
        cosigned(
            "cosignature-that-states-another-time",
            "the time of a cosignature is signed",
            &[],
            |checkpoint| {
                add(
                    checkpoint,
                    Cosigner {
                        signed_time: SIGNED_AT + 1,
                        ..Cosigner::new(&key(), NAME, SIGNED_AT)
                    },
                );
            },
        ),
        cosigned(
            "cosignature-by-a-stranger-under-a-witness-s-hint",
            "name and hint of a witness do not lend its key",
            &[],
            |checkpoint| {
                add(
                    checkpoint,
                    Cosigner {
                        hint: Some(Cosigner::new(&key(), NAME, SIGNED_AT).hint()),
                        ..Cosigner::new(&LabKey::ed25519("stranger"), NAME, SIGNED_AT)
                    },
                );
            },
        ),
        cosigned(
            "cosignature-under-another-name",
            "a witness's key under another name is not that witness",
            &[],
            |checkpoint| {
                add(
                    checkpoint,
                    Cosigner::new(&key(), "elsewhere.example", SIGNED_AT),
                );
            },
        ),
        cosigned(
            "cosignature-under-another-witness-s-name",
            "a witness does not stand in for another one",
            &[],
            |checkpoint| {
                add(
                    checkpoint,
                    Cosigner {
                        hint: Some(Cosigner::new(&second_key(), SECOND, SIGNED_AT).hint()),
                        ..Cosigner::new(&key(), SECOND, SIGNED_AT)
                    },
                );
            },
        ),
        cosigned(
            "lines-of-strangers-before-a-witness-s-own",
            "name and hint together say whose line it is, so others in front do not hide it",
            &[NAME],
            |checkpoint| {
                let stranger = LabKey::ed25519("stranger");
                add(checkpoint, Cosigner::new(&stranger, NAME, SIGNED_AT));
                add(
                    checkpoint,
                    Cosigner {
                        hint: Some(Cosigner::new(&key(), NAME, SIGNED_AT).hint()),
                        ..Cosigner::new(&stranger, "elsewhere.example", SIGNED_AT)
                    },
                );
                add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT));
            },
        ),
        cosigned(
            "cosignature-of-another-checkpoint",
            "a cosignature of an older tree says nothing about this one",
            &[],
            |checkpoint| {
                let older = format!("{}\n1\nAAAA\n", checkpoint.origin);
                add(
                    checkpoint,
                    Cosigner {
                        text: Some(older),
                        ..Cosigner::new(&key(), NAME, SIGNED_AT)
                    },
                );
            },
        ),
        Vector::rejected(
            G,
            "cosigned-and-not-signed-by-the-log",
            "a trusted witness does not stand in for the log",
            "checkpoint-signature",
            GOOD,
        )
        .rows(&["N-71", "A018"])
        .witness(NAME, &key())
        .bundle(&v2(|checkpoint| {
            checkpoint.signers.clear();
            add(checkpoint, Cosigner::new(&key(), NAME, SIGNED_AT));
        })),
    ]
}

fn add(checkpoint: &mut CheckpointSpec, cosigner: Cosigner) {
    checkpoint.cosigners.push(cosigner);
}
