//! Why something could not be found out, in the decision's record.

use serde::Serialize;

use crate::evidence::Cause;

#[derive(Debug, Clone, Serialize)]
pub(super) struct CauseRecord {
    class: &'static str,
    source: String,
    detail: String,
}

impl CauseRecord {
    pub(super) fn of(cause: &Cause) -> Self {
        Self {
            class: cause.class.code(),
            source: cause.source.clone(),
            detail: cause.detail.clone(),
        }
    }
}
