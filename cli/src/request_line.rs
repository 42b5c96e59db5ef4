//! The line of diagnostics about one request, to a registry as to a service.

use std::time::Duration;

use crate::escape;

/// What was asked, what came of it, its size and its time; secrets are out of the address by now.
pub(crate) fn request_line(
    method: &str,
    url: &str,
    status: Option<u16>,
    error: Option<&str>,
    bytes: u64,
    elapsed: Duration,
) -> String {
    let answer = match (status, error) {
        (Some(status), None) => status.to_string(),
        (Some(status), Some(error)) => format!("{status}, {}", escape::field(error)),
        (None, Some(error)) => escape::field(error),
        (None, None) => "no answer".to_owned(),
    };
    format!(
        "> {method} {} -> {answer} ({bytes} bytes, {} ms)",
        escape::field(url),
        elapsed.as_millis()
    )
}
