//! The checks that a policy may leave out: which fields name them, and which dangers proofs are then made under.

use countersign_proof::{Danger, Dangers};

use crate::rules::{Insecure, Policy};

/// The field of `spec.insecure` that leaves out the check.
pub(crate) fn field(danger: Danger) -> &'static str {
    match danger {
        Danger::IgnoreLog => "ignoreLog",
        Danger::JudgeCertificatesNow => "judgeCertificatesNow",
        _ => "ignoreSct",
    }
}

/// What the policies leave out, together; each policy is held to its own list when it judges.
pub(crate) fn dangers(policies: &[Policy]) -> Dangers {
    let mut dangers = Dangers::NONE;
    for switch in policies.iter().flat_map(|policy| &policy.insecure) {
        match switch.danger {
            Danger::IgnoreSct => dangers.ignore_sct = true,
            Danger::IgnoreLog => dangers.ignore_log = true,
            Danger::JudgeCertificatesNow => dangers.judge_certificates_now = true,
            _ => {}
        }
    }
    dangers
}

/// The switches that mean `dangers`, all with one reason.
pub(crate) fn switches(dangers: Dangers, reason: &str) -> Vec<Insecure> {
    [
        (Danger::IgnoreSct, dangers.ignore_sct),
        (Danger::IgnoreLog, dangers.ignore_log),
        (Danger::JudgeCertificatesNow, dangers.judge_certificates_now),
    ]
    .into_iter()
    .filter(|(_, asked)| *asked)
    .map(|(danger, _)| Insecure {
        danger,
        reason: reason.to_owned(),
    })
    .collect()
}
