//! What a timestamp says: over which bytes, at which time, and how exactly.

use super::malformed;
use crate::asn1::{self, AlgorithmIdentifier, Element, Malformed, Reader, tag};
use crate::fault::TimestampFault;
use countersign_formats::UnixTime;

/// RFC 3161 §2.4.2:
/// ```text
/// TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy TSAPolicyId, messageImprint MessageImprint,
///   serialNumber INTEGER, genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE,
///   nonce INTEGER OPTIONAL, tsa [0] GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL }
/// MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
/// ```
pub(super) struct Info<'a> {
    pub(super) imprint_algorithm: AlgorithmIdentifier<'a>,
    pub(super) imprint: &'a [u8],
    pub(super) time: UnixTime,
    pub(super) no_later_than: UnixTime,
}

impl<'a> Info<'a> {
    pub(super) fn read(content: &'a [u8]) -> Result<Self, TimestampFault> {
        let fail = malformed("timestamp information");
        let info = asn1::single(content, tag::SEQUENCE).map_err(&fail)?;
        let mut reader = Reader::new(info.value);
        if reader
            .expect(tag::INTEGER)
            .and_then(|version| version.small())
            .map_err(&fail)?
            != 1
        {
            return Err(fail(Malformed));
        }
        reader.expect(tag::OBJECT_IDENTIFIER).map_err(&fail)?;
        let imprint = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let (imprint_algorithm, imprint) =
            read_imprint(&imprint).map_err(malformed("message imprint"))?;
        reader
            .expect(tag::INTEGER)
            .map_err(&fail)?
            .integer()
            .map_err(&fail)?;
        let time = reader.expect(tag::GENERALIZED_TIME).map_err(&fail)?;
        let (time, fraction) = generalized_time(time.value).map_err(malformed("time"))?;
        let accuracy = match reader.optional(tag::SEQUENCE).map_err(&fail)? {
            Some(accuracy) => accuracy_seconds(&accuracy).map_err(malformed("accuracy"))?,
            None => 0,
        };
        if let Some(ordering) = reader.optional(tag::BOOLEAN).map_err(&fail)? {
            ordering.boolean().map_err(&fail)?;
        }
        if let Some(nonce) = reader.optional(tag::INTEGER).map_err(&fail)? {
            nonce.integer().map_err(&fail)?;
        }
        reader.optional(tag::CONTEXT_CONSTRUCTED_0).map_err(&fail)?;
        if let Some(extensions) = reader.optional(tag::CONTEXT_CONSTRUCTED_1).map_err(&fail)? {
            refuse_critical(&extensions)?;
        }
        reader.finish().map_err(&fail)?;
        // N-79: the clock may be behind by its accuracy, so the signature may be that much younger.
        let late = i64::from(fraction).saturating_add(accuracy);
        let no_later_than = UnixTime(time.0.saturating_add(late));
        Ok(Self {
            imprint_algorithm,
            imprint,
            time,
            no_later_than,
        })
    }
}

fn read_imprint<'a>(
    element: &Element<'a>,
) -> Result<(AlgorithmIdentifier<'a>, &'a [u8]), Malformed> {
    let mut reader = Reader::new(element.value);
    let algorithm = AlgorithmIdentifier::read(reader.expect(tag::SEQUENCE)?)?;
    let imprint = reader.expect(tag::OCTET_STRING)?;
    reader.finish()?;
    Ok((algorithm, imprint.value))
}

