//! PEM blocks (RFC 7468).

use crate::base64_text;
use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use bytes::Bytes;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Characters in one line of the base64 that is written.
const LINE: usize = 64;

/// One PEM block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemBlock {
    /// The label, such as `CERTIFICATE`.
    pub label: String,
    /// The content, decoded.
    pub content: Bytes,
}

/// Every block in `text`, at most `maximum` of them; text before, between and after blocks is passed over.
///
/// Lines may end in CR LF and be of any length; headers inside a block (RFC 1421) are refused.
///
/// # Errors
/// `bad-pem` when a block is broken, `over-limit` when there are more, `not-utf8`.
pub fn pem_blocks(text: &[u8], maximum: usize) -> Result<Vec<PemBlock>, Error> {
    let text = std::str::from_utf8(text).map_err(|error| {
        Error::new(
            Document::Certificates,
            ErrorKind::NotUtf8 {
                offset: error.valid_up_to(),
            },
        )
    })?;
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = label_of(line, BEGIN) else {
            if label_of(line, END).is_some() {
                return Err(bad("an end without a beginning"));
            }
            continue;
        };
        if blocks.len() >= maximum {
            let kind = ErrorKind::OverLimit {
                limit: "certificates",
                maximum: maximum as u64,
            };
            return Err(Error::new(Document::Certificates, kind));
        }
        let mut base64 = String::new();
        loop {
            let line = lines.next().ok_or_else(|| bad("a block has no end"))?;
            if let Some(end) = label_of(line, END) {
                if end != label {
                    return Err(bad("a block ends with another label than it begins with"));
                }
                break;
            }
            if line.contains(':') {
                return Err(bad("a block has headers, as legacy encrypted keys do"));
            }
            base64.push_str(line.trim_end());
        }
        match base64_text::decode(base64.as_bytes(), usize::MAX - 2) {
            Ok(Some(content)) if !content.is_empty() => blocks.push(PemBlock {
                label: label.to_owned(),
                content,
            }),
            _ => return Err(bad("the content of a block is not canonical base64")),
        }
    }
    Ok(blocks)
}

/// DER of each block in `text`; all must be certificates, and there must be one.
///
/// # Errors
/// As [`pem_blocks`]; `bad-pem` also when there is no block or one with another label; `over-limit` for a certificate
/// that is too large.
pub fn pem_certificates(text: &[u8], limits: &Limits) -> Result<Vec<Bytes>, Error> {
    // Base64 and line ends make a certificate at most twice as long.
    let maximum = 2_u64
        .saturating_mul(limits.certificate_bytes as u64)
        .saturating_mul(limits.certificates as u64);
    if text.len() as u64 > maximum {
        return Err(Error::new(
            Document::Certificates,
            ErrorKind::OverLimit {
                limit: "certificate_bytes",
                maximum,
            },
        ));
    }
    let blocks = pem_blocks(text, limits.certificates)?;
    if blocks.is_empty() {
        return Err(bad("there is no certificate"));
    }
    blocks
        .into_iter()
        .map(|block| certificate(block, limits))
        .collect()
}

/// The block as PEM text, with a line feed at the end of each line.
pub fn write_pem(label: &str, content: &[u8]) -> String {
    let base64 = base64_text::encode_base64(content);
    let mut text = format!("{BEGIN}{label}{DASHES}\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("{END}{label}{DASHES}\n"));
    text
}

fn certificate(block: PemBlock, limits: &Limits) -> Result<Bytes, Error> {
    if block.label != "CERTIFICATE" {
        return Err(bad("a block is not a certificate"));
    }
    if block.content.len() > limits.certificate_bytes {
        let maximum = limits.certificate_bytes as u64;
        return Err(Error::new(
            Document::Certificates,
            ErrorKind::OverLimit {
                limit: "certificate_bytes",
                maximum,
            },
        ));
    }
    Ok(block.content)
}

fn label_of<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(prefix)?.strip_suffix(DASHES)
}

fn bad(reason: &'static str) -> Error {
    Error::new(Document::Certificates, ErrorKind::BadPem { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_blocks_read_back_with_any_line_end_and_surrounding_text() {
        let content: Vec<u8> = (0..=255).collect();
        let one = write_pem("CERTIFICATE", &content);
        assert!(one.lines().all(|line| line.len() <= 64));
        for text in [
            one.clone(),
            one.replace('\n', "\r\n"),
            format!("subject=x\n{one}trailing\n"),
            one.trim_end().into(),
        ] {
            assert_eq!(
                pem_certificates(text.as_bytes(), &Limits::DEFAULT).unwrap(),
                [Bytes::from(content.clone())]
            );
        }
        let two = format!("{one}\n{one}");
        assert_eq!(
            pem_certificates(two.as_bytes(), &Limits::DEFAULT)
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn broken_blocks_are_refused() {
        let good = write_pem("CERTIFICATE", &[1, 2, 3, 4]);
        for (text, code) in [
            (String::new(), "bad-pem"),
            ("no block".to_owned(), "bad-pem"),
            (good.replace("END CERTIFICATE", "END PUBLIC KEY"), "bad-pem"),
            (good.replace("-----END CERTIFICATE-----\n", ""), "bad-pem"),
            (good.replace("-----BEGIN CERTIFICATE-----\n", ""), "bad-pem"),
            (good.replace("AQIDBA==", "AQIDBB=="), "bad-pem"),
            (good.replace("AQIDBA==", "AQIDBA"), "bad-pem"),
            (good.replace("AQIDBA==", ""), "bad-pem"),
            (
                good.replace("AQIDBA==", "Proc-Type: 4,ENCRYPTED\nAQIDBA=="),
                "bad-pem",
            ),
            (good.replace("CERTIFICATE", "PUBLIC KEY"), "bad-pem"),
            (good.repeat(11), "over-limit"),
            (
                write_pem("CERTIFICATE", &vec![0; (64 << 10) + 1]),
                "over-limit",
            ),
            ("x".repeat(3 << 20), "over-limit"),
        ] {
            let error = pem_certificates(text.as_bytes(), &Limits::DEFAULT).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        assert_eq!(
            pem_certificates(b"\xff", &Limits::DEFAULT)
                .unwrap_err()
                .code(),
            "not-utf8"
        );
    }
}
