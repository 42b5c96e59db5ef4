//! The certificate and key by which this client shows a registry who it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::StoreError;

/// A certificate for TLS client authentication, and its key.
#[derive(Clone)]
pub struct ClientIdentity(Arc<Inner>);

struct Inner {
    chain: Vec<Bytes>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(****)")
    }
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.0.chain == other.0.chain && self.0.key.secret_der() == other.0.key.secret_der()
    }
}

impl Eq for ClientIdentity {}

impl ClientIdentity {
    /// Reads PEM: the certificate with those above it, leaf first, and the private key (PKCS#8, PKCS#1 or SEC 1, not encrypted).
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there is no certificate of X.509's version 3, no key, or the key does not go with the certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, StoreError> {
        let refused = |detail: &str| StoreError::Unsupported {
            store: "client certificate".to_owned(),
            detail: detail.to_owned(),
        };
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| refused("the certificate file is not PEM"))?;
        if chain.is_empty() {
            return Err(refused("the certificate file holds no certificate"));
        }
        // The parser's own words could show a part of the key.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| refused("the key file holds no private key in clear PEM"))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        rustls::sign::CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(
            |error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    refused("the key does not go with the certificate")
                }
                rustls::Error::InvalidCertificate(_) => refused(
                    "the certificate cannot be read, or is of another version of X.509 than 3",
                ),
                _ => refused("the key cannot be used"),
            },
        )?;
        Ok(Self(Arc::new(Inner {
            chain: chain
                .into_iter()
                .map(|certificate| Bytes::from(certificate.to_vec()))
                .collect(),
            key,
        })))
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.0
            .chain
            .iter()
            .map(|certificate| CertificateDer::from(certificate.to_vec()))
            .collect()
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.0.key.clone_key()
    }
}
