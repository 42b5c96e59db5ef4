//! The cache: fresh without a question, refreshed when due, kept while it holds, whole under many hands.

use std::sync::Arc;

use countersign_formats::{Limits, UnixTime};
use countersign_testdata::keys::LabKey;
use countersign_testdata::tuf_repository::{TufRepository, TufRole};
use countersign_trust_store::tuf::{
    Acquired, Acquisition, Cache, Folders, Freshness, Instance, TufError, acquire,
};

use crate::served::{NOW, Served, held, wait};

const DAY: i64 = 86_400;

struct Scene {
    _folder: tempfile::TempDir,
    folders: Folders,
    repository: TufRepository,
    mirror: Served,
    cache: Cache,
}

fn scene() -> Scene {
    let mut repository = TufRepository::new(b"{\"n\":1}");
    repository.timestamp.expires = UnixTime(NOW.0 + 7 * DAY).to_string();
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders {
        settings: folder.path().join("settings"),
        cache: folder.path().join("cache"),
    };
    let instance =
        Instance::new("http://127.0.0.1:1", held(&repository), &Limits::DEFAULT).unwrap();
    Scene {
        cache: Cache::new(instance, &folders, &Limits::DEFAULT),
        mirror: Served::of(&repository),
        _folder: folder,
        folders,
        repository,
    }
}

impl Scene {
    fn get(&self, after: i64) -> Result<Acquired, TufError> {
        self.how(after, None, false, true)
    }

    fn how(
        &self,
        after: i64,
        max_age: Option<u64>,
        always: bool,
        online: bool,
    ) -> Result<Acquired, TufError> {
        let how = Acquisition {
            now: UnixTime(NOW.0 + after),
            mirror: online.then_some(&self.mirror as _),
            max_age,
            always,
        };
        wait(acquire(&self.cache, how))
    }
}

fn word(result: &Result<Acquired, TufError>) -> &'static str {
    match result {
        Ok(acquired) => match acquired.freshness {
            Freshness::Cached => "cached",
            Freshness::Refreshed => "refreshed",
            Freshness::Kept { .. } => "kept",
            _ => "other",
        },
        Err(error) => error.code(),
    }
}

#[test]
fn a_fresh_cache_asks_nobody_and_an_old_one_asks_once() {
    let scene = scene();
    assert_eq!(word(&scene.get(0)), "refreshed");
    let asked = scene.mirror.questions();
    for after in [0, 60, DAY - 1] {
        assert_eq!(word(&scene.get(after)), "cached");
    }
    assert_eq!(scene.mirror.questions(), asked);
    assert_eq!(word(&scene.get(DAY)), "refreshed");
    // The next root and the timestamp; nothing else has changed.
    assert_eq!(scene.mirror.questions(), asked + 2);
    assert_eq!(word(&scene.get(DAY + 1)), "cached");
    // A clock that went back is no reason to trust for longer.
    assert_eq!(word(&scene.get(-DAY)), "refreshed");
}

#[test]
fn offline_opens_nothing_and_says_what_is_missing() {
    let scene = scene();
    assert_eq!(word(&scene.how(0, None, false, false)), "trust-offline");
    assert_eq!(word(&scene.get(0)), "refreshed");
    let asked = scene.mirror.questions();
    assert_eq!(word(&scene.how(6 * DAY, None, false, false)), "cached");
    assert_eq!(word(&scene.how(7 * DAY, None, false, false)), "tuf-expired");
    assert_eq!(scene.mirror.questions(), asked);
}

#[test]
fn while_the_mirror_is_down_what_still_holds_is_used_and_that_is_said() {
    let scene = scene();
    assert_eq!(word(&scene.get(0)), "refreshed");
    scene.mirror.set_down(true);
    let kept = scene.get(2 * DAY).unwrap();
    assert!(
        matches!(&kept.freshness, Freshness::Kept { reason } if reason.code() == "tuf-mirror-unavailable")
    );
    assert_eq!(kept.checked, NOW);
    // For some minutes it is not asked again.
    let asked = scene.mirror.questions();
    assert_eq!(word(&scene.get(2 * DAY + 299)), "cached");
    assert_eq!(scene.mirror.questions(), asked);
    assert_eq!(word(&scene.get(2 * DAY + 300)), "kept");
    // Once it holds no longer nothing is left.
    let stale = scene.get(7 * DAY);
    assert_eq!(word(&stale), "trust-stale");
    let text = stale.unwrap_err().to_string();
    assert!(text.contains("expired") && text.contains("down"), "{text}");
    // Who asks for an update is told.
    assert_eq!(
        word(&scene.how(3 * DAY, None, true, true)),
        "tuf-mirror-unavailable"
    );
    scene.mirror.set_down(false);
    assert_eq!(word(&scene.get(3 * DAY + 300)), "refreshed");
}

