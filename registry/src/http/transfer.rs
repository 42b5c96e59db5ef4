//! Moving blobs through without holding them, and removing what is stored.

use std::time::{Duration, Instant};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest};
use countersign_proof::digest;
use reqwest::header::{CONTENT_LENGTH, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::body::Expect;
use super::call::{Call, Reply, Right, outgoing};
use super::failure::broken;
use super::redirects::Redirects;
use super::{Registry, origin};
use crate::depot::{Depot, Edit, Fallback, SMALL_BLOB, Taken};
use crate::error::{Outage, StoreError, Thing};
use crate::layout::referrer_descriptor;
use crate::store::{BoxFuture, ListedVia, Resolved};
use crate::stream::{BlobStream, Pieces, Whole};

/// The slowest transfer that is waited for, in bytes a second on average, beyond the deadline itself.
const LEAST_RATE: u64 = 64 << 10;
/// Pieces that wait between reading and writing.
const PIECES: usize = 8;

impl Registry {
    /// The time that a transfer of so many bytes may take in all.
    fn time_for(&self, size: u64) -> Duration {
        self.settings.deadline + Duration::from_secs(size / LEAST_RATE)
    }

    async fn open_blob(&self, descriptor: &Descriptor) -> Result<BlobStream, StoreError> {
        let inline = descriptor.data.as_ref().filter(|data| {
            data.len() as u64 == descriptor.size && digest::matches(&descriptor.digest, data)
        });
        if let Some(data) = inline {
            let pieces = Whole(Some(data.clone()));
            return Ok(BlobStream::new(
                Box::new(pieces),
                descriptor,
                self.name.clone(),
            ));
        }
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let call = Call {
            redirects: Redirects::Anywhere,
            ..Call::get(url, Expect::Stream(descriptor))
        };
        let mut reply = self.ask(&call).await?;
        let rest = reply.rest.take();
        match (reply.status.as_u16(), rest) {
            (200, Some(response)) => {
                let pieces = Incoming {
                    response,
                    registry: self.registry.clone(),
                    patience: self.settings.deadline,
                    until: Instant::now() + self.time_for(descriptor.size),
                };
                Ok(BlobStream::new(
                    Box::new(pieces),
                    descriptor,
                    self.name.clone(),
                ))
            }
            (404, _) if reply.at_home => Err(StoreError::NotFound {
                thing: Thing::Blob,
                name: format!("{}@{}", self.name, descriptor.digest),
            }),
            _ => Err(self.unusable(&reply)),
        }
    }

    async fn take(
        &self,
        source: &dyn Depot,
        descriptor: &Descriptor,
        mount: Option<&str>,
    ) -> Result<Taken, StoreError> {
        let mut begun = None;
        if let Some(from) = mount {
            match self.mount(&descriptor.digest, from).await {
                Ok(None) => return Ok(Taken::Mounted),
                Ok(Some(place)) => begun = Some(place),
                // Some registries refuse a mount where others begin an upload; what is really wrong shows in the upload.
                Err(
                    StoreError::Authentication { .. }
                    | StoreError::Unavailable {
                        outage:
                            Outage::Status {
                                status: 400..=499, ..
                            },
                        ..
                    },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        let begin = async {
            match begun {
                Some(place) => Ok(place),
                None => self.begin_upload().await,
            }
        };
        // Neither side waits for the other to begin.
        if descriptor.size <= SMALL_BLOB {
            let blob = source.blob(descriptor, descriptor.size);
            let (place, bytes) = tokio::try_join!(begin, blob)?;
            self.upload_to(&place, bytes, &descriptor.digest).await?;
        } else {
            let (place, blob) = tokio::try_join!(begin, source.stream(descriptor))?;
            self.carry(blob, descriptor, &place).await?;
        }
        Ok(Taken::Carried)
    }

    /// Asks for a blob of another repository; `None` when it is here now, else the place of an upload.
    async fn mount(&self, digest: &Digest, from: &str) -> Result<Option<Place>, StoreError> {
        let mut url = self.url("blobs/uploads/")?;
        url.query_pairs_mut()
            .append_pair("mount", &digest.to_string())
            .append_pair("from", from);
        let reply = self
            .ask(&Call {
                right: Right::Mount(from),
                ..empty_post(url.clone())
            })
            .await?;
        match reply.status.as_u16() {
            201 => Ok(None),
            202 => Ok(Some(Place::of(url, &reply))),
            _ => Err(self.status_error(&reply)),
        }
    }

    pub(super) async fn begin_upload(&self) -> Result<Place, StoreError> {
        let url = self.url("blobs/uploads/")?;
        let reply = self.ask(&empty_post(url.clone())).await?;
        match reply.status.as_u16() {
            202 => Ok(Place::of(url, &reply)),
            _ => Err(self.unusable(&reply)),
        }
    }

    /// Reads a blob and writes it to its place at the same time; neither side is ever ahead by more than a few pieces.
    async fn carry(
        &self,
        mut blob: BlobStream,
        descriptor: &Descriptor,
        place: &Place,
    ) -> Result<(), StoreError> {
        let to = self.upload_place(&place.from, place.location.as_ref(), &descriptor.digest)?;
        let patience = self.settings.deadline;
        let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(PIECES);
        let pump = async move {
            loop {
                let piece = match blob.next().await {
                    Ok(Some(piece)) => piece,
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        // The request must break off, not end: a body that ends is a body that is complete.
                        let aborted = std::io::Error::other("the source broke off");
                        let _ = sender.send(Err(aborted)).await;
                        return Err(error);
                    }
                };
                match timeout(patience, sender.send(Ok(piece))).await {
                    Ok(Ok(())) => {}
                    // Nobody listens any more: the answer says why.
                    Ok(Err(_)) => return Ok(()),
                    Err(_) => return Err(self.stalled(patience)),
                }
            }
        };
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let put = self.put(&to, descriptor.size, reqwest::Body::wrap_stream(pieces));
        let limit = self.time_for(descriptor.size);
        let both = async { tokio::join!(pump, put) };
        let (pumped, answered) = timeout(limit, both)
            .await
            .map_err(|_| self.stalled(limit))?;
        pumped?;
        let reply = answered?;
        match reply.status.as_u16() {
            201 => Ok(()),
            _ => Err(self.unusable(&reply)),
        }
    }

    async fn put(&self, to: &Url, size: u64, body: reqwest::Body) -> Result<Reply, StoreError> {
        let call = Call {
            content_type: Some("application/octet-stream"),
            headers: vec![(CONTENT_LENGTH, HeaderValue::from(size))],
            repeatable: false,
            ..Call::change(Method::PUT, to.clone())
        };
        let at_home = origin::same(to, &self.base);
        let transport = self.transport();
        let state = self.state();
        let authorization = self.known_login(&transport, &state, &call).await?;
        let question = outgoing(&call, to.clone(), authorization.as_ref());
        let incoming = transport
            .exchange_body(&question, Some(body), Expect::Nothing)
            .await?;
        let reply = self.reply(incoming, at_home, authorization.as_ref());
        self.admitted(&call, reply).await
    }

    fn stalled(&self, limit: Duration) -> StoreError {
        StoreError::Unavailable {
            registry: self.registry.clone(),
            outage: Outage::Deadline { limit },
        }
    }

    async fn delete(&self, reference: &str) -> Result<bool, StoreError> {
        let url = self.url(&format!("manifests/{reference}"))?;
        let reply = self
            .ask(&Call {
                right: Right::Delete,
                ..Call::change(Method::DELETE, url)
            })
            .await?;
        match reply.status.as_u16() {
            200 | 202 | 204 => Ok(true),
            404 => Ok(false),
            405 | 501 => Err(self.no_deletes(&reply)),
            400 if reply.code.as_deref() == Some("UNSUPPORTED") => Err(self.no_deletes(&reply)),
            _ => Err(self.unusable(&reply)),
        }
    }

    fn no_deletes(&self, reply: &Reply) -> StoreError {
        StoreError::Unsupported {
            store: self.name.clone(),
            detail: format!(
                "the registry refuses deletes (status {})",
                reply.status.as_u16()
            ),
        }
    }
}

impl Depot for Registry {
    fn stream<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<BlobStream, StoreError>> {
        Box::pin(self.open_blob(descriptor))
    }

    fn holds_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.finds_blob(&descriptor.digest))
    }

    fn take_blob<'a>(
        &'a self,
        source: &'a dyn Depot,
        descriptor: &'a Descriptor,
        mount: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(self.take(source, descriptor, mount))
    }

    fn take_manifest<'a>(
        &'a self,
        resolved: &'a Resolved,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let reference = resolved.descriptor.digest.to_string();
            self.store_manifest(resolved, &reference).await
        })
    }

    fn list<'a>(
        &'a self,
        subject: &'a Digest,
        referrers: &'a [Resolved],
    ) -> BoxFuture<'a, Result<ListedVia, StoreError>> {
        Box::pin(async move {
            let entries: Vec<Descriptor> = referrers.iter().map(referrer_descriptor).collect();
            self.list_under_tag(subject, &entries).await?;
            Ok(ListedVia::FallbackTag)
        })
    }

    fn fallback<'a>(
        &'a self,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Fallback>, StoreError>> {
        Box::pin(async move {
            let found = self.fallback_index(subject).await?;
            Ok(found.map(|found| Fallback {
                index: found.index,
                complete: found.complete,
            }))
        })
    }

    fn edit_fallback<'a>(
        &'a self,
        subject: &'a Digest,
        edit: &'a Edit<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.settle(subject, edit))
    }

    fn delete_manifest<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { self.delete(&digest.to_string()).await })
    }

    fn delete_tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            match self.delete(tag).await {
                // Older registries delete by digest alone.
                Err(
                    StoreError::Unsupported { .. }
                    | StoreError::Unavailable {
                        outage: Outage::Status { status: 400, .. },
                        ..
                    },
                ) => match crate::store::Store::tag(self, tag).await? {
                    Some(found) => self.delete(&found.descriptor.digest.to_string()).await,
                    None => Ok(false),
                },
                other => other,
            }
        })
    }

    fn renew(&self) {
        self.budget.renew();
    }
}

