//! The one place where a decision compares times with now; it remembers until when the answers hold.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign_formats::{UnixTime, Window};

/// No edge.
const NEVER: i64 = i64::MAX;

/// Now, and the last second at which every comparison made so far would still come out the same.
#[derive(Debug)]
pub(crate) struct Clock {
    now: UnixTime,
    /// [`NEVER`] while no answer depended on the time; atomic, so that a judge can be shared by threads.
    valid_until: AtomicI64,
}

impl Clock {
    pub(crate) fn new(now: UnixTime) -> Self {
        Self {
            now,
            valid_until: AtomicI64::new(NEVER),
        }
    }

    /// Now; whoever compares it with a time asks [`Clock::is_within`] in its place.
    pub(crate) fn now(&self) -> UnixTime {
        self.now
    }

    /// Whether the window, closed at both ends, is open now.
    pub(crate) fn is_within(&self, window: &Window) -> bool {
        let started = window.start.is_none_or(|start| {
            let started = start <= self.now;
            if !started {
                // It holds up to the second before the start.
                self.crossed(UnixTime(start.0.saturating_sub(1)));
            }
            started
        });
        started
            && window.end.is_none_or(|end| {
                let open = self.now <= end;
                if open {
                    self.crossed(end);
                }
                open
            })
    }

    /// Whether `start` is now or was.
    pub(crate) fn has_begun(&self, start: UnixTime) -> bool {
        self.is_within(&Window {
            start: Some(start),
            end: None,
        })
    }

    /// Whether `end`, the last second of something, is now or still comes.
    pub(crate) fn is_open_until(&self, end: UnixTime) -> bool {
        self.is_within(&Window {
            start: None,
            end: Some(end),
        })
    }

    /// The last second for which the answers hold; `None` when no answer depended on the time.
    pub(crate) fn valid_until(&self) -> Option<UnixTime> {
        let edge = self.valid_until.load(Ordering::Relaxed);
        (edge != NEVER).then_some(UnixTime(edge))
    }

    fn crossed(&self, edge: UnixTime) {
        self.valid_until.fetch_min(edge.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_edge_of_what_was_asked_is_kept() {
        let clock = Clock::new(UnixTime(100));
        assert_eq!(clock.valid_until(), None);
        assert!(clock.is_within(&Window {
            start: None,
            end: None
        }));
        assert_eq!(clock.valid_until(), None);
        assert!(clock.is_within(&Window {
            start: Some(UnixTime(50)),
            end: Some(UnixTime(500))
        }));
        assert_eq!(clock.valid_until(), Some(UnixTime(500)));
        assert!(!clock.is_within(&Window {
            start: Some(UnixTime(300)),
            end: None
        }));
        assert_eq!(clock.valid_until(), Some(UnixTime(299)));
    }

    #[test]
    fn what_is_over_stays_over_and_has_no_edge() {
        let clock = Clock::new(UnixTime(100));
        assert!(!clock.is_within(&Window {
            start: None,
            end: Some(UnixTime(99))
        }));
        assert!(clock.is_within(&Window {
            start: Some(UnixTime(100)),
            end: Some(UnixTime(100))
        }));
        assert_eq!(clock.valid_until(), Some(UnixTime(100)));
    }
}
