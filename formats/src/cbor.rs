//! A reader of the little CBOR that COSE envelopes need (RFC 8949): definite lengths, no floats, everything within the input.

use bytes::Bytes;

/// Deepest nesting that is read; a COSE envelope has three levels.
const DEPTH: u8 = 8;
/// Most items of one array or pairs of one map.
const ITEMS: u64 = 64;

/// A value; text and bytes are parts of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cbor {
    /// An integer of either sign.
    Integer(i128),
    Bytes(Bytes),
    Text(String),
    Array(Vec<Cbor>),
    /// Pairs in the order in which they stand; no key stands twice.
    Map(Vec<(Cbor, Cbor)>),
    Tagged(u64, Box<Cbor>),
    /// `true`, `false`, `null` or `undefined`.
    Simple(u8),
}

impl Cbor {
    /// Reads one value that is the whole input.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(bytes: &Bytes) -> Result<Self, &'static str> {
        let mut input = bytes.clone();
        let value = read(&mut input, DEPTH)?;
        if input.is_empty() {
            Ok(value)
        } else {
            Err("there are bytes after the value")
        }
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &Label<'_>) -> Option<&Self> {
        let Self::Map(pairs) = self else {
            return None;
        };
        pairs
            .iter()
            .find(|(found, _)| key.is(found))
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// A key of a COSE header: a number or a text.
pub(crate) enum Label<'a> {
    Number(i128),
    Text(&'a str),
}

impl Label<'_> {
    fn is(&self, found: &Cbor) -> bool {
        match self {
            Self::Number(number) => found.integer() == Some(*number),
            Self::Text(text) => found.text() == Some(*text),
        }
    }
}

fn read(input: &mut Bytes, depth: u8) -> Result<Cbor, &'static str> {
    let depth = depth
        .checked_sub(1)
        .ok_or("it is nested deeper than the limit")?;
    let first = take(input, 1)?.first().copied().unwrap_or_default();
    let (kind, short) = (first >> 5, first & 0x1f);
    let number = match short {
        0..=23 => u64::from(short),
        24 => big_endian(&take(input, 1)?),
        25 => big_endian(&take(input, 2)?),
        26 => big_endian(&take(input, 4)?),
        27 => big_endian(&take(input, 8)?),
        _ => return Err("a length is not definite"),
    };
    match kind {
        0 => Ok(Cbor::Integer(i128::from(number))),
        1 => Ok(Cbor::Integer(-1 - i128::from(number))),
        2 => Ok(Cbor::Bytes(take(input, number)?)),
        3 => {
            let text = take(input, number)?;
            let text = std::str::from_utf8(&text).map_err(|_| "a text is not UTF-8")?;
            Ok(Cbor::Text(text.to_owned()))
        }
        4 => {
            let mut items = Vec::new();
            for _ in 0..counted(number)? {
                items.push(read(input, depth)?);
            }
            Ok(Cbor::Array(items))
        }
        5 => {
            let mut pairs: Vec<(Cbor, Cbor)> = Vec::new();
            for _ in 0..counted(number)? {
                let key = read(input, depth)?;
                if pairs.iter().any(|(known, _)| *known == key) {
                    return Err("a key stands twice");
                }
                pairs.push((key, read(input, depth)?));
            }
            Ok(Cbor::Map(pairs))
        }
        6 => Ok(Cbor::Tagged(number, Box::new(read(input, depth)?))),
        _ => match short {
            0..=23 => Ok(Cbor::Simple(short)),
            _ => Err("it holds a number with a point, or an unknown value"),
        },
    }
}

fn counted(number: u64) -> Result<u64, &'static str> {
    if number > ITEMS {
        return Err("it has more items than the limit");
    }
    Ok(number)
}

/// The next bytes of the input, never more than there are.
fn take(input: &mut Bytes, count: u64) -> Result<Bytes, &'static str> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > input.len() {
        return Err("it ends too early");
    }
    Ok(input.split_to(count))
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &'static [u8]) -> Result<Cbor, &'static str> {
        Cbor::parse(&Bytes::from_static(bytes))
    }

    #[test]
    fn values_are_read_as_the_specification_shows_them() {
        assert_eq!(parse(&[0x18, 100]), Ok(Cbor::Integer(100)));
        assert_eq!(parse(&[0x38, 0x63]), Ok(Cbor::Integer(-100)));
        assert_eq!(
            parse(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Ok(Cbor::Integer(i128::from(u64::MAX)))
        );
        assert_eq!(parse(&[0x62, b'h', b'i']), Ok(Cbor::Text("hi".to_owned())));
        assert_eq!(
            parse(&[0x43, 1, 2, 3]),
            Ok(Cbor::Bytes(Bytes::from_static(&[1, 2, 3])))
        );
        assert_eq!(
            parse(&[0x82, 1, 2]),
            Ok(Cbor::Array(vec![Cbor::Integer(1), Cbor::Integer(2)]))
        );
        let map = parse(&[0xa2, 1, 0x20, 0x61, b'a', 0xf6]).unwrap();
        assert_eq!(map.get(&Label::Number(1)), Some(&Cbor::Integer(-1)));
        assert_eq!(map.get(&Label::Text("a")), Some(&Cbor::Simple(22)));
        assert_eq!(
            parse(&[0xd2, 0x80]),
            Ok(Cbor::Tagged(18, Box::new(Cbor::Array(Vec::new()))))
        );
    }

    #[test]
    fn what_is_cut_long_deep_or_double_is_refused() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x43, 1, 2],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x5f, 0xff],
            &[0x9f, 0xff],
            &[0x00, 0x00],
            &[0xa2, 1, 1, 1, 2],
            &[0x62, 0xff, 0xff],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81],
        ] {
            assert!(
                Cbor::parse(&Bytes::copy_from_slice(bytes)).is_err(),
                "{bytes:02x?}"
            );
        }
    }
}