/// Where an upload goes on.
pub(super) struct Place {
    pub(super) from: Url,
    pub(super) location: Option<HeaderValue>,
}

impl Place {
    fn of(mut from: Url, reply: &Reply) -> Self {
        from.set_query(None);
        Self {
            from,
            location: reply.headers.get(LOCATION).cloned(),
        }
    }
}

fn empty_post<'a>(url: Url) -> Call<'a> {
    Call {
        body: Some(Bytes::new()),
        // Said even when it is nothing: some front ends answer 411 otherwise.
        headers: vec![(CONTENT_LENGTH, HeaderValue::from_static("0"))],
        ..Call::change(Method::POST, url)
    }
}

/// The pieces of a blob as the connection gives them.
struct Incoming {
    response: reqwest::Response,
    registry: String,
    /// Longest wait for one piece.
    patience: Duration,
    until: Instant,
}

impl Pieces for Incoming {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let left = self.until.saturating_duration_since(Instant::now());
            let limit = self.patience.min(left);
            match timeout(limit, self.response.chunk()).await {
                Ok(Ok(piece)) => Ok(piece),
                Ok(Err(error)) => {
                    let url = self.response.url().clone();
                    Err(broken(&url, error))
                }
                Err(_) => Err(StoreError::Unavailable {
                    registry: self.registry.clone(),
                    outage: Outage::Deadline { limit },
                }),
            }
        })
    }
}
