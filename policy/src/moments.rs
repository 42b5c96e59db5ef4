//! Days, times and spans of time as policies write them.

use countersign_formats::UnixTime;

/// Seconds of one day.
const DAY: i64 = 86_400;
/// Longest span that a policy can ask for, in seconds: a hundred years.
const LONGEST: u64 = 100 * 366 * 86_400;

/// Units of a span with their seconds, the largest first.
const UNITS: [(char, u64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3600),
    ('m', 60),
    ('s', 1),
];

/// Which second of a day a date without a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The first: something begins.
    Start,
    /// The last: something ends with that day.
    End,
}

/// A time (`2027-06-30T00:00:00Z`) or a day in UTC (`2027-06-30`).
pub(crate) fn moment(text: &str, edge: Edge) -> Option<UnixTime> {
    if text.len() > "2027-06-30".len() {
        return UnixTime::parse_rfc3339(text).ok();
    }
    let midnight = UnixTime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok()?;
    Some(match edge {
        Edge::Start => midnight,
        Edge::End => UnixTime(midnight.0 + DAY - 1),
    })
}

/// A span such as `7d`, in seconds; never zero.
pub(crate) fn span(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let total = number.parse::<u64>().ok()?.checked_mul(*seconds)?;
    (1..=LONGEST).contains(&total).then_some(total)
}

/// The span as policies write it, in the largest unit that needs no fraction.
pub(crate) fn span_text(seconds: u64) -> String {
    let (unit, size) = UNITS
        .iter()
        .find(|(_, size)| seconds.is_multiple_of(*size))
        .unwrap_or(&('s', 1));
    format!("{}{unit}", seconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_in_utc() {
        let time = |text| UnixTime::parse_rfc3339(text).unwrap();
        assert_eq!(
            moment("2027-06-30", Edge::Start),
            Some(time("2027-06-30T00:00:00Z"))
        );
        assert_eq!(
            moment("2027-06-30", Edge::End),
            Some(time("2027-06-30T23:59:59Z"))
        );
        let exact = Some(time("2027-06-30T12:00:00Z"));
        assert_eq!(moment("2027-06-30T12:00:00Z", Edge::End), exact);
        for wrong in [
            "",
            "2027",
            "2027-13-01",
            "2027-6-30",
            "tomorrow",
            "2027-06-30T12",
        ] {
            assert_eq!(moment(wrong, Edge::Start), None, "{wrong}");
        }
    }

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        assert_eq!(span("7d"), Some(604_800));
        assert_eq!(span("90s"), Some(90));
        for wrong in [
            "",
            "7",
            "d",
            "0d",
            "-1d",
            "1.5h",
            "7 d",
            "7D",
            "99999999999999999999d",
            "9999999w",
            "é",
        ] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
        for seconds in [1, 60, 90, 3600, 86_400, 604_800, 1_209_600] {
            assert_eq!(span(&span_text(seconds)), Some(seconds));
        }
        assert_eq!(span_text(604_800), "1w");
    }
}
