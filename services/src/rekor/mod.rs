//! Entries in transparency logs (Rekor's interface, versions 1 and 2).
//!
//! An entry that comes back is compared with what was sent, part by part, and must carry what later proves it. Whether the log's
//! signature on it holds is proven with the finished bundle, against the trusted root: the log's own word for its key is never asked
//! for (CVE-2023-47122).

mod compare;
pub(crate) mod entry_json;
mod submission;
mod tiles;
mod version_1;
mod version_2;

use bytes::Bytes;
use countersign_formats::{InclusionProof, LogEntry};
use reqwest::Url;

use crate::error::{ServiceError, ServiceKind, ServiceName};
use crate::http::{self, Client};
use crate::signing_config::Service;

pub use submission::{LoggedContent, Submission};

/// Bytes of an answer: the body of an entry in base64, and its proof.
const ANSWER_BYTES: u64 = 8 << 20;
/// What a successful answer is.
const WHAT: &str = "log entry";

/// The versions of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RekorVersion {
    /// Entries come with a signed promise and a proof.
    V1,
    /// Entries come with a proof only; times come from timestamp authorities.
    V2,
}

/// A transparency log.
#[derive(Clone, Debug)]
pub struct Rekor {
    client: Client,
    service: ServiceName,
    base: Url,
    version: RekorVersion,
    log_id: Option<Bytes>,
}

impl RekorVersion {
    /// The version with this major number, as signing configs write it.
    #[must_use]
    pub fn from_major(major: u64) -> Option<Self> {
        match major {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// The version that a signing config names for a log.
    ///
    /// # Errors
    /// [`ServiceError::Configuration`] for a version that is not known; a selection holds none such.
    pub fn of(service: &Service) -> Result<Self, ServiceError> {
        Self::from_major(service.major_version).ok_or_else(|| {
            ServiceError::configuration(format!(
                "version {} of a log's interface is not known",
                service.major_version
            ))
        })
    }
}

impl Rekor {
    /// The log at `base_url`.
    ///
    /// # Errors
    /// [`ServiceError::Address`].
    pub fn new(
        client: &Client,
        base_url: &str,
        version: RekorVersion,
    ) -> Result<Self, ServiceError> {
        let base = http::parse(base_url, client.settings().allow_http)?;
        Ok(Self {
            client: client.clone(),
            service: ServiceName {
                kind: ServiceKind::Rekor,
                address: http::shown(&base),
            },
            base,
            version,
            log_id: None,
        })
    }

    /// The same log, whose identifier is known from a trusted root. With it, an entry that is there already can be read from a log
    /// of version 2, whose tiles do not say whose they are.
    #[must_use]
    pub fn with_log_id(mut self, log_id: Bytes) -> Self {
        self.log_id = Some(log_id);
        self
    }

    /// Enters a signature into the log. An entry that is there already, from an earlier run or from a try whose answer
    /// was lost, is fetched instead.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; [`ServiceError::Answer`], with [`OtherEntry`](crate::AnswerFault::OtherEntry) and
    /// [`EntryWithout`](crate::AnswerFault::EntryWithout) among its faults; [`ServiceError::Configuration`] for a signature that
    /// this version of the interface has no entry for.
    pub async fn enter(&self, submission: &Submission<'_>) -> Result<LogEntry, ServiceError> {
        let entry = match self.version {
            RekorVersion::V1 => self.enter_version_1(submission).await?,
            RekorVersion::V2 => self.enter_version_2(submission).await?,
        };
        compare::check(&self.service, submission, &entry)?;
        Ok(entry)
    }

    /// The entry that the log has for a signature, from a run whose end nobody knows; `None` when it says that it has none.
    /// Nothing is entered.
    ///
    /// # Errors
    /// As [`Rekor::enter`]; [`ServiceError::Configuration`] for a log of version 2, which is asked by entering again.
    pub async fn find(
        &self,
        submission: &Submission<'_>,
    ) -> Result<Option<LogEntry>, ServiceError> {
        let found = match self.version {
            RekorVersion::V1 => self.find_version_1(submission).await?,
            RekorVersion::V2 => {
                return Err(ServiceError::configuration(
                    "a log of version 2 searches for no entries".to_owned(),
                ));
            }
        };
        if let Some(entry) = &found {
            compare::check(&self.service, submission, entry)?;
        }
        Ok(found)
    }

    /// Asks a log of version 1 for the proof that `entry` is in it, under a checkpoint of today. What the log answers with must be that
    /// very entry; the proof itself is proven with the bundle that it becomes part of.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; [`ServiceError::Answer`], with [`OtherEntry`](crate::AnswerFault::OtherEntry) and
    /// [`EntryWithout`](crate::AnswerFault::EntryWithout) among its faults; [`ServiceError::Configuration`] for a log of version 2, whose
    /// entries came with their proofs.
    pub async fn proof_of(&self, entry: &LogEntry) -> Result<InclusionProof, ServiceError> {
        if self.version != RekorVersion::V1 {
            return Err(ServiceError::configuration(
                "a log of version 2 has no promises that lack a proof",
            ));
        }
        let found = self.at_index(entry.log_index).await?;
        compare::check_same(&self.service, entry, found)
    }
}
