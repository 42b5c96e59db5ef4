//! A signature on its way into logs.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Envelope, LogEntry, PublicKey};
use countersign_services::rekor::LoggedContent;
use countersign_services::{Client, Rekor, RekorVersion, Service, ServiceError, Submission};
use countersign_sign::Signature;

use super::Services;
use crate::failure::Failure;

/// What logs are told of a signature.
pub(crate) struct Entering {
    pub(crate) client: Client,
    pub(crate) key: PublicKey,
    pub(crate) certificate: Option<Bytes>,
    /// The envelope of a statement.
    pub(crate) envelope: Option<Envelope>,
    /// What is signed otherwise.
    pub(crate) digest: Option<Digest>,
    pub(crate) signature: Signature,
}

impl Services {
    /// The entries that the logs have already for a signature, as many as are needed; or none, when no log has one.
    pub(crate) async fn find(&self, work: &Entering) -> Result<Vec<LogEntry>, Failure> {
        let (mut found, mut failed) = (Vec::new(), None);
        for service in &self.logs.candidates {
            if found.len() == self.logs.needed {
                break;
            }
            match work.find(service).await {
                Ok(Some(entry)) => found.push(entry),
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            _ if found.len() == self.logs.needed => Ok(found),
            // A log that does not answer may have an entry.
            Some(error) => Err(error.into()),
            None if found.is_empty() => Ok(found),
            None => Err(Failure::usage(
                "too-few-proofs",
                format!(
                    "{} logs have an entry of the earlier run, and {} are wanted; its certificate has ended, so that no other can follow",
                    found.len(),
                    self.logs.needed
                ),
            )
            .hint("sign it anew with another journal, which makes other log entries")),
        }
    }

    /// Entries of a signature in the logs.
    pub(crate) async fn enter(&self, work: Entering) -> Result<Vec<LogEntry>, ServiceError> {
        let work = Arc::new(work);
        let entries = self.logs.gather(|service| {
            let work = Arc::clone(&work);
            let known = self.root.logs.iter();
            let known = known
                .filter(|log| same_address(&log.base_url, &service.url))
                .map(|log| log.log_id.clone())
                .next();
            async move { work.enter(&service, known).await }
        });
        entries.await
    }
}

impl Entering {
    async fn enter(&self, service: &Service, id: Option<Bytes>) -> Result<LogEntry, ServiceError> {
        let rekor = Rekor::new(&self.client, &service.url, RekorVersion::of(service)?)?;
        let rekor = match id {
            Some(id) => rekor.with_log_id(id),
            None => rekor,
        };
        rekor.enter(&self.submission()?).await
    }

    async fn find(&self, service: &Service) -> Result<Option<LogEntry>, ServiceError> {
        let rekor = Rekor::new(&self.client, &service.url, RekorVersion::of(service)?)?;
        rekor.find(&self.submission()?).await
    }

    fn submission(&self) -> Result<Submission<'_>, ServiceError> {
        let content = match (&self.envelope, self.digest) {
            (Some(envelope), _) => LoggedContent::Envelope(envelope),
            (None, Some(digest)) => LoggedContent::Message {
                digest,
                signature: &self.signature.bytes,
            },
            (None, None) => {
                return Err(ServiceError::Signer {
                    detail: "the signature is over no digest that a log could hold".to_owned(),
                });
            }
        };
        Ok(Submission {
            content,
            key: &self.key,
            scheme: self.signature.scheme,
            certificate: self.certificate.as_ref(),
        })
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
