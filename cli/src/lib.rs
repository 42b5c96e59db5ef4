//! The `countersign` command line: arguments, settings, words and exit codes around the Countersign libraries.
//!
//! [`run`] is the whole program with its streams given from outside, so that tests can call it in-process.

mod arguments;
mod batch;
mod blob_content;
mod clock;
mod commands;
mod context;
mod elsewhere;
mod escape;
mod evidence_kind;
mod exit;
mod explain;
mod explanation;
mod failure;
mod files;
mod flag_words;
mod held_trust;
mod images;
mod judging;
mod key_files;
mod legacy;
mod material;
mod moving;
mod packs;
mod platforms;
mod presence;
mod printer;
mod progress;
mod request_line;
mod secrets;
mod settings;
mod signatory;
mod signing;
mod staged;
mod stores;
mod trust;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::CommandFactory as _;

use arguments::Arguments;
use context::Context;
pub use exit::ExitStatus;
use failure::Failure;
use printer::{Output, Printer, Words};

/// The process as the operating system starts it.
#[must_use]
pub fn main() -> ExitCode {
    let stdout = io::stdout();
    let mut stdout = io::LineWriter::new(stdout.lock());
    let stderr = Arc::new(Mutex::new(io::stderr()));
    let terminal = io::stderr().is_terminal();
    run(std::env::args_os(), &mut stdout, stderr, terminal).into()
}

/// Runs the command line `arguments` (the program's name first) and says how it ended.
///
/// Data goes to `stdout`, words to `stderr`; `terminal` says whether somebody watches `stderr` (progress bars, questions).
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    stdout: &mut dyn Write,
    stderr: Arc<Mutex<dyn Write + Send>>,
    terminal: bool,
) -> ExitStatus {
    let words = Words::new(stderr);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = match Arguments::read(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return reject(&error, &arguments, stdout, words),
    };
    let global = parsed.global;
    let name = commands::name(&parsed.command);
    let mut printer = Printer::new(stdout, words, global.output, global.verbose);
    let done = settings::Global::read(&global).and_then(|global| {
        let mut context = Context::new(&mut printer, global, terminal);
        commands::run(parsed.command, &mut context)
    });
    let status = match done {
        Ok(done) => {
            if let Some(result) = &done.result {
                printer.result(name, result);
            }
            done.status
        }
        Err(failure) => {
            printer.failure(name, &failure);
            failure.status
        }
    };
    // An answer that did not reach its reader is no answer, whatever it was.
    match printer.finish() {
        Ok(()) => status,
        Err(_) => status.and(ExitStatus::Internal),
    }
}

/// Help and version go to standard output; everything else is a usage error in one sentence.
fn reject(
    error: &clap::Error,
    arguments: &[OsString],
    stdout: &mut dyn Write,
    words: Words,
) -> ExitStatus {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let output = wanted_output(arguments);
    let mut printer = Printer::new(stdout, words, output, 0);
    let status = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            printer.say_document(error.to_string().as_bytes());
            ExitStatus::Pass
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let command = wanted_command(arguments);
            let failure = Failure::usage("missing-command", "no command was given");
            // Behind a command that has commands of its own, clap's words are an error themselves and not a help page.
            let failure = match error.get(ContextKind::ValidSubcommand) {
                Some(ContextValue::Strings(choices)) => failure.hint(format!(
                    "write one of these behind `{command}`: {}",
                    choices.join(", ")
                )),
                _ => {
                    printer.explain(&error.to_string());
                    failure.hint("choose one of those above")
                }
            };
            printer.failure(&command, &failure);
            ExitStatus::Usage
        }
        _ => {
            let command = wanted_command(arguments);
            let failure: Failure = arguments::rejection(error, &command);
            printer.failure(&command, &failure);
            ExitStatus::Usage
        }
    };
    match printer.finish() {
        Ok(()) => status,
        Err(_) => ExitStatus::Internal,
    }
}

/// Whether JSON was asked for on a command line that does not parse.
fn wanted_output(arguments: &[OsString]) -> Output {
    let mut previous_is_flag = false;
    let mut found = std::env::var("COUNTERSIGN_OUTPUT").is_ok_and(|value| value == "json");
    for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
        if previous_is_flag {
            found = argument == "json";
        }
        previous_is_flag = argument == "--output" || argument == "-o";
        if let Some(value) = argument.strip_prefix("--output=").or_else(|| {
            argument
                .strip_prefix("-o")
                .filter(|value| !value.is_empty())
        }) {
            found = value.trim_start_matches('=') == "json";
        }
    }
    if found { Output::Json } else { Output::Text }
}

/// The command that was asked for on a command line that does not parse; empty when there is none.
fn wanted_command(arguments: &[OsString]) -> String {
    let mut command = Arguments::command();
    let mut path: Vec<String> = Vec::new();
    for argument in arguments
        .iter()
        .skip(1)
        .filter_map(|argument| argument.to_str())
    {
        if let Some(found) = command.find_subcommand(argument).cloned() {
            path.push(found.get_name().to_owned());
            command = found;
            if !command.has_subcommands() {
                break;
            }
        }
    }
    path.join(" ")
}
