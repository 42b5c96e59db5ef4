//! Our own registry on loopback, in a thread, with a fault where a test wants one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use countersign_formats::Reference;
use countersign_registry::{BoxFuture, Settings, Store};
use countersign_registry_server::{Body, Intercept, Options, Server, Step, full};
use http::Response;
use http::request::Parts;
use tokio::sync::oneshot;

/// Decides from method and path whether a request fails, and how.
pub(crate) type Fault = fn(&str, &str) -> Option<(u16, &'static str)>;

struct Faulty(Fault);

impl Intercept for Faulty {
    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        let answer = (self.0)(request.method.as_str(), request.uri.path());
        Box::pin(async move {
            match answer {
                None => Step::Continue,
                Some((status, body)) => {
                    let response: Response<Body> = Response::builder()
                        .status(status)
                        .header("content-type", "application/vnd.oci.image.index.v1+json")
                        .body(full(body))
                        .unwrap();
                    Step::Answer(Box::new(response))
                }
            }
        })
    }
}

/// A running registry.
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with(Options::new(folder))
    }

    pub(crate) fn faulty(folder: &Path, fault: Fault) -> Self {
        let mut options = Options::new(folder);
        options.intercept = Some(Arc::new(Faulty(fault)));
        Self::with(options)
    }

    pub(crate) fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let server = runtime
            .block_on(Server::bind("127.0.0.1:0", options))
            .unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(server.serve(async {
                let _ = stopped.await;
            }));
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The repository `acme/app` here.
    pub(crate) fn name(&self) -> String {
        format!("{}/acme/app", self.address)
    }

    pub(crate) fn store(&self) -> Box<dyn Store> {
        let settings = Settings {
            allow_http: true,
            ..Settings::default()
        };
        countersign_registry::open(&Reference::parse(&self.name()).unwrap(), &settings).unwrap()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
