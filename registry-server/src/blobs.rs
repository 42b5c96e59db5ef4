//! Pulling, pushing, mounting and deleting blobs.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};
use futures_util::stream::unfold;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    auth::Grant,
    blocking::blocking,
    body::{Body, Payload, empty, stream},
    conditions::{Conditions, entity_tag},
    refusal::{Code, Refusal},
    route::{Query, digest},
    service::{CONTENT_DIGEST, Service},
    uploads::{Chunk, Upload, range},
};

const PIECE_BYTES: u64 = 512 << 10;
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

impl Service {
    pub(crate) async fn get_blob(
        &self,
        name: &str,
        digest: Digest,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        let layout = self.existing(name).await?;
        let found = blocking(move || {
            layout
                .blob(&digest)
                .map_err(|error| Refusal::io("cannot open a blob", &error))
        })
        .await?;
        let (file, size) = found.ok_or_else(|| unknown(&digest))?;
        let text = digest.to_string();
        let mut response = Response::new(empty());
        let head = response.headers_mut();
        head.insert(header::ETAG, entity_tag(&text));
        head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        head.insert(CONTENT_DIGEST, value(&text));
        // Content never changes under a digest.
        head.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=31536000, immutable"),
        );
        if Conditions::of(headers).is_fresh(&text) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        head.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        let (first, length) = match asked_range(headers, size, &text) {
            Asked::All => (0, size),
            Asked::Part { first, length } => {
                let last = first.saturating_add(length).saturating_sub(1);
                head.insert(
                    header::CONTENT_RANGE,
                    value(&format!("bytes {first}-{last}/{size}")),
                );
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                (first, length)
            }
            Asked::Nothing => {
                return Err(Refusal::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    Code::SizeInvalid,
                    format!("blob has {size} bytes"),
                )
                .with(header::CONTENT_RANGE, format!("bytes */{size}")));
            }
        };
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if method != Method::HEAD {
            *response.body_mut() = pieces(file, first, length);
        }
        Ok(response)
    }

    pub(crate) async fn delete_blob(
        &self,
        name: &str,
        digest: Digest,
    ) -> Result<Response<Body>, Refusal> {
        self.may_delete()?;
        let layout = self.existing(name).await?;
        blocking(move || {
            let storage = |error: io::Error| Refusal::io("cannot delete a blob", &error);
            let locked = layout.lock().map_err(storage)?;
            // A manifest is deleted as one, so that no tag or list is left that names nothing.
            if locked.index.find(&digest).is_some() {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    Code::Denied,
                    "this is a manifest: delete it as one",
                ));
            }
            if !locked.remove_blob(&digest).map_err(storage)? {
                return Err(unknown(&digest));
            }
            Ok(())
        })
        .await?;
        Ok(with_status(StatusCode::ACCEPTED))
    }

    /// `POST …/blobs/uploads/`: a mount, a whole blob, or the begin of an upload.
    pub(crate) async fn begin_upload(
        &self,
        name: &str,
        query: &Query,
        payload: &mut Payload,
        grant: &Grant,
    ) -> Result<Response<Body>, Refusal> {
        let layout = self.layout_for_push(name)?;
        if let Some(mount) = query.first("mount") {
            let mount = digest(mount)?;
            if let Some(source) = self.mount_source(query.first("from"), &mount, grant) {
                let mounted = blocking(move || {
                    layout
                        .mount(&source, &mount)
                        .map_err(|error| Refusal::io("cannot mount a blob", &error))
                })
                .await?;
                if mounted {
                    self.saw_blob(&mount, name);
                    return Ok(created(name, &mount));
                }
            }
        }
        let whole = query.digest()?;
        let algorithm = match (&whole, query.first("digest-algorithm")) {
            (Some(digest), _) => digest.algorithm(),
            (None, None) => HashAlgorithm::Sha256,
            (None, Some(name)) => HashAlgorithm::from_name(name).ok_or_else(|| {
                Refusal::bad(
                    Code::Unsupported,
                    "digest algorithm is not sha256, sha384 or sha512",
                )
            })?,
        };
        let (uploads, repository) = (self.uploads(), name.to_owned());
        let upload = blocking(move || uploads.begin(&repository, algorithm)).await?;
        if let Some(digest) = whole {
            let finished = self.finish(&upload, digest, None, payload).await;
            self.uploads().forget(&upload);
            finished?;
            return Ok(created(name, &digest));
        }
        Ok(progress(StatusCode::ACCEPTED, &upload, 0))
    }

    pub(crate) async fn upload_status(
        &self,
        name: &str,
        id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let upload = self.uploads().find(name, id)?;
        let offset = upload.offset().await?;
        Ok(progress(StatusCode::NO_CONTENT, &upload, offset))
    }

    pub(crate) async fn continue_upload(
        &self,
        name: &str,
        id: &str,
        headers: &HeaderMap,
        payload: &mut Payload,
    ) -> Result<Response<Body>, Refusal> {
        self.may_push()?;
        let upload = self.uploads().find(name, id)?;
        let offset = upload
            .append(payload, chunk(headers)?, self.options().caps.blob_bytes)
            .await?;
        Ok(progress(StatusCode::ACCEPTED, &upload, offset))
    }

    pub(crate) async fn finish_upload(
        &self,
        name: &str,
        id: &str,
        query: &Query,
        headers: &HeaderMap,
        payload: &mut Payload,
    ) -> Result<Response<Body>, Refusal> {
        self.may_push()?;
        let digest = query
            .digest()?
            .ok_or_else(|| Refusal::bad(Code::DigestInvalid, "parameter `digest` is missing"))?;
        let upload = self.uploads().find(name, id)?;
        match self.finish(&upload, digest, chunk(headers)?, payload).await {
            Ok(()) => self.uploads().forget(&upload),
            // A chunk out of order may be sent again in order; content of another digest can never become right.
            Err(refusal) if refusal.is(Code::DigestInvalid) => {
                self.uploads().forget(&upload);
                return Err(refusal);
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(created(name, &digest))
    }

    pub(crate) fn cancel_upload(&self, name: &str, id: &str) -> Result<Response<Body>, Refusal> {
        let upload = self.uploads().find(name, id)?;
        self.uploads().forget(&upload);
        Ok(with_status(StatusCode::NO_CONTENT))
    }

    async fn finish(
        &self,
        upload: &Arc<Upload>,
        digest: Digest,
        chunk: Option<Chunk>,
        payload: &mut Payload,
    ) -> Result<(), Refusal> {
        let layout = self.layout_for_push(&upload.repository)?;
        upload
            .append(payload, chunk, self.options().caps.blob_bytes)
            .await?;
        upload.finish(digest, layout).await?;
        self.saw_blob(&digest, &upload.repository);
        Ok(())
    }
}

/// Which bytes a reader wants.
#[derive(Debug, Eq, PartialEq)]
enum Asked {
    All,
    Part { first: u64, length: u64 },
    Nothing,
}

/// RFC 9110 §14.2: one range is served; several, and what cannot be read, are answered with everything.
fn asked_range(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let Some(text) = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
    else {
        return Asked::All;
    };
    if let Some(condition) = headers.get(header::IF_RANGE)
        && condition.to_str().ok().map(|text| text.trim_matches('"')) != Some(tag)
    {
        return Asked::All;
    }
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::All;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit is larger than any blob.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let (first, last) = match (first, last) {
        ("", length) if digits(length) => match number(length) {
            0 => return Asked::Nothing,
            length => (size.saturating_sub(length), size.saturating_sub(1)),
        },
        (first, "") if digits(first) => (number(first), size.saturating_sub(1)),
        (first, last) if digits(first) && digits(last) => {
            (number(first), number(last).min(size.saturating_sub(1)))
        }
        _ => return Asked::All,
    };
    if first >= size {
        return Asked::Nothing;
    }
    match last.checked_sub(first) {
        Some(rest) => Asked::Part {
            first,
            length: rest.saturating_add(1),
        },
        None => Asked::All,
    }
}

/// Reads ahead by one piece at most, so a slow reader costs one piece of memory.
fn pieces(file: File, first: u64, length: u64) -> Body {
    let file = Arc::new(file);
    stream(unfold((first, length), move |(offset, left)| {
        let file = Arc::clone(&file);
        async move {
            if left == 0 {
                return None;
            }
            let count = left.min(PIECE_BYTES);
            let read = tokio::task::spawn_blocking(move || {
                let mut buffer = vec![0; usize::try_from(count).unwrap_or_default()];
                file.read_exact_at(&mut buffer, offset)?;
                Ok(Bytes::from(buffer))
            });
            let piece = read
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)));
            // An error ends the connection in the middle, which the reader sees as a body that is too short.
            let left = if piece.is_err() {
                0
            } else {
                left.saturating_sub(count)
            };
            Some((piece, (offset.saturating_add(count), left)))
        }
    }))
}

