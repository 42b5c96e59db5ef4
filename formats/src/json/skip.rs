//! Finding the end of a JSON value, with its grammar checked, as fast as the bytes come.

/// Why a value has no end.
pub(super) enum Stop {
    /// The grammar is broken at `offset`.
    Syntax {
        offset: usize,
        expected: &'static str,
    },
    /// More nesting than the caller allows.
    TooDeep,
}

fn stop(offset: usize, expected: &'static str) -> Stop {
    Stop::Syntax { offset, expected }
}

/// Eight bytes at once: `0x01` and `0x80` in each.
const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The eight bytes from `at`, the first in the lowest place.
#[inline(always)]
fn eight(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?
        .first_chunk::<8>()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

/// The first position from `at` that is not white space.
#[inline(always)]
pub(super) fn white_space(text: &[u8], mut at: usize) -> usize {
    // Compact documents have none, so this is the usual end.
    if text.get(at).is_none_or(|byte| *byte > b' ') {
        return at;
    }
    loop {
        while eight(text, at) == Some(ONES * b' ' as u64) {
            at += 8;
        }
        match text.get(at) {
            Some(b' ' | b'\n' | b'\t' | b'\r') => at += 1,
            _ => return at,
        }
    }
}

/// The position after the string that begins at `at`, and whether it has escapes; `seen` gathers its bytes' bits.
#[inline(always)]
pub(super) fn string(text: &[u8], at: usize, seen: &mut u64) -> Result<(usize, bool), Stop> {
    let end = plain(text, at + 1, seen);
    // Most strings have no escape, and end here.
    if text.get(end) == Some(&b'"') {
        return Ok((end + 1, false));
    }
    string_from(text, end, seen)
}

/// As [`string`], from the first byte inside of it that is special and not its end.
fn string_from(text: &[u8], mut at: usize, seen: &mut u64) -> Result<(usize, bool), Stop> {
    let mut escaped = false;
    loop {
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = plain(text, escape(text, at)?, seen);
            }
            Some(_) => return Err(stop(at, "no bare control character in a string")),
            None => return Err(stop(at, "the end of a string")),
        }
    }
}

/// The first position from `at` whose byte is special inside a string: a quote, a backslash or a control character.
///
/// Most strings end within sixteen bytes, so that the one step is foreseen.
#[inline(always)]
fn plain(text: &[u8], mut at: usize, seen: &mut u64) -> usize {
    while let (Some(low), Some(high)) = (eight(text, at), eight(text, at + 8)) {
        *seen |= low | high;
        let special = u128::from(special_bytes(high)) << 64 | u128::from(special_bytes(low));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    while let Some(byte) = text
        .get(at)
        .filter(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\')
    {
        *seen |= u64::from(*byte);
        at += 1;
    }
    at
}

/// Whether the gathered bits are those of ASCII alone; bytes behind a string's end may have been gathered with it.
fn is_ascii(seen: u64) -> bool {
    seen & HIGHS == 0
}

/// The high bit of each byte that is special; exact for the lowest such byte, which is the only one that is used: a
/// subtraction borrows only from places above a byte that is special itself.
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    // With the bit of 0x02 turned, a quote (0x22) is the one byte from 0x20 on that is below 0x21.
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & HIGHS
}

/// The position after the escape whose backslash is at `at`; a surrogate must have its other half.
fn escape(text: &[u8], at: usize) -> Result<usize, Stop> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let first = code_unit(text, at + 2)?;
            if (0xdc00..0xe000).contains(&first) {
                return Err(stop(at, "no lone surrogate"));
            }
            if !(0xd800..0xdc00).contains(&first) {
                return Ok(at + 6);
            }
            if text.get(at + 6) != Some(&b'\\') || text.get(at + 7) != Some(&b'u') {
                return Err(stop(at, "no lone surrogate"));
            }
            let second = code_unit(text, at + 8)?;
            if (0xdc00..0xe000).contains(&second) {
                Ok(at + 12)
            } else {
                Err(stop(at, "no lone surrogate"))
            }
        }
        _ => Err(stop(at + 1, "a known escape")),
    }
}

fn code_unit(text: &[u8], at: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for offset in at..at + 4 {
        let digit = text
            .get(offset)
            .and_then(|byte| char::from(*byte).to_digit(16));
        unit = unit << 4 | digit.ok_or_else(|| stop(offset, "a hexadecimal digit"))?;
    }
    Ok(unit)
}

