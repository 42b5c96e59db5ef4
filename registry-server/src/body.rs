//! Bodies of requests, read under a cap and deadlines, and of answers.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::{Instant, timeout};

use crate::{
    options::Deadlines,
    refusal::{Code, Refusal},
};

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body of no bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of these bytes.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that is sent as the stream yields it; an error breaks the connection off.
pub fn stream(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    use futures_util::StreamExt as _;
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// The body of a request: never more than its cap, never slower than its deadlines.
pub(crate) struct Payload {
    incoming: Incoming,
    cap: u64,
    read: u64,
    started: Option<Instant>,
    pace: Pace,
    expects_continue: bool,
    ended: bool,
}

#[derive(Clone, Copy)]
struct Pace {
    idle: Duration,
    total: Duration,
    rate: u64,
}

impl Payload {
    pub(crate) fn new(incoming: Incoming, headers: &HeaderMap, deadlines: &Deadlines) -> Self {
        Self {
            ended: incoming.is_end_stream(),
            incoming,
            cap: 0,
            read: 0,
            started: None,
            pace: Pace {
                idle: deadlines.idle,
                total: deadlines.manifest,
                rate: deadlines.upload_rate,
            },
            expects_continue: headers.contains_key(header::EXPECT),
        }
    }

    /// Refuses before a byte is read when the announced length is over `cap`; from here on `cap` holds for the whole body.
    pub(crate) fn limit(&mut self, cap: u64) -> Result<(), Refusal> {
        self.cap = cap;
        match self.incoming.size_hint().exact() {
            Some(length) if length > cap => Err(too_large(cap)),
            _ => Ok(()),
        }
    }

    /// The length that the client announced.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece of an upload.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let started = *self.started.get_or_insert_with(Instant::now);
            let frame = timeout(self.pace.idle, self.incoming.frame())
                .await
                .map_err(|_| too_slow())?;
            let Some(frame) = frame else {
                self.ended = true;
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                Refusal::new(
                    StatusCode::BAD_REQUEST,
                    Code::SizeInvalid,
                    format!("request body broke off: {error}"),
                )
            })?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            self.read = self.read.saturating_add(bytes.len() as u64);
            if self.read > self.cap {
                return Err(too_large(self.cap));
            }
            // A byte a second keeps `idle` from passing for ever, so the average must hold as well.
            let elapsed = started.elapsed();
            if elapsed > self.pace.idle
                && self.read < self.pace.rate.saturating_mul(elapsed.as_secs())
            {
                return Err(too_slow());
            }
            return Ok(Some(bytes));
        }
    }

    /// The whole body, within one deadline.
    pub(crate) async fn whole(&mut self, cap: u64) -> Result<Bytes, Refusal> {
        self.limit(cap)?;
        let total = self.pace.total;
        timeout(total, async {
            let mut bytes = BytesMut::new();
            while let Some(piece) = self.piece().await? {
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes.freeze())
        })
        .await
        .map_err(|_| too_slow())?
    }

    /// Reads a little of what a refused client still sends: many clients read no answer before they have sent everything.
    pub(crate) async fn drain(&mut self) {
        const DRAINED_BYTES: u64 = 8 << 20;
        const DRAINED_FOR: Duration = Duration::from_secs(2);
        // Reading would send `100 Continue`, that is, ask for what is refused.
        if self.ended || (self.expects_continue && self.started.is_none()) {
            return;
        }
        self.cap = self.read.saturating_add(DRAINED_BYTES);
        drop(
            timeout(DRAINED_FOR, async {
                while let Ok(Some(_)) = self.piece().await {}
            })
            .await,
        );
    }
}

fn too_large(cap: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Code::SizeInvalid,
        format!("body is over the limit of {cap} bytes"),
    )
}

fn too_slow() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        Code::TooManyRequests,
        "body came too slowly",
    )
    .closing()
}
