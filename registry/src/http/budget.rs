//! The total deadline of a store, or of several: time counts while an operation runs, not while its user thinks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of a deadline is used up.
#[derive(Debug)]
pub struct Budget {
    limit: Duration,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    before: Duration,
    running: usize,
    since: Option<Instant>,
}

/// An operation that uses up the deadline until it is dropped.
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Budget);

impl Budget {
    /// A deadline of which nothing is used up.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            used: Mutex::default(),
        }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Gives the whole deadline back: for a program whose work got on, so that only standing still uses the deadline up.
    pub fn renew(&self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.before = Duration::ZERO;
        if used.since.is_some() {
            used.since = Some(Instant::now());
        }
    }

    /// Begins an operation; those that run at the same time use the time up once.
    pub(super) fn start(&self) -> Running<'_> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.running == 0 {
            used.since = Some(Instant::now());
        }
        used.running += 1;
        Running(self)
    }
}

impl Running<'_> {
    /// What is left of the deadline; zero when it is over.
    pub(super) fn remaining(&self) -> Duration {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = used.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.0.limit.saturating_sub(used.before.saturating_add(now))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.running = used.running.saturating_sub(1);
        if used.running == 0
            && let Some(since) = used.since.take()
        {
            used.before = used.before.saturating_add(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn idle_time_does_not_count() {
        let budget = Budget::new(Duration::from_millis(200));
        drop(budget.start());
        sleep(Duration::from_millis(250));
        assert!(budget.start().remaining() > Duration::from_millis(150));
    }

    #[test]
    fn running_time_counts_once() {
        let budget = Budget::new(Duration::from_millis(400));
        let (first, second) = (budget.start(), budget.start());
        sleep(Duration::from_millis(100));
        drop(first);
        drop(second);
        let left = budget.start().remaining();
        assert!(
            left < Duration::from_millis(310) && left > Duration::from_millis(150),
            "{left:?}"
        );
    }
}
