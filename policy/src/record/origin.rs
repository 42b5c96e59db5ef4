//! Where a piece came from, in the decision's record.

use countersign_proof::Origin;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OriginRecord {
    form: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<DescriptorRecord>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorRecord {
    media_type: String,
    digest: String,
    size: u64,
}

impl OriginRecord {
    pub(super) fn of(origin: &Origin) -> Self {
        Self {
            form: origin.form.code(),
            manifest: origin
                .manifest
                .as_ref()
                .map(std::string::ToString::to_string),
            repository: origin.repository.clone(),
            descriptor: origin
                .descriptor
                .as_ref()
                .map(|descriptor| DescriptorRecord {
                    media_type: descriptor.media_type.clone(),
                    digest: descriptor.digest.to_string(),
                    size: descriptor.size,
                }),
        }
    }
}
