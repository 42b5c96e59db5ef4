//! Who signed a piece, in the decision's record.

use std::collections::BTreeMap;

use countersign_proof::Signer;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum SignerRecord {
    #[serde(rename_all = "camelCase")]
    Key {
        key_id: String,
    },
    #[serde(rename_all = "camelCase")]
    Certificate {
        identity: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
        serial: String,
        fingerprint: String,
        not_before: String,
        not_after: String,
        authority: String,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        extensions: BTreeMap<String, String>,
    },
    Other {
        description: String,
    },
}

impl SignerRecord {
    pub(super) fn of(signer: &Signer) -> Self {
        match signer {
            Signer::Key(key) => Self::Key {
                key_id: key.to_string(),
            },
            Signer::Fulcio(certificate) => Self::Certificate {
                identity: certificate.san.value().to_owned(),
                issuer: certificate.issuer.clone(),
                serial: certificate.serial.clone(),
                fingerprint: certificate.fingerprint.to_string(),
                not_before: certificate.not_before.to_string(),
                not_after: certificate.not_after.to_string(),
                authority: certificate.authority.clone(),
                extensions: certificate
                    .extensions
                    .present()
                    .map(|(_, name, value)| (camel_case(name), value.to_owned()))
                    .collect(),
            },
            Signer::X509(certificate) => Self::Certificate {
                identity: certificate
                    .san
                    .as_ref()
                    .map(|san| san.value().to_owned())
                    .unwrap_or_default(),
                issuer: None,
                serial: certificate.serial.clone(),
                fingerprint: certificate.fingerprint.to_string(),
                not_before: certificate.not_before.to_string(),
                not_after: certificate.not_after.to_string(),
                authority: certificate.authority.clone(),
                extensions: BTreeMap::new(),
            },
            _ => Self::Other {
                description: "of an unknown kind".to_owned(),
            },
        }
    }
}

/// `source_repository_uri` as the record spells names: `sourceRepositoryUri`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
    }
    spelled
}
