//! `login`: tries credentials and keeps them where docker, podman and cosign look for them.

use std::io::IsTerminal as _;

use countersign_formats::{Reference, RegistryReference};
use countersign_registry::{
    Credential, ErrorClass, Keychain, LoginTried, Registry, Secret, StoreError, Stored,
};
use serde_json::json;

use super::Done;
use crate::arguments::Login;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::{secrets, stores};

/// The repository in a reference that is made from a host alone; nothing is asked about it.
const REPOSITORY: &str = "countersign/login";

pub(crate) fn run(arguments: &Login, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let host = registry_host(&arguments.host)?;
    let reference = in_registry(&host, REPOSITORY)?;
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
    let tried = if context.global.offline {
        None
    } else {
        Some(try_out(context, &reference, &username, &password)?)
    };
    let stored = keychain.store(&host, &username, &password)?;
    let place = place(&stored);
    context
        .printer
        .say(&format!("login for `{host}` kept in {place}"));
    let (word, words) = match tried {
        Some(LoginTried::Accepted) => ("accepted", "the registry took it".to_owned()),
        Some(LoginTried::NotAskedFor) => (
            "not-asked-for",
            format!("whether it is right is not known: `{host}` lets everybody in"),
        ),
        None => (
            "offline",
            format!("it was not tried: `--offline`; `countersign doctor {host}` tries it"),
        ),
    };
    context.printer.say(&words);
    if matches!(stored, Stored::File(_)) {
        context
            .printer
            .warn("the file holds the password in clear; a credential helper would not");
    }
    Ok(Done::pass(
        json!({"registry": host, "username": username, "tried": word, "storedIn": place}),
    ))
}

/// Asks the registry itself, not a mirror of it, whether it takes the login, which no file holds yet.
fn try_out(
    context: &mut Context<'_, '_>,
    reference: &RegistryReference,
    username: &str,
    password: &Secret,
) -> Result<LoginTried, Failure> {
    let mut settings = stores::settings(context);
    settings.mirrors.clear();
    settings.keychain =
        Keychain::anonymous().with_login(reference.registry(), Credential::of(username, password));
    let registry = Registry::open(reference, &settings)?;
    let tried = context.runtime()?.block_on(registry.try_login());
    tried.map_err(|error| refused(context, &error))
}

/// The error of a login that could not be tried, or was refused: nothing of it is kept.
fn refused(context: &mut Context<'_, '_>, error: &StoreError) -> Failure {
    context.printer.say("nothing was kept");
    let failure = Failure::from(error.clone());
    match error.class() {
        ErrorClass::Authentication => failure.instead(
            "check the user name and the password or token; `--offline` keeps them untried",
        ),
        _ => failure,
    }
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
        Err(bad_name(text))
    }
}

/// A reference to `repository` in the registry `host`, which must be one that the names of images can lead to.
pub(super) fn in_registry(host: &str, repository: &str) -> Result<RegistryReference, Failure> {
    match stores::reference(&format!("{host}/{repository}"))? {
        Reference::Registry(reference) if reference.repository() == repository => Ok(reference),
        // A name with neither a dot nor a port begins a repository of Docker Hub in every image reference.
        Reference::Registry(_) => {
            let name = escape::field(host);
            Err(bad_name(host).instead(&format!(
                "in the name of an image a first part with neither a dot nor a port is a repository of Docker Hub: write the host whole, as `{name}.example` or `{name}:443`, or `docker.io` for Docker Hub"
            )))
        }
        _ => Err(bad_name(host)),
    }
}

fn bad_name(text: &str) -> Failure {
    Failure::usage(
        "bad-registry-name",
        format!("`{}` is not the name of a registry", escape::field(text)),
    )
    .hint("write its host, as `ghcr.io` or `127.0.0.1:5000`, without a repository")
}
