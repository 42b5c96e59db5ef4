//! The ways in which trust may weaken a check; each must be spelled out and is named in every proof it weakens.

/// Checks that the owner of the trust leaves out on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dangers {
    /// Certificates count without a signed certificate timestamp.
    pub ignore_sct: bool,
    /// Log entries are not looked at; they prove no time either.
    pub ignore_log: bool,
    /// A certificate without any proven time is judged at `now`.
    pub judge_certificates_now: bool,
}

impl Dangers {
    /// No check is left out.
    pub const NONE: Self = Self {
        ignore_sct: false,
        ignore_log: false,
        judge_certificates_now: false,
    };
}

/// One check that was left out for one proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Danger {
    /// No signed certificate timestamp was asked for.
    IgnoreSct,
    /// No log entry was looked at.
    IgnoreLog,
    /// The certificate was judged at `now` because no time is proven.
    JudgeCertificatesNow,
}

impl Danger {
    /// The stable name, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::IgnoreSct => "ignore-sct",
            Self::IgnoreLog => "ignore-log",
            Self::JudgeCertificatesNow => "judge-certificates-now",
        }
    }

    /// What it leaves out, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::IgnoreSct => {
                "the certificate was accepted without proof that a certificate transparency log has it"
            }
            Self::IgnoreLog => "transparency log entries were not looked at",
            Self::JudgeCertificatesNow => {
                "no time is proven; the certificate was judged at the present time"
            }
        }
    }
}

impl std::fmt::Display for Danger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
