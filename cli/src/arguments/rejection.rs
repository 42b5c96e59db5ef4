//! Turns what the parser of the command line refuses into one clear sentence.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::refused;
use crate::failure::Failure;

/// The sentence for a command line that cannot be used; `command` is the one that was asked for.
pub(crate) fn rejection(error: &clap::Error, command: &str) -> Failure {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
    {
        let name = flag.split('=').next().unwrap_or_default();
        if let Some(refusal) = refused::find(command, name) {
            return Failure::usage(
                "flag-not-honoured",
                format!("`{name}` of cosign is not honoured by `countersign {command}`"),
            )
            .hint(refusal.instead);
        }
    }
    let rendered = error.to_string();
    let mut lines = rendered.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let mut message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let mut hints = Vec::new();
    for line in lines {
        if let Some(tip) = line.strip_prefix("tip: ") {
            hints.push(backticks(tip));
        } else if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        } else if !line.is_empty() {
            message.push(' ');
            message.push_str(line.trim_start_matches('['));
        }
    }
    if error.kind() == ErrorKind::ArgumentConflict {
        hints.push(
            "leave one of them out; either may be set by its variable, as `--allow-http` is by COUNTERSIGN_ALLOW_HTTP"
                .to_owned(),
        );
    }
    let help = if command.is_empty() {
        "`countersign --help` lists the commands".to_owned()
    } else {
        format!("`countersign {command} --help` lists what can be written")
    };
    hints.push(help);
    Failure::usage(
        code(error.kind()),
        backticks(message.trim_end_matches(['.', ']'])),
    )
    .hint(hints.join("\n"))
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownArgument => "unknown-flag",
        ErrorKind::InvalidSubcommand => "unknown-command",
        ErrorKind::MissingRequiredArgument => "missing-argument",
        ErrorKind::ArgumentConflict => "conflicting-flags",
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => "invalid-value",
        _ => "command-line",
    }
}

/// The user's values stand in backticks everywhere else.
fn backticks(text: &str) -> String {
    text.replace('\'', "`")
}
