//! The distribution specification served from OCI image layouts on disk: the embedded default registry and the registry of tests.
//!
//! What is served depends on the directory, once, when the server is bound:
//!
//! * A directory that is itself an OCI image layout (it holds a file `oci-layout`) is one repository. Its name is the folder's
//!   name when that is a valid repository name, else `layout`; [`Options::repository`] overrides it.
//! * Any other directory holds repositories: `DIR/acme/app` is the layout of the repository `acme/app`, made on its first push.
//!   Path components `blobs`, `index.json` and `oci-layout` are refused in repository names, because they would lie inside the
//!   layout of the repository above.
//!
//! Rules of the stored layouts: a tag is the annotation `org.opencontainers.image.ref.name` of an entry of `index.json`; a
//! manifest that has a `subject` always has an entry without that annotation, so that everything that reads layouts finds it as
//! a referrer. `index.json` is replaced atomically under the lock of [`countersign_registry::layout`], which also makes
//! conditional PUTs a real compare-and-swap between processes.
//!
//! ```no_run
//! # async fn example() -> Result<(), countersign_registry_server::ServerError> {
//! use countersign_registry_server::{Options, Server};
//! let server = Server::bind("127.0.0.1:5000", Options::new("registry")).await?;
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let running = tokio::spawn(server.serve(async { drop(stopped.await) }));
//! drop(stop);
//! # drop(running);
//! # Ok(())
//! # }
//! ```

mod auth;
mod blobs;
mod blocking;
mod body;
mod conditions;
mod connection;
mod digesting;
mod facts;
mod folder;
mod index;
mod intercept;
mod manifests;
mod names;
mod options;
mod random;
mod referrers;
mod refusal;
mod repositories;
mod route;
mod server;
mod service;
mod store;
mod tags;
mod token;
mod uploads;

pub use auth::{Auth, Bearer, User};
pub use body::{Body, empty, full, stream};
pub use intercept::{Intercept, Step};
pub use options::{Caps, Deadlines, Diagnostics, Options, Record};
pub use server::{Server, ServerError};