fn chunk(headers: &HeaderMap) -> Result<Option<Chunk>, Refusal> {
    let Some(text) = headers.get(header::CONTENT_RANGE) else {
        return Ok(None);
    };
    match text.to_str().ok().and_then(Chunk::parse) {
        Some(chunk) => Ok(Some(chunk)),
        None => Err(Refusal::bad(
            Code::BlobUploadInvalid,
            "`Content-Range` is not `<first>-<last>`",
        )),
    }
}

fn created(name: &str, digest: &Digest) -> Response<Body> {
    let mut response = with_status(StatusCode::CREATED);
    response.headers_mut().insert(
        header::LOCATION,
        value(&format!("/v2/{name}/blobs/{digest}")),
    );
    response
        .headers_mut()
        .insert(CONTENT_DIGEST, value(&digest.to_string()));
    response
}

fn progress(status: StatusCode, upload: &Upload, offset: u64) -> Response<Body> {
    let mut response = with_status(status);
    response
        .headers_mut()
        .insert(header::LOCATION, value(&upload.location()));
    response
        .headers_mut()
        .insert(header::RANGE, value(&range(offset)));
    response.headers_mut().insert(UPLOAD_ID, value(&upload.id));
    response
}

fn with_status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    response
}

fn unknown(digest: &Digest) -> Refusal {
    Refusal::absent(
        Code::BlobUnknown,
        format!("blob `{digest}` is not in this repository"),
    )
}

