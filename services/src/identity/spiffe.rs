//! Tokens from a SPIFFE agent: one call of its workload API, `FetchJWTSVID`, over gRPC at a Unix socket.
//!
//! The messages have one field each that matters here, so they are written and read by hand:
//!
//! ```text
//! JWTSVIDRequest  { repeated string audience = 1; }
//! JWTSVIDResponse { repeated JWTSVID svids = 1; }     JWTSVID { string spiffe_id = 1; string svid = 2; }
//! ```

use std::path::Path;

use countersign_formats::clipped;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, TE};

use crate::error::{AnswerFault, Outage, ServiceError, ServiceKind, ServiceName, WORDS};
use crate::http::{Client, explained};
use crate::secret::Secret;

/// The workload API refuses callers without it, so that a proxied request of a browser does no harm.
const WORKLOAD: HeaderName = HeaderName::from_static("workload.spiffe.io");
/// Bytes before each gRPC message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// Field 1 of length-delimited type, as protobuf tags it.
const FIELD_1: u8 = 1 << 3 | 2;
/// Field 2 of length-delimited type.
const FIELD_2: u8 = 2 << 3 | 2;

/// Gets the first token that the agent gives for `audience`.
pub(super) async fn fetch(
    client: &Client,
    socket: &Path,
    audience: &str,
) -> Result<Secret, ServiceError> {
    let service = ServiceName {
        kind: ServiceKind::TokenSource,
        address: clipped(&socket.to_string_lossy(), WORDS),
    };
    let settings = client.settings();
    match tokio::time::timeout(settings.attempt, call(client, &service, socket, audience)).await {
        Ok(result) => result,
        Err(_) => Err(ServiceError::unavailable(
            &service,
            Outage::TooSlow {
                limit: settings.attempt,
            },
        )),
    }
}

async fn call(
    client: &Client,
    service: &ServiceName,
    socket: &Path,
    audience: &str,
) -> Result<Secret, ServiceError> {
    let broken = |error: reqwest::Error| {
        let detail = explained(error);
        ServiceError::unavailable(service, Outage::Connection { detail })
    };
    let mut response = reqwest::Client::builder()
        .unix_socket(socket)
        .http2_prior_knowledge()
        .tls_backend_preconfigured(without_certificates()?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(broken)?
        .post("http://localhost/SpiffeWorkloadAPI/FetchJWTSVID")
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(WORKLOAD, "true")
        .body(request(audience))
        .send()
        .await
        .map_err(broken)?;
    check_status(service, response.status().as_u16(), response.headers())?;
    let cap = client.settings().limits.token_bytes;
    let mut body = zeroize::Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if (body.len() + chunk.len()) as u64 > cap {
            let what = "token answer";
            let fault = AnswerFault::OverLimit { what, limit: cap };
            return Err(ServiceError::answer(service, fault));
        }
        body.extend_from_slice(&chunk);
    }
    read(&body).ok_or_else(|| {
        ServiceError::malformed(
            service,
            "token answer",
            "it holds no token for this workload",
        )
    })
}

/// A client for a socket needs no certificates, and the TLS library would look for the system's.
fn without_certificates() -> Result<rustls::ClientConfig, ServiceError> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ServiceError::configuration(error.to_string()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

/// A gRPC error without a message comes in the headers.
fn check_status(
    service: &ServiceName,
    status: u16,
    headers: &HeaderMap,
) -> Result<(), ServiceError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code: u16 = text("grpc-status")
        .and_then(|code| code.parse().ok())
        .unwrap_or_default();
    let message = text("grpc-message").map(|message| clipped(message, WORDS));
    match (status, code) {
        (200, 0) => Ok(()),
        // PERMISSION_DENIED: the agent does not know this workload.
        (200, 7) => Err(ServiceError::TokenRefused {
            service: service.clone(),
            status: code,
            message,
        }),
        (200, code) => Err(ServiceError::answer(
            service,
            AnswerFault::Refused {
                status: code,
                message,
            },
        )),
        _ => Err(ServiceError::answer(
            service,
            AnswerFault::Refused { status, message },
        )),
    }
}

fn request(audience: &str) -> Vec<u8> {
    let mut message = vec![FIELD_1];
    let mut length = audience.len();
    while length >= 0x80 {
        message.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    message.push(u8::try_from(length).unwrap_or_default());
    message.extend_from_slice(audience.as_bytes());
    let length = u32::try_from(message.len()).unwrap_or_default();
    let mut framed = vec![0];
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&message);
    framed
}

pub(crate) fn read(body: &[u8]) -> Option<Secret> {
    let (prefix, rest) = body.split_at_checked(PREFIX)?;
    let (compressed, length) = prefix.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let message = rest.get(..usize::try_from(length).ok()?)?;
    if *compressed != 0 {
        return None;
    }
    let svid = field(field(message, FIELD_1)?, FIELD_2)?;
    std::str::from_utf8(svid).ok().map(Secret::new)
}

/// The first length-delimited field with `tag` in a protobuf message whose fields are all of that type.
fn field(mut message: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        let (found, rest) = message.split_first()?;
        // Only length-delimited fields with one byte of tag are known in these messages.
        if found & 7 != 2 || found & 0x80 != 0 {
            return None;
        }
        let (length, rest) = varint(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        if *found == tag {
            return Some(content);
        }
        message = rest;
    }
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{read, request};

    #[test]
    fn the_request_names_the_audience() {
        assert_eq!(request("sigstore"), b"\x00\x00\x00\x00\x0a\x0a\x08sigstore");
    }

    #[test]
    fn the_first_token_is_taken_and_a_broken_answer_is_none() {
        let good = b"\x00\x00\x00\x00\x0d\x0a\x0b\x0a\x04spif\x12\x03a.b";
        assert_eq!(read(good).unwrap().reveal(), "a.b");
        for end in 0..good.len() {
            assert!(read(&good[..end]).is_none(), "{end}");
        }
        let mut compressed = good.to_vec();
        compressed[0] = 1;
        assert!(read(&compressed).is_none());
        assert!(read(b"\x00\x00\x00\x00\x02\x0a\x00").is_none());
        assert!(read(b"\x00\xff\xff\xff\xff").is_none());
    }
}
