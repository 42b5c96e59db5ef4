//! What a predicate file looks like, so that a document signed under another document's type is noticed before it is signed.

use std::fmt;

use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Limits, predicate_types};

/// A kind of document that is known by the members at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentKind {
    /// SPDX as JSON: has `spdxVersion`.
    SpdxJson,
    /// SPDX as tag-value text: begins with `SPDXVersion:`.
    SpdxText,
    /// CycloneDX as JSON: has `bomFormat`.
    CycloneDx,
    /// OpenVEX: its `@context` is OpenVEX's.
    OpenVex,
    /// SLSA provenance version 1: has `buildDefinition`.
    SlsaProvenanceV1,
    /// SLSA provenance version 0.2: has `buildType` at the top.
    SlsaProvenanceV02,
    /// A whole in-toto statement, which is not a predicate.
    Statement,
}

/// A file that looks like another kind of document than its predicate type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMismatch {
    /// What the file looks like.
    pub document: DocumentKind,
    /// The predicate type that it is to be signed under.
    pub predicate_type: String,
}

impl DocumentKind {
    /// What a file looks like; `None` when nothing at its top is known, or when it is not JSON.
    #[must_use]
    pub fn of(file: &[u8], limits: &Limits) -> Option<Self> {
        if file.trim_ascii_start().starts_with(b"SPDXVersion:") {
            return Some(Self::SpdxText);
        }
        let mut found = None;
        let mut reader = Reader::from_bytes(
            Document::Predicate,
            file,
            ("bundle_bytes", limits.bundle_bytes),
            limits,
        )
        .ok()?;
        if reader.peek().ok()? != Kind::Object {
            return None;
        }
        // Only a look: what is wrong with the document is for the statement's writer to say.
        let _ = reader.map(|reader, name| {
            let kind = match name {
                "spdxVersion" => Some(Self::SpdxJson),
                "bomFormat" => Some(Self::CycloneDx),
                "@context" => {
                    (reader.raw()?.starts_with("\"https://openvex.dev/ns")).then_some(Self::OpenVex)
                }
                "buildDefinition" => Some(Self::SlsaProvenanceV1),
                "buildType" => Some(Self::SlsaProvenanceV02),
                "_type" => (reader.raw()?.starts_with("\"https://in-toto.io/Statement/"))
                    .then_some(Self::Statement),
                _ => None,
            };
            if !matches!(name, "@context" | "_type") {
                reader.skip()?;
            }
            found = found.or(kind);
            Ok(())
        });
        found
    }

    /// Whether a document of this kind belongs under a predicate type.
    #[must_use]
    pub fn belongs_under(self, predicate_type: &str) -> bool {
        let versioned = |base: &str| {
            predicate_type
                .strip_prefix(base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("/v"))
        };
        match self {
            Self::SpdxJson | Self::SpdxText => versioned(predicate_types::SPDX),
            Self::CycloneDx => versioned(predicate_types::CYCLONEDX),
            Self::OpenVex => versioned(predicate_types::OPENVEX),
            Self::SlsaProvenanceV1 => predicate_type == predicate_types::SLSA_PROVENANCE_V1,
            Self::SlsaProvenanceV02 => predicate_type == predicate_types::SLSA_PROVENANCE_V02,
            Self::Statement => false,
        }
    }

    /// The flag that fits the document.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::SpdxJson => "--type spdxjson",
            Self::SpdxText => "--type spdx",
            Self::CycloneDx => "--type cyclonedx",
            Self::OpenVex => "--type openvex",
            Self::SlsaProvenanceV1 => "--type slsaprovenance1",
            Self::SlsaProvenanceV02 => "--type slsaprovenance02",
            Self::Statement => "--statement",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SpdxJson => "an SPDX document in JSON",
            Self::SpdxText => "an SPDX document in tag-value text",
            Self::CycloneDx => "a CycloneDX document",
            Self::OpenVex => "an OpenVEX document",
            Self::SlsaProvenanceV1 => "SLSA provenance version 1",
            Self::SlsaProvenanceV02 => "SLSA provenance version 0.2",
            Self::Statement => "a whole in-toto statement",
        })
    }
}

