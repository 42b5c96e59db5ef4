//! Strict DER (X.690) read element by element, without copying and without re-encoding.

use countersign_formats::{HashAlgorithm, UnixTime};
use der::asn1::ObjectIdentifier;
use der::{Decode, Length, Reader as _, SliceReader};

/// The bytes are not the DER that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Identifier octets of the elements that are read here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    /// BER alone (X.690 §8.7.3).
    pub(crate) const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    pub(crate) const CONTEXT_PRIMITIVE_0: u8 = 0x80;
    pub(crate) const CONTEXT_PRIMITIVE_1: u8 = 0x81;
    pub(crate) const CONTEXT_PRIMITIVE_6: u8 = 0x86;
    pub(crate) const CONTEXT_CONSTRUCTED_0: u8 = 0xa0;
    pub(crate) const CONTEXT_CONSTRUCTED_1: u8 = 0xa1;
    pub(crate) const CONTEXT_CONSTRUCTED_2: u8 = 0xa2;
    pub(crate) const CONTEXT_CONSTRUCTED_3: u8 = 0xa3;
}

/// Object identifiers that are looked for.
pub(crate) mod oid {
    use der::asn1::ObjectIdentifier;

    const fn id(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }

    pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = id("2.5.29.14");
    pub(crate) const KEY_USAGE: ObjectIdentifier = id("2.5.29.15");
    pub(crate) const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = id("2.5.29.17");
    pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = id("2.5.29.19");
    pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = id("2.5.29.30");
    pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = id("2.5.29.37");
    pub(crate) const EKU_CODE_SIGNING: ObjectIdentifier = id("1.3.6.1.5.5.7.3.3");
    pub(crate) const EKU_TIME_STAMPING: ObjectIdentifier = id("1.3.6.1.5.5.7.3.8");
    /// RFC 6962 §3.3: the list of embedded signed certificate timestamps.
    pub(crate) const SCT_LIST: ObjectIdentifier = id("1.3.6.1.4.1.11129.2.4.2");
    pub(crate) const FULCIO_OTHER_NAME: ObjectIdentifier = id("1.3.6.1.4.1.57264.1.7");

    pub(crate) const ECDSA_SHA256: ObjectIdentifier = id("1.2.840.10045.4.3.2");
    pub(crate) const ECDSA_SHA384: ObjectIdentifier = id("1.2.840.10045.4.3.3");
    pub(crate) const ECDSA_SHA512: ObjectIdentifier = id("1.2.840.10045.4.3.4");
    pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = id("1.2.840.10045.2.1");
    pub(crate) const ED25519: ObjectIdentifier = id("1.3.101.112");
    pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = id("1.2.840.113549.1.1.1");
    pub(crate) const RSA_SHA256: ObjectIdentifier = id("1.2.840.113549.1.1.11");
    pub(crate) const RSA_SHA384: ObjectIdentifier = id("1.2.840.113549.1.1.12");
    pub(crate) const RSA_SHA512: ObjectIdentifier = id("1.2.840.113549.1.1.13");
    pub(crate) const RSA_PSS: ObjectIdentifier = id("1.2.840.113549.1.1.10");
    pub(crate) const MGF1: ObjectIdentifier = id("1.2.840.113549.1.1.8");
    pub(crate) const SHA256: ObjectIdentifier = id("2.16.840.1.101.3.4.2.1");
    pub(crate) const SHA384: ObjectIdentifier = id("2.16.840.1.101.3.4.2.2");
    pub(crate) const SHA512: ObjectIdentifier = id("2.16.840.1.101.3.4.2.3");

    pub(crate) const SIGNED_DATA: ObjectIdentifier = id("1.2.840.113549.1.7.2");
    pub(crate) const TST_INFO: ObjectIdentifier = id("1.2.840.113549.1.9.16.1.4");
    pub(crate) const CONTENT_TYPE: ObjectIdentifier = id("1.2.840.113549.1.9.3");
    pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = id("1.2.840.113549.1.9.4");
    /// RFC 5035 §3: `id-aa-signingCertificateV2`.
    pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = id("1.2.840.113549.1.9.16.2.47");

    /// The last arc below Fulcio's 1.3.6.1.4.1.57264.1, from 1 to 127.
    pub(crate) fn fulcio_arc(id: &[u8]) -> Option<u8> {
        let prefix = FULCIO_OTHER_NAME.as_bytes();
        match id.split_last() {
            Some((arc, rest))
                if Some(rest) == prefix.split_last().map(|(_, prefix)| prefix) && *arc < 128 =>
            {
                Some(*arc)
            }
            _ => None,
        }
    }
}

/// One element: its identifier octet, its content, and both with the length between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) raw: &'a [u8],
}

