//! The listening socket: binding, serving and stopping.

use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{Options, connection::Connection, service::Service};

/// Why a server could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address could not be bound.
    #[error("cannot listen{}: {source}", on(addresses))]
    Bind {
        /// The addresses that the given one stands for; none when it could not be resolved.
        addresses: Vec<SocketAddr>,
        /// What the operating system says.
        source: io::Error,
    },
    /// The directory could not be made, read or written.
    #[error("cannot serve `{}`: {source}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// `Options::repository` is not a repository name.
    #[error("repository name `{name}` is not valid")]
    Repository {
        /// The name that was given.
        name: String,
    },
}

impl ServerError {
    /// A stable word for each variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "cannot-listen",
            Self::Directory { .. } => "cannot-serve-directory",
            Self::Repository { .. } => "bad-repository-name",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Bind { .. } => "choose a free port, or port 0 for any".to_owned(),
            Self::Directory { .. } => "name a directory that this user may write".to_owned(),
            Self::Repository { .. } => {
                "use lower-case letters, digits and `.`, `_`, `-`, `/` between them".to_owned()
            }
        })
    }
}

/// A bound server; it answers from [`Server::serve`] on.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
}

impl Server {
    /// Binds `address` and nothing else (port 0 takes any free port) and opens the directory.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn bind(address: impl ToSocketAddrs, options: Options) -> Result<Self, ServerError> {
        let service = Arc::new(Service::open(options)?);
        let addresses: Vec<SocketAddr> = match tokio::net::lookup_host(address).await {
            Ok(addresses) => addresses.collect(),
            Err(source) => {
                return Err(ServerError::Bind {
                    addresses: Vec::new(),
                    source,
                });
            }
        };
        let bound = TcpListener::bind(addresses.as_slice())
            .await
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)));
        let (listener, address) =
            bound.map_err(|source| ServerError::Bind { addresses, source })?;
        Ok(Self {
            listener,
            address,
            service,
        })
    }

    /// The address that the server listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done; then takes no new request and lets the running ones end within
    /// [`Deadlines::grace`](crate::Deadlines::grace).
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self {
            listener, service, ..
        } = self;
        let grace = service.options().deadlines.grace;
        let places = Arc::new(Semaphore::new(service.options().caps.connections.max(1)));
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut sweep = tokio::time::interval(Duration::from_secs(30));
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &places) => {
                    let Some((stream, place)) = accepted else { continue };
                    let (service, stopped) = (Arc::clone(&service), stopped.clone());
                    connections.spawn(async move {
                        converse(stream, service, stopped).await;
                        drop(place);
                    });
                }
                _ = connections.join_next(), if !connections.is_empty() => {}
                _ = sweep.tick() => service.sweep(),
            }
        }
        drop(listener);
        drop(stop);
        drop(
            tokio::time::timeout(grace, async {
                while connections.join_next().await.is_some() {}
            })
            .await,
        );
        connections.shutdown().await;
    }
}

fn on(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<String> = addresses
        .iter()
        .map(|address| format!("`{address}`"))
        .collect();
    if addresses.is_empty() {
        String::new()
    } else {
        format!(" on {}", addresses.join(", "))
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(_) => {
            // Out of file descriptors, most likely: trying again at once would spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn converse(
    stream: tokio::net::TcpStream,
    service: Arc<Service>,
    mut stopped: watch::Receiver<()>,
) {
    drop(stream.set_nodelay(true));
    let options = service.options();
    let deadlines = options.deadlines.clone();
    let head_bytes = options.caps.head_bytes.max(8192);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadlines.head)
        .max_buf_size(head_bytes)
        .serve_connection(
            TokioIo::new(Connection::new(stream, deadlines.idle)),
            service_fn(move |request| {
                let service = Arc::clone(&service);
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            }),
        );
    let mut connection = std::pin::pin!(connection);
    // A connection that breaks is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
