//! What becomes public is said before anything is sent, and somebody must agree to it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use countersign_services::Service;

use super::Name;
use super::services::Services;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES: u64 = 64;
/// Names that are listed one by one.
const NAMES: usize = 20;

/// The consent to what becomes public.
pub(super) struct Consent {
    yes: bool,
}

impl Consent {
    pub(super) fn new(yes: bool) -> Self {
        Self { yes }
    }

    /// Says what becomes public, and asks unless that was agreed to or all of it stays on this machine.
    pub(super) fn ask(
        &self,
        context: &mut Context<'_, '_>,
        services: &Services,
        name: &Name,
        subjects: &[String],
    ) -> Result<(), Failure> {
        let mut public = Vec::new();
        if let (
            Name::Identity {
                identity,
                issuer,
                connector,
                ..
            },
            Some(authority),
        ) = (name, services.authority())
        {
            let asked = connector
                .as_ref()
                .map(|asked| format!(" for {}", quoted(asked)));
            public.push(format!(
                "the identity {}, vouched for by {}{}, in a certificate of {} and the certificate log behind it",
                quoted(identity),
                quoted(issuer),
                asked.unwrap_or_default(),
                quoted(&authority.url)
            ));
        }
        let logs = services.log_services();
        if !logs.is_empty() {
            public.push(format!(
                "that it signs, when, and the hash of the signed statement or file (from which digest and repository name can be confirmed), in {}",
                addresses(logs)
            ));
        }
        if public.is_empty() {
            told(context, services);
            return Ok(());
        }
        context
            .printer
            .say("becomes public, and cannot be taken back:");
        for line in public {
            context.printer.say(&format!("  {line}"));
        }
        for name in subjects.iter().take(NAMES) {
            context.printer.say(&format!("  about {}", quoted(name)));
        }
        if let Some(more) = subjects.len().checked_sub(NAMES).filter(|more| *more > 0) {
            context.printer.say(&format!("  and {more} more"));
        }
        told(context, services);
        let local = services
            .authority()
            .into_iter()
            .chain(logs)
            .all(Service::is_local);
        if local || self.yes {
            return Ok(());
        }
        if !(context.terminal && io::stdin().is_terminal()) {
            return Err(Failure::usage(
                "consent-required",
                "nobody has agreed that this becomes public; nothing was sent",
            )
            .hint("add `--yes`, or run it on a terminal and answer there"));
        }
        context.printer.say("publish it? [y/N]");
        let mut answer = String::new();
        let read = io::stdin().lock().take(ANSWER_BYTES).read_line(&mut answer);
        let agreed = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
        if read.is_ok() && agreed {
            return Ok(());
        }
        Err(Failure::usage(
            "consent-refused",
            "the answer was not yes; nothing was sent",
        ))
    }
}

/// A timestamp authority sees a hash, and publishes nothing.
fn told(context: &mut Context<'_, '_>, services: &Services) {
    for authority in services.timestamp_services() {
        context.printer.say(&format!(
            "the hash of the signature goes to {}",
            quoted(&authority.url)
        ));
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", escape::field(text))
}

fn addresses(services: &[Service]) -> String {
    let addresses: Vec<String> = services
        .iter()
        .map(|service| quoted(&service.url))
        .collect();
    format!("the log {}", addresses.join(" or "))
}
