//! Reads files under a cap and writes them so that each is either as before or complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Reads the file `path` (`-` is standard input), of at most `cap` bytes.
///
/// # Errors
/// `file-unreadable` and `file-too-large`, both with exit code 2.
pub(crate) fn read(what: &str, path: &Path, cap: u64) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        return read_capped(what, path, io::stdin().lock(), cap);
    }
    let file = File::open(path).map_err(|error| Failure::unreadable(what, path, &error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::usage(
            "file-unreadable",
            format!("{what} `{}` is a folder", path.display()),
        )
        .hint("name a file inside it"));
    }
    read_capped(what, path, file, cap)
}

fn read_capped(what: &str, path: &Path, source: impl Read, cap: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .take(cap.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::unreadable(what, path, &error))?;
    if bytes.len() as u64 > cap {
        return Err(Failure::usage(
            "file-too-large",
            format!("{what} `{}` has more than {cap} bytes", path.display()),
        )
        .hint("check that the right file was named"));
    }
    Ok(bytes)
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Audience {
    /// Its owner alone (0600).
    Owner,
    /// Everybody whom the mask lets (0644).
    Everybody,
}

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Existing {
    /// It stays and the write is refused.
    Keep,
    /// It is replaced in one step.
    Replace,
}

impl Existing {
    /// What `--yes` says about it.
    pub(crate) fn under(yes: bool) -> Self {
        if yes { Self::Replace } else { Self::Keep }
    }
}

/// Writes `bytes` to `path` in one step: a reader sees the old file or the whole new one, also after a crash.
///
/// # Errors
/// `file-exists` when the file is there and is kept; `file-unwritable`.
pub(crate) fn write(
    what: &str,
    path: &Path,
    bytes: &[u8],
    audience: Audience,
    existing: Existing,
) -> Result<(), Failure> {
    let unwritable = |error: io::Error| Failure::unwritable(what, path, &error);
    free(what, path, existing)?;
    let temporary = Temporary::create(path, audience).map_err(unwritable)?;
    temporary.fill(bytes).map_err(unwritable)?;
    match existing {
        // A link fails when the name is taken, a rename would replace what appeared since the look above.
        Existing::Keep => fs::hard_link(&temporary.path, path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                exists(what, path)
            } else {
                unwritable(error)
            }
        })?,
        Existing::Replace => fs::rename(&temporary.path, path).map_err(unwritable)?,
    }
    if let Some(folder) = File::open(folder_of(path)).ok().filter(|_| cfg!(unix)) {
        // The name itself reaches the disk with its folder; a filesystem without this is no reason to fail.
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Refuses before any work when a file is in the way.
pub(crate) fn free(what: &str, path: &Path, existing: Existing) -> Result<(), Failure> {
    if path.is_dir() {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(Failure::unwritable(what, path, &error));
    }
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(exists(what, path));
    }
    Ok(())
}

/// Refuses before any work when `path` could not be written then.
///
/// # Errors
/// As [`write`].
pub(crate) fn writable(what: &str, path: &Path, existing: Existing) -> Result<(), Failure> {
    free(what, path, existing)?;
    let unwritable = |error: io::Error| Failure::unwritable(what, path, &error);
    // Only an attempt tells: a file beside it, which goes at once.
    Temporary::create(path, Audience::Owner)
        .map(drop)
        .map_err(unwritable)
}

fn exists(what: &str, path: &Path) -> Failure {
    Failure::usage(
        "file-exists",
        format!("{what} `{}` exists and is not replaced", path.display()),
    )
    .hint("choose another name, or replace it with `--yes`")
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A file beside its destination that is removed unless it was moved there.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn create(destination: &Path, audience: Audience) -> io::Result<Self> {
        let name = destination
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?
            .to_string_lossy()
            .into_owned();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(match audience {
                Audience::Owner => 0o600,
                Audience::Everybody => 0o644,
            });
        }
        let mut attempt = 0_u32;
        loop {
            let path = folder_of(destination)
                .join(format!(".{name}.{}-{attempt}.partial", std::process::id()));
            match options.open(&path) {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1_000 => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn fill(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.write_all(bytes)?;
        file.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        write("the key", &path, b"one", Audience::Owner, Existing::Keep).unwrap();
        let refused = write("the key", &path, b"two", Audience::Owner, Existing::Keep).unwrap_err();
        assert_eq!(refused.code, "file-exists");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write("the key", &path, b"two", Audience::Owner, Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "no partial file stays");
    }

    #[test]
    fn whether_a_file_can_be_written_is_known_before_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle");
        writable("the bundle", &path, Existing::Replace).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for path in [
            folder.path().join("absent/bundle"),
            folder.path().to_owned(),
        ] {
            let refused = writable("the bundle", &path, Existing::Replace).unwrap_err();
            assert_eq!(refused.code, "file-unwritable");
        }
        fs::write(&path, b"one").unwrap();
        writable("the bundle", &path, Existing::Replace).unwrap();
        let refused = writable("the bundle", &path, Existing::Keep).unwrap_err();
        assert_eq!(refused.code, "file-exists");
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        write("the key", &path, b"one", Audience::Owner, Existing::Keep).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_over_the_cap_is_refused_and_one_at_the_cap_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read("the file", &path, 5).unwrap(), b"12345");
        assert_eq!(
            read("the file", &path, 4).unwrap_err().code,
            "file-too-large"
        );
        assert_eq!(
            read("the file", folder.path(), 4).unwrap_err().code,
            "file-unreadable"
        );
    }
}
