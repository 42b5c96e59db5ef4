//! Runs a program to its end and keeps what it said.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A program with the environment that a test gives it: nothing of the caller's configuration leaks in.
#[derive(Debug, Clone)]
pub struct Program {
    /// What it is started by, like `unshare -n --`: nothing, or a program and its arguments.
    before: Vec<OsString>,
    path: PathBuf,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// The command line, for messages.
    pub command: String,
}

impl Program {
    /// `path`, run in `directory`, with `HOME` and the docker configuration inside it.
    pub fn new(path: impl Into<PathBuf>, directory: &Path) -> Self {
        let path = path.into();
        let mut environment = vec![
            ("HOME".into(), directory.join("home").into_os_string()),
            (
                "DOCKER_CONFIG".into(),
                directory.join("docker").into_os_string(),
            ),
            (
                "REGISTRY_AUTH_FILE".into(),
                directory.join("docker/config.json").into_os_string(),
            ),
            ("COSIGN_PASSWORD".into(), "pw".into()),
        ];
        if let Some(path) = std::env::var_os("PATH") {
            environment.push(("PATH".into(), path));
        }
        Self {
            before: Vec::new(),
            path,
            directory: directory.to_owned(),
            environment,
        }
    }

    /// The same program with one more variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same program, started by another one: `["unshare", "-n", "--"]`.
    #[must_use]
    pub fn within(mut self, before: &[&str]) -> Self {
        self.before = before.iter().map(OsString::from).collect();
        self
    }

    /// A [`Command`] of this program, for tests that wait or kill themselves.
    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut words = self
            .before
            .iter()
            .map(OsString::as_os_str)
            .chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs with `arguments` to the end.
    ///
    /// # Panics
    ///
    /// When the program can't be started.
    pub fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Outcome {
        let mut command = self.command(arguments);
        let line = format!("{command:?}");
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: line,
        }
    }
}

impl Outcome {
    /// The same outcome, after asserting the exit code.
    ///
    /// # Panics
    ///
    /// With everything that the program said, when it ended with another code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(
            self.code == code,
            "expected exit {code}, got {}\n{}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Both streams together, for looking words up.
    pub fn words(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The `countersign` program of this workspace: `COUNTERSIGN_BIN`, else built once with the tests' own profile.
///
/// # Panics
///
/// When it can't be built.
pub fn countersign() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("COUNTERSIGN_BIN") {
            return path.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "build",
                "--package",
                "countersign-cli",
                "--message-format",
                "json-render-diagnostics",
                "--locked",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo build runs");
        assert!(output.status.success(), "the program does not build");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "countersign")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the program")
    })
    .clone()
}
