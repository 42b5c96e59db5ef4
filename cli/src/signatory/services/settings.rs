//! How services are reached in a run.

use std::sync::Arc;
use std::time::Duration;

use countersign_services::{Diagnostics, Event, Settings};

use crate::context::Context;
use crate::escape;
use crate::printer::Words;
use crate::request_line::request_line;

/// How long one operation of many may wait in all because a service asks for it.
const PATIENCE: Duration = Duration::from_secs(600);

/// How services are reached in this run.
pub(crate) fn settings(context: &Context<'_, '_>, patient: bool) -> Settings {
    let defaults = Settings::default();
    let verbose = context.printer.verbosity() > 0;
    Settings {
        deadline: context.global.timeout,
        attempt: context.global.timeout.min(defaults.attempt),
        patience: if patient { PATIENCE } else { Duration::ZERO },
        allow_http: context.global.allow_http,
        diagnostics: (verbose || patient).then(|| diagnostics(context.printer.words(), verbose)),
        ..defaults
    }
}

fn diagnostics(words: Words, verbose: bool) -> Diagnostics {
    Arc::new(move |event: &Event| match event {
        Event::Held { url, pause } => words.say(&format!(
            "{} asks for a pause of {} s, which is kept",
            escape::field(url),
            pause.as_secs()
        )),
        _ if !verbose => {}
        Event::Request {
            method,
            url,
            status,
            bytes,
            elapsed,
            error,
        } => words.say(&request_line(
            method,
            url,
            *status,
            error.as_deref(),
            *bytes as u64,
            *elapsed,
        )),
        Event::Again { pause, error } => words.say(&format!(
            "> again in {} ms: {}",
            pause.as_millis(),
            escape::field(error)
        )),
        _ => {}
    })
}
