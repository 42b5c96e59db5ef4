//! Bars on a terminal for work that takes long enough to wonder.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work below this many bytes is done before a bar could be read.
const WORTH_SHOWING_BYTES: u64 = 32 * 1024 * 1024;

/// A bar that grows with the bytes done, or nothing where nobody watches.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar for `total` bytes of `what`; hidden when the work is short or `terminal` is false.
    pub(crate) fn bytes(what: &str, total: u64, terminal: bool) -> Self {
        if !terminal || total < WORTH_SHOWING_BYTES {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes} {eta}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        Self(Some(bar))
    }

    /// A bar for `total` images that are `what`; hidden for one, or when `terminal` is false.
    pub(crate) fn images(what: &str, total: usize, terminal: bool) -> Self {
        if !terminal || total < 2 {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(
            Some(u64::try_from(total).unwrap_or(u64::MAX)),
            ProgressDrawTarget::stderr(),
        );
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(Some(bar))
    }

    /// Says something while the bar is out of the way.
    pub(crate) fn aside<T>(&self, say: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// A sign of life for work of unknown length; hidden when `terminal` is false.
    pub(crate) fn spinner(what: &str, terminal: bool) -> Self {
        if !terminal {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// So much more is done.
    pub(crate) fn advance(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
