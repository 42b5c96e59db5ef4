//! DER, element by element; what lies in an octet or bit string is opened where it is DER again.

use super::text::flips;
use super::{Rebuild, Sink, below};
use countersign_testdata::der_writer::{null, tlv};

/// What a DER structure is; decides how its places are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RFC 5280 `Certificate`, or a key.
    Certificate,
    /// RFC 3161 `TimeStampResp`.
    Timestamp,
    /// RFC 3279 `Ecdsa-Sig-Value`.
    Signature,
}

/// Names of the places in a certificate, by position.
const CERTIFICATE: &[(&str, &str)] = &[
    ("0", "certificate"),
    ("0.0", "tbs"),
    ("0.0.0", "version"),
    ("0.0.1", "serialNumber"),
    ("0.0.2", "signatureAlgorithm"),
    ("0.0.3", "issuer"),
    ("0.0.4", "validity"),
    ("0.0.5", "subject"),
    ("0.0.6", "key"),
    ("0.0.7", "extensions"),
    ("0.1", "signatureAlgorithm"),
    ("0.2", "signature"),
];

/// Names of the places in a timestamp response, by position.
const TIMESTAMP: &[(&str, &str)] = &[
    ("0", "response"),
    ("0.0", "status"),
    ("0.1", "token"),
    ("0.1.0", "contentType"),
    ("0.1.1", "content"),
    ("0.1.1.0", "signedData"),
    ("0.1.1.0.0", "version"),
    ("0.1.1.0.1", "digestAlgorithms"),
    ("0.1.1.0.2", "encapContentInfo"),
    ("0.1.1.0.2.0", "eContentType"),
    ("0.1.1.0.2.1", "eContent"),
    ("0.1.1.0.2.1.0", "octets"),
    ("0.1.1.0.2.1.0.0", "info"),
    ("0.1.1.0.3", "certificates"),
    ("0.1.1.0.4", "signerInfos"),
    ("0.1.1.0.4.0", "signer"),
    ("0.1.1.0.4.0.0", "version"),
    ("0.1.1.0.4.0.1", "identifier"),
    ("0.1.1.0.4.0.2", "digestAlgorithm"),
    ("0.1.1.0.4.0.3", "attributes"),
    ("0.1.1.0.4.0.4", "signatureAlgorithm"),
    ("0.1.1.0.4.0.5", "signature"),
];

const SIGNATURE: &[(&str, &str)] = &[("0", "value"), ("0.0", "r"), ("0.1", "s")];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
/// Peers whose elements are put in the place of others.
const PEERS: usize = 3;

/// Bends every element; `false` when `bytes` are not DER.
pub(super) fn walk(
    kind: Kind,
    bytes: &[u8],
    peers: &[Vec<u8>],
    path: &str,
    rebuild: &Rebuild<'_, Vec<u8>>,
    sink: &mut Sink<'_>,
) -> bool {
    let names = match kind {
        Kind::Certificate => CERTIFICATE,
        Kind::Timestamp => TIMESTAMP,
        Kind::Signature => SIGNATURE,
    };
    let is_der = elements(bytes).is_some_and(|elements| elements.len() == 1);
    if is_der {
        let peers: Vec<&[u8]> = peers.iter().take(PEERS).map(Vec::as_slice).collect();
        walk_content(names, bytes, &peers, ("", path), rebuild, sink);
    }
    is_der
}

#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    raw: &'a [u8],
}

/// The elements that fill `bytes` to the end.
fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (&tag, &first) = (bytes.first()?, bytes.get(1)?);
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (header, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81 => (3, usize::from(*bytes.get(2)?)),
            0x82 => (
                4,
                usize::from(*bytes.get(2)?) << 8 | usize::from(*bytes.get(3)?),
            ),
            _ => return None,
        };
        let raw = bytes.get(..header + length)?;
        out.push(Element {
            tag,
            content: raw.get(header..)?,
            raw,
        });
        bytes = bytes.get(header + length..)?;
    }
    Some(out)
}

/// What lies inside an element, with the bytes before it.
fn opened<'a>(element: &Element<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let (before, content) = match element.tag {
        tag if tag & CONSTRUCTED != 0 => return Some((&[], element.content)),
        OCTET_STRING => (&element.content[..0], element.content),
        BIT_STRING => match element.content {
            [0, rest @ ..] => (&element.content[..1], rest),
            _ => return None,
        },
        _ => return None,
    };
    let inner = elements(content)?;
    let plausible = matches!(inner.first()?.tag, 0x30 | 0x31 | 0x03 | 0x04) && content.len() > 3;
    plausible.then_some((before, content))
}

