//! Evidence that the caller brings along, such as bundle files.

use bytes::Bytes;
use countersign_formats::{Envelope, Limits};
use countersign_proof::{Origin, Rejected, StorageForm, Unverified};

/// One file of evidence: a Sigstore bundle, a DSSE envelope, or one of these a line.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What messages call it, usually the path of the file.
    pub name: String,
    /// Its content.
    pub bytes: Bytes,
}

impl Evidence {
    /// Evidence from bytes in memory.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
        }
    }

    /// The pieces in the file, each read or rejected on its own.
    pub(crate) fn pieces(&self, limits: &Limits) -> Vec<Result<Unverified, Rejected>> {
        match lines(&self.bytes, limits) {
            Some(lines) => lines
                .into_iter()
                .map(|line| self.piece(line, limits))
                .collect(),
            None => vec![self.piece(self.bytes.clone(), limits)],
        }
    }

    fn piece(&self, bytes: Bytes, limits: &Limits) -> Result<Unverified, Rejected> {
        let bundle =
            Unverified::bundle(bytes.clone(), self.origin(StorageForm::BundleFile), limits);
        if bundle.is_err() && Envelope::parse(&bytes, limits).is_ok() {
            return Unverified::dsse(
                bytes,
                &std::collections::BTreeMap::new(),
                self.origin(StorageForm::DsseFile),
                limits,
            );
        }
        bundle
    }

    fn origin(&self, form: StorageForm) -> Origin {
        Origin {
            form,
            descriptor: None,
            manifest: None,
            repository: Some(self.name.clone()),
        }
    }
}

/// The lines of a file with one JSON object a line; `None` when it is one document. A file with more
/// lines than a listing has entries is one document, which then does not parse.
fn lines(bytes: &Bytes, limits: &Limits) -> Option<Vec<Bytes>> {
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if !(line.starts_with(b"{") && line.ends_with(b"}")) || lines.len() >= limits.referrers {
            return None;
        }
        lines.push(bytes.slice_ref(line));
    }
    (lines.len() > 1).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &'static str) -> Option<usize> {
        lines(&Bytes::from_static(text.as_bytes()), &Limits::DEFAULT).map(|lines| lines.len())
    }

    #[test]
    fn one_object_a_line_is_told_from_one_document() {
        assert_eq!(count("{\"a\":1}\n{\"b\":2}\n"), Some(2));
        assert_eq!(count("{\"a\":1}\n"), None);
        assert_eq!(count("{\n  \"a\": {}\n}\n"), None);
    }
}
