//! How long a writer of a tag waits before it looks at the tag again.

use std::time::Duration;

use super::again::random_between;

/// The wait between two looks where everything is fast: random, so that writers who collided do not collide again.
const LOOK_AFTER: (Duration, Duration) = (Duration::from_millis(30), Duration::from_millis(150));
/// Longest that slowness adds to a wait.
const MOST: Duration = Duration::from_secs(1);

/// What a writer saw of the time between reading a tag and having written it.
///
/// An entry is lost to a writer that read before it was there and writes after it was looked at for the last time. Nobody can see how long
/// others take; on one registry and in one hour they take about as long as we do.
#[derive(Debug, Default)]
pub(super) struct Pace {
    slowest: Duration,
}

impl Pace {
    /// A round took so long, from before the read until after the write.
    pub(super) fn took(&mut self, time: Duration) {
        self.slowest = self.slowest.max(time);
    }

    /// The next wait.
    pub(super) fn pause(&self) -> Duration {
        random_between(LOOK_AFTER.0, LOOK_AFTER.1) + self.slowest.saturating_mul(2).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOK_AFTER, MOST, Pace};
    use std::time::Duration;

    #[test]
    fn whoever_was_slow_waits_longer_and_not_without_end() {
        let mut pace = Pace::default();
        assert!(pace.pause() >= LOOK_AFTER.0 && pace.pause() <= LOOK_AFTER.1);
        pace.took(Duration::from_millis(200));
        pace.took(Duration::from_millis(10));
        let slow = Duration::from_millis(400);
        assert!(pace.pause() >= LOOK_AFTER.0 + slow && pace.pause() <= LOOK_AFTER.1 + slow);
        pace.took(Duration::from_secs(60));
        assert!(pace.pause() <= LOOK_AFTER.1 + MOST);
    }
}
