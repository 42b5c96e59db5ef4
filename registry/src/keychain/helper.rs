//! Programs named `docker-credential-<name>`, by Docker's protocol: a verb as argument, JSON over standard input and output.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use countersign_formats::clipped;
use serde_json::{Value, json};

use super::Credential;
use crate::error::StoreError;
use crate::secret::Secret;

/// Time that a helper gets before it is killed.
const HELPER_TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read from a helper, in bytes.
const HELPER_BYTES: u64 = 64 << 10;
/// How much is kept of what a helper tells the terminal, in bytes.
const TOLD_BYTES: usize = 4 << 10;
/// Time for what a helper that failed told last.
const TOLD_TIME: Duration = Duration::from_millis(50);
/// What the names of helpers begin with.
const PREFIX: &str = "docker-credential-";
/// What helpers print when they have no login for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Whether a helper's name is made of `a-z`, `0-9` and `-` only.
pub(super) fn name_is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Asks a helper for the login of `server`; `None` when it has none.
pub(super) fn get(
    name: &str,
    server: &str,
    registry: &str,
) -> Result<Option<Credential>, StoreError> {
    let output = run(name, "get", server.as_bytes(), registry)?;
    if !output.success {
        if output.text.contains(NOT_FOUND) {
            return Ok(None);
        }
        return Err(output.refused(name, "get", registry));
    }
    let text = output.text;
    let unreadable = || failure(registry, name, "`get` did not print a login");
    let answer: Value = serde_json::from_str(&text).map_err(|_| unreadable())?;
    let member = |name: &str| answer.get(name).and_then(Value::as_str);
    match (member("Username"), member("Secret")) {
        (_, Some("")) => Ok(None),
        (Some(username), Some(secret)) => Ok(Some(Credential::of(username, &Secret::new(secret)))),
        _ => Err(unreadable()),
    }
}

/// Hands a login to a helper.
pub(super) fn store(
    name: &str,
    server: &str,
    username: &str,
    password: &Secret,
    registry: &str,
) -> Result<(), StoreError> {
    let login = json!({ "ServerURL": server, "Username": username, "Secret": password.reveal() })
        .to_string();
    let output = run(name, "store", login.as_bytes(), registry)?;
    if output.success {
        Ok(())
    } else {
        // It was given the password: its words are not passed on.
        Err(failure(registry, name, "`store` failed"))
    }
}

/// Has a helper forget a login; false when it had none.
pub(super) fn erase(name: &str, server: &str, registry: &str) -> Result<bool, StoreError> {
    let output = run(name, "erase", server.as_bytes(), registry)?;
    if output.success || output.text.contains(NOT_FOUND) {
        return Ok(output.success);
    }
    Err(output.refused(name, "erase", registry))
}

pub(super) fn failure(registry: &str, name: &str, detail: &str) -> StoreError {
    StoreError::Helper {
        registry: registry.to_owned(),
        program: format!("{PREFIX}{name}"),
        detail: clipped(detail, 512),
    }
}

struct Output {
    success: bool,
    text: String,
    /// The beginning of what it told the terminal.
    told: String,
}

impl Output {
    /// The error of a helper that ended as one that failed, with its reason. By the protocol that is its output; helpers of clouds
    /// tell the terminal instead. What could be a login is not passed on.
    fn refused(&self, name: &str, verb: &str, registry: &str) -> StoreError {
        let mut detail = format!("`{verb}` failed");
        let words = [&self.text, &self.told].map(|text| text.trim());
        for words in words {
            if !words.is_empty() && !words.contains("Secret") {
                detail.push_str(": ");
                detail.push_str(&clipped(words, 256));
            }
        }
        failure(registry, name, &detail)
    }
}

/// Reads what a helper tells the terminal to its end, so that it is not held up, and keeps the beginning.
fn listen(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    thread::spawn(move || {
        let mut chunk = [0; 1024];
        while let Ok(count) = from.read(&mut chunk) {
            if count == 0 {
                break;
            }
            let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
            let room = TOLD_BYTES.saturating_sub(kept.len());
            kept.extend(chunk.iter().take(count.min(room)));
        }
    });
    kept
}

fn run(name: &str, verb: &str, input: &[u8], registry: &str) -> Result<Output, StoreError> {
    let failed = |what: &str| failure(registry, name, what);
    let mut child = Command::new(format!("{PREFIX}{name}"))
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("could not be started: {error}")))?;
    let told = child.stderr.take().map(listen);
    let deadline = Instant::now() + HELPER_TIME;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read must not block us: small inputs fit into the pipe, larger ones are written beside.
        let input = input.to_vec();
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut text = Vec::new();
            let read = stdout.take(HELPER_BYTES + 1).read_to_end(&mut text);
            drop(sender.send(read.map(|_| text)));
        });
    }
    let text = match receiver.recv_timeout(HELPER_TIME) {
        Ok(Ok(text)) if text.len() as u64 <= HELPER_BYTES => Ok(text),
        Ok(Ok(_)) => Err(failed("answered with more than 64 KiB")),
        Ok(Err(error)) => Err(failed(&format!("could not be read: {error}"))),
        Err(_) => Err(failed("did not answer within 10 s")),
    };
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if text.is_ok() && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(2))
            }
            _ => {
                drop(child.kill());
                drop(child.wait());
                break None;
            }
        }
    };
    let text = String::from_utf8(text?).map_err(|_| failed("did not answer in UTF-8"))?;
    let status = status.ok_or_else(|| failed("did not end within 10 s"))?;
    if !status.success() {
        // What it told last may still be on its way; whether that ends, its children decide.
        thread::sleep(TOLD_TIME);
    }
    let told = told.map(|told| {
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&told).into_owned()
    });
    Ok(Output {
        success: status.success(),
        text,
        told: told.unwrap_or_default(),
    })
}
