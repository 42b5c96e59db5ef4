//! Services that asked to be left alone for a while: whoever shares the client obeys, not only who was told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;

/// Until when which origin is not to be asked.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Instant>>);

impl Pace {
    /// Nobody asks the origin of `url` for this long from now; a shorter pause never shortens a longer one.
    pub(super) fn hold(&self, url: &Url, pause: Duration) {
        let Some(until) = Instant::now().checked_add(pause) else {
            return;
        };
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hold = holds
            .entry(url.origin().ascii_serialization())
            .or_insert(until);
        *hold = until.max(*hold);
    }

    /// How long the origin of `url` is still to be left alone.
    pub(super) fn left(&self, url: &Url) -> Duration {
        let holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds
            .get(&url.origin().ascii_serialization())
            .map_or(Duration::ZERO, |until| {
                until.saturating_duration_since(Instant::now())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_of_one_origin_and_only_ever_grows() {
        let pace = Pace::default();
        let [log, path, other] = [
            "http://127.0.0.1:1/a",
            "http://127.0.0.1:1/b",
            "http://127.0.0.1:2/a",
        ]
        .map(|url| Url::parse(url).unwrap());
        pace.hold(&log, Duration::from_secs(60));
        pace.hold(&log, Duration::from_secs(1));
        assert!(pace.left(&path) > Duration::from_secs(50));
        assert_eq!(pace.left(&other), Duration::ZERO);
    }
}
