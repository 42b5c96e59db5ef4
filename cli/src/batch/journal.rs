//! What a run has done so far, on disk: a run that was cut off is taken up where it ended, and nothing is entered into a log twice.
//!
//! One JSON object a line, only ever appended, each on the disk before the next step begins. Before a signature is sent to a log its
//! bundle stands here as `drafted`: logs answer the same submission with the entry that is there already. A line that was cut off
//! while it was written is the last one and has no end; it counts as not written.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_proof::digest::sha256;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, words};
use crate::signatory::Name;

/// The first line.
const HEADER: &str = "{\"journal\":\"countersign\",\"version\":1}\n";
/// What a line is longer than its bundle at most: every byte escaped, and the other members.
const LINE_FACTOR: u64 = 6;

/// A journal, locked against other processes.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    tasks: HashMap<String, Place>,
    /// Manifests by what was stored where.
    stored: HashMap<(String, String), Digest>,
}

/// Where the newest bundle of a task stands.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    bytes: u64,
    signed: bool,
}

/// What an earlier run did for a task.
pub(crate) enum Known {
    /// Nothing.
    Nothing,
    /// The bundle without log entries; a log may have one.
    Drafted(Bytes),
    /// The whole bundle.
    Signed(Bytes),
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Drafted {
        task: String,
        bundle: String,
    },
    Signed {
        task: String,
        bundle: String,
    },
    Stored {
        task: String,
        image: String,
        manifest: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    journal: String,
    version: u32,
}

/// The name of a task: what is signed, which names the digest, and by whom.
pub(crate) fn task(statement: &[u8], name: &Name) -> String {
    let mut text = match name {
        Name::Key(key) => format!("key\0{key}\0"),
        Name::Identity {
            identity, issuer, ..
        } => format!("identity\0{identity}\0{issuer}\0"),
    }
    .into_bytes();
    text.extend_from_slice(statement);
    sha256(&text).to_string()
}

impl Drop for Journal {
    /// Gives the lock back at once: a program that is just being started shares the file until it runs, and with it a lock that
    /// only ends with the file.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Journal {
    /// Opens the journal, or begins one where there is none.
    ///
    /// # Errors
    /// A file that is no journal, is damaged, or that another process works with (exit 2).
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let unusable = |error: io::Error| Failure::unwritable("the journal", path, &error);
        let file = options().open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(
                    "journal-in-use",
                    format!(
                        "another process works with the journal `{}`",
                        path.display()
                    ),
                )
                .hint("wait for its end, or name another journal"));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length: 0,
            tasks: HashMap::new(),
            stored: HashMap::new(),
        };
        journal.read()?;
        Ok(journal)
    }

    fn read(&mut self) -> Result<(), Failure> {
        let limits = Limits::DEFAULT;
        let unreadable = |error: &io::Error| Failure::unreadable("the journal", &self.path, error);
        let found = self
            .file
            .metadata()
            .map_err(|error| unreadable(&error))?
            .len();
        if found > limits.journal_bytes {
            return Err(Failure::usage(
                "over-limit",
                format!(
                    "the journal `{}` has {found} bytes, more than the limit of {} (`journal_bytes`)",
                    self.path.display(),
                    limits.journal_bytes
                ),
            )
            .hint("name another journal"));
        }
        let cap = limits.bundle_bytes.saturating_mul(LINE_FACTOR);
        let (mut tasks, mut stored) = (HashMap::new(), HashMap::new());
        let mut length = 0;
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = reader.by_ref().take(cap).read_until(b'\n', &mut line);
            let bytes = read.map_err(|error| unreadable(&error))? as u64;
            let Some(text) = line.strip_suffix(b"\n") else {
                // Cut off while it was written; or there is nothing more. The beginning of something else is not written over.
                if number == 1 && !HEADER.as_bytes().starts_with(&line) {
                    return Err(
                        self.damaged(1, "it is not the first line of a journal of version 1")
                    );
                }
                if bytes < cap {
                    break;
                }
                return Err(self.damaged(number, "it is longer than any bundle"));
            };
            if number == 1 {
                let header: Result<Header, _> = serde_json::from_slice(text);
                if !header
                    .is_ok_and(|header| header.journal == "countersign" && header.version == 1)
                {
                    return Err(
                        self.damaged(1, "it is not the first line of a journal of version 1")
                    );
                }
            } else {
                let line: Line = serde_json::from_slice(text)
                    .map_err(|_| self.damaged(number, "it is not a line of a journal"))?;
                let place = |signed| Place {
                    offset: length,
                    bytes,
                    signed,
                };
                match line {
                    Line::Drafted { task, .. } => {
                        tasks.insert(task, place(false));
                    }
                    Line::Signed { task, .. } => {
                        tasks.insert(task, place(true));
                    }
                    Line::Stored {
                        task,
                        image,
                        manifest,
                    } => {
                        let manifest = Digest::parse(&manifest)
                            .map_err(|_| self.damaged(number, "its `manifest` is no digest"))?;
                        stored.insert((task, image), manifest);
                    }
                }
            }
            length += bytes;
        }
        self.length = length;
        self.tasks = tasks;
        self.stored = stored;
        Ok(())
    }

    fn damaged(&self, line: u64, what: &str) -> Failure {
        Failure::usage(
            "journal-damaged",
            format!("`{}` line {line}: {what}", self.path.display()),
        )
        .hint(
            "name the file that an earlier run wrote with `--journal`, or one that does not exist",
        )
    }

    /// What an earlier run did for a task.
    pub(crate) fn known(&self, task: &str) -> Result<Known, Failure> {
        let Some(place) = self.tasks.get(task) else {
            return Ok(Known::Nothing);
        };
        let mut file = &self.file;
        let mut line = Vec::new();
        file.seek(SeekFrom::Start(place.offset))
            .and_then(|_| file.take(place.bytes).read_to_end(&mut line))
            .map_err(|error| Failure::unreadable("the journal", &self.path, &error))?;
        let bundle = match serde_json::from_slice(&line) {
            Ok(Line::Drafted { bundle, .. } | Line::Signed { bundle, .. }) => Bytes::from(bundle),
            _ => {
                return Err(Failure::usage(
                    "journal-damaged",
                    format!("`{}` changed while it was in use", self.path.display()),
                )
                .hint("run the command again"));
            }
        };
        Ok(match place.signed {
            true => Known::Signed(bundle),
            false => Known::Drafted(bundle),
        })
    }

    /// The manifest under which an earlier run stored the bundle of a task beside `image`.
    pub(crate) fn stored(&self, task: &str, image: &str) -> Option<Digest> {
        let place = (task.to_owned(), image.to_owned());
        self.stored.get(&place).copied()
    }

    /// Keeps a bundle without log entries; it is on the disk when this returns.
    pub(crate) fn drafted(&mut self, task: &str, bundle: &[u8]) -> Result<(), Failure> {
        let bundle = text_of(bundle);
        let task = task.to_owned();
        self.append(&Line::Drafted { task, bundle }, false)
    }

    /// Keeps a whole bundle.
    pub(crate) fn signed(&mut self, task: &str, bundle: &[u8]) -> Result<(), Failure> {
        let bundle = text_of(bundle);
        let task = task.to_owned();
        self.append(&Line::Signed { task, bundle }, true)
    }

    /// Keeps where the bundle of a task was stored.
    pub(crate) fn placed(
        &mut self,
        task: &str,
        image: &str,
        manifest: &Digest,
    ) -> Result<(), Failure> {
        let line = Line::Stored {
            task: task.to_owned(),
            image: image.to_owned(),
            manifest: manifest.to_string(),
        };
        self.append(&line, false)?;
        let place = (task.to_owned(), image.to_owned());
        self.stored.insert(place, *manifest);
        Ok(())
    }

    fn append(&mut self, line: &Line, signed: bool) -> Result<(), Failure> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| {
            Failure::internal("journal", format!("a line of the journal: {error}"))
        })?;
        bytes.push(b'\n');
        let offset = self.length.max(HEADER.len() as u64);
        let written = self.write(&bytes);
        written.map_err(|error| {
            Failure::usage(
                "file-unwritable",
                format!(
                    "cannot write the journal `{}`: {}",
                    self.path.display(),
                    words(&error)
                ),
            )
            .hint(
                "what a log has by now stands in the journal; make room and run the command again",
            )
        })?;
        if let Line::Drafted { task, .. } | Line::Signed { task, .. } = line {
            let place = Place {
                offset,
                bytes: bytes.len() as u64,
                signed,
            };
            self.tasks.insert(task.clone(), place);
        }
        Ok(())
    }

    /// Writes after the last whole line, over what was cut off there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length == 0 {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(HEADER.as_bytes())?;
            self.length = HEADER.len() as u64;
        }
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn text_of(bundle: &[u8]) -> String {
    String::from_utf8_lossy(bundle).into_owned()
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        // A predicate may be for nobody else.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_signed(journal: &Journal, task: &str, bundle: &[u8]) -> bool {
        matches!(journal.known(task), Ok(Known::Signed(found)) if found == bundle)
    }

    #[test]
    fn what_was_written_is_read_again_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let bundle = "{\"a\": \"\u{e4}\\n\"}".as_bytes();
        let manifest = sha256(b"manifest");
        let mut journal = Journal::open(&path).unwrap();
        journal.drafted("one", bundle).unwrap();
        journal.drafted("two", b"{}").unwrap();
        journal.signed("two", bundle).unwrap();
        journal.placed("two", "oci:a@sha256:x", &manifest).unwrap();
        assert!(is_signed(&journal, "two", bundle));
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        assert!(matches!(journal.known("one"), Ok(Known::Drafted(found)) if found == bundle));
        assert!(is_signed(&journal, "two", bundle));
        assert!(matches!(journal.known("three"), Ok(Known::Nothing)));
        assert_eq!(journal.stored("two", "oci:a@sha256:x"), Some(manifest));
        assert_eq!(journal.stored("two", "oci:b@sha256:x"), None);
    }

    #[test]
    fn a_journal_cut_anywhere_opens_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        journal.drafted("one", b"{}").unwrap();
        journal.signed("one", b"{\"signed\":1}").unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut journal = Journal::open(&path).unwrap();
            assert!(!is_signed(&journal, "one", b"{\"signed\":1}"), "{end}");
            journal.signed("one", b"{\"again\":1}").unwrap();
            drop(journal);
            let journal = Journal::open(&path).unwrap();
            assert!(is_signed(&journal, "one", b"{\"again\":1}"), "{end}");
        }
    }

    #[test]
    fn what_is_no_journal_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        for text in [
            "notes\n",
            "notes",
            "{\"journal\":\"countersign\",\"version\":2}\n",
            &format!("{HEADER}{{\"state\":\"other\"}}\n"),
            &format!("{HEADER}garbage\n"),
        ] {
            std::fs::write(&path, text).unwrap();
            let failure = Journal::open(&path).err().unwrap();
            assert_eq!(failure.code, "journal-damaged", "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), *text);
        }
    }

    #[test]
    fn two_do_not_write_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let first = Journal::open(&path).unwrap();
        assert_eq!(Journal::open(&path).err().unwrap().code, "journal-in-use");
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }
}
