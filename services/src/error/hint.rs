//! What to do next about a service that could not be used.

use super::{AnswerFault, Outage, ServiceError};

impl ServiceError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { outage, service } => Some(match &**outage {
                Outage::Connection { .. } => format!(
                    "is the {} up and its address right?",
                    service.kind.name()
                ),
                Outage::TooSlow { .. } | Outage::Deadline { .. } => {
                    "try again later, or give a longer time with `--timeout`".to_owned()
                }
                Outage::Status {
                    retry_after: Some(seconds),
                    ..
                } => format!("try again in {seconds} s"),
                Outage::Status { .. } => "try again later".to_owned(),
            }),
            Self::TokenRefused { service, .. } => Some(format!(
                "the {} must know the token's issuer, and the token must be fresh",
                service.kind.name()
            )),
            Self::Answer { fault, .. } => match &**fault {
                AnswerFault::EntryExists => {
                    Some("sign again: a new signature makes a new entry".to_owned())
                }
                AnswerFault::OtherKey
                | AnswerFault::OtherEntry { .. }
                | AnswerFault::OtherNonce
                | AnswerFault::NonceMissing
                | AnswerFault::OtherImprint => Some(
                    "the service, or something between here and there, answers other questions; nothing was stored"
                        .to_owned(),
                ),
                AnswerFault::CertificateTime { .. } => {
                    Some("compare this machine's clock with the certificate authority's".to_owned())
                }
                _ => None,
            },
            Self::Token(error) => error.hint(),
            Self::Login(error) => error.hint(),
            Self::SigningConfig(error) => error.hint(),
            Self::NoService { .. } => {
                Some("the signing config may be out of date: run `countersign trust update`, or give another with `--signing-config`".to_owned())
            }
            Self::Address { .. } => Some(
                "services are reached by https; plain http works on this machine only, or with `--allow-http`"
                    .to_owned(),
            ),
            Self::Signer { .. } | Self::Configuration { .. } => None,
        }
    }
}
