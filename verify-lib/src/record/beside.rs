//! The trust that a record keeps beside the trusted root: an own certificate authority, and witnesses.

use bytes::Bytes;
use countersign_formats::{decode_base64, encode_base64};
use countersign_proof::Witness;
use serde::{Deserialize, Serialize};

/// Most certificates of an own authority.
const CERTIFICATES: usize = 64;

/// Most witnesses.
const WITNESSES: usize = 64;

/// An own certificate authority, DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// Roots, and intermediates below them.
    Apart {
        /// The roots.
        roots: Vec<Bytes>,
        /// The intermediates.
        intermediates: Vec<Bytes>,
    },
    /// One list of both.
    Chain(Vec<Bytes>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum AuthorityText {
    Apart {
        roots: Vec<String>,
        intermediates: Vec<String>,
    },
    Chain(Vec<String>),
}

impl Authority {
    pub(super) fn of(text: AuthorityText) -> Result<Self, String> {
        let certificates = |texts: Vec<String>| {
            if texts.len() > CERTIFICATES {
                return Err(format!(
                    "an authority has more than {CERTIFICATES} certificates"
                ));
            }
            texts
                .iter()
                .map(|text| {
                    decode_base64(text, text.len())
                        .ok_or_else(|| "a certificate is not in base64".to_owned())
                })
                .collect::<Result<Vec<Bytes>, String>>()
        };
        Ok(match text {
            AuthorityText::Apart {
                roots,
                intermediates,
            } => Authority::Apart {
                roots: certificates(roots)?,
                intermediates: certificates(intermediates)?,
            },
            AuthorityText::Chain(list) => Authority::Chain(certificates(list)?),
        })
    }

    pub(super) fn text(&self) -> AuthorityText {
        let texts = |certificates: &[Bytes]| {
            certificates
                .iter()
                .map(|certificate| encode_base64(certificate))
                .collect()
        };
        match self {
            Self::Apart {
                roots,
                intermediates,
            } => AuthorityText::Apart {
                roots: texts(roots),
                intermediates: texts(intermediates),
            },
            Self::Chain(certificates) => AuthorityText::Chain(texts(certificates)),
        }
    }
}

pub(super) fn witnesses(texts: &[String]) -> Result<Vec<Witness>, String> {
    if texts.len() > WITNESSES {
        return Err(format!("it has more than {WITNESSES} witnesses"));
    }
    texts
        .iter()
        .map(|text| Witness::parse(text).map_err(|error| error.to_string()))
        .collect()
}
