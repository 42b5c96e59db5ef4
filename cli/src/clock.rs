//! The one place of the program that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use countersign_formats::UnixTime;

use crate::failure::Failure;

/// The present, by which evidence is judged.
#[expect(
    clippy::disallowed_methods,
    reason = "the program is where the clock is read; everything below takes `now`"
)]
pub(crate) fn now() -> UnixTime {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
        Err(before) => UnixTime(
            i64::try_from(before.duration().as_secs())
                .map(|seconds| -seconds)
                .unwrap_or(i64::MIN),
        ),
    }
}

/// The time written into what is made: `SOURCE_DATE_EPOCH` where it is set, so that output is reproducible, else `now`.
///
/// It is never used to judge evidence.
///
/// # Errors
/// `source-date-epoch` when the variable is not a number of seconds.
pub(crate) fn creation_time(
    source_date_epoch: Option<String>,
    now: UnixTime,
) -> Result<UnixTime, Failure> {
    match source_date_epoch {
        None => Ok(now),
        Some(text) if text.is_empty() => Ok(now),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|seconds| (0..=253_402_300_799).contains(seconds))
            .map(UnixTime)
            .ok_or_else(|| {
                Failure::usage(
                    "source-date-epoch",
                    format!(
                        "SOURCE_DATE_EPOCH is `{}`, not a number of seconds since 1970",
                        crate::escape::field(&text)
                    ),
                )
                .hint("unset it, or set it to what `date +%s` prints")
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_creation_time_is_fixed_by_source_date_epoch_and_refused_when_it_is_no_number() {
        let now = UnixTime(1_800_000_000);
        assert_eq!(creation_time(None, now).unwrap(), now);
        assert_eq!(
            creation_time(Some("7".to_owned()), now).unwrap(),
            UnixTime(7)
        );
        for bad in ["x", "-1", "1.5", "999999999999999"] {
            assert_eq!(
                creation_time(Some(bad.to_owned()), now).unwrap_err().code,
                "source-date-epoch"
            );
        }
    }
}