/// The longest number that is in the range of a double whatever its digits are, in bytes.
const SAFE_NUMBER: usize = 300;

/// The position after the number that begins at `at`; one outside the range of a double is refused, because readers
/// differ in what they make of it (RFC 8259 §6).
fn number(text: &[u8], start: usize) -> Result<usize, Stop> {
    let (end, exponent) = number_end(text, start)?;
    if exponent || end - start > SAFE_NUMBER {
        let digits = text
            .get(start..end)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if !digits
            .and_then(|digits| digits.parse::<f64>().ok())
            .is_some_and(f64::is_finite)
        {
            return Err(stop(start, "a number in the range of a double"));
        }
    }
    Ok(end)
}

/// The position after the number that begins at `at`, and whether it has an exponent.
fn number_end(text: &[u8], mut at: usize) -> Result<(usize, bool), Stop> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    let exponent = matches!(text.get(at), Some(b'e' | b'E'));
    if exponent {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok((at, exponent))
}

fn digits(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    let start = at;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    if at == start {
        Err(stop(at, "a digit"))
    } else {
        Ok(at)
    }
}

fn word(text: &[u8], at: usize, word: &'static str) -> Result<usize, Stop> {
    let end = at + word.len();
    if text.get(at..end) == Some(word.as_bytes()) {
        Ok(end)
    } else {
        Err(stop(at, "a value"))
    }
}

/// The position after the value that begins at `at`, which nests at most `depth` (at most 128) levels deep, and whether it
/// is known to be ASCII: outside of strings nothing else is taken.
pub(super) fn value(text: &[u8], mut at: usize, depth: usize) -> Result<(usize, bool), Stop> {
    let mut seen = 0;
    // One bit a level: 1 for an object, 0 for a list; the lowest bit is the innermost.
    let mut stack = 0_u128;
    let mut level = 0_usize;
    loop {
        // A value begins here.
        at = white_space(text, at);
        at = match text.get(at) {
            Some(b'"') => string(text, at, &mut seen)?.0,
            Some(open @ (b'{' | b'[')) => {
                let object = *open == b'{';
                if level >= depth {
                    return Err(Stop::TooDeep);
                }
                let inside = white_space(text, at + 1);
                match (object, text.get(inside)) {
                    (true, Some(b'}')) | (false, Some(b']')) => inside + 1,
                    _ => {
                        stack = stack << 1 | u128::from(object);
                        level += 1;
                        at = if object {
                            name(text, inside, &mut seen)?
                        } else {
                            inside
                        };
                        continue;
                    }
                }
            }
            Some(b'-' | b'0'..=b'9') => number(text, at)?,
            Some(b't') => word(text, at, "true")?,
            Some(b'f') => word(text, at, "false")?,
            Some(b'n') => word(text, at, "null")?,
            _ => return Err(stop(at, "a value")),
        };
        // A value ended here.
        loop {
            if level == 0 {
                return Ok((at, is_ascii(seen)));
            }
            at = white_space(text, at);
            let object = stack & 1 == 1;
            match (text.get(at), object) {
                (Some(b','), true) => {
                    at = name(text, white_space(text, at + 1), &mut seen)?;
                    break;
                }
                (Some(b','), false) => {
                    at += 1;
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    stack >>= 1;
                    level -= 1;
                    at += 1;
                }
                (_, true) => return Err(stop(at, "`,` or `}`")),
                (_, false) => return Err(stop(at, "`,` or `]`")),
            }
        }
    }
}

/// The position after the name at `at` and its colon.
#[inline]
fn name(text: &[u8], at: usize, seen: &mut u64) -> Result<usize, Stop> {
    if text.get(at) != Some(&b'"') {
        return Err(stop(at, "the name of a member"));
    }
    let (end, _) = string(text, at, seen)?;
    let colon = white_space(text, end);
    if text.get(colon) == Some(&b':') {
        Ok(colon + 1)
    } else {
        Err(stop(colon, "`:`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_special_byte_is_found_whatever_stands_beside_it() {
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        for place in 0..7 {
            for (first, second) in (0..=u16::MAX).map(|pair| (pair as u8, (pair >> 8) as u8)) {
                let mut bytes = [b'a'; 8];
                bytes[place] = first;
                bytes[place + 1] = second;
                let expected = bytes.iter().position(|byte| special(*byte)).unwrap_or(8);
                let found = special_bytes(u64::from_le_bytes(bytes)).trailing_zeros() as usize / 8;
                assert_eq!(found, expected, "{bytes:?}");
            }
        }
    }
}