impl Element<'_> {
    /// The content as object identifier.
    pub(crate) fn oid(&self) -> Result<ObjectIdentifier, Malformed> {
        ObjectIdentifier::from_bytes(self.value).map_err(|_| Malformed)
    }

    /// The content as BOOLEAN; DER knows two values (X.690 §11.1).
    pub(crate) fn boolean(&self) -> Result<bool, Malformed> {
        match self.value {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// The content as INTEGER in as few bytes as possible (X.690 §8.3.2), big-endian.
    pub(crate) fn integer(&self) -> Result<&[u8], Malformed> {
        match self.value {
            [] => Err(Malformed),
            [0x00, next, ..] if *next < 0x80 => Err(Malformed),
            [0xff, next, ..] if *next >= 0x80 => Err(Malformed),
            value => Ok(value),
        }
    }

    /// The content as small INTEGER that is not negative.
    pub(crate) fn small(&self) -> Result<u64, Malformed> {
        let bytes = self.integer()?;
        if bytes.len() > 8 || bytes.first().is_some_and(|first| *first >= 0x80) {
            return Err(Malformed);
        }
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The content as BIT STRING of whole bytes.
    pub(crate) fn bit_string(&self) -> Result<&[u8], Malformed> {
        match self.value.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    /// The content as UTCTime or GeneralizedTime of a certificate (RFC 5280 §4.1.2.5).
    pub(crate) fn time(&self) -> Result<UnixTime, Malformed> {
        let seconds = match self.tag {
            tag::UTC_TIME => der::asn1::UtcTime::from_der(self.raw)
                .map_err(|_| Malformed)?
                .to_unix_duration()
                .as_secs(),
            tag::GENERALIZED_TIME => der::asn1::GeneralizedTime::from_der(self.raw)
                .map_err(|_| Malformed)?
                .to_unix_duration()
                .as_secs(),
            _ => return Err(Malformed),
        };
        i64::try_from(seconds).map(UnixTime).map_err(|_| Malformed)
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The identifier octet of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is; tag numbers above 30 are refused.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let mut reader = SliceReader::new(self.rest).map_err(|_| Malformed)?;
        let header = reader.peek_header().map_err(|_| Malformed)?;
        let raw = reader.tlv_bytes().map_err(|_| Malformed)?;
        let length = usize::try_from(header.length).map_err(|_| Malformed)?;
        let start = raw.len().checked_sub(length).ok_or(Malformed)?;
        let value = raw.get(start..).ok_or(Malformed)?;
        let tag = *raw.first().ok_or(Malformed)?;
        self.rest = self.rest.get(raw.len()..).ok_or(Malformed)?;
        Ok(Element { tag, value, raw })
    }

    /// The next element, which must have this identifier octet.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        if self.peek() == Some(tag) {
            self.any()
        } else {
            Err(Malformed)
        }
    }

    /// The next element if it has this identifier octet.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.peek() == Some(tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Fails when something is left.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// The one element that `bytes` are, with nothing behind it.
pub(crate) fn single(bytes: &[u8], tag: u8) -> Result<Element<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.finish()?;
    Ok(element)
}

/// The content of the one element that `bytes` are, for an identifier octet that is BER's alone.
pub(crate) fn single_of_ber(bytes: &[u8], tag: u8) -> Result<&[u8], Malformed> {
    let rest = bytes.strip_prefix(&[tag]).ok_or(Malformed)?;
    let mut reader = SliceReader::new(rest).map_err(|_| Malformed)?;
    let length = Length::decode(&mut reader).map_err(|_| Malformed)?;
    let start = usize::try_from(reader.position()).map_err(|_| Malformed)?;
    let content = rest.get(start..).ok_or(Malformed)?;
    match usize::try_from(length) {
        Ok(length) if length == content.len() => Ok(content),
        _ => Err(Malformed),
    }
}

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }`
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) parameters: Option<Element<'a>>,
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(crate) fn read(element: Element<'a>) -> Result<Self, Malformed> {
        let mut reader = Reader::new(element.value);
        let algorithm = reader.expect(tag::OBJECT_IDENTIFIER)?.oid()?;
        let parameters = if reader.is_empty() {
            None
        } else {
            Some(reader.any()?)
        };
        reader.finish()?;
        Ok(Self {
            algorithm,
            parameters,
        })
    }

    /// The hash that is named: SHA-2, without parameters or with NULL (RFC 5754 §2); SHA-1 and everything older is none.
    pub(crate) fn strong_hash(&self) -> Option<HashAlgorithm> {
        match self.algorithm {
            _ if !self.is_plain() => None,
            oid::SHA256 => Some(HashAlgorithm::Sha256),
            oid::SHA384 => Some(HashAlgorithm::Sha384),
            oid::SHA512 => Some(HashAlgorithm::Sha512),
            _ => None,
        }
    }

    /// Whether the parameters are absent or NULL.
    pub(crate) fn is_plain(&self) -> bool {
        self.parameters
            .is_none_or(|parameters| parameters.tag == tag::NULL && parameters.value.is_empty())
    }
}

/// Appends an element: identifier octet, minimal length, content in parts.
pub(crate) fn write_element(output: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    output.push(tag);
    if length < 0x80 {
        output.push(u8::try_from(length).unwrap_or(0));
    } else {
        let bytes = length.to_be_bytes();
        let significant = bytes
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(bytes.len());
        let bytes = bytes.get(significant..).unwrap_or_default();
        output.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
        output.extend_from_slice(bytes);
    }
    for part in parts {
        output.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_written_alike() {
        for length in [0_usize, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let mut bytes = Vec::new();
            write_element(&mut bytes, tag::OCTET_STRING, &[&content]);
            let element = single(&bytes, tag::OCTET_STRING).unwrap();
            assert_eq!(element.value, content);
            assert_eq!(element.raw, bytes);
        }
    }

    // A158, N-58, #1678: lengths that lie, that are not minimal or indefinite, and what is left over.
    #[test]
    fn lax_der_is_refused() {
        for bytes in [
            &[0x04, 0x81, 0x01, 0x00][..],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x04, 0x84, 0x7f, 0xff, 0xff, 0xff],
            &[0x04, 0x02, 0x00],
            &[0x04, 0x01, 0x00, 0x00],
            &[0x04],
            &[],
            &[0x1f, 0x81, 0x01, 0x00],
        ] {
            assert!(single(bytes, tag::OCTET_STRING).is_err(), "{bytes:02x?}");
        }
        let constructed =
            |bytes: &[u8]| single_of_ber(bytes, tag::CONSTRUCTED_OCTET_STRING).map(<[u8]>::to_vec);
        assert_eq!(constructed(&[0x24, 2, 4, 0]), Ok(vec![4, 0]));
        let long = [&[0x24, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(constructed(&long), Ok(vec![7; 128]));
        for bytes in [
            &[0x24, 0x80, 4, 0, 0, 0][..],
            &[0x24, 0x81, 2, 4, 0],
            &[0x24, 1, 4, 0],
            &[0x24, 3, 4, 0],
            &[0x04, 2, 4, 0],
            &[0x24],
            &[],
        ] {
            assert_eq!(constructed(bytes), Err(Malformed), "{bytes:02x?}");
        }
        let number = |value: &[u8]| {
            Element {
                tag: tag::INTEGER,
                value,
                raw: &[],
            }
            .small()
        };
        assert_eq!(number(&[0, 0x80]), Ok(128));
        assert_eq!(number(&[1; 8]), Ok(0x0101_0101_0101_0101));
        for (value, minimal) in [
            (&[0xff, 0x7f][..], true),
            (&[0xff, 0x80], false),
            (&[0xff, 0xff], false),
            (&[0xff], true),
        ] {
            let element = Element {
                tag: tag::INTEGER,
                value,
                raw: &[],
            };
            assert_eq!(element.integer().is_ok(), minimal, "{value:02x?}");
        }
        for value in [&[][..], &[0, 1], &[0x80], &[0xff, 0xff], &[1; 9]] {
            assert!(number(value).is_err(), "{value:02x?}");
        }
        let boolean = |value: &[u8]| {
            Element {
                tag: tag::BOOLEAN,
                value,
                raw: &[],
            }
            .boolean()
        };
        assert_eq!(boolean(&[0xff]), Ok(true));
        assert!(boolean(&[1]).is_err());
    }

    // RFC 5754 §2: NULL or nothing, and no third thing.
    #[test]
    fn a_hash_has_no_parameters() {
        let hash = |algorithm, parameters| {
            AlgorithmIdentifier {
                algorithm,
                parameters,
            }
            .strong_hash()
        };
        let element = |tag, value| {
            Some(Element {
                tag,
                value,
                raw: &[],
            })
        };
        for (algorithm, expected) in [
            (oid::SHA256, HashAlgorithm::Sha256),
            (oid::SHA384, HashAlgorithm::Sha384),
            (oid::SHA512, HashAlgorithm::Sha512),
        ] {
            assert_eq!(hash(algorithm, None), Some(expected));
            assert_eq!(hash(algorithm, element(tag::NULL, &[][..])), Some(expected));
            assert_eq!(hash(algorithm, element(tag::NULL, &[0][..])), None);
            assert_eq!(hash(algorithm, element(tag::INTEGER, &[1][..])), None);
        }
        assert_eq!(hash(oid::MGF1, None), None);
    }

    #[test]
    fn fulcio_arcs_are_told_apart() {
        let arc = |text| oid::fulcio_arc(ObjectIdentifier::new_unwrap(text).as_bytes());
        assert_eq!(arc("1.3.6.1.4.1.57264.1.8"), Some(8));
        assert_eq!(arc("1.3.6.1.4.1.57264.2.8"), None);
        assert_eq!(arc("1.3.6.1.4.1.57264.1.8.1"), None);
        assert_eq!(arc("1.3.6.1.4.1.57264.1.200"), None);
    }
}
