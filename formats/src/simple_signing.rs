//! Simple-signing payloads, as in the layers of `.sig` manifests.

use crate::descriptor::name_string;
use crate::digest::Digest;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{Kind, Reader};
use crate::limits::Limits;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The only `critical.type` that is accepted.
const TYPE: &str = "cosign container image signature";

/// A simple-signing payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleSigning {
    /// The name the image had when it was signed; binds nothing.
    pub docker_reference: String,
    /// Digest of the image manifest.
    pub digest: Digest,
    /// Annotations; a value that is not a string is its JSON text.
    pub optional: BTreeMap<String, String>,
}

impl SimpleSigning {
    /// Reads a payload; all members but those of `optional` are known.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`, `wrong-type`,
    /// `bad-digest`; `unsupported` for another `critical.type`.
    pub fn parse(bytes: &Bytes) -> Result<Self, Error> {
        let limits = Limits::DEFAULT;
        let cap = ("manifest_bytes", limits.manifest_bytes);
        let mut reader = Reader::from_bytes(Document::SimpleSigning, bytes, cap, &limits)?;
        let (mut critical, mut optional) = (None, BTreeMap::new());
        reader.object(|reader, name| {
            match name {
                "critical" => critical = Some(read_critical(reader, &limits)?),
                "optional" if reader.peek()? == Kind::Null => reader.null()?,
                "optional" => {
                    optional = reader.lenient_string_map(("annotations", limits.annotations))?
                }
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        let (docker_reference, digest) = reader.required("critical", critical)?;
        reader.end()?;
        Ok(Self {
            docker_reference,
            digest,
            optional,
        })
    }

    /// The payload byte for byte as cosign writes it; all values of `optional` are written as strings.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = br#"{"critical":{"identity":{"docker-reference":"#.to_vec();
        write_go_string(&mut out, &self.docker_reference);
        out.extend_from_slice(br#"},"image":{"docker-manifest-digest":"#);
        write_go_string(&mut out, &self.digest.to_string());
        out.extend_from_slice(br#"},"type":"#);
        write_go_string(&mut out, TYPE);
        out.extend_from_slice(br#"},"optional":"#);
        if self.optional.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            for (index, (name, value)) in self.optional.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                write_go_string(&mut out, name);
                out.push(b':');
                write_go_string(&mut out, value);
            }
            out.push(b'}');
        }
        out.push(b'}');
        out
    }
}

fn read_critical(reader: &mut Reader<'_>, limits: &Limits) -> Result<(String, Digest), Error> {
    let (mut identity, mut image, mut kind) = (None, None, None);
    reader.object(|reader, name| {
        match name {
            "identity" => identity = Some(read_only_member(reader, "docker-reference", limits)?),
            "image" => {
                let text = read_only_member(reader, "docker-manifest-digest", limits)?;
                let digest = Digest::parse(&text)
                    .map_err(|error| error.in_document(Document::SimpleSigning))?;
                image = Some(digest);
            }
            "type" => kind = Some(name_string(reader, limits)?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let kind = reader.required("type", kind)?;
    if kind != TYPE {
        return Err(reader.error(ErrorKind::Unsupported {
            what: "signature type",
            found: excerpt(&kind),
        }));
    }
    Ok((
        reader.required("identity", identity)?,
        reader.required("image", image)?,
    ))
}

fn read_only_member(
    reader: &mut Reader<'_>,
    member: &'static str,
    limits: &Limits,
) -> Result<String, Error> {
    let mut text = None;
    reader.object(|reader, name| {
        if name != member {
            return Err(reader.unknown_field(name));
        }
        text = Some(name_string(reader, limits)?);
        Ok(())
    })?;
    reader.required(member, text)
}

/// Writes a string as Go's `encoding/json` does, which also escapes what HTML and JavaScript find special.
fn write_go_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36";

    fn good() -> String {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"ghcr.io/acme/app"}},"image":{{"docker-manifest-digest":"sha256:{HEX}"}},"type":"cosign container image signature"}},"optional":{{"a":"1","b":"x"}}}}"#
        )
    }

    fn parse(text: &str) -> Result<SimpleSigning, Error> {
        SimpleSigning::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn payload_is_written_byte_for_byte_as_it_was_read() {
        let payload = parse(&good()).unwrap();
        assert_eq!(payload.docker_reference, "ghcr.io/acme/app");
        assert_eq!(payload.digest.hex(), HEX);
        assert_eq!(payload.to_json(), good().as_bytes());
        let bare = good().replace(r#"{"a":"1","b":"x"}"#, "null");
        assert_eq!(parse(&bare).unwrap().to_json(), bare.as_bytes());
        let special = SimpleSigning {
            optional: BTreeMap::from([("k<".to_owned(), "&>\u{2028}\u{1}\u{8}é\"\\".to_owned())]),
            ..payload
        };
        let written = special.to_json();
        let text = String::from_utf8(written.clone()).unwrap();
        assert!(
            text.ends_with(r#""optional":{"k\u003c":"\u0026\u003e\u2028\u0001\bé\"\\"}}"#),
            "{text}"
        );
        assert_eq!(
            SimpleSigning::parse(&Bytes::from(written)).unwrap(),
            special
        );
    }

    #[test]
    fn optional_values_that_are_not_strings_keep_their_text() {
        let text = good().replace(r#""a":"1""#, r#""a":[1, {"x":null}]"#);
        assert_eq!(parse(&text).unwrap().optional["a"], r#"[1, {"x":null}]"#);
    }

    // N-42
    #[test]
    fn payloads_outside_the_closed_schema_are_refused() {
        for (from, to, code) in [
            (
                "cosign container image signature",
                "atomic container signature",
                "unsupported",
            ),
            (
                r#","type":"cosign container image signature""#,
                "",
                "missing-field",
            ),
            (r#""type""#, r#""Type""#, "unknown-field"),
            (r#""critical""#, r#""extra":1,"critical""#, "unknown-field"),
            (
                r#""identity""#,
                r#""digest":"x","identity""#,
                "unknown-field",
            ),
            ("sha256:97", "sha256:9F", "bad-digest"),
            (r#""a":"1""#, r#""b":"1""#, "duplicate-key"),
            (r#""a":"1""#, r#""a":{"x":1,"x":2}"#, "duplicate-key"),
            (r#"{"a":"1","b":"x"}"#, "[]", "wrong-type"),
        ] {
            let error = parse(&good().replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        let twice = format!(r#""docker-manifest-digest":"sha256:{HEX}","docker-manifest-digest""#);
        let error = parse(&good().replacen(r#""docker-manifest-digest""#, &twice, 1)).unwrap_err();
        assert_eq!(
            (error.code(), error.path()),
            ("duplicate-key", "critical.image")
        );
        assert_eq!(
            parse(&format!("{}x", good())).unwrap_err().code(),
            "json-syntax"
        );
    }
}
