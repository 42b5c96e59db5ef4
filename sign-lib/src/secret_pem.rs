//! Reads the PEM block of a private key (RFC 7468) and clears every copy that it made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// One block: its label, its text from `BEGIN` to `END`, and its base64 not yet decoded.
pub(crate) struct SecretBlock<'a> {
    pub(crate) label: &'a str,
    pub(crate) text: &'a str,
    body: &'a str,
}

impl<'a> SecretBlock<'a> {
    /// The one block that can hold the key: `openssl ecparam -genkey` writes `EC PARAMETERS` in front of it.
    pub(crate) fn find(bytes: &'a [u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(bytes).map_err(|_| not_pem("not text"))?;
        if text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::ForeignEncryption {
                format: "OpenSSL traditional",
            });
        }
        let first = Self::first(text)?;
        if first.label == "EC PARAMETERS" {
            let after = text
                .split_once(first.text)
                .map(|(_, after)| after)
                .unwrap_or_default();
            return Self::first(after);
        }
        Ok(first)
    }

    fn first(text: &'a str) -> Result<Self, KeyError> {
        let start = text
            .find("-----BEGIN ")
            .ok_or_else(|| not_pem("no `-----BEGIN` line"))?;
        let text = text.get(start..).unwrap_or_default();
        let (label, rest) = text
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.split_once("-----"))
            .filter(|(label, _)| !label.contains('\n'))
            .ok_or_else(|| not_pem("the `-----BEGIN` line has no end"))?;
        let end = format!("-----END {label}-----");
        let (body, after) = rest
            .split_once(&end)
            .ok_or_else(|| not_pem("no `-----END` line with the same label"))?;
        let length = text.len() - after.len();
        Ok(Self {
            label,
            text: text.get(..length).unwrap_or_default(),
            body,
        })
    }

    /// The content.
    pub(crate) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.body.len()));
        base64.extend(
            self.body
                .bytes()
                .filter(|byte| !matches!(byte, b'\n' | b'\r' | b' ' | b'\t')),
        );
        let mut content = Zeroizing::new(vec![0; base64.len() / 4 * 3 + 3]);
        let length = STANDARD
            .decode_slice(base64.as_slice(), content.as_mut_slice())
            .map_err(|_| not_pem("the content is not base64"))?;
        content.truncate(length);
        Ok(content)
    }
}

fn not_pem(detail: &str) -> KeyError {
    KeyError::NotPem {
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Vec<u8>), &'static str> {
        SecretBlock::find(text.as_bytes())
            .and_then(|block| Ok((block.label.to_owned(), block.decode()?.to_vec())))
            .map_err(|error| error.code())
    }

    #[test]
    fn text_around_the_block_and_line_ends_do_not_matter() {
        let block = "-----BEGIN PRIVATE KEY-----\r\nAQID\r\nBA==\r\n-----END PRIVATE KEY-----\r\n";
        let wanted = Ok(("PRIVATE KEY".to_owned(), vec![1, 2, 3, 4]));
        assert_eq!(read(block), wanted);
        assert_eq!(read(&format!("comment\n{block}\nmore")), wanted);
    }

    #[test]
    fn curve_parameters_in_front_are_passed_over() {
        let text = "-----BEGIN EC PARAMETERS-----\nAQ==\n-----END EC PARAMETERS-----\n\
                    -----BEGIN EC PRIVATE KEY-----\nAg==\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(read(text), Ok(("EC PRIVATE KEY".to_owned(), vec![2])));
    }

    #[test]
    fn broken_blocks_are_refused() {
        for text in [
            "",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE\nKEY-----\nAQID\n-----END PRIVATE\nKEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQI\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQ!D\n-----END PRIVATE KEY-----",
            "-----BEGIN EC PARAMETERS-----\nAQ==\n-----END EC PARAMETERS-----\n",
        ] {
            assert_eq!(read(text), Err("key-not-pem"), "{text:?}");
        }
    }
}