fn value(text: &str) -> HeaderValue {
    // Names, digests and numbers are ASCII without control characters.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::{Asked, asked_range};

    fn asked(range: &str, size: u64) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        asked_range(&headers, size, "sha256:x")
    }

    #[test]
    fn one_range_is_served() {
        assert_eq!(
            asked("bytes=0-9", 100),
            Asked::Part {
                first: 0,
                length: 10
            }
        );
        assert_eq!(
            asked("bytes=90-", 100),
            Asked::Part {
                first: 90,
                length: 10
            }
        );
        assert_eq!(
            asked("bytes=-10", 100),
            Asked::Part {
                first: 90,
                length: 10
            }
        );
        assert_eq!(
            asked("bytes=-1000", 100),
            Asked::Part {
                first: 0,
                length: 100
            }
        );
        assert_eq!(
            asked("bytes=50-99999999999999999999999", 100),
            Asked::Part {
                first: 50,
                length: 50
            }
        );
    }

    #[test]
    fn ranges_beyond_the_end_are_refused() {
        for range in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(asked(range, 100), Asked::Nothing, "{range}");
        }
        assert_eq!(asked("bytes=0-0", 0), Asked::Nothing);
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_everything() {
        for range in [
            "bytes=1-2,4-5",
            "bytes=5-1",
            "lines=1-2",
            "bytes=a-b",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(range, 100), Asked::All, "{range}");
        }
    }
}
