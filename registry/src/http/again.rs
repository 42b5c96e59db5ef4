//! When a question is asked again: where that is safe, after a pause that the registry may name.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use countersign_formats::UnixTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::Registry;
use super::budget::Running;
use super::call::{Call, Reply};
use crate::error::{Outage, StoreError};
use crate::settings::Event;

/// Times that a question is asked.
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it quadruples from then on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

impl Registry {
    /// Asks until there is an answer, the attempts are used up, or waiting is of no use.
    pub(super) async fn ask_until_answered(
        &self,
        call: &Call<'_>,
        running: &Running<'_>,
    ) -> Result<Reply, StoreError> {
        let mut attempt = 1;
        loop {
            let error = match self.ask_once(call).await {
                Ok(reply) => match self.not_now(&reply) {
                    None => return Ok(reply),
                    Some(error) => error,
                },
                Err(error) => error,
            };
            let Some(pause) = pause(call, &error, attempt)
                .filter(|pause| attempt < ATTEMPTS && *pause < running.remaining())
            else {
                return Err(error);
            };
            self.settings.tell(&Event::Note(format!(
                "trying again in {} ms: {error}",
                pause.as_millis()
            )));
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// The error of an answer that means "not now".
    fn not_now(&self, reply: &Reply) -> Option<StoreError> {
        match reply.status.as_u16() {
            408 | 429 | 500 | 502.. => Some(self.status_error(reply)),
            _ => None,
        }
    }
}

/// How long to wait before asking again; `None` when that is of no use or not safe.
fn pause(call: &Call<'_>, error: &StoreError, attempt: u32) -> Option<Duration> {
    let StoreError::Unavailable { outage, .. } = error else {
        return None;
    };
    match outage {
        Outage::Connection { temporary, .. } => {
            (*temporary && call.repeatable).then(|| backoff(attempt))
        }
        // The registry said that it did nothing.
        Outage::Status {
            status: 429 | 503,
            retry_after,
            ..
        } => Some(retry_after.map_or_else(|| backoff(attempt), Duration::from_secs)),
        Outage::Status { retry_after, .. } => call
            .repeatable
            .then(|| retry_after.map_or_else(|| backoff(attempt), Duration::from_secs)),
        Outage::Deadline { .. } => None,
    }
}

fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1)));
    random_between(pause / 2, pause.saturating_mul(3) / 2)
}

/// A duration between two, different in each process and call, so that those who failed together do not come back together.
pub(super) fn random_between(least: Duration, most: Duration) -> Duration {
    // The hasher's keys are random and change with each instance; nothing secret depends on them.
    let random = RandomState::new().build_hasher().finish();
    let span = u64::try_from(most.saturating_sub(least).as_micros())
        .unwrap_or(u64::MAX)
        .max(1);
    least + Duration::from_micros(random % span)
}

/// Seconds that a `Retry-After` asks for.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    UnixTime::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, date)
}
