//! `login`: keeps credentials for a registry where docker, podman and cosign look for them.

use std::io::IsTerminal as _;

use countersign_registry::{Keychain, Secret, Stored};
use serde_json::json;

use super::Done;
use crate::arguments::Login;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::secrets;

pub(crate) fn run(arguments: &Login, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let host = registry_host(&arguments.host)?;
    let username = arguments.username.clone().ok_or_else(|| {
        Failure::usage("username-missing", "no user name was given")
            .hint("write `--username NAME`; for a token the registry says which name to use")
    })?;
    let password = match &arguments.password {
        Some(password) => Secret::new(password.clone()),
        None if arguments.password_stdin || !std::io::stdin().is_terminal() => {
            secrets::piped("the registry").map_err(|failure| {
                failure.or_hint(Some(
                    "write it to standard input: `--password-stdin < FILE`".to_owned(),
                ))
            })?
        }
        None => secrets::ask(&format!(
            "password of {} at {}: ",
            escape::field(&username),
            escape::field(&host)
        ))?,
    };
    if password.is_empty() {
        return Err(Failure::usage("password-missing", "the password is empty")
            .hint("write it to standard input with `--password-stdin`"));
    }
    let keychain = Keychain::from_environment(|name| std::env::var(name).ok());
    let stored = keychain.store(&host, &username, &password)?;
    let place = place(&stored);
    context
        .printer
        .say(&format!("login for `{host}` kept in {place}"));
    context.printer.say(&format!(
        "it was not tried: `countersign doctor {host}` does"
    ));
    if matches!(stored, Stored::File(_)) {
        context
            .printer
            .warn("the file holds the password in clear; a credential helper would not");
    }
    Ok(Done::pass(
        json!({"registry": host, "username": username, "storedIn": place}),
    ))
}

/// Where a login was put, in words.
pub(super) fn place(stored: &Stored) -> String {
    match stored {
        Stored::File(path) => format!("`{}`", path.display()),
        Stored::Helper(name) => format!("the credential helper `{name}`"),
    }
}

/// The host of what was written: `ghcr.io`, `https://ghcr.io/`, `127.0.0.1:5000`.
pub(super) fn registry_host(text: &str) -> Result<String, Failure> {
    let host = text
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let plain = !host.is_empty()
        && host.len() <= 255
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    if plain {
        Ok(host.to_owned())
    } else {
        Err(Failure::usage(
            "bad-registry-name",
            format!("`{}` is not the name of a registry", escape::field(text)),
        )
        .hint("write its host, as `ghcr.io` or `127.0.0.1:5000`, without a repository"))
    }
}
