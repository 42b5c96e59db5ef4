//! The registry of the demo: our own server on a free port of loopback, in a thread of this process.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;

use countersign_registry_server::{Options, Server};
use tokio::sync::oneshot;

use crate::failure::{Failure, words};

/// A running registry.
pub(super) struct Loopback {
    /// Where it listens.
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Loopback {
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| {
            Failure::internal(
                "runtime",
                format!("cannot start the registry: {}", words(error)),
            )
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let server = runtime.block_on(Server::bind("127.0.0.1:0", Options::new(folder)))?;
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("registry".to_owned())
            .spawn(move || {
                runtime.block_on(server.serve(async {
                    let _ = stopped.await;
                }));
            })
            .map_err(|error| failed(&error))?;
        Ok(Self {
            address,
            stop,
            thread,
        })
    }

    /// Ends it and waits until it has.
    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
