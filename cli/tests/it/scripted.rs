//! Registries that misbehave: each answers every request in its one bad way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// The bad ways.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manners {
    /// Nobody listens.
    Down,
    /// Connects and never answers.
    Silent,
    /// Answers with this status and an error document.
    Status(u16),
    /// Answers with a status that asks to wait.
    Throttled,
    /// Answers each GET with this text as a manifest.
    Garbage(&'static str),
    /// Announces more than it sends.
    CutOff,
    /// Sends without end.
    Endless,
    /// Sends a byte now and then, without end.
    Drip,
    /// Redirects to itself for ever.
    Circle,
    /// Speaks something else than http.
    NotHttp,
    /// Asks for a login with a realm that is not there.
    BearerNowhere,
    /// Lets in who sends this user name and password, in base64, and nobody else.
    Basic(&'static str),
}

/// Starts such a registry; it lives as long as the test process.
pub(crate) fn start(manners: Manners) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    if matches!(manners, Manners::Down) {
        drop(listener);
        return address;
    }
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = serve(stream, manners, address);
            });
        }
    });
    address
}

fn serve(mut stream: TcpStream, manners: Manners, address: SocketAddr) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut path = String::new();
        let mut sent = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or("/").to_owned();
            }
            if let Some(value) = line.strip_prefix("authorization: Basic ") {
                sent = value.trim_end().to_owned();
            }
            if line == "\r\n" {
                break;
            }
        }
        match manners {
            Manners::Down => return Ok(()),
            Manners::Silent => std::thread::sleep(Duration::from_secs(60)),
            Manners::Status(status) => {
                let body =
                    "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\\u001b[31mno\\u001b[0m\"}]}";
                let extra = if status == 401 {
                    "WWW-Authenticate: Basic realm=\"r\"\r\n"
                } else {
                    ""
                };
                write!(
                    stream,
                    "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{extra}Content-Length: {}\r\n\r\n{body}",
                    body.len()
                )?;
            }
            Manners::Throttled => {
                write!(
                    stream,
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
                )?;
            }
            Manners::Garbage(text) => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                )?;
            }
            Manners::CutOff => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: 4000\r\n\r\n{{\"schemaVersion\""
                )?;
                return Ok(());
            }
            Manners::Endless => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nTransfer-Encoding: chunked\r\n\r\n"
                )?;
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                loop {
                    stream.write_all(chunk.as_bytes())?;
                }
            }
            Manners::Drip => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: 4000\r\n\r\n"
                )?;
                loop {
                    stream.write_all(b" ")?;
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Manners::Circle => {
                write!(
                    stream,
                    "HTTP/1.1 307 Again\r\nLocation: http://{address}{path}\r\nContent-Length: 0\r\n\r\n"
                )?;
            }
            Manners::NotHttp => {
                stream.write_all(b"220 mail.example ESMTP\r\n")?;
                return Ok(());
            }
            Manners::Basic(login) if sent == login => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}")?;
            }
            Manners::Basic(_) => {
                write!(
                    stream,
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n"
                )?;
            }
            Manners::BearerNowhere => {
                write!(
                    stream,
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"http://{address}/token\",service=\"r\"\r\nContent-Length: 0\r\n\r\n"
                )?;
            }
        }
    }
}
