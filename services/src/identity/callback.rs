//! Where the browser comes back to after a login: a port on this machine that is open for one answer.

use std::collections::HashMap;
use std::time::Duration;

use countersign_formats::clipped;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::LoginError;
use crate::error::WORDS;
use crate::secret::Secret;

/// Bytes of the head of one request.
const REQUEST_BYTES: usize = 16 << 10;
/// Time that one request may take to arrive.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// Connections that are held at once: browsers open some before they need them.
const CONNECTIONS: usize = 16;
/// The path that the browser comes back to.
const PATH: &str = "/auth/callback";

/// The open port.
pub(super) struct Callback {
    listener: TcpListener,
    port: u16,
}

/// What must come back.
pub(crate) struct ExpectedReturn<'a> {
    pub(crate) state: &'a str,
    pub(crate) issuer: &'a str,
}

impl Callback {
    /// Opens a port that only this machine can reach.
    pub(super) async fn open() -> Result<Self, LoginError> {
        let failed = |error: std::io::Error| LoginError::Listen {
            detail: error.to_string(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The address to come back to; issuers know `localhost` (RFC 8252 §7.3).
    pub(super) fn address(&self) -> String {
        format!("http://localhost:{}{PATH}", self.port)
    }

    /// Waits for the code. The port closes with the first request for its path, good or not: there is no second try to guess with.
    pub(super) async fn wait(self, expected: &ExpectedReturn<'_>) -> Result<Secret, LoginError> {
        let hosts = [
            format!("localhost:{}", self.port),
            format!("127.0.0.1:{}", self.port),
        ];
        let mut reading = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if reading.len() < CONNECTIONS => {
                    if let Ok((stream, _)) = accepted {
                        reading.spawn(tokio::time::timeout(REQUEST_TIME, read(stream)));
                    }
                }
                Some(read) = reading.join_next() => {
                    let Ok(Ok(Some((stream, request)))) = read else { continue };
                    let Some(fields) = request.fields(&hosts) else {
                        answer(stream, "404 Not Found", "There is nothing here.").await;
                        continue;
                    };
                    let result = judge(&fields, expected);
                    match &result {
                        Ok(_) => answer(stream, "200 OK", "You are logged in; this page can be closed.").await,
                        Err(_) => answer(stream, "400 Bad Request", "The login did not succeed; the terminal says why.").await,
                    }
                    return result;
                }
            }
        }
    }
}

/// Whether the head of a request would end a login that waits at `hosts`, and whether with a code; `None` when it is for nobody here.
pub(crate) fn returns(
    head: &[u8],
    hosts: &[String],
    expected: &ExpectedReturn<'_>,
) -> Option<bool> {
    let fields = Request::parse(head.to_vec())?.fields(hosts)?;
    Some(judge(&fields, expected).is_ok())
}

/// The head of a request.
struct Request {
    target: String,
    host: String,
}

impl Request {
    /// Reads the head of a GET request that has arrived whole.
    fn parse(head: Vec<u8>) -> Option<Self> {
        let head = String::from_utf8(head).ok()?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?.to_owned());
        let host = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, value)| value.trim().to_owned())?;
        (method == "GET").then_some(Self { target, host })
    }

    /// The fields of a request for the path; `None` for any other, and for one that was meant for another host (DNS rebinding).
    fn fields(&self, hosts: &[String]) -> Option<HashMap<String, Vec<String>>> {
        if !hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(&self.host))
            || !self.target.starts_with('/')
        {
            return None;
        }
        let url = Url::parse(&format!("http://localhost{}", self.target)).ok()?;
        if url.path() != PATH {
            return None;
        }
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in url.query_pairs() {
            fields
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Some(fields)
    }
}

fn judge(
    fields: &HashMap<String, Vec<String>>,
    expected: &ExpectedReturn<'_>,
) -> Result<Secret, LoginError> {
    // A field that is there twice is none: another reader may take the other one.
    let one = |name: &str| match fields.get(name).map(Vec::as_slice) {
        Some([value]) => Some(value.as_str()),
        _ => None,
    };
    if one("state") != Some(expected.state) {
        return Err(LoginError::State);
    }
    if fields.contains_key("iss") && one("iss") != Some(expected.issuer) {
        return Err(LoginError::OtherIssuer);
    }
    if let Some(error) = one("error") {
        let detail = one("error_description").unwrap_or(error);
        return Err(LoginError::Denied {
            detail: clipped(detail, WORDS),
        });
    }
    match one("code") {
        Some(code) if !code.is_empty() => Ok(Secret::new(code)),
        _ => Err(LoginError::NoCode),
    }
}

/// Reads the head of one GET request.
async fn read(mut stream: TcpStream) -> Option<(TcpStream, Request)> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await.ok()?;
        if count == 0 || head.len() + count > REQUEST_BYTES {
            return None;
        }
        head.extend_from_slice(buffer.get(..count)?);
    }
    Request::parse(head).map(|request| (stream, request))
}

/// Answers with a page that repeats nothing of the request.
async fn answer(mut stream: TcpStream, status: &str, text: &str) {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>countersign</title><p>{text}</p></html>\n"
    );
    let whole = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that has gone away needs no answer.
    let _ = stream.write_all(whole.as_bytes()).await;
    let _ = stream.shutdown().await;
}
