//! Shows each command as one would type it and runs it with this very program.

use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use countersign_registry::{Settings, StoreError};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::{Failure, words};
use crate::stores;

/// The password of the demo's keys.
const PASSWORD: &str = "demo";

/// A terminal session that is being shown.
pub(super) struct Session<'c, 'a, 'b> {
    context: &'c mut Context<'a, 'b>,
    runtime: tokio::runtime::Runtime,
    program: PathBuf,
    folder: PathBuf,
    steps: Vec<Value>,
}

impl<'c, 'a, 'b> Session<'c, 'a, 'b> {
    pub(super) fn new(context: &'c mut Context<'a, 'b>, folder: PathBuf) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::internal(
                "program-unknown",
                format!(
                    "cannot find this program to run it again: {}",
                    words(&error)
                ),
            )
        })?;
        let runtime = context.runtime()?;
        Ok(Self {
            context,
            runtime,
            program,
            folder,
            steps: Vec::new(),
        })
    }

    pub(super) fn settings(&self) -> Settings {
        stores::settings(self.context)
    }

    pub(super) fn say(&mut self, text: &str) {
        self.context.printer.line(text);
        self.context.printer.flush();
    }

    pub(super) fn title(&mut self, text: &str) {
        self.say("");
        self.say(&format!("## {text}"));
    }

    pub(super) fn note(&mut self, text: &str) {
        self.say(&format!("# {text}"));
    }

    pub(super) fn document(&mut self, name: &str, text: &str) {
        self.say(&format!("$ cat {name}"));
        for line in text.lines() {
            self.say(&format!("  {line}"));
        }
    }

    /// Shows a command that runs inside this process.
    pub(super) fn show(&mut self, arguments: &[&str]) {
        self.say(&format!("$ countersign {} &", arguments.join(" ")));
    }

    /// Waits for work on a store.
    pub(super) fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Failure> {
        Ok(self.runtime.block_on(work)?)
    }

    /// Shows and runs a command, and insists that it ends as the demo says.
    pub(super) fn run(&mut self, arguments: &[&str], expected: ExitStatus) -> Result<(), Failure> {
        let shown = format!("countersign {}", arguments.join(" "));
        self.say(&format!("$ {shown}"));
        let output = self.command().args(arguments).output().map_err(|error| {
            Failure::internal(
                "program-unrunnable",
                format!("cannot run `{shown}`: {}", words(&error)),
            )
        })?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        for line in stderr.lines().chain(stdout.lines()) {
            self.say(&format!("  {line}"));
        }
        let code = output.status.code();
        self.say(&format!(
            "  (exit code {})",
            code.map_or_else(|| "none".to_owned(), |code| code.to_string())
        ));
        self.steps
            .push(json!({"command": shown, "exitCode": code, "stdout": stdout, "stderr": stderr}));
        if code == Some(i32::from(expected.code())) {
            return Ok(());
        }
        Err(Failure::internal(
            "demo-surprise",
            format!(
                "`{shown}` ended with {code:?} where {} was expected",
                expected.code()
            ),
        )
        .hint("what it printed stands above; please report it"))
    }

    pub(super) fn steps(self) -> Vec<Value> {
        self.steps
    }

    /// This program, in the demo's folder, free of what the caller's environment says about other work.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("COUNTERSIGN_") || text.starts_with("COSIGN_") {
                command.env_remove(&name);
            }
        }
        command
            .env("COUNTERSIGN_PASSWORD", PASSWORD)
            .env("DOCKER_CONFIG", &self.folder);
        command
    }
}
