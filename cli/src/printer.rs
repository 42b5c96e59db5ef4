//! The one way to standard output (data) and standard error (words).

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::escape;
use crate::failure::Failure;

/// The version of the JSON envelope, raised when a consumer of the old one would misread the new one.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What standard output carries.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Output {
    /// The plain result, a line an item.
    #[default]
    Text,
    /// One envelope `{schemaVersion, command, result}` or `{schemaVersion, command, error}`.
    Json,
}

/// Standard error, shared with what reports while it works.
#[derive(Clone)]
pub(crate) struct Words(Arc<Mutex<dyn Write + Send>>);

impl Words {
    pub(crate) fn new(stream: Arc<Mutex<dyn Write + Send>>) -> Self {
        Self(stream)
    }

    /// A line for people.
    pub(crate) fn say(&self, text: &str) {
        let line = escape::line(&escape::capped(text, escape::MESSAGE_BYTES));
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // If standard error is gone there is nobody left to tell.
        let _ = writeln!(stream, "{line}");
    }

    fn flush(&self) {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stream.flush();
    }
}

/// Prints data to one stream and words to another, and remembers whether that worked.
pub(crate) struct Printer<'a> {
    stdout: &'a mut dyn Write,
    words: Words,
    output: Output,
    verbosity: u8,
    broken: Option<io::Error>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(
        stdout: &'a mut dyn Write,
        words: Words,
        output: Output,
        verbosity: u8,
    ) -> Self {
        Self {
            stdout,
            words,
            output,
            verbosity,
            broken: None,
        }
    }

    /// How much is told about what happens: 0 results, 1 requests, 2 everything.
    pub(crate) fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Whether standard output carries the JSON envelope.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// A line of the plain result; nothing when the result is JSON.
    pub(crate) fn line(&mut self, text: &str) {
        if self.output == Output::Text {
            let line = escape::line(text);
            self.write_stdout(line.as_bytes());
            self.write_stdout(b"\n");
        }
    }

    /// Bytes of our own making (a key in PEM, a completion script, a bundle) as they are; nothing when the result is JSON.
    pub(crate) fn document(&mut self, bytes: &[u8]) {
        if self.output == Output::Text {
            self.write_stdout(bytes);
        }
    }

    /// Text of our own for standard output whatever was asked for (help and version have no JSON).
    pub(crate) fn say_document(&mut self, bytes: &[u8]) {
        self.write_stdout(bytes);
    }

    /// Several lines for people.
    pub(crate) fn explain(&mut self, text: &str) {
        for line in text.lines() {
            self.say(line);
        }
    }

    /// A line for people.
    pub(crate) fn say(&mut self, text: &str) {
        self.words.say(text);
    }

    /// Standard error for those who report while they work.
    pub(crate) fn words(&self) -> Words {
        self.words.clone()
    }

    /// A warning: the command goes on.
    pub(crate) fn warn(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// The JSON result of `command`; nothing when the result is text.
    pub(crate) fn result(&mut self, command: &str, result: &Value) {
        if self.output == Output::Json {
            self.envelope(&json!({
                "schemaVersion": SCHEMA_VERSION,
                "command": command,
                "result": result,
            }));
        }
    }

    /// The error of `command`, in words and, when the result is JSON, as an envelope.
    pub(crate) fn failure(&mut self, command: &str, failure: &Failure) {
        self.say(&format!("error: {}", failure.message));
        if let Some(hint) = &failure.hint {
            for line in hint.lines() {
                self.say(&format!("hint: {line}"));
            }
        }
        if self.output == Output::Json {
            self.envelope(&json!({
                "schemaVersion": SCHEMA_VERSION,
                "command": command,
                "error": failure.to_json(),
            }));
        }
    }

    /// Flushes both streams.
    ///
    /// # Errors
    /// The first error of standard output: whoever reads the exit code must not take a cut result for a whole one.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.broken.is_none()
            && let Err(error) = self.stdout.flush()
        {
            self.broken = Some(error);
        }
        let outcome = match self.broken.take() {
            None => Ok(()),
            Some(error) => {
                // A reader that went away (`| head`) knows that it did.
                if error.kind() != io::ErrorKind::BrokenPipe {
                    let words = crate::failure::words(&error);
                    self.say(&format!("error: cannot write to standard output: {words}"));
                    self.say("hint: the result above is incomplete; make room or choose another destination");
                }
                Err(error)
            }
        };
        self.words.flush();
        outcome
    }

    /// Makes standard output visible now, for commands that run on.
    pub(crate) fn flush(&mut self) {
        if self.broken.is_none()
            && let Err(error) = self.stdout.flush()
        {
            self.broken = Some(error);
        }
    }

    fn envelope(&mut self, envelope: &Value) {
        match serde_json::to_string_pretty(envelope) {
            Ok(text) => {
                self.write_stdout(escape::json(&text).as_bytes());
                self.write_stdout(b"\n");
            }
            Err(error) => self.broken = Some(io::Error::other(error)),
        }
    }

    fn write_stdout(&mut self, bytes: &[u8]) {
        if self.broken.is_none()
            && let Err(error) = self.stdout.write_all(bytes)
        {
            self.broken = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(output: Output, work: impl FnOnce(&mut Printer<'_>)) -> (String, String) {
        let mut stdout = Vec::new();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let mut printer = Printer::new(&mut stdout, Words::new(stderr.clone()), output, 1);
        work(&mut printer);
        printer.finish().unwrap();
        let words = stderr.lock().unwrap().clone();
        (
            String::from_utf8(stdout).unwrap(),
            String::from_utf8(words).unwrap(),
        )
    }

    #[test]
    fn a_full_disk_is_an_error_and_not_a_pass() {
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let mut stdout = Full;
        let mut printer = Printer::new(&mut stdout, Words::new(stderr.clone()), Output::Text, 0);
        printer.line("ghcr.io/acme/app@sha256:00");
        assert!(printer.finish().is_err());
        let words = String::from_utf8(stderr.lock().unwrap().clone()).unwrap();
        assert!(words.contains("cannot write to standard output"), "{words}");
    }

    #[test]
    fn lines_are_printed_in_text_and_envelopes_in_json() {
        for (output, expected) in [(Output::Text, "one\n"), (Output::Json, "{\n")] {
            let (stdout, _) = printed(output, |printer| {
                printer.line("one");
                printer.result("verify", &json!({}));
            });
            assert!(stdout.starts_with(expected), "{stdout}");
        }
    }

    #[test]
    fn what_came_from_outside_cannot_reach_the_terminal() {
        let (stdout, stderr) = printed(Output::Text, |printer| {
            printer.line("\u{1b}]0;x\u{7}");
            printer.say("a\nb");
            printer.warn("\u{9b}");
        });
        assert_eq!(stdout, "\\u{1b}]0;x\\u{7}\n");
        assert_eq!(stderr, "a\\nb\nwarning: \\u{9b}\n");
    }
}
