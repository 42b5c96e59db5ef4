//! The exit codes, which are part of the contract with scripts.

/// How a command ended, as the shell sees it.
///
/// The numbers never change their meaning; `10` to `13` keep those of cosign.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ExitStatus {
    /// 0: the command did what was asked; a verification passed (a warning still passes).
    Pass,
    /// 1: something broke inside the program or its own output could not be written.
    Internal,
    /// 2: the command line, the environment or a file given with it cannot be used.
    Usage,
    /// 10: the image is there and nothing is attached to it.
    NoEvidence,
    /// 11: the image, the tag or the repository does not exist.
    NotFound,
    /// 12: evidence is there and none of it is acceptable.
    NoneAcceptable,
    /// 13: a certificate was required and every candidate is signed by a bare key.
    NoCertificate,
    /// 20: it could not be found out: network, 429, 5xx, a registry that lies.
    Unavailable,
    /// 21: the registry wants other credentials.
    Authentication,
    /// 22: trust material is missing or stale.
    TrustMaterial,
}

impl ExitStatus {
    /// Every status, in the order of the numbers.
    pub const ALL: [ExitStatus; 10] = [
        ExitStatus::Pass,
        ExitStatus::Internal,
        ExitStatus::Usage,
        ExitStatus::NoEvidence,
        ExitStatus::NotFound,
        ExitStatus::NoneAcceptable,
        ExitStatus::NoCertificate,
        ExitStatus::Unavailable,
        ExitStatus::Authentication,
        ExitStatus::TrustMaterial,
    ];

    /// The number that the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Pass => 0,
            ExitStatus::Internal => 1,
            ExitStatus::Usage => 2,
            ExitStatus::NoEvidence => 10,
            ExitStatus::NotFound => 11,
            ExitStatus::NoneAcceptable => 12,
            ExitStatus::NoCertificate => 13,
            ExitStatus::Unavailable => 20,
            ExitStatus::Authentication => 21,
            ExitStatus::TrustMaterial => 22,
        }
    }

    /// The status of two results together: a denial beats an unknown, an unknown beats a pass;
    /// of several denials the one with the most evidence, of several unknowns 21, then 22, then 20.
    #[must_use]
    pub fn and(self, other: ExitStatus) -> ExitStatus {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    fn weight(self) -> u8 {
        match self {
            ExitStatus::Pass => 0,
            ExitStatus::Unavailable => 1,
            ExitStatus::TrustMaterial => 2,
            ExitStatus::Authentication => 3,
            ExitStatus::Internal => 4,
            ExitStatus::NotFound => 5,
            ExitStatus::NoEvidence => 6,
            ExitStatus::NoCertificate => 7,
            ExitStatus::NoneAcceptable => 8,
            ExitStatus::Usage => 9,
        }
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        std::process::ExitCode::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitStatus;

    #[test]
    fn a_denial_beats_an_unknown_and_an_unknown_beats_a_pass() {
        let pass = ExitStatus::Pass;
        assert_eq!(pass.and(ExitStatus::Unavailable), ExitStatus::Unavailable);
        assert_eq!(
            ExitStatus::Unavailable.and(ExitStatus::NoneAcceptable),
            ExitStatus::NoneAcceptable
        );
        assert_eq!(
            ExitStatus::NoneAcceptable.and(ExitStatus::Authentication),
            ExitStatus::NoneAcceptable
        );
        assert_eq!(pass.and(pass), ExitStatus::Pass);
    }

    #[test]
    fn of_several_unknowns_authentication_wins_then_trust_then_network() {
        let [network, trust, authentication] = [
            ExitStatus::Unavailable,
            ExitStatus::TrustMaterial,
            ExitStatus::Authentication,
        ];
        assert_eq!(network.and(trust), trust);
        assert_eq!(trust.and(authentication), authentication);
        assert_eq!(authentication.and(network), authentication);
    }

    #[test]
    fn the_order_of_two_results_does_not_matter() {
        for left in ExitStatus::ALL {
            for right in ExitStatus::ALL {
                assert_eq!(left.and(right), right.and(left));
            }
        }
    }
}