fn walk_content(
    names: &[(&str, &str)],
    content: &[u8],
    peers: &[&[u8]],
    (position, path): (&str, &str),
    rebuild: &Rebuild<'_, Vec<u8>>,
    sink: &mut Sink<'_>,
) {
    let own = elements(content).unwrap_or_default();
    if own.len() > 1 {
        let turned: Vec<&[u8]> = own.iter().rev().map(|element| element.raw).collect();
        if turned.concat() != content {
            sink(path, "reorder", rebuild(turned.concat()));
        }
    }
    if let Some(new) = mirrored(&own) {
        sink(path, "mirror", rebuild(new));
    }
    for (number, element) in own.iter().enumerate() {
        let position = if position.is_empty() {
            number.to_string()
        } else {
            format!("{position}.{number}")
        };
        let name = names.iter().find(|(place, _)| *place == position);
        let here = name.map_or_else(
            || below(path, &number.to_string()),
            |(_, name)| below(path, name),
        );
        let with = |new: &[u8]| {
            let before: Vec<&[u8]> = own.iter().take(number).map(|other| other.raw).collect();
            let after: Vec<&[u8]> = own.iter().skip(number + 1).map(|other| other.raw).collect();
            rebuild([&before.concat(), new, &after.concat()].concat())
        };
        sink(&here, "remove", with(&[]));
        sink(&here, "double", with(&[element.raw, element.raw].concat()));
        sink(&here, "empty", with(&tlv(element.tag, &[])));
        sink(&here, "tag", with(&tlv(element.tag ^ 1, element.content)));
        sink(
            &here,
            "tag",
            with(&tlv(element.tag ^ 0x80, element.content)),
        );
        sink(&here, "long-length", with(&long_length(element)));
        let others: Vec<Element<'_>> = peers
            .iter()
            .filter_map(|peer| elements(peer)?.get(number).copied())
            .collect();
        for other in others.iter().filter(|other| other.raw != element.raw) {
            sink(&here, "swap", with(other.raw));
        }
        match opened(element) {
            Some((before, inner)) => {
                let others: Vec<&[u8]> = others
                    .iter()
                    .filter_map(|other| Some(opened(other)?.1))
                    .collect();
                let rebuild = |new: Vec<u8>| with(&tlv(element.tag, &[before, &new].concat()));
                sink(&here, "add", rebuild([inner, &null()].concat()));
                walk_content(names, inner, &others, (&position, &here), &rebuild, sink);
            }
            None => {
                for new in flips(element.content, &here) {
                    sink(&here, "flip", with(&tlv(element.tag, &new)));
                }
                if element.tag == INTEGER {
                    let padded = [&[0], element.content].concat();
                    sink(&here, "pad", with(&tlv(INTEGER, &padded)));
                }
            }
        }
    }
}

/// The same element with a length of one byte more than DER allows (X.690 §10.1).
fn long_length(element: &Element<'_>) -> Vec<u8> {
    let length = u16::try_from(element.content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let header: &[u8] = match element.content.len() {
        0..=0x7f => &[0x81, length[1]],
        0x80..=0xff => &[0x82, length[0], length[1]],
        _ => &[0x83, 0, length[0], length[1]],
    };
    [&[element.tag], header, element.content].concat()
}

const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

/// An ECDSA signature's other form, which the same key's holder never wrote: `s` becomes the group's order less `s`.
fn mirrored(own: &[Element<'_>]) -> Option<Vec<u8>> {
    let [r, s] = own else { return None };
    if r.tag != INTEGER || s.tag != INTEGER {
        return None;
    }
    let order = match (r.content.len(), s.content.len()) {
        (28..=33, 28..=33) => P256_ORDER,
        (44..=49, 44..=49) => P384_ORDER,
        _ => return None,
    };
    let order: Vec<u8> = (0..order.len())
        .step_by(2)
        .filter_map(|start| u8::from_str_radix(order.get(start..start + 2)?, 16).ok())
        .collect();
    let mut own = vec![0; (order.len() + 1).checked_sub(s.content.len())?];
    own.extend_from_slice(s.content);
    let (mut out, mut borrow) = (Vec::new(), 0);
    for (order, own) in order.iter().rev().zip(own.iter().rev()) {
        let difference = i16::from(*order) - i16::from(*own) - borrow;
        borrow = i16::from(difference < 0);
        out.push(u8::try_from(difference.rem_euclid(256)).ok()?);
    }
    out.reverse();
    Some([r.raw, &countersign_testdata::der_writer::integer(&out)].concat())
}
