//! `registry serve`: a folder of layouts, served by the distribution specification until it is stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use countersign_registry::Secret;
use countersign_registry_server::{Auth, Options, Record, Server, ServerError, User};
use serde_json::json;

use super::Done;
use crate::arguments::Serve;
use crate::context::Context;
use crate::failure::Failure;
use crate::files;

/// Largest file of users that is read, in bytes.
const USERS_BYTES: u64 = 64 << 10;

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Failure::usage(error.code(), error.to_string()).or_hint(error.hint())
    }
}

pub(crate) fn run(arguments: &Serve, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    if context.global.offline {
        return Err(
            Failure::usage("offline", "a registry cannot be served with `--offline`")
                .hint("drop `--offline` (or COUNTERSIGN_OFFLINE)"),
        );
    }
    let mut options = Options::new(&arguments.dir);
    options.allow_delete = arguments.allow_delete;
    options.allow_push = !arguments.read_only;
    options.auth = arguments.users.as_deref().map(users).transpose()?;
    let open = options.auth.is_none();
    if context.printer.verbosity() > 0 {
        let words = context.printer.words();
        options.diagnostics = Some(Arc::new(move |record: &Record<'_>| {
            let fault = record
                .fault
                .map(|fault| format!(": {fault}"))
                .unwrap_or_default();
            words.say(&format!(
                "> {} {} -> {}{fault}",
                record.method,
                record.path,
                record.status.as_u16()
            ));
        }));
    }
    let listen = arguments.listen;
    let runtime = context.runtime()?;
    let server = runtime.block_on(Server::bind(listen, options))?;
    let address = server.local_addr();
    // The address goes out before the wait, so that whoever started us can connect.
    context.printer.line(&address.to_string());
    context.printer.result(
        "registry serve",
        &json!({"listening": address.to_string(), "dir": arguments.dir.display().to_string()}),
    );
    context.printer.flush();
    context.printer.say(&format!(
        "serving `{}` on http://{address}; images are `{address}/REPOSITORY:TAG` with `--allow-http`; stop with Ctrl-C",
        arguments.dir.display()
    ));
    if !address.ip().is_loopback() && open {
        context.printer.warn(match arguments.read_only {
            true => "everybody who reaches this address can pull",
            false => "everybody who reaches this address can pull and push",
        });
    }
    runtime.block_on(server.serve(stopped()));
    context.printer.say("stopped");
    Ok(Done::printed())
}

/// Reads a file of users; a line that begins with `#` says nothing.
fn users(path: &Path) -> Result<Auth, Failure> {
    let text = files::read("the file of users", path, USERS_BYTES)?;
    let wrong = |line: usize, what: &str| {
        Failure::usage(
            "users-unreadable",
            format!("`{}` line {line}: {what}", path.display()),
        )
        .hint("write a line `NAME:PASSWORD` for each user, with `:pull` behind it for who may only pull")
    };
    let text = String::from_utf8(text).map_err(|_| wrong(1, "it is not UTF-8"))?;
    let mut users = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, rest) = line
            .split_once(':')
            .filter(|(name, password)| !name.is_empty() && !password.is_empty())
            .ok_or_else(|| wrong(number + 1, "no name and password"))?;
        let (password, push) = match rest.strip_suffix(":pull") {
            Some(password) => (password, false),
            None => (rest, true),
        };
        let user = User {
            password: Secret::new(password),
            push,
        };
        if users.insert(name.to_owned(), user).is_some() {
            return Err(wrong(number + 1, "the user is there twice"));
        }
    }
    if users.is_empty() {
        return Err(wrong(1, "no user is named, so that nobody would get in"));
    }
    Ok(Auth::Basic(users))
}

/// Ends with Ctrl-C or a request to terminate.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
