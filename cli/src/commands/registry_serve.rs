//! `registry serve`: a folder of layouts, served by the distribution specification until it is stopped.

use std::sync::Arc;

use countersign_registry_server::{Options, Record, Server, ServerError};
use serde_json::json;

use super::Done;
use crate::arguments::Serve;
use crate::context::Context;
use crate::failure::Failure;

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
    if !address.ip().is_loopback() {
        context
            .printer
            .warn("everybody who reaches this address can pull and push");
    }
    runtime.block_on(server.serve(stopped()));
    context.printer.say("stopped");
    Ok(Done::printed())
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
