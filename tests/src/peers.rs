//! Real peers on `PATH`: found by name, or loudly skipped.

use std::path::PathBuf;

/// A peer's program.
#[derive(Debug, Clone)]
pub struct Peer(PathBuf);

impl Peer {
    /// The peer `name` on `PATH`.
    pub fn find(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
            .map(Self)
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

/// Says that `test` did not run because `missing` is not installed.
///
/// With `COUNTERSIGN_PEERS_REQUIRED=1` a missing peer is a failure.
///
/// # Panics
///
/// When peers are required.
pub fn skipped(test: &str, missing: &str) {
    skipped_without(test, missing, missing);
}

/// [`skipped`], where `peer` is the name under which `install.sh` knows the program.
///
/// # Panics
///
/// When peers are required.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn skipped_without(test: &str, missing: &str, peer: &str) {
    assert!(
        std::env::var_os("COUNTERSIGN_PEERS_REQUIRED").is_none_or(|value| value != "1"),
        "{test}: `{missing}` is not installed and COUNTERSIGN_PEERS_REQUIRED=1"
    );
    eprintln!("SKIPPED {test}: `{missing}` is not installed (tests/peers/install.sh {peer})");
}

/// Finds peers or returns from the test, loudly: `let [cosign, oras] = peers!("test", ["cosign", "oras"]);`
#[macro_export]
macro_rules! peers {
    ($test:expr, [$($name:expr),+ $(,)?]) => {
        [$(match $crate::Peer::find($name) {
            Some(peer) => peer,
            None => { $crate::skipped($test, $name); return; }
        }),+]
    };
}