impl TypeMismatch {
    /// Looks for a mismatch. One of the well-known types with a file that is known as something else is a mismatch; a type
    /// of one's own goes with any file but a whole statement.
    #[must_use]
    pub fn find(predicate_type: &str, file: &[u8], limits: &Limits) -> Option<Self> {
        let document = DocumentKind::of(file, limits)?;
        let well_known = [
            predicate_types::SPDX,
            predicate_types::CYCLONEDX,
            predicate_types::OPENVEX,
            predicate_types::SLSA_PROVENANCE_V1,
            predicate_types::SLSA_PROVENANCE_V02,
            predicate_types::VULNERABILITY_SCAN,
            predicate_types::CUSTOM,
        ]
        .iter()
        .any(|base| predicate_type.starts_with(base));
        let fits = document.belongs_under(predicate_type);
        let mismatch = !fits && (well_known || document == DocumentKind::Statement);
        mismatch.then(|| Self {
            document,
            predicate_type: predicate_type.to_owned(),
        })
    }
}

impl fmt::Display for TypeMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the file looks like {}, and is signed under `{}`; `{}` fits it",
            self.document,
            self.predicate_type,
            self.document.flag()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, DocumentKind); 7] = [
        (
            "{\"spdxVersion\":\"SPDX-2.3\",\"name\":[{}]}",
            DocumentKind::SpdxJson,
        ),
        ("\nSPDXVersion: SPDX-2.3\n", DocumentKind::SpdxText),
        (
            "{\"$schema\":1,\"bomFormat\":\"CycloneDX\"}",
            DocumentKind::CycloneDx,
        ),
        (
            "{\"@context\":\"https://openvex.dev/ns/v0.2.0\"}",
            DocumentKind::OpenVex,
        ),
        (
            "{\"buildDefinition\":{},\"runDetails\":{}}",
            DocumentKind::SlsaProvenanceV1,
        ),
        (
            "{\"builder\":{},\"buildType\":\"x\"}",
            DocumentKind::SlsaProvenanceV02,
        ),
        (
            "{\"_type\":\"https://in-toto.io/Statement/v1\"}",
            DocumentKind::Statement,
        ),
    ];

    #[test]
    fn well_known_documents_are_known_by_their_top() {
        for (text, kind) in KNOWN {
            assert_eq!(
                DocumentKind::of(text.as_bytes(), &Limits::DEFAULT),
                Some(kind),
                "{text}"
            );
        }
        for text in [
            "",
            "[]",
            "{",
            "{}",
            "\"spdxVersion\"",
            "{\"a\":{\"spdxVersion\":1}}",
            "{\"@context\":[]}",
        ] {
            assert_eq!(
                DocumentKind::of(text.as_bytes(), &Limits::DEFAULT),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn a_document_under_another_documents_type_is_noticed() {
        let find =
            |kind: &str, text: &str| TypeMismatch::find(kind, text.as_bytes(), &Limits::DEFAULT);
        let (spdx, _) = KNOWN[0];
        let (cyclonedx, _) = KNOWN[2];
        let (statement, _) = KNOWN[6];
        assert_eq!(find(predicate_types::SPDX, spdx), None);
        assert_eq!(find("https://spdx.dev/Document/v2.3", spdx), None);
        assert_eq!(find(predicate_types::CYCLONEDX, cyclonedx), None);
        assert_eq!(find("https://example.org/own", spdx), None);
        let mismatch = find(predicate_types::SPDX, cyclonedx).unwrap();
        assert_eq!(mismatch.document, DocumentKind::CycloneDx);
        assert!(
            mismatch.to_string().contains("`--type cyclonedx` fits it"),
            "{mismatch}"
        );
        assert!(find(predicate_types::CUSTOM, spdx).is_some());
        assert!(find("https://example.org/own", statement).is_some());
    }
}
