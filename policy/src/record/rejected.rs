//! A piece that proves nothing, in the decision's record: rejected, or of no use at all.

use countersign_proof::{Rejected, UnverifiedSigner};
use serde::Serialize;

use super::origin::OriginRecord;
use crate::evidence::Unusable;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RejectedRecord {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    origin: OriginRecord,
    /// What the piece says of itself; nothing of it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified_claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified_signer: Option<String>,
}

impl RejectedRecord {
    pub(super) fn of(piece: &Rejected) -> Self {
        Self {
            code: piece.code(),
            message: piece.to_string(),
            hint: piece.hint(),
            digest: piece.digest().map(std::string::ToString::to_string),
            origin: OriginRecord::of(piece.origin()),
            unverified_claim: piece
                .unverified_claim()
                .map(std::string::ToString::to_string),
            unverified_signer: piece.unverified_signer().map(|signer| match signer {
                UnverifiedSigner::Key { hint } => {
                    format!("key {}", hint.as_deref().unwrap_or("without a hint"))
                }
                UnverifiedSigner::Certificate { san, issuer } => format!(
                    "certificate of {} by {}",
                    san.as_ref().map_or("nobody", |san| san.value()),
                    issuer.as_deref().unwrap_or("nobody")
                ),
                _ => "of an unknown kind".to_owned(),
            }),
        }
    }

    pub(super) fn of_unusable(piece: &Unusable) -> Self {
        Self {
            code: piece.code,
            message: piece.message.clone(),
            hint: None,
            digest: None,
            origin: OriginRecord::of(&piece.origin),
            unverified_claim: None,
            unverified_signer: None,
        }
    }
}
