//! Points in time, and windows of time that are closed at both ends.

use crate::error::{Document, Error, ErrorKind, excerpt};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// The longest text of a time that is looked at, in bytes.
const TEXT_BYTES: usize = 64;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// Reads RFC 3339 text; any offset is accepted, a fraction of a second is cut off.
    ///
    /// # Errors
    /// `bad-value` when the text is not a date and time of RFC 3339.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::new(
                Document::Timestamp,
                ErrorKind::BadValue {
                    expected: "a date and time like 2026-11-24T15:00:00Z",
                    found: excerpt(text),
                },
            )
        };
        if text.len() > TEXT_BYTES {
            return Err(refuse());
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| refuse())?;
        Ok(Self(moment.unix_timestamp()))
    }

    /// Reads the date of an HTTP header in the form that servers must write (RFC 9110, section 5.6.7), `Tue, 24 Nov 2026 19:02:28 GMT`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES || !text.ends_with(" GMT") {
            return None;
        }
        let moment = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        Some(Self(moment.unix_timestamp()))
    }

    /// The seconds that a `Retry-After` asks for (RFC 9110, section 10.2.3): a number, or a date compared with the `Date` of the same
    /// answer, so that neither clock has to be right.
    pub fn retry_after(value: &str, date: Option<&str>) -> Option<u64> {
        let value = value.trim();
        if let Ok(seconds) = value.parse() {
            return Some(seconds);
        }
        let (until, now) = (
            Self::parse_http_date(value)?,
            Self::parse_http_date(date?.trim())?,
        );
        Some(u64::try_from(until.0.saturating_sub(now.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            // Years outside 0–9999 have no RFC 3339 form.
            None => write!(f, "@{}", self.0),
        }
    }
}

/// A window of time, closed at both ends; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first second that is inside.
    pub start: Option<UnixTime>,
    /// The last second that is inside.
    pub end: Option<UnixTime>,
}

impl Window {
    /// The window that every time is in.
    pub const ALWAYS: Self = Self {
        start: None,
        end: None,
    };

    /// Whether `time` is inside; both ends are.
    pub fn contains(&self, time: UnixTime) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_is_read_with_offset_and_fraction_and_written_in_utc() {
        for (text, seconds, canonical) in [
            (
                "2026-11-24T15:00:00Z",
                1_795_532_400,
                "2026-11-24T15:00:00Z",
            ),
            (
                "2026-11-24T16:00:00+01:00",
                1_795_532_400,
                "2026-11-24T15:00:00Z",
            ),
            (
                "2022-12-31T23:59:59.999Z",
                1_672_531_199,
                "2022-12-31T23:59:59Z",
            ),
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ] {
            let time = UnixTime::parse_rfc3339(text).unwrap();
            assert_eq!(time, UnixTime(seconds), "{text}");
            assert_eq!(time.to_string(), canonical);
        }
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T15:00:00",
            "2026-13-01T00:00:00Z",
            " 2026-11-24T15:00:00Z",
            "now",
        ] {
            assert_eq!(
                UnixTime::parse_rfc3339(text).unwrap_err().code(),
                "bad-value",
                "{text}"
            );
        }
        assert_eq!(UnixTime(i64::MAX).to_string(), format!("@{}", i64::MAX));
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let time = |text| UnixTime::parse_http_date(text).map(|time| time.0);
        assert_eq!(time("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(time("Tue, 24 Nov 2026 19:02:28 GMT"), Some(1_795_546_948));
        assert_eq!(time("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        for wrong in [
            "",
            "yesterday",
            "Thu, 01 Foo 1970 00:00:00 GMT",
            "Thu, 1 Jan 1970",
            "Fri, 30 Feb 2024 12:00:00 GMT",
            "Tue, 24 Nov 2026 -9223372036854775808:02:28 GMT",
            "Tue, 24 Nov 2026 19:-9223372036854775808:28 GMT",
            "Tue, 24 Nov 2026 19:02:99999999999999999999 GMT",
            "Tue, 24 Nov 2026 19:02:28 +0100",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        const NOW: &str = "Tue, 24 Nov 2026 19:02:28 GMT";
        for (value, date, expected) in [
            ("7", None, Some(7)),
            (" 0 ", Some(NOW), Some(0)),
            ("Tue, 24 Nov 2026 19:02:58 GMT", Some(NOW), Some(30)),
            // It is over already.
            ("Tue, 24 Nov 2026 19:02:18 GMT", Some(NOW), Some(0)),
            // Nothing to compare with.
            ("Tue, 24 Nov 2026 19:02:58 GMT", None, None),
            ("Tue, 24 Nov 2026 19:02:58 GMT", Some("now"), None),
            ("-1", Some(NOW), None),
            ("soon", Some(NOW), None),
        ] {
            assert_eq!(UnixTime::retry_after(value, date), expected, "{value}");
        }
    }

    #[test]
    fn window_is_closed_at_both_ends() {
        let window = Window {
            start: Some(UnixTime(10)),
            end: Some(UnixTime(20)),
        };
        assert!(window.contains(UnixTime(10)) && window.contains(UnixTime(20)));
        assert!(!window.contains(UnixTime(9)) && !window.contains(UnixTime(21)));
        assert!(Window::ALWAYS.contains(UnixTime(i64::MIN)));
    }
}