#[test]
fn a_bound_on_the_age_makes_a_refresh_due_and_what_is_older_stale() {
    let scene = scene();
    assert_eq!(word(&scene.get(0)), "refreshed");
    assert_eq!(word(&scene.how(3600, Some(3600), false, true)), "cached");
    assert_eq!(
        word(&scene.how(3601, Some(3600), false, false)),
        "trust-too-old"
    );
    assert_eq!(word(&scene.how(3601, Some(3600), false, true)), "refreshed");
    scene.mirror.set_down(true);
    assert_eq!(
        word(&scene.how(2 * 3601, Some(3600), false, true)),
        "trust-stale"
    );
}

#[test]
fn what_a_mirror_serves_wrongly_does_not_harm_what_is_kept() {
    let scene = scene();
    let mut newer = scene.repository.clone();
    newer.release();
    scene.mirror.publish(&newer);
    assert_eq!(word(&scene.get(0)), "refreshed");
    scene.mirror.publish(&scene.repository);
    let kept = scene.get(2 * DAY).unwrap();
    assert!(
        matches!(&kept.freshness, Freshness::Kept { reason } if reason.code() == "tuf-rollback")
    );
    assert_eq!(kept.material.roles()[1].version, 2);
    // The mirror mends itself, and so do we (CVE-2025-2888).
    newer.release();
    scene.mirror.publish(&newer);
    let acquired = scene.get(2 * DAY + 300).unwrap();
    assert_eq!(acquired.material.roles()[1].version, 3);
}

#[test]
fn a_root_that_takes_keys_away_ends_what_they_signed_although_the_rest_was_refused() {
    let mut scene = scene();
    assert_eq!(word(&scene.get(0)), "refreshed");
    scene.repository.rotate(|repository| {
        repository.timestamp = TufRole::new(vec![LabKey::ed25519("tuf-online-2")], 1);
        // The mirror has the new root, and a timestamp of the old key.
        repository.timestamp.signers = TufRole::new(vec![LabKey::ed25519("tuf-online")], 1).signers;
    });
    scene.mirror.publish(&scene.repository);
    assert_eq!(word(&scene.get(2 * DAY)), "trust-stale");
    assert_eq!(
        word(&scene.how(2 * DAY, None, false, false)),
        "tuf-threshold"
    );
}

#[test]
fn a_damaged_cache_is_fetched_again_and_never_believed() {
    let scene = scene();
    assert_eq!(word(&scene.get(0)), "refreshed");
    let path = scene
        .cache
        .instance()
        .cache_folder(&scene.folders)
        .join("state.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    for damaged in [
        "".to_owned(),
        "{".to_owned(),
        whole.replace("\\\"n\\\":1", "\\\"n\\\":2"),
    ] {
        assert_ne!(damaged, whole);
        std::fs::write(&path, damaged).unwrap();
        assert!(scene.how(0, None, false, false).is_err());
        let acquired = scene.get(0).unwrap();
        assert_eq!(acquired.material.trusted_root().unwrap(), "{\"n\":1}");
    }
    // A link or a folder in its place is no way out of the folder.
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2
    );
}

#[test]
fn many_at_once_leave_one_valid_cache() {
    let scene = Arc::new(scene());
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let scene = Arc::clone(&scene);
            std::thread::spawn(move || scene.get(0).unwrap().material.roles()[1].version)
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 1);
    }
    // One asked, nine waited.
    assert_eq!(scene.mirror.questions(), 5);
    assert_eq!(word(&scene.how(0, None, false, false)), "cached");
}

#[test]
fn the_instance_of_a_machine_is_kept_and_never_replaced_by_another_when_it_is_damaged() {
    let scene = scene();
    assert!(
        Instance::load(&scene.folders, &Limits::DEFAULT)
            .unwrap()
            .is_none()
    );
    scene.cache.instance().save(&scene.folders).unwrap();
    let loaded = Instance::load(&scene.folders, &Limits::DEFAULT)
        .unwrap()
        .unwrap();
    assert_eq!(&loaded, scene.cache.instance());
    let path = scene.folders.settings.join("instance.json");
    std::fs::write(&path, "{}").unwrap();
    let error = Instance::load(&scene.folders, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "trust-file-unusable");
}

#[test]
fn folders_follow_the_environment() {
    let folders = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Folders::of(&move |name| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into())
        })
        .map(|folders| {
            (
                folders.settings.display().to_string(),
                folders.cache.display().to_string(),
            )
        })
    };
    let pair = |settings: &str, cache: &str| Some((settings.to_owned(), cache.to_owned()));
    assert_eq!(folders(&[]), None);
    assert_eq!(
        folders(&[
            ("COUNTERSIGN_TRUST_DIR", "/t"),
            ("TUF_ROOT", "/u"),
            ("HOME", "/h")
        ]),
        pair("/t", "/t/cache")
    );
    assert_eq!(
        folders(&[("TUF_ROOT", "/u")]),
        pair("/u/countersign", "/u/countersign/cache")
    );
    if cfg!(target_os = "linux") {
        assert_eq!(
            folders(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")]),
            pair(
                "/h/.config/countersign/trust",
                "/h/.cache/countersign/trust"
            )
        );
        assert_eq!(
            folders(&[("XDG_CONFIG_HOME", "/c"), ("XDG_CACHE_HOME", "/d")]),
            pair("/c/countersign/trust", "/d/countersign/trust")
        );
    }
}
