//! A mirror of a TUF repository on loopback, which can be changed, slowed down and broken while it runs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_testdata::tuf_repository::TufRepository;

/// How the mirror answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manners {
    /// As it should.
    Good,
    /// With this status, whatever it is asked.
    Status(u16),
    /// Not at all, for a while.
    Silent,
    /// Without end.
    Endless,
    /// With words in place of files.
    Garbage,
}

/// The mirror; it lives as long as the test process.
#[derive(Clone)]
pub(crate) struct TufMirror {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    manners: Mutex<Manners>,
    /// Heads of all requests.
    asked: Mutex<Vec<String>>,
}

impl TufMirror {
    pub(crate) fn start(repository: &TufRepository) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mirror = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                files: Mutex::new(repository.served()),
                manners: Mutex::new(Manners::Good),
                asked: Mutex::default(),
            }),
        };
        let shared = Arc::clone(&mirror.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let _ = shared.serve(stream);
                });
            }
        });
        mirror
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn publish(&self, repository: &TufRepository) {
        *self.shared.files.lock().unwrap() = repository.served();
    }

    pub(crate) fn behave(&self, manners: Manners) {
        *self.shared.manners.lock().unwrap() = manners;
    }

    /// The requests since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut head = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                head.push_str(&line);
            }
            let path = head
                .split(' ')
                .nth(1)
                .unwrap_or("/")
                .trim_start_matches('/')
                .to_owned();
            self.asked.lock().unwrap().push(head);
            let manners = *self.manners.lock().unwrap();
            match manners {
                Manners::Good => {
                    let found = self.files.lock().unwrap().get(&path).cloned();
                    match found {
                        Some(bytes) => answer(&mut stream, 200, &bytes)?,
                        None => answer(&mut stream, 404, b"no")?,
                    }
                }
                Manners::Status(status) => answer(&mut stream, status, b"{}")?,
                Manners::Silent => std::thread::sleep(Duration::from_secs(60)),
                Manners::Garbage => answer(&mut stream, 200, b"<html>welcome</html>")?,
                Manners::Endless => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                    loop {
                        stream.write_all(&[b' '; 4096])?;
                    }
                }
            }
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, bytes: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    )?;
    stream.write_all(bytes)
}
