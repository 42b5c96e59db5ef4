//! What a source answered, in the decision's record.

use countersign_formats::Digest;
use serde::Serialize;

use super::cause::CauseRecord;
use crate::decision::SourceReport;
use crate::evidence::Answer;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceRecord {
    /// The index or platform image that it was asked about; the subject where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    source: &'static str,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<CauseRecord>,
}

impl SourceRecord {
    pub(super) fn of(report: &SourceReport, subject: &Digest) -> Self {
        let (answer, complete, as_of, failed) = match &report.answer {
            None => ("none", None, None, None),
            Some(Answer::Absent) => ("absent", None, None, None),
            Some(Answer::Read { complete, as_of }) => {
                ("read", Some(*complete), Some(as_of.to_string()), None)
            }
            Some(Answer::Failed(reason)) => ("failed", None, None, Some(CauseRecord::of(reason))),
        };
        Self {
            about: (report.about != *subject).then(|| report.about.to_string()),
            source: report.source.code(),
            answer,
            complete,
            as_of,
            cause: failed,
            missing: report.missing.iter().map(CauseRecord::of).collect(),
        }
    }
}