/// `YYYYMMDDhhmmss[.f*]Z` (RFC 3161 §2.4.2): whole seconds, and whether there is a fraction.
fn generalized_time(text: &[u8]) -> Result<(UnixTime, bool), Malformed> {
    let (seconds, rest) = text.split_at_checked(14).ok_or(Malformed)?;
    let fraction = match rest {
        b"Z" => false,
        [b'.', digits @ .., b'Z'] => {
            // DER (X.690 §11.7.3): no zeros at the end, so a fraction is never nothing.
            let canonical = digits.last().is_some_and(|last| *last != b'0');
            if !canonical || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
                return Err(Malformed);
            }
            true
        }
        _ => return Err(Malformed),
    };
    let mut whole = Vec::with_capacity(17);
    asn1::write_element(&mut whole, tag::GENERALIZED_TIME, &[seconds, b"Z"]);
    let time = asn1::single(&whole, tag::GENERALIZED_TIME)?.time()?;
    Ok((time, fraction))
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER OPTIONAL, micros [1] INTEGER OPTIONAL }`, rounded up.
fn accuracy_seconds(element: &Element<'_>) -> Result<i64, Malformed> {
    let mut reader = Reader::new(element.value);
    let mut seconds = match reader.optional(tag::INTEGER)? {
        Some(seconds) => i64::try_from(seconds.small()?).map_err(|_| Malformed)?,
        None => 0,
    };
    let mut part = false;
    for tag in [tag::CONTEXT_PRIMITIVE_0, tag::CONTEXT_PRIMITIVE_1] {
        if let Some(value) = reader.optional(tag)? {
            part |= value.small()? > 0;
        }
    }
    reader.finish()?;
    seconds = seconds.saturating_add(i64::from(part));
    Ok(seconds)
}

fn refuse_critical(extensions: &Element<'_>) -> Result<(), TimestampFault> {
    let fail = malformed("extensions");
    let mut reader = Reader::new(extensions.value);
    while !reader.is_empty() {
        let extension = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let mut extension = Reader::new(extension.value);
        extension.expect(tag::OBJECT_IDENTIFIER).map_err(&fail)?;
        if let Some(critical) = extension.optional(tag::BOOLEAN).map_err(&fail)?
            && critical.boolean().map_err(&fail)?
        {
            return Err(TimestampFault::CriticalExtension);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // N-81: strict in form, rounded up in meaning.
    #[test]
    fn times_are_read_strictly() {
        assert_eq!(
            generalized_time(b"20261124150000Z"),
            Ok((UnixTime(1_795_532_400), false))
        );
        assert_eq!(
            generalized_time(b"20261124150000.25Z"),
            Ok((UnixTime(1_795_532_400), true))
        );
        for text in [
            &b"20261124150000"[..],
            b"20261124150000.Z",
            b"20261124150000.250Z",
            b"20261124150000.0Z",
            b"20261124150000,5Z",
            b"20261124150000+0100",
            b"202611241500Z",
            b"20261324150000Z",
            b"20261124150000.1234567891Z",
            b"",
        ] {
            assert_eq!(
                generalized_time(text),
                Err(Malformed),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn a_fraction_has_at_most_nine_digits() {
        assert!(generalized_time(b"20261124150000.123456789Z").is_ok());
        assert!(generalized_time(b"20261124150000.1234567891Z").is_err());
    }

    // N-79: any part of a second makes the time a second later.
    #[test]
    fn accuracy_is_rounded_up() {
        let read = |value: &[u8]| {
            accuracy_seconds(&Element {
                tag: tag::SEQUENCE,
                value,
                raw: &[],
            })
        };
        for (value, expected) in [
            (&[][..], Ok(0)),
            (&[2, 1, 5], Ok(5)),
            (&[2, 1, 5, 0x80, 1, 0], Ok(5)),
            (&[2, 1, 5, 0x80, 1, 1], Ok(6)),
            (&[2, 1, 5, 0x81, 1, 1], Ok(6)),
            (&[2, 1, 5, 0x80, 1, 1, 0x81, 1, 1], Ok(6)),
            (&[2, 1, 5, 0x80, 1, 2, 0x81, 1, 0], Ok(6)),
            (&[0x80, 1, 9], Ok(1)),
            (&[2, 1, 0xff], Err(Malformed)),
            (&[2, 1, 5, 2, 1, 5], Err(Malformed)),
            (&[0x81, 1, 1, 0x80, 1, 1], Err(Malformed)),
        ] {
            assert_eq!(read(value), expected, "{value:02x?}");
        }
    }
}
