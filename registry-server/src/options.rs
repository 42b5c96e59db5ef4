//! What a server is told when it is bound: the directory, its permissions, caps and deadlines.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use http::{Method, StatusCode};

use crate::{Auth, Intercept};

/// Called once for each answered request.
pub type Diagnostics = Arc<dyn Fn(&Record<'_>) + Send + Sync>;

/// One answered request, for an access log; it never holds a header or a credential.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path, without its query.
    pub path: &'a str,
    /// The answer's status.
    pub status: StatusCode,
    /// What went wrong on the server's own side, with paths, for its operator only.
    pub fault: Option<&'a str>,
}

/// How a server behaves; [`Options::new`] gives the defaults.
#[derive(Clone)]
pub struct Options {
    /// The directory whose layouts are served; made when it does not exist.
    pub directory: PathBuf,
    /// Name of the one repository when `directory` is itself a layout; default: the folder's name.
    pub repository: Option<String>,
    /// Who may do what; `None` lets everyone who can connect pull and push.
    pub auth: Option<Auth>,
    /// Whether manifests, tags and blobs may be pushed; default true.
    pub allow_push: bool,
    /// Whether manifests, tags and blobs may be deleted; default false.
    pub allow_delete: bool,
    /// Caps on what one client can make the server hold.
    pub caps: Caps,
    /// How long a client may take.
    pub deadlines: Deadlines,
    /// Sees each request before the server does; for tests that need a registry with a personality.
    pub intercept: Option<Arc<dyn Intercept>>,
    /// Told of each answered request.
    pub diagnostics: Option<Diagnostics>,
}

impl Options {
    /// The defaults for `directory`: no authentication, pushes allowed, deletes refused.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            repository: None,
            auth: None,
            allow_push: true,
            allow_delete: false,
            caps: Caps::default(),
            deadlines: Deadlines::default(),
            intercept: None,
            diagnostics: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("directory", &self.directory)
            .field("repository", &self.repository)
            .field("auth", &self.auth)
            .field("allow_push", &self.allow_push)
            .field("allow_delete", &self.allow_delete)
            .field("caps", &self.caps)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// Caps on what clients can make the server read or hold.
#[derive(Clone, Debug)]
pub struct Caps {
    /// Bytes of a pushed manifest; default 4 MiB (the specification's least).
    pub manifest_bytes: u64,
    /// Bytes of one blob; default 16 GiB.
    pub blob_bytes: u64,
    /// Bytes of an `index.json`; default 16 MiB, which is what readers of layouts in this workspace take.
    pub index_bytes: u64,
    /// Unfinished uploads at one time; default 256. The one that was idle the longest is dropped for a new one only after
    /// [`Deadlines::upload_idle`].
    pub uploads: usize,
    /// Connections at one time; further ones wait unaccepted; default 1,024.
    pub connections: usize,
    /// Tags on one page of `tags/list`; default 10,000.
    pub tags_page: usize,
    /// Entries on one page of the referrers list; default 1,000. A page also ends before 3 MiB, so that it stays under the
    /// 4 MiB that clients read.
    pub referrers_page: usize,
    /// Bytes of a request's head; default 64 KiB.
    pub head_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            blob_bytes: 16 << 30,
            index_bytes: 16 << 20,
            uploads: 256,
            connections: 1024,
            tags_page: 10_000,
            referrers_page: 1000,
            head_bytes: 64 << 10,
        }
    }
}

/// How long clients may take; a client that is slower loses its connection.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// From the connection, or the answer before, to the end of a request's head; default 30 s.
    pub head: Duration,
    /// Between two pieces of a request's body, and between two pieces of an answer that the client takes; default 30 s.
    pub idle: Duration,
    /// For a whole manifest or form; default 60 s.
    pub manifest: Duration,
    /// Bytes a second that an upload must reach on average, judged once `idle` has passed; default 1,024.
    pub upload_rate: u64,
    /// After which an upload that nobody continued is forgotten; default 1 h.
    pub upload_idle: Duration,
    /// How long running requests may go on after the shutdown was asked for; default 5 s.
    pub grace: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            manifest: Duration::from_secs(60),
            upload_rate: 1024,
            upload_idle: Duration::from_secs(3600),
            grace: Duration::from_secs(5),
        }
    }
}
