//! A file as the subject of a signature: hashed as a stream, read whole only when a scheme needs the bytes.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm, Limits};
use countersign_proof::digest::Hasher;
use countersign_proof::{BytesContent, Content, ContentError, DigestContent};

use crate::context::Context;
use crate::escape;
use crate::failure::{Failure, words};
use crate::files;
use crate::progress::Progress;

/// Bytes that are hashed at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What was named as FILE or DIGEST.
pub(crate) struct Artifact {
    /// The name for people and for statements: the file's name or the digest.
    pub(crate) name: String,
    /// SHA-256 of the file, or the digest that was given.
    pub(crate) digest: Digest,
    /// What is signed or judged.
    pub(crate) content: Arc<dyn Content>,
}

impl Artifact {
    /// Name and digest for people; the digest alone when that is the name.
    pub(crate) fn described(&self) -> String {
        let digest = self.digest.to_string();
        if self.name == digest {
            digest
        } else {
            format!("{} ({digest})", self.name)
        }
    }
}

/// Opens `text`: a digest (`sha256:HEX`), standard input (`-`), or a file.
pub(crate) fn open(context: &Context<'_, '_>, text: &str) -> Result<Artifact, Failure> {
    if ["sha256:", "sha384:", "sha512:"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
    {
        let digest = Digest::parse(text).map_err(|error| {
            Failure::usage(error.code(), format!("`{}`: {error}", escape::field(text)))
                .or_hint(error.hint())
                .or_hint(Some("write `sha256:` and 64 lower-case hexadecimal digits; a file of that name needs `./` before it".to_owned()))
        })?;
        return Ok(Artifact {
            name: text.to_owned(),
            digest,
            content: Arc::new(DigestContent(digest)),
        });
    }
    let path = Path::new(text);
    if text == "-" {
        let bytes = Bytes::from(files::read(
            "standard input",
            path,
            Limits::DEFAULT.bundle_bytes,
        )?);
        let content = BytesContent(bytes);
        let digest = content.digest(HashAlgorithm::Sha256).ok_or_else(unknown)?;
        return Ok(Artifact {
            name: "-".to_owned(),
            digest,
            content: Arc::new(content),
        });
    }
    let content = FileContent::open(path, context.terminal)
        .map_err(|error| Failure::unreadable("the file", path, &error))?;
    let digest = content
        .hash(HashAlgorithm::Sha256)
        .map_err(|error| Failure::unreadable("the file", path, &error))?;
    let name = path.file_name().map_or_else(
        || text.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Artifact {
        name,
        digest,
        content: Arc::new(content),
    })
}

fn unknown() -> Failure {
    Failure::internal(
        "digest-unknown",
        "the digest of standard input is not known",
    )
}

/// A file that is hashed on demand, once for each algorithm.
#[derive(Debug)]
struct FileContent {
    path: PathBuf,
    file: Mutex<File>,
    known: Mutex<Vec<Digest>>,
    terminal: bool,
}

impl FileContent {
    fn open(path: &Path, terminal: bool) -> std::io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            known: Mutex::default(),
            terminal,
        })
    }

    fn hash(&self, algorithm: HashAlgorithm) -> std::io::Result<Digest> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known.iter().find(|digest| digest.algorithm() == algorithm) {
            return Ok(*digest);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0))?;
        let total = file.metadata()?.len();
        let progress = Progress::bytes(
            &format!("{} {}", algorithm.name(), self.path.display()),
            total,
            self.terminal,
        );
        let mut hasher = Hasher::new(algorithm);
        let mut piece =
            vec![0_u8; PIECE_BYTES.min(usize::try_from(total).unwrap_or(PIECE_BYTES).max(4096))];
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(piece.get(..read).unwrap_or_default());
            progress.advance(read as u64);
        }
        let digest = hasher.finish();
        known.push(digest);
        Ok(digest)
    }
}

impl Content for FileContent {
    fn digest(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        self.hash(algorithm).ok()
    }

    fn bytes(&self, cap: u64) -> Result<Bytes, ContentError> {
        let unreadable = |error: std::io::Error| ContentError::Unreadable {
            detail: words(&error),
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut bytes = Vec::new();
        (&mut *file)
            .take(cap.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > cap {
            return Err(ContentError::TooLong { cap });
        }
        Ok(Bytes::from(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_its_bytes_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        std::fs::write(&path, &bytes).unwrap();
        let content = FileContent::open(&path, false).unwrap();
        let whole = BytesContent(Bytes::from(bytes));
        for algorithm in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            assert_eq!(content.digest(algorithm), whole.digest(algorithm));
        }
        assert_eq!(content.bytes(3_000_000).unwrap(), whole.0);
        assert_eq!(
            content.bytes(2_999_999),
            Err(ContentError::TooLong { cap: 2_999_999 })
        );
    }
}
