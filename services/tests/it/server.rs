//! A loopback server that answers as it is told.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with one request; the last step is done again for every further one.
pub(crate) enum Step {
    /// Answers with a status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Answers with what is made of the request.
    Make(Maker),
    /// Answers with a status, headers and a body that are made of the request.
    MakeWhole(WholeMaker),
    /// Closes the connection without an answer.
    Hangup,
    /// Answers nothing for as long as the client waits.
    Silence,
    /// A good status and a body without end.
    Endless,
}

/// Makes a status and a body of a request.
type Maker = Box<dyn Fn(&Request) -> (u16, Vec<u8>) + Send>;

/// Makes a status, headers and a body of a request.
type WholeMaker = Box<dyn Fn(&Request) -> Whole + Send>;
/// A status, headers and a body.
pub(crate) type Whole = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let form = String::from_utf8_lossy(&self.body).into_owned();
        field_of(&form, name)
    }
}

/// A field of a form or query.
pub(crate) fn field_of(form: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://x/?{form}")).unwrap();
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, steps) = (Arc::clone(&seen), Arc::clone(&steps));
                thread::spawn(move || serve(stream, &seen, &steps));
            }
        });
        Self { url, requests }
    }

    /// A server that always answers so.
    pub(crate) fn always(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![Step::Answer(status, vec![], body.into())])
    }

    /// A server that answers with what is made of each request.
    pub(crate) fn making(make: impl Fn(&Request) -> (u16, Vec<u8>) + Send + 'static) -> Self {
        Self::start(vec![Step::Make(Box::new(make))])
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// An address on which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, steps: &Mutex<VecDeque<Step>>) {
    let Some(request) = read(&mut stream) else {
        return;
    };
    seen.lock().unwrap().push(request.clone());
    let mut steps = steps.lock().unwrap();
    let step = match steps.len() {
        1 => None,
        _ => steps.pop_front(),
    };
    let (status, headers, body) = match step.as_ref().or(steps.front()).unwrap() {
        Step::Answer(status, headers, body) => (*status, headers.clone(), body.clone()),
        Step::Make(make) => {
            let (status, body) = make(&request);
            (status, vec![], body)
        }
        Step::MakeWhole(make) => make(&request),
        Step::Hangup => return,
        Step::Silence => {
            drop(steps);
            thread::sleep(Duration::from_secs(30));
            return;
        }
        Step::Endless => {
            drop(steps);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
            return;
        }
    };
    drop(steps);
    let mut head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&body);
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let mut request = Request {
        method: words.next()?,
        target: words.next()?,
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    };
    let length: usize = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => request.body.extend_from_slice(&buffer[..count]),
        }
    }
    Some(request)
}
