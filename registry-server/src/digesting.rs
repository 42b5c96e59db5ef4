//! Digests of files and of pieces as they arrive.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use countersign_formats::{Digest, HashAlgorithm};
pub(crate) use countersign_proof::digest::{Hasher, matches, of};

/// Hashes a whole file; blocks.
pub(crate) fn of_file(path: &Path, algorithm: HashAlgorithm) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
