//! Reading a timestamp response (RFC 3161 §2.4.2) as far as the question can be compared with it.
//!
//! ```text
//! TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
//! PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo BIT STRING OPTIONAL }
//! ContentInfo   ::= SEQUENCE { contentType OID, content [0] SignedData }
//! SignedData    ::= SEQUENCE { version, digestAlgorithms, encapContentInfo SEQUENCE { eContentType OID, eContent [0] OCTET STRING }, … }
//! TSTInfo       ::= SEQUENCE { version, policy, messageImprint, serialNumber, genTime, accuracy SEQUENCE OPTIONAL,
//!                              ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL, tsa [0] OPTIONAL, extensions [1] OPTIONAL }
//! ```

use countersign_formats::{Digest, clipped};
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::request::{NONCE_BYTES, nonce_content, object_identifier};
use crate::error::{AnswerFault, WORDS};

/// PKIStatus `grantedWithMods`; it and 0, `granted`, come with a token.
const GRANTED_WITH_MODS: u16 = 1;

/// A response, with borrowed parts.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    status: u16,
    words: Option<String>,
    info: Option<Info<'a>>,
}

/// What the token says.
#[derive(Debug)]
struct Info<'a> {
    /// The algorithm's OID, as a whole element.
    algorithm: &'a [u8],
    hash: &'a [u8],
    /// Content of the INTEGER. Compared as bytes: it is never turned into a number, however long it is.
    nonce: Option<&'a [u8]>,
}

impl<'a> Response<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = inside(AnyRef::from_der(bytes)?, Tag::Sequence)?;
        let (status, words) = read_status(next(&mut reader, Tag::Sequence)?)?;
        let info = match reader.is_finished() {
            true => None,
            false => Some(Info::of_token(next(&mut reader, Tag::Sequence)?)?),
        };
        finished(&reader)?;
        Ok(Self {
            status,
            words,
            info,
        })
    }

    /// Compares the response with the request.
    pub(super) fn check(
        &self,
        digest: &Digest,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<(), AnswerFault> {
        let Some(info) = self
            .info
            .as_ref()
            .filter(|_| self.status <= GRANTED_WITH_MODS)
        else {
            let message = self.words.clone();
            return Err(AnswerFault::Refused {
                status: self.status,
                message,
            });
        };
        if info.algorithm != object_identifier(digest.algorithm()) || info.hash != digest.as_bytes()
        {
            return Err(AnswerFault::OtherImprint);
        }
        match info.nonce {
            None => Err(AnswerFault::NonceMissing),
            Some(found) if found != nonce_content(nonce) => Err(AnswerFault::OtherNonce),
            Some(_) => Ok(()),
        }
    }
}

impl<'a> Info<'a> {
    fn of_token(token: AnyRef<'a>) -> der::Result<Self> {
        let mut content_info = inside(token, Tag::Sequence)?;
        next(&mut content_info, Tag::ObjectIdentifier)?;
        let mut explicit = inside(
            next(&mut content_info, context(TagNumber::N0))?,
            context(TagNumber::N0),
        )?;
        let mut signed_data = inside(next(&mut explicit, Tag::Sequence)?, Tag::Sequence)?;
        next(&mut signed_data, Tag::Integer)?;
        next(&mut signed_data, Tag::Set)?;
        let mut encapsulated = inside(next(&mut signed_data, Tag::Sequence)?, Tag::Sequence)?;
        next(&mut encapsulated, Tag::ObjectIdentifier)?;
        let mut explicit = inside(
            next(&mut encapsulated, context(TagNumber::N0))?,
            context(TagNumber::N0),
        )?;
        let content = next(&mut explicit, Tag::OctetString)?;
        Self::parse(content.value())
    }

    fn parse(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = inside(AnyRef::from_der(bytes)?, Tag::Sequence)?;
        next(&mut reader, Tag::Integer)?;
        next(&mut reader, Tag::ObjectIdentifier)?;
        let mut imprint = inside(next(&mut reader, Tag::Sequence)?, Tag::Sequence)?;
        let mut algorithm = inside(next(&mut imprint, Tag::Sequence)?, Tag::Sequence)?;
        let algorithm = algorithm.tlv_bytes()?;
        let hash = next(&mut imprint, Tag::OctetString)?.value();
        next(&mut reader, Tag::Integer)?;
        next(&mut reader, Tag::GeneralizedTime)?;
        let mut nonce = None;
        while !reader.is_finished() {
            let element = AnyRef::decode(&mut reader)?;
            if element.tag() == Tag::Integer {
                if nonce.is_some() {
                    return Err(Tag::Integer.value_error());
                }
                nonce = Some(element.value());
            }
        }
        Ok(Self {
            algorithm,
            hash,
            nonce,
        })
    }
}

/// The status, 65535 when it is not a small number, and the authority's words.
fn read_status(info: AnyRef<'_>) -> der::Result<(u16, Option<String>)> {
    let mut reader = inside(info, Tag::Sequence)?;
    let status = match next(&mut reader, Tag::Integer)?.value() {
        [byte @ 0..0x80] => u16::from(*byte),
        _ => u16::MAX,
    };
    let mut words = None;
    if !reader.is_finished() && reader.peek_tag()? == Tag::Sequence {
        let mut texts = inside(AnyRef::decode(&mut reader)?, Tag::Sequence)?;
        if !texts.is_finished() {
            let text = String::from_utf8_lossy(next(&mut texts, Tag::Utf8String)?.value());
            words = Some(clipped(&text, WORDS));
        }
    }
    Ok((status, words))
}

fn context(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number,
    }
}

fn next<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<AnyRef<'a>> {
    let element = AnyRef::decode(reader)?;
    element.tag().assert_eq(tag)?;
    Ok(element)
}

fn inside(element: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    element.tag().assert_eq(tag)?;
    SliceReader::new(element.value())
}

fn finished(reader: &SliceReader<'_>) -> der::Result<()> {
    match reader.is_finished() {
        true => Ok(()),
        false => Err(Tag::Sequence.length_error()),
    }
}
