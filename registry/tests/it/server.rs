//! A registry that says what its script says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use countersign_formats::{Descriptor, Digest, ImageIndex, ImageManifest, Reference, media_types};
use countersign_proof::digest;
use countersign_registry::{Registry, Settings, StoreError};

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Values of one name that came several times, with commas between.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection showed a client certificate.
    pub(crate) certified: bool,
}

impl Asked {
    /// All that arrived, as one text.
    pub(crate) fn everything(&self) -> String {
        format!(
            "{} {} {:?} {}",
            self.method,
            self.target,
            self.headers,
            String::from_utf8_lossy(&self.body)
        )
    }

    pub(crate) fn is(&self, method: &str, target: &str) -> bool {
        self.method == method && self.target == target
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Whole(Vec<u8>),
    /// In chunks, without a length.
    Chunked(Vec<u8>),
    /// Announces so many bytes and sends none.
    Announced(u64),
    /// Chunks without end.
    Endless,
    /// One byte now and then.
    Slow,
    /// The connection ends before the answer.
    Dropped,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    pub(crate) fn sends(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn manifest(bytes: impl Into<Vec<u8>>) -> Self {
        Self::status(200)
            .with("Content-Type", media_types::OCI_MANIFEST)
            .body(bytes)
    }

    pub(crate) fn index(bytes: impl Into<Vec<u8>>) -> Self {
        Self::status(200)
            .with("Content-Type", media_types::OCI_INDEX)
            .body(bytes)
    }
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

pub(crate) struct Server {
    pub(crate) authority: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", None, script)
    }

    /// At an address of the loopback, with TLS where a configuration says how.
    pub(crate) fn start_at(
        address: &str,
        tls: Option<Arc<rustls::ServerConfig>>,
        script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (asked, connections) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicUsize>::default(),
        );
        let script: Arc<Script> = Arc::new(script);
        let (memory, count) = (Arc::clone(&asked), Arc::clone(&connections));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, script, memory) =
                    (stream.unwrap(), Arc::clone(&script), Arc::clone(&memory));
                count.fetch_add(1, Ordering::SeqCst);
                let tls = tls.clone();
                thread::spawn(move || match tls {
                    None => drop(serve(&mut BufReader::new(stream), false, &*script, &memory)),
                    Some(tls) => drop(serve_encrypted(stream, tls, &*script, &memory)),
                });
            }
        });
        Self {
            authority,
            asked,
            connections,
        }
    }

    /// An address where nobody listens.
    pub(crate) fn absent() -> Self {
        let authority = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        Self {
            authority,
            asked: Arc::default(),
            connections: Arc::default(),
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The same, and forgets it.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// `METHOD target` of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked()
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.target))
            .collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The repository `acme/app` of it.
    pub(crate) fn store(&self, settings: &Settings) -> Registry {
        let Reference::Registry(reference) =
            Reference::parse(&format!("{}/acme/app", self.authority)).unwrap()
        else {
            panic!("not a registry")
        };
        Registry::open(&reference, settings).unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }
}

fn serve_encrypted(
    mut stream: TcpStream,
    tls: Arc<rustls::ServerConfig>,
    script: &Script,
    memory: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut connection = rustls::ServerConnection::new(tls).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let certified = connection.peer_certificates().is_some();
    let stream = rustls::StreamOwned::new(connection, stream);
    serve(&mut BufReader::new(stream), certified, script, memory)
}

fn serve<S: Read + Write>(
    reader: &mut BufReader<S>,
    certified: bool,
    script: &Script,
    memory: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Ok(());
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => {
                    let values: &mut String = headers.entry(name.to_ascii_lowercase()).or_default();
                    if !values.is_empty() {
                        values.push_str(", ");
                    }
                    values.push_str(value.trim());
                }
                None => break,
            }
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let asked = Asked {
            method,
            target,
            headers,
            body,
            certified,
        };
        memory.lock().unwrap().push(asked.clone());
        answer(reader.get_mut(), &asked, script(&asked))?;
        reader.get_mut().flush()?;
    }
}

fn answer(stream: &mut impl Write, asked: &Asked, answer: Answer) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {} Script\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    match &answer.body {
        Body::Whole(body) => text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len())),
        Body::Announced(length) => text.push_str(&format!("Content-Length: {length}\r\n\r\n")),
        Body::Slow => text.push_str("Content-Length: 1000\r\n\r\n"),
        Body::Chunked(_) | Body::Endless => text.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        Body::Dropped => return Err(std::io::ErrorKind::ConnectionAborted.into()),
    }
    stream.write_all(text.as_bytes())?;
    if asked.method == "HEAD" {
        return Ok(());
    }
    match answer.body {
        Body::Whole(body) => stream.write_all(&body),
        Body::Chunked(body) => {
            for part in body.chunks(1000) {
                stream.write_all(format!("{:x}\r\n", part.len()).as_bytes())?;
                stream.write_all(part)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Body::Endless => loop {
            stream.write_all(b"10000\r\n")?;
            stream.write_all(&[b' '; 0x10000])?;
            stream.write_all(b"\r\n")?;
        },
        Body::Slow => loop {
            stream.write_all(b" ")?;
            thread::sleep(Duration::from_millis(50));
        },
        Body::Announced(_) | Body::Dropped => Ok(()),
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        allow_http: true,
        deadline: Duration::from_secs(10),
        ..Settings::default()
    }
}

/// Runs a future as a program would.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    result.unwrap_err().code()
}

/// A small manifest that differs by `text`.
pub(crate) fn image(text: &str, subject: Option<&Descriptor>) -> (Vec<u8>, Descriptor) {
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: subject.map(|_| media_types::BUNDLE_V03.to_owned()),
        config: Descriptor::new(media_types::OCI_EMPTY, digest::sha256(b"{}"), 2),
        layers: vec![Descriptor::new(
            "text/plain",
            digest::sha256(text.as_bytes()),
            text.len() as u64,
        )],
        subject: subject.cloned(),
        annotations: BTreeMap::from([("name".to_owned(), text.to_owned())]),
    };
    let bytes = manifest.to_json();
    let descriptor = Descriptor::new(
        media_types::OCI_MANIFEST,
        digest::sha256(&bytes),
        bytes.len() as u64,
    );
    (bytes, descriptor)
}

pub(crate) fn index_of(descriptors: &[Descriptor]) -> Vec<u8> {
    ImageIndex {
        manifests: descriptors.to_vec(),
        ..ImageIndex::default()
    }
    .to_json()
}

/// `count` entries that differ.
pub(crate) fn entries(count: usize) -> Vec<Descriptor> {
    let digest = |number: usize| digest::sha256(number.to_string().as_bytes());
    (0..count)
        .map(|number| Descriptor::new(media_types::OCI_MANIFEST, digest(number), 500))
        .collect()
}

pub(crate) fn manifest_path(reference: impl std::fmt::Display) -> String {
    format!("/v2/acme/app/manifests/{reference}")
}

pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("/v2/acme/app/blobs/{digest}")
}
