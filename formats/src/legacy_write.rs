//! Writes the annotations of the layers of `.sig` and `.att` manifests, as cosign does.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::base64_text::encode_base64;
use crate::legacy::{
    BUNDLE, CERTIFICATE, CHAIN, LegacyAnnotations, PREDICATE_TYPE, SIGNATURE, TIMESTAMP,
};
use crate::log_entry::LogEntry;
use crate::pem::write_pem;

impl LegacyAnnotations {
    /// The annotations; `None` when the log entry has no promise or no time, without which these forms cannot carry it.
    ///
    /// The annotation of the signature is always there: in an attestation, whose envelope holds the signature, it is empty.
    #[must_use]
    pub fn to_map(&self) -> Option<BTreeMap<String, String>> {
        let mut map = BTreeMap::new();
        let mut add = |name: &str, value: String| map.insert(name.to_owned(), value);
        add(
            SIGNATURE,
            self.signature
                .as_ref()
                .map(|bytes| encode_base64(bytes))
                .unwrap_or_default(),
        );
        if let Some(leaf) = &self.certificate {
            add(CERTIFICATE, write_pem("CERTIFICATE", leaf));
        }
        if !self.chain.is_empty() {
            let chain = self.chain.iter();
            add(
                CHAIN,
                chain
                    .map(|certificate| write_pem("CERTIFICATE", certificate))
                    .collect(),
            );
        }
        if let Some(entry) = &self.entry {
            add(BUNDLE, entry_json(entry)?);
        }
        if let Some(timestamp) = &self.timestamp {
            let text = encode_base64(timestamp);
            add(
                TIMESTAMP,
                format!("{{\"SignedRFC3161Timestamp\":\"{text}\"}}"),
            );
        }
        if let Some(predicate_type) = &self.predicate_type {
            add(PREDICATE_TYPE, predicate_type.clone());
        }
        Some(map)
    }
}

/// `{"SignedEntryTimestamp", "Payload": {"body", "integratedTime", "logIndex", "logID"}}`, in the order of cosign's types.
fn entry_json(entry: &LogEntry) -> Option<String> {
    let promise = entry.promise.as_ref()?;
    let time = entry.integrated_time?;
    Some(format!(
        "{{\"SignedEntryTimestamp\":\"{}\",\"Payload\":{{\"body\":\"{}\",\"integratedTime\":{},\"logIndex\":{},\"logID\":\"{}\"}}}}",
        encode_base64(promise),
        encode_base64(&entry.body),
        time.0,
        entry.log_index,
        hex(&entry.log_id),
    ))
}

fn hex(bytes: &Bytes) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::unix_time::UnixTime;

    fn annotations() -> LegacyAnnotations {
        let body = br#"{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}"#;
        LegacyAnnotations {
            signature: Some(Bytes::from_static(b"signature")),
            certificate: Some(Bytes::from_static(b"leaf")),
            chain: vec![
                Bytes::from_static(b"intermediate"),
                Bytes::from_static(b"root"),
            ],
            entry: Some(LogEntry {
                log_index: 5179,
                log_id: Bytes::from_static(&[0xc0; 32]),
                kind: "hashedrekord".to_owned(),
                version: "0.0.1".to_owned(),
                integrated_time: Some(UnixTime(1_624_396_085)),
                promise: Some(Bytes::from_static(b"promise")),
                proof: None,
                body: Bytes::from_static(body),
            }),
            timestamp: Some(Bytes::from_static(b"timestamp")),
            predicate_type: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = annotations().to_map().unwrap();
        assert_eq!(
            LegacyAnnotations::parse(&written, &Limits::DEFAULT).unwrap(),
            annotations()
        );
        assert!(
            written[BUNDLE]
                .starts_with("{\"SignedEntryTimestamp\":\"cHJvbWlzZQ==\",\"Payload\":{\"body\":\"")
        );
        assert!(
            written[BUNDLE]
                .contains("\"integratedTime\":1624396085,\"logIndex\":5179,\"logID\":\"c0c0")
        );
    }

    #[test]
    fn an_attestation_has_an_empty_signature() {
        let attestation = LegacyAnnotations {
            predicate_type: Some("https://spdx.dev/Document".to_owned()),
            ..LegacyAnnotations::default()
        };
        let written = attestation.to_map().unwrap();
        assert_eq!(written[SIGNATURE], "");
        assert_eq!(
            LegacyAnnotations::parse(&written, &Limits::DEFAULT).unwrap(),
            attestation
        );
    }

    #[test]
    fn an_entry_without_a_promise_cannot_be_written() {
        let mut annotations = annotations();
        annotations.entry.as_mut().unwrap().promise = None;
        assert_eq!(annotations.to_map(), None);
    }
}
