//! From a request to its answer: the hook, authentication, the handler, and what every answer carries.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_formats::{Digest, HashAlgorithm, Limits};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header,
    request::Parts,
};
use hyper::body::Incoming;
use serde_json::Value;

use crate::{
    Auth, Options, Record, ServerError, Step,
    auth::{Grant, Tokens},
    blocking::blocking,
    body::{Body, Payload, empty, full},
    conditions::{Conditions, entity_tag},
    digesting,
    facts::Known,
    refusal::{Code, Refusal},
    repositories::Repositories,
    route::{Place, Query, wrong_method},
    store::LayoutStore,
    token,
    uploads::Uploads,
};

pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Everything that requests share.
pub(crate) struct Service {
    options: Options,
    limits: Limits,
    repositories: Repositories,
    uploads: Arc<Uploads>,
    known: Arc<Known>,
    tokens: Tokens,
    /// Where a blob was last pushed, for mounts without `from`.
    seen: Mutex<HashMap<Digest, String>>,
}

impl Service {
    pub(crate) fn open(options: Options) -> Result<Self, ServerError> {
        let repositories = Repositories::open(
            options.directory.clone(),
            options.repository.clone(),
            options.caps.index_bytes,
        )?;
        let uploads = Uploads::new(
            repositories.directory(),
            options.caps.uploads,
            options.deadlines.upload_idle,
        );
        // A registry keeps what readers with stricter limits may refuse; memory is bounded by the manifest's bytes.
        let limits = Limits {
            manifest_bytes: options.caps.manifest_bytes,
            annotations: 10_000,
            layers: 10_000,
            index_entries: 10_000,
            ..Limits::default()
        };
        Ok(Self {
            options,
            limits,
            repositories,
            uploads: Arc::new(uploads),
            known: Arc::default(),
            tokens: Tokens::default(),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    pub(crate) fn uploads(&self) -> Arc<Uploads> {
        Arc::clone(&self.uploads)
    }

    pub(crate) fn sweep(&self) {
        self.uploads.sweep();
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut parts, incoming) = request.into_parts();
        let mut payload = Payload::new(incoming, &parts.headers, &self.options.deadlines);
        if let Some(intercept) = &self.options.intercept
            && let Step::Answer(response) = intercept.before(&mut parts).await
        {
            payload.drain().await;
            self.record(&parts, response.status(), None);
            return *response;
        }
        let (mut response, fault) = match self.handle(&parts, &mut payload).await {
            Ok(response) => (response, None),
            Err(mut refusal) => {
                payload.drain().await;
                let fault = refusal.fault.take();
                (refusal.into_response(), fault)
            }
        };
        let head = response.headers_mut();
        head.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
        // Blobs are anybody's bytes: a browser must not guess that they are a page.
        head.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Some(intercept) = &self.options.intercept {
            response = intercept.after(&parts, response).await;
        }
        self.record(&parts, response.status(), fault.as_deref());
        response
    }

    async fn handle(
        &self,
        parts: &Parts,
        payload: &mut Payload,
    ) -> Result<Response<Body>, Refusal> {
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let (method, headers) = (&parts.method, &parts.headers);
        if let (Some(Auth::Bearer(bearer)), "/token") = (&self.options.auth, parts.uri.path()) {
            return match *method {
                Method::GET => token::get(bearer, &self.tokens, &query, headers),
                Method::POST => token::post(
                    bearer,
                    &self.tokens,
                    &payload.whole(token::FORM_BYTES).await?,
                ),
                _ => Err(Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    Code::Unsupported,
                    "method is not supported here",
                )),
            };
        }
        let place = Place::parse(parts.uri.path())?;
        let grant = match &self.options.auth {
            Some(auth) => auth.judge(&self.tokens, &place, place.action(method), headers)?,
            None => Grant::everything(),
        };
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match (place, method) {
            (Place::Base, _) if reads => Ok(self.base()),
            (Place::Tags(name), _) if reads => self.list_tags(&name, &query, headers).await,
            (Place::Referrers(name, subject), _) if reads => {
                self.list_referrers(&name, subject, &query, headers).await
            }
            (Place::Manifest(name, reference), _) if reads => {
                self.get_manifest(&name, reference, method, headers).await
            }
            (Place::Manifest(name, reference), &Method::PUT) => {
                self.put_manifest(&name, reference, &query, headers, payload)
                    .await
            }
            (Place::Manifest(name, reference), &Method::DELETE) => {
                self.delete_manifest(&name, reference, headers).await
            }
            (Place::Blob(name, digest), _) if reads => {
                self.get_blob(&name, digest, method, headers).await
            }
            (Place::Blob(name, digest), &Method::DELETE) => self.delete_blob(&name, digest).await,
            (Place::Uploads(name), &Method::POST) => {
                self.begin_upload(&name, &query, payload, &grant).await
            }
            (Place::Upload(name, id), &Method::GET) => self.upload_status(&name, &id).await,
            (Place::Upload(name, id), &Method::PATCH) => {
                self.continue_upload(&name, &id, headers, payload).await
            }
            (Place::Upload(name, id), &Method::PUT) => {
                self.finish_upload(&name, &id, &query, headers, payload)
                    .await
            }
            (Place::Upload(name, id), &Method::DELETE) => self.cancel_upload(&name, &id),
            (place, _) => Err(wrong_method(&place)),
        }
    }

    fn base(&self) -> Response<Body> {
        let mut response = Response::new(full("{}"));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }

    /// A JSON answer whose entity tag is its digest, so that listings can be asked for conditionally.
    pub(crate) fn json(
        &self,
        document: &Value,
        media_type: &'static str,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let bytes = document.to_string();
        let tag = digesting::of(HashAlgorithm::Sha256, bytes.as_bytes()).to_string();
        let mut response = Response::new(empty());
        response
            .headers_mut()
            .insert(header::ETAG, entity_tag(&tag));
        if Conditions::of(headers).is_fresh(&tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        *response.body_mut() = full(bytes);
        response
    }

    pub(crate) async fn existing_or_none(
        &self,
        name: &str,
    ) -> Result<Option<LayoutStore>, Refusal> {
        let Some(layout) = self.repositories.layout(name) else {
            return Ok(None);
        };
        blocking(move || {
            let exists = layout
                .exists()
                .map_err(|error| Refusal::io("cannot look for a repository", &error))?;
            Ok(exists.then_some(layout))
        })
        .await
    }

    pub(crate) async fn existing(&self, name: &str) -> Result<LayoutStore, Refusal> {
        let found = self.existing_or_none(name).await?;
        found.ok_or_else(|| {
            Refusal::absent(
                Code::NameUnknown,
                format!("repository `{name}` is not here"),
            )
        })
    }

    pub(crate) fn layout_for_push(&self, name: &str) -> Result<LayoutStore, Refusal> {
        self.may_push()?;
        self.repositories.layout(name).ok_or_else(|| {
            Refusal::new(
                StatusCode::FORBIDDEN,
                Code::Denied,
                "this registry serves one layout, which is another repository",
            )
        })
    }

    pub(crate) fn may_push(&self) -> Result<(), Refusal> {
        if self.options.allow_push {
            Ok(())
        } else {
            Err(switched_off("pushes"))
        }
    }

    /// Holds for manifests by digest and by tag and for blobs alike (A106).
    pub(crate) fn may_delete(&self) -> Result<(), Refusal> {
        if self.options.allow_delete {
            Ok(())
        } else {
            Err(switched_off("deletes"))
        }
    }

    /// The repository that a blob may be mounted from. Who may not read it there gets an upload instead, and so learns nothing
    /// (A107).
    pub(crate) fn mount_source(
        &self,
        from: Option<&str>,
        digest: &Digest,
        grant: &Grant,
    ) -> Option<LayoutStore> {
        let name = match from {
            Some(from) => from.to_owned(),
            None => self
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(digest)?
                .clone(),
        };
        if !crate::names::is_repository(&name) || !grant.allows(&name, "pull") {
            return None;
        }
        self.repositories.layout(&name)
    }

    pub(crate) fn saw_blob(&self, digest: &Digest, name: &str) {
        const SEEN: usize = 10_000;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SEEN {
            seen.clear();
        }
        seen.insert(*digest, name.to_owned());
    }

    fn record(&self, parts: &Parts, status: StatusCode, fault: Option<&str>) {
        if let Some(diagnostics) = &self.options.diagnostics {
            diagnostics(&Record {
                method: &parts.method,
                path: parts.uri.path(),
                status,
                fault,
            });
        }
    }
}

fn switched_off(what: &str) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::Unsupported,
        format!("{what} are switched off on this server"),
    )
}
