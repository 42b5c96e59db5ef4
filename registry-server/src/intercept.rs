//! The hook through which a test gives the server a personality: it may answer, delay or change a request, and change an answer.

use http::{Response, request::Parts};

use crate::Body;

/// What becomes of a request that an [`Intercept`] saw.
pub enum Step {
    /// The server handles the request, as the hook left it.
    Continue,
    /// This is the answer; the server does not see the request.
    Answer(Box<Response<Body>>),
}

/// Sees each request before the server's own handlers and each of their answers before the client.
///
/// Both methods default to doing nothing. They may wait: the request's connection waits with them.
pub trait Intercept: Send + Sync {
    /// Called with the head of a request, which may be changed: a removed `If-Match` is a registry without conditional PUTs.
    fn before<'a>(&'a self, request: &'a mut Parts) -> countersign_registry::BoxFuture<'a, Step> {
        let _ = request;
        Box::pin(async { Step::Continue })
    }

    /// Called with the server's own answer to `request`: a removed `OCI-Subject` is a registry without the referrers API.
    fn after<'a>(
        &'a self,
        request: &'a Parts,
        response: Response<Body>,
    ) -> countersign_registry::BoxFuture<'a, Response<Body>> {
        let _ = request;
        Box::pin(async { response })
    }
}
