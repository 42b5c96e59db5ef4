//! A decision under a thousand policies against one under eight, warm: what matching scopes costs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};
use countersign_policy::{
    Answer, Asked, Decision, PolicySet, Source, SourceKind, Supplied, check_asked,
};
use countersign_proof::{TrustMaterial, Verified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW};

use crate::in_process::{bundle_bytes, image, piece};
use crate::measure::costs;

/// How long each case is measured.
const BUDGET: Duration = Duration::from_millis(500);
/// The sources that a decision about an image may ask.
const SOURCES: [SourceKind; 4] = [
    SourceKind::BundleReferrers,
    SourceKind::SignatureTag,
    SourceKind::AttestationTag,
    SourceKind::OtherPieces,
];

fn policies(count: usize, key: &LabKey) -> PolicySet {
    let pem = key.public_pem().replace('\n', "\\n");
    let documents: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p{number}}}\nspec:\n  scope: {{images: [\"ghcr.io/acme/team-{number}/**\"]}}\n  signers: {{a: {{key: {{pem: \"{pem}\"}}}}}}\n  require: {{signature: {{by: a}}}}\n"
            )
        })
        .collect();
    let source = Source {
        name: "bench".to_owned(),
        bytes: Bytes::from(documents.join("---\n")),
    };
    PolicySet::parse(&[source], &Limits::DEFAULT).expect("policies")
}

fn decide(policies: &PolicySet, trust: &Arc<TrustMaterial>, piece: &Verified) -> Decision {
    let now = UnixTime(NOW);
    let mut supplied = vec![Supplied::Piece(Box::new(Ok(piece.clone())))];
    supplied.extend(SOURCES.map(|source| {
        let answer = Answer::Read {
            complete: true,
            as_of: now,
        };
        Supplied::Source(source, answer)
    }));
    let asked = Asked::about(image()).named("ghcr.io/acme/team-7/app");
    check_asked(policies, asked, Arc::clone(trust), now, supplied)
}

/// A thousand policies against eight.
pub(crate) fn compare() {
    println!("## A decision under 1,000 scoped policies against one under eight (minimum, µs)\n");
    println!(
        "{:<20} {:>9} {:>6} {:>7} {:>9}",
        "policies", "decision", "ratio", "allocs", "bytes"
    );
    let lab = Lab::new();
    let key = LabKey::p256("bench");
    let evidence = lab.managed(key.clone()).build();
    let scene = |count| {
        let policies = policies(count, &key);
        let trust = TrustMaterial::builder()
            .keys(policies.keys())
            .build()
            .expect("trust");
        let trust = Arc::new(trust);
        let parsed = piece(&bundle_bytes(&evidence));
        let verified = verify(&parsed, &image(), &trust, UnixTime(NOW)).expect("it verifies");
        assert!(decide(&policies, &trust, &verified).passes());
        move || {
            black_box(decide(&policies, &trust, &verified));
        }
    };
    let (mut few, mut many) = (scene(8), scene(1000));
    let costs = costs(BUDGET, [&mut few, &mut many]);
    for (position, count) in [8, 1000].into_iter().enumerate() {
        let cost = costs.of(position);
        println!(
            "{count:<20} {:>9.1} {:>6.2} {:>7} {:>9}",
            cost.minimum.as_secs_f64() * 1e6,
            costs.ratio(position, 0..1),
            cost.allocations,
            cost.bytes
        );
    }
    println!();
}
