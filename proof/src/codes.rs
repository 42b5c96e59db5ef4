//! The codes of rejections, each with its meaning.

/// The codes that are this crate's own, and what each means; a document that can't be read has the code of
/// [`countersign_formats::Error`].
pub const CODES: &[(&str, &str)] = &[
    (
        "authority-window",
        "the certificate authority was not trusted at a proven time",
    ),
    (
        "certificate-critical-extension",
        "a critical extension of a certificate is not understood",
    ),
    (
        "certificate-duplicate-extension",
        "a certificate has one extension twice",
    ),
    (
        "certificate-expired",
        "a certificate was not valid at a proven time",
    ),
    (
        "certificate-extended-key-usage",
        "a certificate is not for the use that it is put to",
    ),
    (
        "certificate-extension",
        "a Fulcio extension is not plain text in its form",
    ),
    (
        "certificate-is-authority",
        "an authority's certificate is used as a signer's",
    ),
    (
        "certificate-issuer-conflict",
        "the two issuer extensions of a certificate differ",
    ),
    (
        "certificate-key",
        "the key in a certificate is of an unknown or too weak kind",
    ),
    (
        "certificate-key-usage",
        "the key usage of a certificate forbids what it is used for",
    ),
    (
        "certificate-malformed",
        "a certificate is not strict DER, or not X.509 version 3",
    ),
    (
        "certificate-name-constraints",
        "a certificate has name constraints, which are not supported",
    ),
    (
        "certificate-name-kind",
        "the name in a certificate is of a kind that is not read",
    ),
    (
        "certificate-name-text",
        "the name in a certificate is not plain text",
    ),
    ("certificate-no-name", "a certificate names nobody"),
    (
        "certificate-not-authority",
        "a signer's certificate is used as an authority's",
    ),
    (
        "certificate-path-length",
        "there are more authorities below a certificate than it allows",
    ),
    (
        "certificate-several-names",
        "a certificate has more than one name",
    ),
    (
        "certificate-signature",
        "the signature on a certificate is not by its issuer",
    ),
    (
        "certificate-signature-algorithm",
        "the signature on a certificate has an algorithm that is not supported",
    ),
    (
        "certificate-untrusted",
        "no trusted authority issued the certificate",
    ),
    (
        "checkpoint-origin",
        "a checkpoint is of a log with another name",
    ),
    (
        "checkpoint-signature",
        "a checkpoint is not signed by the log's own key",
    ),
    (
        "checkpoint-tree",
        "an inclusion proof is about another tree than its checkpoint",
    ),
    (
        "content-needed",
        "the signature can only be verified over the content itself, not over its digest",
    ),
    ("future-time", "a proven time lies after now"),
    (
        "key-not-trusted",
        "the evidence is signed with a key, and no key is trusted",
    ),
    (
        "key-window",
        "the key was not trusted at a proven time, or, undated, is not trusted now",
    ),
    ("log-entry-duplicate", "a log entry is there twice"),
    (
        "log-entry-key-details",
        "a log entry names another algorithm than the signature has",
    ),
    (
        "log-entry-kind",
        "a log entry is of a kind that does not go with the evidence",
    ),
    ("log-entry-payload", "a log entry is about another payload"),
    (
        "log-entry-signature",
        "a log entry is about another signature",
    ),
    ("log-entry-signer", "a log entry is about another signer"),
    (
        "log-inclusion",
        "an inclusion proof does not lead to the root of its checkpoint",
    ),
    (
        "log-index",
        "a log entry and its inclusion proof have different indices",
    ),
    (
        "log-no-evidence",
        "a log entry has neither promise nor inclusion proof",
    ),
    (
        "log-no-proof",
        "a log entry in a bundle has no inclusion proof with a checkpoint",
    ),
    (
        "log-promise",
        "a log entry's promise is not signed by the log",
    ),
    (
        "log-unexpected-promise",
        "a log entry has a promise, and this kind of log makes none",
    ),
    ("log-window", "the log's key was not valid at a proven time"),
    (
        "message-digest",
        "the bundle is about content with another digest",
    ),
    (
        "message-digest-algorithm",
        "the bundle's digest of the content has an unknown algorithm",
    ),
    (
        "no-authorities",
        "the evidence is signed with a certificate, and no authority is trusted",
    ),
    (
        "no-proven-time",
        "no time is proven at which the certificate could be judged",
    ),
    ("no-signature", "a signature layer has no signature"),
    (
        "payload-type",
        "the payload of an envelope is not an in-toto statement",
    ),
    (
        "sct-algorithm",
        "a certificate timestamp names another algorithm than its log's key has",
    ),
    (
        "sct-duplicate",
        "a certificate has two timestamps of one log",
    ),
    ("sct-future", "a certificate timestamp lies after now"),
    (
        "sct-log-unknown",
        "no certificate timestamp is by a log that the trust knows",
    ),
    (
        "sct-malformed",
        "the list of certificate timestamps is malformed",
    ),
    (
        "sct-missing",
        "the certificate has no certificate timestamp",
    ),
    (
        "sct-signature",
        "a certificate timestamp is not signed by its log",
    ),
    (
        "sct-window",
        "the key of a certificate transparency log was not valid at the time",
    ),
    (
        "signature-count",
        "an envelope has no signature, or too many",
    ),
    (
        "signature-invalid",
        "the signature is not by the trusted key, or not by the certificate's key",
    ),
    ("subject-mismatch", "the claim is about something else"),
    (
        "timestamp-attribute",
        "a signed attribute of a timestamp is missing, there twice or wrong",
    ),
    (
        "timestamp-certificate",
        "the certificate of a timestamp authority is not acceptable",
    ),
    (
        "timestamp-critical-extension",
        "a timestamp has a critical extension that is not understood",
    ),
    ("timestamp-duplicate", "a timestamp is there twice"),
    (
        "timestamp-hash",
        "a timestamp has a hash that is too weak or unknown",
    ),
    (
        "timestamp-imprint",
        "a timestamp is about another signature",
    ),
    (
        "timestamp-malformed",
        "a timestamp is not the DER that it must be",
    ),
    (
        "timestamp-not-granted",
        "the authority did not grant the timestamp",
    ),
    (
        "timestamp-signature",
        "a timestamp is not signed by its authority",
    ),
    (
        "timestamp-signature-algorithm",
        "a timestamp is signed with an algorithm that is not accepted",
    ),
    (
        "timestamp-signer-count",
        "a timestamp does not have exactly one signer",
    ),
    (
        "timestamp-signing-certificate",
        "a timestamp names another certificate as its signer's",
    ),
    (
        "timestamp-window",
        "the timestamp authority was not trusted at the time",
    ),
    (
        "unsupported-form",
        "the form of the evidence is known and not supported",
    ),
    (
        "weak-digest",
        "the claim names its subjects only under digests that are too weak",
    ),
];

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn every_code_is_explained_once() {
        let sources = [include_str!("reject_reason.rs"), include_str!("fault.rs")];
        let arrow = ["=", "> \""].concat();
        let mut used: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split(&arrow).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|text| text.contains('-') && !text.contains(' '))
            .collect();
        used.sort_unstable();
        let listed: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(used, listed);
    }
}
