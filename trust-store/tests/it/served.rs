//! A mirror in memory that remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};
use countersign_testdata::tuf_repository::TufRepository;
use countersign_trust_store::tuf::{
    BoxFuture, Material, Mirror, MirrorError, Parts, TufError, refresh,
};

/// A time at which the repositories of the tests hold: 2026-11-24.
pub(crate) const NOW: UnixTime = UnixTime(1_795_500_000);

#[derive(Default)]
pub(crate) struct Served {
    pub(crate) files: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) down: Mutex<bool>,
}

impl Served {
    pub(crate) fn of(repository: &TufRepository) -> Self {
        let served = Self::default();
        served.publish(repository);
        served
    }

    /// Serves another state of the repository, and forgets the one before.
    pub(crate) fn publish(&self, repository: &TufRepository) {
        *self.files.lock().unwrap() = repository.served();
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes);
    }

    pub(crate) fn take(&self, path: &str) -> Vec<u8> {
        self.files.lock().unwrap().remove(path).unwrap()
    }

    pub(crate) fn set_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    pub(crate) fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Mirror for Served {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn fetch<'a>(
        &'a self,
        path: &'a str,
        cap: u64,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MirrorError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(path.to_owned());
            if *self.down.lock().unwrap() {
                let detail = "memory: down".to_owned();
                return Err(MirrorError::Unavailable { detail });
            }
            let found = self.files.lock().unwrap().get(path).cloned();
            match found {
                Some(bytes) if bytes.len() as u64 > cap => Err(MirrorError::OverLimit {
                    path: path.to_owned(),
                    limit: cap,
                }),
                found => Ok(found.map(Bytes::from)),
            }
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { std::thread::sleep(time) })
    }
}

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// The first root of a repository, which the tests hold.
pub(crate) fn held(repository: &TufRepository) -> Bytes {
    Bytes::from(repository.root_bytes())
}

pub(crate) fn update(
    root: &Bytes,
    before: Option<&Parts>,
    mirror: &Served,
    now: UnixTime,
) -> Result<Material, TufError> {
    wait(refresh(root, before, mirror, now, &Limits::DEFAULT)).map_err(|refused| refused.error)
}
