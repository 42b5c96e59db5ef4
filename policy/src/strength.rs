//! What must stand behind a signature: logs, timestamps, SCTs, times and witnesses.

use countersign_formats::Window;
use countersign_proof::{Danger, Signer, Verified};

use crate::clock::Clock;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::rules::{Demand, Policy};

/// What is missing behind the signature, by what the policy demands of `signer`, else of its kind.
pub(crate) fn thresholds(policy: &Policy, signer: Option<&str>, piece: &Verified) -> Vec<Mismatch> {
    let own = signer.and_then(|name| Some((name, policy.trust.signers.get(name)?)));
    let (demand, whose) = match (own, piece.signer()) {
        (Some((name, demand)), _) => (demand, format!("spec.signers.{name}.trust")),
        (None, Signer::Key(_)) => (&policy.trust.keys, "spec.trust.keys".to_owned()),
        _ => (
            &policy.trust.certificates,
            "spec.trust.certificates".to_owned(),
        ),
    };
    let demand = lowered(demand, policy, piece);
    let counted = Demand::of(piece);
    [
        (
            MismatchKind::Logs,
            "logs",
            "transparency logs",
            demand.logs,
            counted.logs,
        ),
        (
            MismatchKind::Timestamps,
            "timestamps",
            "timestamp authorities",
            demand.timestamps,
            counted.timestamps,
        ),
        (
            MismatchKind::Scts,
            "scts",
            "certificate transparency logs",
            demand.scts,
            counted.scts,
        ),
        (
            MismatchKind::Times,
            "times",
            "sources of a proven time",
            demand.times,
            counted.times,
        ),
        (
            MismatchKind::Witnesses,
            "witnesses",
            "witnesses",
            demand.witnesses,
            counted.witnesses,
        ),
    ]
    .into_iter()
    .filter(|(.., wanted, found)| found < wanted)
    .map(|(kind, field, words, wanted, found)| {
        Mismatch::new(kind, wanted.to_string(), found.to_string())
            .message(format!(
                "{found} distinct {words} stand behind the signature, expected {wanted}"
            ))
            .hint(format!(
                "`{whose}.{field}` in policy `{}` asks for it",
                policy.name
            ))
    })
    .collect()
}

impl Demand {
    /// What stands behind a proof, each instance counted once however often it appears.
    pub(crate) fn of(piece: &Verified) -> Self {
        use std::collections::BTreeSet;
        let logs: BTreeSet<_> = piece.logs().iter().map(|entry| &entry.log).collect();
        let timestamps: BTreeSet<_> = piece
            .timestamps()
            .iter()
            .map(|timestamp| &timestamp.authority)
            .collect();
        let scts: BTreeSet<_> = piece.scts().iter().collect();
        let promised: BTreeSet<_> = piece
            .logs()
            .iter()
            .filter(|entry| entry.integrated_time.is_some())
            .map(|entry| &entry.log)
            .collect();
        Self {
            logs: logs.len(),
            timestamps: timestamps.len(),
            scts: scts.len(),
            times: timestamps.len() + promised.len(),
            witnesses: piece.witnesses().len(),
        }
    }
}

/// The demand without what the policy leaves out; the decision names it. What another policy leaves out lowers nothing here.
fn lowered(demand: &Demand, policy: &Policy, piece: &Verified) -> Demand {
    let mut demand = *demand;
    for danger in piece
        .dangers()
        .iter()
        .filter(|danger| accepts(policy, **danger))
    {
        match danger {
            Danger::IgnoreSct => demand.scts = 0,
            Danger::IgnoreLog => demand.logs = 0,
            Danger::JudgeCertificatesNow => demand.times = 0,
            _ => {}
        }
    }
    demand
}

/// Whether the policy itself leaves out the check.
pub(crate) fn accepts(policy: &Policy, danger: Danger) -> bool {
    policy.insecure.iter().any(|switch| switch.danger == danger)
}

/// A certificate without any proven time is judged at the present time only where the policy itself says so, and only while
/// it is valid.
pub(crate) fn judged_now(clock: &Clock, policy: &Policy, piece: &Verified) -> Option<Mismatch> {
    if !piece.dangers().contains(&Danger::JudgeCertificatesNow) {
        return None;
    }
    if !accepts(policy, Danger::JudgeCertificatesNow) {
        return Some(Mismatch::new(MismatchKind::Times, "1", "0").message(
            "no time is proven, and this policy does not judge certificates at the present time",
        ));
    }
    let (start, end) = match piece.signer() {
        Signer::Fulcio(certificate) => (certificate.not_before, certificate.not_after),
        Signer::X509(certificate) => (certificate.not_before, certificate.not_after),
        _ => return None,
    };
    let window = Window {
        start: Some(start),
        end: Some(end),
    };
    (!clock.is_within(&window)).then(|| {
        Mismatch::new(
            MismatchKind::Times,
            format!("from {start} to {end}"),
            clock.now().to_string(),
        )
        .message(format!(
            "no time is proven, and the certificate is valid from {start} to {end}"
        ))
    })
}
