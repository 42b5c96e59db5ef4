//! Programs named `docker-credential-<name>`, by Docker's protocol: a verb as argument, JSON over standard input and output.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Credential, config_file};
use crate::error::{StoreError, clipped};
use crate::secret::Secret;

/// Time that a helper gets before it is killed.
const HELPER_TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read from a helper, in bytes.
const HELPER_BYTES: u64 = 64 << 10;
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
    let Output { success, text } = run(name, "get", server.as_bytes(), registry)?;
    if !success {
        if text.contains(NOT_FOUND) {
            return Ok(None);
        }
        return Err(failure(
            registry,
            &format!(
                "`docker-credential-{name} get` failed: {}",
                clipped(text.trim(), 256)
            ),
        ));
    }
    let unreadable = || {
        failure(
            registry,
            &format!("`docker-credential-{name} get` did not print a login"),
        )
    };
    let answer: Value = serde_json::from_str(&text).map_err(|_| unreadable())?;
    let member = |name: &str| answer.get(name).and_then(Value::as_str);
    match (member("Username"), member("Secret")) {
        (_, Some("")) => Ok(None),
        (Some(username), Some(secret)) => Ok(Some(config_file::login(username, secret))),
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
    let Output { success, .. } = run(name, "store", login.as_bytes(), registry)?;
    if success {
        Ok(())
    } else {
        Err(failure(
            registry,
            &format!("`docker-credential-{name} store` failed"),
        ))
    }
}

/// Has a helper forget a login; false when it had none.
pub(super) fn erase(name: &str, server: &str, registry: &str) -> Result<bool, StoreError> {
    let Output { success, text } = run(name, "erase", server.as_bytes(), registry)?;
    if success || text.contains(NOT_FOUND) {
        return Ok(success);
    }
    Err(failure(
        registry,
        &format!(
            "`docker-credential-{name} erase` failed: {}",
            clipped(text.trim(), 256)
        ),
    ))
}

pub(super) fn failure(registry: &str, detail: &str) -> StoreError {
    StoreError::Authentication {
        registry: registry.to_owned(),
        detail: detail.to_owned(),
        had_login: false,
    }
}

struct Output {
    success: bool,
    text: String,
}

fn run(name: &str, verb: &str, input: &[u8], registry: &str) -> Result<Output, StoreError> {
    let program = format!("docker-credential-{name}");
    let failed = |what: &str| failure(registry, &format!("credential helper `{program}` {what}"));
    let mut child = Command::new(&program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&format!("could not be started: {error}")))?;
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
    Ok(Output {
        success: status.success(),
        text,
    })
}
