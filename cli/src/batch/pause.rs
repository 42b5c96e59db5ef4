//! A registry that asks for a pause gets it from everybody who works, not only from who was told.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use countersign_registry::{Outage, StoreError};
use tokio::time::Instant;

use crate::signatory::Voice;

/// How long one operation may wait in all because a registry asks for it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Shortest pause, whatever was asked for.
const SHORTEST: Duration = Duration::from_secs(1);

/// The pause that is kept at present.
pub(crate) struct Pause {
    until: Cell<Option<Instant>>,
    /// `None` when one image is signed: then the deadline of the command holds, and nothing besides.
    voice: Option<Voice>,
}

impl Pause {
    /// No pause yet; `voice` tells of those to come. Without one no pause is kept.
    pub(crate) fn new(voice: Option<Voice>) -> Self {
        Self {
            until: Cell::new(None),
            voice,
        }
    }

    /// Asks a registry, and asks again after each pause that it wants.
    pub(crate) async fn obeying<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut waited = Duration::ZERO;
        loop {
            while let Some(until) = self.until.get().filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
            }
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some((voice, pause)) = self.voice.as_ref().zip(asked_pause(&error)) else {
                return Err(error);
            };
            waited = waited.saturating_add(pause);
            if waited > PATIENCE {
                return Err(error);
            }
            let until = Instant::now() + pause;
            if self.until.get().is_none_or(|known| known < until) {
                self.until.set(Some(until));
                voice.say(&format!(
                    "the registry asks for a pause of {} s, which is kept",
                    pause.as_secs()
                ));
            }
        }
    }
}

fn asked_pause(error: &StoreError) -> Option<Duration> {
    match error {
        StoreError::Unavailable {
            outage:
                Outage::Status {
                    status: 429 | 503,
                    retry_after: Some(seconds),
                    ..
                },
            ..
        } => Some(Duration::from_secs(*seconds).max(SHORTEST)),
        _ => None,
    }
}
