//! What a mirror can do to a client, each refused with its code beside a twin that is accepted.

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};
use countersign_testdata::keys::LabKey;
use countersign_testdata::tuf_repository::{
    TufRepository, TufRole, key_id, key_value, metadata, signed,
};
use countersign_trust_store::tuf::{Instance, Material};
use serde_json::{Value, json};

use crate::served::{NOW, Served, held, update};

fn repository() -> TufRepository {
    TufRepository::new(b"{\"the\":\"trusted root\"}")
}

/// The code with which a fresh client refuses what is served; empty when it does not.
fn first(root: &Bytes, mirror: &Served) -> &'static str {
    update(root, None, mirror, NOW).map_or_else(|error| error.code(), |_| "")
}

#[test]
fn an_honest_repository_is_accepted_with_and_without_consistent_snapshots() {
    for consistent in [true, false] {
        let mut repository = repository();
        repository.consistent = consistent;
        let mirror = Served::of(&repository);
        let material = update(&held(&repository), None, &mirror, NOW).unwrap();
        assert_eq!(
            material.trusted_root().unwrap(),
            "{\"the\":\"trusted root\"}"
        );
        assert_eq!(material.roles().map(|state| state.version), [1, 1, 1, 1]);
    }
}

#[test]
fn roots_are_followed_one_by_one_and_both_thresholds_count() {
    let mut repository = repository();
    let root = held(&repository);
    let new = || vec![LabKey::p256("next-1"), LabKey::p256("next-2")];
    repository.rotate(|repository| {
        let version = repository.root.version;
        repository.root = TufRole::new(new(), 2);
        repository.root.version = version;
    });
    repository.rotate(|_| {});
    let mirror = Served::of(&repository);
    let material = update(&root, None, &mirror, NOW).unwrap();
    assert_eq!(material.roles()[0].version, 3);

    // Signed by the new keys alone, then by the old ones alone.
    let mut new_alone = repository.clone();
    new_alone.older_roots.truncate(1);
    new_alone.root.version = 2;
    new_alone.also_sign_root.clear();
    assert_eq!(first(&root, &Served::of(&new_alone)), "tuf-threshold");
    let mut old_alone = new_alone.clone();
    old_alone.root.signers = self::repository().root.signers;
    assert_eq!(first(&root, &Served::of(&old_alone)), "tuf-threshold");
}

#[test]
fn a_root_must_have_exactly_the_next_version() {
    for (version, code) in [(1, "tuf-version"), (2, ""), (3, "tuf-version")] {
        let mut repository = repository();
        let root = held(&repository);
        let mut other = repository.clone();
        other.root.version = version;
        repository.rotate(|_| {});
        let mirror = Served::of(&repository);
        mirror.put("2.root.json", other.root_bytes());
        // The rest is signed by keys that did not change.
        assert_eq!(first(&root, &mirror), code, "{version}");
    }
}

#[test]
fn a_key_counts_once_however_it_is_listed_and_however_often_it_signs() {
    let refused = |change: &dyn Fn(&mut TufRepository)| {
        let mut repository = repository();
        let root = held(&repository);
        repository.rotate(|repository| change(repository));
        first(&root, &Served::of(&repository))
    };
    let one = ("tuf-1".to_owned(), LabKey::p256("tuf-1"));
    let own_id = (key_id(&one.1), one.1.clone());
    assert_eq!(refused(&|_| {}), "");
    // The same signature twice.
    assert_eq!(
        refused(&|repository| repository.targets.signers = vec![own_id.clone(), own_id.clone()]),
        "tuf-threshold"
    );
    // The same key under two ids, both listed.
    assert_eq!(
        refused(&|repository| {
            repository.targets.keys = vec![own_id.clone(), one.clone()];
            repository.targets.signers = vec![own_id.clone(), one.clone()];
        }),
        "tuf-threshold"
    );
    // A key that the role does not list, and one that signs for another key's id.
    let other = LabKey::p256("somebody");
    assert_eq!(
        refused(&|repository| repository.targets.signers =
            vec![own_id.clone(), (key_id(&other), other.clone())]),
        "tuf-threshold"
    );
    let second = repository().targets.keys[1].0.clone();
    assert_eq!(
        refused(&|repository| repository.targets.signers =
            vec![own_id.clone(), (second.clone(), other.clone())]),
        "tuf-threshold"
    );
    // One of two that are wanted.
    assert_eq!(
        refused(&|repository| repository.targets.signers.truncate(1)),
        "tuf-threshold"
    );
}

#[test]
fn a_threshold_of_none_is_refused() {
    for threshold in [
        json!(0),
        json!(-1),
        json!("1"),
        json!(1.5),
        Value::Null,
        json!(u64::MAX),
    ] {
        let mut repository = repository();
        let root = held(&repository);
        repository.rotate(|repository| repository.timestamp.threshold = threshold.clone());
        assert_eq!(
            first(&root, &Served::of(&repository)),
            "tuf-malformed",
            "{threshold}"
        );
    }
}

#[test]
fn expired_metadata_of_every_role_is_refused_and_valid_to_the_second_before() {
    let expires = "2026-12-01T00:00:00Z";
    let at = UnixTime::parse_rfc3339(expires).unwrap();
    for role in 0..4 {
        let mut repository = repository();
        let root = held(&repository);
        repository.rotate(|repository| {
            let role = match role {
                0 => &mut repository.root,
                1 => &mut repository.timestamp,
                2 => &mut repository.snapshot,
                _ => &mut repository.targets,
            };
            role.expires = expires.to_owned();
        });
        let mirror = Served::of(&repository);
        let material = update(&root, None, &mirror, UnixTime(at.0 - 1)).unwrap();
        assert_eq!(material.expires(), at);
        material.check(UnixTime(at.0 - 1)).unwrap();
        assert_eq!(material.check(at).unwrap_err().code(), "tuf-expired");
        let error = update(&root, None, &mirror, at).unwrap_err();
        assert_eq!(error.code(), "tuf-expired");
    }
}

#[test]
fn older_metadata_after_newer_is_refused_and_the_newer_still_counts_afterwards() {
    let old = repository();
    let root = held(&old);
    let mut new = old.clone();
    new.release();
    new.release();
    let mirror = Served::of(&new);
    let material = update(&root, None, &mirror, NOW).unwrap();
    let before = material.parts();

    mirror.publish(&old);
    let error = update(&root, Some(before), &mirror, NOW).unwrap_err();
    assert_eq!(error.code(), "tuf-rollback");
    // An old snapshot under a new timestamp, and a snapshot from which something is gone.
    let mut bent = new.clone();
    bent.timestamp.version += 1;
    bent.snapshot.version -= 1;
    mirror.publish(&bent);
    let error = update(&root, Some(before), &mirror, NOW).unwrap_err();
    assert_eq!(error.code(), "tuf-rollback");
    let mut bent = new.clone();
    bent.timestamp.version += 1;
    bent.snapshot.version += 1;
    bent.targets.version -= 1;
    mirror.publish(&bent);
    let error = update(&root, Some(before), &mirror, NOW).unwrap_err();
    assert_eq!(error.code(), "tuf-rollback");
    // A client without memory cannot tell.
    update(&root, None, &mirror, NOW).unwrap();

    mirror.publish(&new);
    update(&root, Some(before), &mirror, NOW).unwrap();
}

#[test]
fn metadata_that_vanishes_from_a_snapshot_is_a_rollback() {
    let mut repository = repository();
    let root = held(&repository);
    repository
        .more_in_snapshot
        .insert("role.json".to_owned(), 4);
    let mirror = Served::of(&repository);
    let material = update(&root, None, &mirror, NOW).unwrap();
    let later = |change: &dyn Fn(&mut TufRepository)| {
        let mut repository = repository.clone();
        repository.release();
        change(&mut repository);
        mirror.publish(&repository);
        update(&root, Some(material.parts()), &mirror, NOW)
            .map_or_else(|error| error.code(), |_| "")
    };
    assert_eq!(
        later(&|repository| repository.more_in_snapshot.clear()),
        "tuf-rollback"
    );
    assert_eq!(
        later(&|repository| {
            repository
                .more_in_snapshot
                .insert("role.json".to_owned(), 3);
        }),
        "tuf-rollback"
    );
    assert_eq!(later(&|_| {}), "");
}

#[test]
fn an_old_timestamp_that_is_served_again_and_again_does_not_outlive_its_date() {
    let mut repository = repository();
    let root = held(&repository);
    repository.timestamp.expires = "2026-11-25T00:00:00Z".to_owned();
    let mirror = Served::of(&repository);
    let material = update(&root, None, &mirror, NOW).unwrap();
    update(&root, Some(material.parts()), &mirror, NOW).unwrap();
    let later = UnixTime(NOW.0 + 3 * 86_400);
    let error = update(&root, Some(material.parts()), &mirror, later).unwrap_err();
    assert_eq!(error.code(), "tuf-expired");
}

#[test]
fn a_version_that_was_raised_out_of_reach_is_forgotten_with_the_key_that_raised_it() {
    let mut raised = repository();
    let root = held(&raised);
    raised.timestamp.version = 1 << 40;
    let mirror = Served::of(&raised);
    let material = update(&root, None, &mirror, NOW).unwrap();

    let mut repository = repository();
    repository.release();
    mirror.publish(&repository);
    let error = update(&root, Some(material.parts()), &mirror, NOW).unwrap_err();
    assert_eq!(error.code(), "tuf-rollback");
    repository.rotate(|repository| {
        let version = repository.timestamp.version;
        repository.timestamp = TufRole::new(vec![LabKey::ed25519("tuf-online-2")], 1);
        repository.timestamp.version = version;
    });
    mirror.publish(&repository);
    update(&root, Some(material.parts()), &mirror, NOW).unwrap();
}

#[test]
fn parts_of_two_states_do_not_go_together() {
    let old = repository();
    let root = held(&old);
    let mut new = old.clone();
    new.files.insert(
        "trusted_root.json".to_owned(),
        b"{\"the\":\"trusted more\"}".to_vec(),
    );
    new.release();
    // Snapshot of one state under the timestamp of another, and so on down, each under the name that is asked for.
    for (asked, from) in [
        ("2.snapshot.json", "1.snapshot.json"),
        ("2.targets.json", "1.targets.json"),
    ] {
        let mirror = Served::of(&new);
        let (other, announced) = (old.served()[from].clone(), mirror.take(asked).len());
        // Signatures differ in length: a file that is longer than announced is not even read to its end.
        let code = if other.len() > announced {
            "tuf-over-limit"
        } else {
            "tuf-file-differs"
        };
        mirror.put(asked, other);
        assert_eq!(first(&root, &mirror), code, "{asked}");
    }
    let mirror = Served::of(&new);
    assert_eq!(first(&root, &mirror), "");
    let path = |repository: &TufRepository| {
        let served = repository.served();
        served
            .keys()
            .find(|path| path.starts_with("targets/"))
            .unwrap()
            .clone()
    };
    mirror.put(&path(&new), b"{\"the\":\"trusted evil\"}".to_vec());
    assert_eq!(first(&root, &mirror), "tuf-file-differs");
    mirror.put(&path(&new), b"{\"short\":1}".to_vec());
    assert_eq!(first(&root, &mirror), "tuf-file-differs");
}

#[test]
fn metadata_of_one_role_does_not_pass_for_that_of_another() {
    // Snapshot and timestamp have the same key here, which is what makes this worth a try.
    let repository = repository();
    let mirror = Served::of(&repository);
    let snapshot = mirror.take("1.snapshot.json");
    mirror.put("timestamp.json", snapshot);
    assert_eq!(first(&held(&repository), &mirror), "tuf-malformed");
    // Every role in the place of the two that nothing announces, signed by the keys of the role whose place it takes.
    for (place, path, role) in [
        ("root", "2.root.json", &repository.root),
        ("timestamp", "timestamp.json", &repository.timestamp),
    ] {
        for said in ["root", "timestamp", "snapshot", "targets", "mirrors", ""] {
            let mut honest = repository.clone();
            if place == "root" {
                honest.rotate(|_| {});
            }
            let mirror = Served::of(&honest);
            let served = mirror.take(path);
            let mut body = serde_json::from_slice::<Value>(&served).unwrap()["signed"].clone();
            body["_type"] = json!(said);
            mirror.put(path, signed(body, &role.signers));
            let code = if place == said { "" } else { "tuf-malformed" };
            assert_eq!(
                first(&held(&repository), &mirror),
                code,
                "{said} as {place}"
            );
        }
    }
}

#[test]
fn metadata_that_is_announced_by_its_version_alone_is_held_to_that_version_and_its_type() {
    // Lengths and digests of snapshot and targets may be left out (specification 4.4, 4.5): then version, type and signature are all.
    let repository = repository();
    let root = held(&repository);
    let announced = |name: &str, version: u64| json!({"meta": {name: {"version": version}}});
    let serve = |snapshot: u64, targets: u64, said: &str| {
        let mirror = Served::of(&repository);
        mirror.put(
            "timestamp.json",
            metadata(
                "timestamp",
                &repository.timestamp,
                announced("snapshot.json", snapshot),
            ),
        );
        mirror.put(
            &format!("{snapshot}.snapshot.json"),
            metadata(
                said,
                &repository.snapshot,
                announced("targets.json", targets),
            ),
        );
        let served = repository.served()["1.targets.json"].clone();
        mirror.put(&format!("{targets}.targets.json"), served);
        first(&root, &mirror)
    };
    assert_eq!(serve(1, 1, "snapshot"), "");
    assert_eq!(serve(2, 1, "snapshot"), "tuf-version");
    assert_eq!(serve(1, 2, "snapshot"), "tuf-version");
    assert_eq!(serve(1, 1, "timestamp"), "tuf-malformed");
    assert_eq!(serve(1, 1, "targets"), "tuf-malformed");
}

#[test]
fn another_version_of_the_specification_is_refused() {
    let repository = repository();
    let root = held(&repository);
    let with = |specification: &str| {
        let mirror = Served::of(&repository);
        let served = mirror.take("timestamp.json");
        let mut body = serde_json::from_slice::<Value>(&served).unwrap()["signed"].clone();
        body["spec_version"] = json!(specification);
        mirror.put(
            "timestamp.json",
            signed(body, &repository.timestamp.signers),
        );
        first(&root, &mirror)
    };
    for known in ["1.0.31", "1.0.0", "1.1.0"] {
        assert_eq!(with(known), "", "{known}");
    }
    for other in ["2.0.0", "0.9", "10.0", "1x", ""] {
        assert_eq!(with(other), "tuf-malformed", "{other}");
    }
}

#[test]
fn only_the_last_root_must_not_be_past_its_date() {
    // §5.3.10: a client that was away for long follows roots that ended meanwhile.
    let mut repository = repository();
    let root = held(&repository);
    let (valid, past) = (
        repository.root.expires.clone(),
        "2026-01-01T00:00:00Z".to_owned(),
    );
    repository.rotate(|repository| repository.root.expires = past.clone());
    assert_eq!(first(&root, &Served::of(&repository)), "tuf-expired");
    repository.rotate(|repository| repository.root.expires = valid);
    let material = update(&root, None, &Served::of(&repository), NOW).unwrap();
    assert_eq!(material.roles()[0].version, 3);
    // The held one may be past its date, too.
    let mut repository = self::repository();
    repository.root.expires = past;
    let root = held(&repository);
    assert_eq!(first(&root, &Served::of(&repository)), "tuf-expired");
    repository.rotate(|repository| repository.root.expires = "2035-01-01T00:00:00Z".to_owned());
    assert_eq!(first(&root, &Served::of(&repository)), "");
}

#[test]
fn a_root_that_is_skipped_cannot_be_gone_around() {
    let mut repository = repository();
    let root = held(&repository);
    for _ in 0..3 {
        repository.rotate(|_| {});
    }
    let mirror = Served::of(&repository);
    assert_eq!(first(&root, &mirror), "");
    // Root 2 is gone: 3 and 4 are not even asked for, and the client stays with the one that it has.
    mirror.take("2.root.json");
    mirror.asked.lock().unwrap().clear();
    let material = update(&root, None, &mirror, NOW).unwrap();
    assert_eq!(material.roles()[0].version, 1);
    let asked = mirror.asked.lock().unwrap().clone();
    assert!(
        asked.iter().all(|path| !path.ends_with("3.root.json")),
        "{asked:?}"
    );
    // Root 3 in the place of root 2, with all signatures that root 3 needs.
    let mirror = Served::of(&repository);
    let third = mirror.take("3.root.json");
    mirror.put("2.root.json", third);
    assert_eq!(first(&root, &mirror), "tuf-version");
}

#[test]
fn another_state_under_the_same_version_is_not_taken() {
    // §5.4.3.1: a timestamp of the version that is there ends the update, whatever else it says.
    let repository = repository();
    let root = held(&repository);
    let mirror = Served::of(&repository);
    let before = update(&root, None, &mirror, NOW).unwrap();
    let mut other = repository.clone();
    other.files.insert(
        "trusted_root.json".to_owned(),
        b"{\"the\":\"second truth\"}".to_vec(),
    );
    mirror.publish(&other);
    let after = update(&root, Some(before.parts()), &mirror, NOW).unwrap();
    assert_eq!(after.parts(), before.parts());
    other.release();
    mirror.publish(&other);
    let after = update(&root, Some(before.parts()), &mirror, NOW).unwrap();
    assert_eq!(after.trusted_root().unwrap(), "{\"the\":\"second truth\"}");
}

#[test]
fn a_file_needs_a_digest_that_is_known_and_must_match_every_one() {
    let repository = repository();
    let root = held(&repository);
    let file = repository.files["trusted_root.json"].clone();
    let digest = countersign_proof::digest::sha256(&file).hex();
    let with = |length: Value, hashes: Value| {
        let mut repository = repository.clone();
        let entry = json!({"length": length, "hashes": hashes});
        let targets = metadata(
            "targets",
            &repository.targets,
            json!({"targets": {"trusted_root.json": entry}}),
        );
        let snapshot = metadata(
            "snapshot",
            &repository.snapshot,
            json!({"meta": {"targets.json": {"version": 1}}}),
        );
        let timestamp = metadata(
            "timestamp",
            &repository.timestamp,
            json!({"meta": {"snapshot.json": {"version": 1}}}),
        );
        repository.consistent = true;
        let mirror = Served::of(&repository);
        mirror.put("timestamp.json", timestamp);
        mirror.put("1.snapshot.json", snapshot);
        mirror.put("1.targets.json", targets);
        // Whatever digest comes first in the name, the same file lies there.
        for name in [&digest, &"0".repeat(64), &"0".repeat(128)] {
            mirror.put(&format!("targets/{name}.trusted_root.json"), file.clone());
        }
        first(&root, &mirror)
    };
    let size = file.len();
    assert_eq!(with(json!(size), json!({"sha256": digest})), "");
    assert_eq!(
        with(json!(size), json!({"sha256": digest, "blake2b": "00"})),
        ""
    );
    for hashes in [
        json!({"sha256": "0".repeat(64)}),
        json!({"sha256": digest, "sha512": "0".repeat(128)}),
    ] {
        assert_eq!(with(json!(size), hashes), "tuf-file-differs");
    }
    assert_eq!(
        with(json!(size + 1), json!({"sha256": digest})),
        "tuf-file-differs"
    );
    assert_eq!(
        with(json!(size - 1), json!({"sha256": digest})),
        "tuf-over-limit"
    );
    for (length, hashes) in [
        (json!(size), json!({"blake2b": "00"})),
        (json!(size), json!({})),
        (json!(size), json!({"sha256": "00"})),
        (json!(size), Value::Null),
        (json!(-1), json!({"sha256": digest})),
        (Value::Null, json!({"sha256": digest})),
    ] {
        assert_eq!(with(length, hashes), "tuf-malformed");
    }
}

#[test]
fn endless_data_stops_at_the_cap_and_at_the_announced_length() {
    let repository = repository();
    let root = held(&repository);
    let limits = Limits::DEFAULT;
    for (path, cap) in [
        ("2.root.json", limits.tuf_root_bytes),
        ("timestamp.json", limits.tuf_timestamp_bytes),
    ] {
        let mirror = Served::of(&repository);
        mirror.put(path, vec![b' '; usize::try_from(cap).unwrap() + 1]);
        assert_eq!(first(&root, &mirror), "tuf-over-limit", "{path}");
    }
    for path in ["1.snapshot.json", "1.targets.json"] {
        let mirror = Served::of(&repository);
        let mut bytes = mirror.take(path);
        bytes.push(b' ');
        mirror.put(path, bytes);
        assert_eq!(first(&root, &mirror), "tuf-over-limit", "{path}");
    }
}

#[test]
fn signatures_roots_and_entries_are_counted_before_they_cost_anything() {
    let mut repository = repository();
    let root = held(&repository);
    let one = repository.timestamp.signers[0].clone();
    repository.timestamp.signers = vec![one.clone(); 64];
    assert_eq!(first(&root, &Served::of(&repository)), "");
    repository.timestamp.signers = vec![one; 65];
    let error = update(&root, None, &Served::of(&repository), NOW).unwrap_err();
    // 65 signatures fit into the bytes of a timestamp.
    assert_eq!(error.code(), "tuf-malformed");
    assert!(error.to_string().contains("tuf_signatures"), "{error}");

    let mut repository = self::repository();
    let few = Limits {
        tuf_root_rotations: 3,
        ..Limits::DEFAULT
    };
    let update = |repository: &TufRepository| {
        let mirror = Served::of(repository);
        crate::served::wait(countersign_trust_store::tuf::refresh(
            &root, None, &mirror, NOW, &few,
        ))
        .map(|material| material.roles()[0].version)
        .map_err(|refused| (refused.error.code(), refused.roots.len()))
    };
    for _ in 0..3 {
        repository.rotate(|_| {});
    }
    assert_eq!(update(&repository).unwrap(), 4);
    repository.rotate(|_| {});
    assert_eq!(update(&repository).unwrap_err(), ("tuf-root-rotations", 3));
}

#[test]
fn a_good_root_before_a_bad_one_is_kept() {
    let mut repository = repository();
    let root = held(&repository);
    repository.rotate(|_| {});
    let good = Served::of(&repository);
    let mirror = Served::of(&repository);
    mirror.put(
        "2.root.json",
        good.files.lock().unwrap()["2.root.json"].clone(),
    );
    repository.rotate(|_| {});
    repository.also_sign_root.clear();
    repository.root.signers.clear();
    mirror.put("3.root.json", repository.root_bytes());
    let refused = crate::served::wait(countersign_trust_store::tuf::refresh(
        &root,
        None,
        &mirror,
        NOW,
        &Limits::DEFAULT,
    ))
    .unwrap_err();
    assert_eq!(refused.error.code(), "tuf-threshold");
    let served = good.files.lock().unwrap()["2.root.json"].clone();
    assert_eq!(refused.roots, [Bytes::from(served)]);
    update(&root, None, &good, NOW).unwrap();
}

#[test]
fn wrong_types_everywhere_are_errors_and_no_panic() {
    let repository = repository();
    let root = held(&repository);
    let honest: Value = serde_json::from_slice(&repository.served()["timestamp.json"]).unwrap();
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
        json!([[]]),
    ];
    for pointer in [
        "/signatures",
        "/signatures/0",
        "/signatures/0/keyid",
        "/signatures/0/sig",
        "/signed",
        "/signed/_type",
        "/signed/spec_version",
        "/signed/version",
        "/signed/expires",
        "/signed/meta",
        "/signed/meta/snapshot.json",
        "/signed/meta/snapshot.json/version",
        "/signed/meta/snapshot.json/length",
        "/signed/meta/snapshot.json/hashes",
        "/signed/meta/snapshot.json/hashes/sha256",
    ] {
        for value in &values {
            let mut bent = honest.clone();
            *bent.pointer_mut(pointer).unwrap() = value.clone();
            let mirror = Served::of(&repository);
            mirror.put("timestamp.json", serde_json::to_vec(&bent).unwrap());
            let code = first(&root, &mirror);
            assert!(
                ["tuf-malformed", "tuf-threshold"].contains(&code),
                "{pointer} = {value}: {code}"
            );
        }
    }
    for bytes in [
        b"".as_slice(),
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{\"signed\":{},\"signed\":{}}",
    ] {
        let mirror = Served::of(&repository);
        mirror.put("timestamp.json", bytes.to_vec());
        assert_eq!(first(&root, &mirror), "tuf-malformed");
    }
}

#[test]
fn a_missing_file_a_missing_target_and_a_mirror_that_is_down_are_told_apart() {
    let repository = repository();
    let root = held(&repository);
    for path in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let mirror = Served::of(&repository);
        mirror.take(path);
        assert_eq!(first(&root, &mirror), "tuf-file-missing", "{path}");
    }
    let mut without = repository.clone();
    without.files.clear();
    assert_eq!(first(&root, &Served::of(&without)), "tuf-no-target");
    let mirror = Served::of(&repository);
    mirror.set_down(true);
    assert_eq!(first(&root, &mirror), "tuf-mirror-unavailable");
}

#[test]
fn file_names_of_the_repository_are_never_asked_for() {
    let mut repository = repository();
    for name in ["../../x", "/etc/passwd", "a/../../x", "con", "2.root.json"] {
        repository.files.insert(name.to_owned(), b"x".to_vec());
    }
    repository
        .more_in_snapshot
        .insert("../../timestamp.json".to_owned(), 1);
    let mirror = Served::of(&repository);
    let material = update(&held(&repository), None, &mirror, NOW).unwrap();
    assert_eq!(
        material.parts().files.keys().collect::<Vec<_>>(),
        ["trusted_root.json"]
    );
    let asked = mirror.asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|path| !path.contains("..") && !path.contains("passwd")),
        "{asked:?}"
    );
}

// A121–A124, A131: what delegated roles may do depends on how they are walked. None is: the top-level targets name a file or nobody does.
#[test]
fn a_file_that_a_delegated_role_names_is_not_there() {
    let mut repository = repository();
    let file = repository.files.remove("trusted_root.json").unwrap();
    let team = TufRole::new(vec![LabKey::p256("team")], 1);
    let (id, key) = team.keys[0].clone();
    repository.delegations = Some(json!({
        "keys": {&id: key_value(&key)},
        "roles": [{"name": "team", "keyids": [&id], "threshold": 1, "terminating": true, "paths": ["*"]}],
    }));
    repository
        .more_in_snapshot
        .insert("team.json".to_owned(), 1);
    let digest = countersign_proof::digest::sha256(&file).hex();
    let entry = json!({"length": file.len(), "hashes": {"sha256": &digest}});
    let role = metadata(
        "targets",
        &team,
        json!({"targets": {"trusted_root.json": entry}}),
    );
    let mirror = Served::of(&repository);
    mirror.put("1.team.json", role);
    mirror.put(&format!("targets/{digest}.trusted_root.json"), file.clone());
    let root = held(&repository);
    let unnamed = update(&root, None, &mirror, NOW).map_or_else(
        |error| error.code(),
        |material| {
            material
                .trusted_root()
                .map_or_else(|error| error.code(), |_| "")
        },
    );
    assert_eq!(unnamed, "tuf-no-target");
    let asked = mirror.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|path| !path.contains("team")), "{asked:?}");
    // The twin: the same, and named by the top-level targets as well.
    repository
        .files
        .insert("trusted_root.json".to_owned(), file);
    assert_eq!(first(&root, &Served::of(&repository)), "");
}

#[test]
fn a_key_signs_only_with_the_scheme_of_its_kind() {
    let listed_as = |kind: &str, scheme: &str| {
        let mut repository = repository();
        let key = LabKey::p256("tuf-online-2");
        let root = held(&repository);
        repository.rotate(|repository| {
            let version = repository.timestamp.version;
            repository.timestamp = TufRole::new(vec![key.clone()], 1);
            repository.timestamp.version = version;
            let mut value = key_value(&key);
            value["keytype"] = json!(kind);
            value["scheme"] = json!(scheme);
            repository.listed_keys.insert(key_id(&key), value);
        });
        first(&root, &Served::of(&repository))
    };
    assert_eq!(listed_as("ecdsa", "ecdsa-sha2-nistp256"), "");
    for (kind, scheme) in [
        ("ecdsa", "ecdsa-sha2-nistp384"),
        ("ecdsa", "rsassa-pss-sha256"),
        ("rsa", "ecdsa-sha2-nistp256"),
        ("rsa", "rsassa-pss-sha256"),
        ("rsa", "rsa-pkcs1v15-sha256"),
        ("ed25519", "ed25519"),
        ("ed25519", "ecdsa-sha2-nistp256"),
        ("ecdsa", "none"),
        ("", ""),
    ] {
        assert_eq!(listed_as(kind, scheme), "tuf-threshold", "{kind} {scheme}");
    }
}

#[test]
fn a_pack_is_proven_from_a_held_root_and_not_from_its_own() {
    let mut repository = repository();
    let root = held(&repository);
    repository.rotate(|_| {});
    repository.rotate(|_| {});
    let parts = update(&root, None, &Served::of(&repository), NOW)
        .unwrap()
        .parts()
        .clone();
    let prove = |root: &Bytes, parts| {
        Material::prove(root, parts, &Limits::DEFAULT).map_or_else(|error| error.code(), |_| "")
    };
    assert_eq!(prove(&root, parts.clone()), "");
    // Who holds a later root goes on from there; who holds another repository's root is not taken in.
    assert_eq!(prove(&parts.roots[0], parts.clone()), "");
    let mut other = self::repository();
    other.root = TufRole::new(vec![LabKey::p256("other")], 1);
    assert_eq!(prove(&held(&other), parts.clone()), "tuf-threshold");
    // A chain with a hole, a file that is not in the list, a changed file.
    let mut hole = parts.clone();
    hole.roots.remove(0);
    assert_eq!(prove(&root, hole), "tuf-root-gap");
    let mut more = parts.clone();
    more.files
        .insert("more".to_owned(), Bytes::from_static(b"x"));
    assert_eq!(prove(&root, more), "tuf-no-target");
    let mut changed = parts;
    changed
        .files
        .insert("trusted_root.json".to_owned(), Bytes::from_static(b"{}"));
    assert_eq!(prove(&root, changed), "tuf-file-differs");
}

#[test]
fn a_damaged_held_root_is_refused() {
    let repository = repository();
    let mut body: Value = serde_json::from_slice(&repository.root_bytes()).unwrap();
    body["signed"]["version"] = json!(7);
    let bytes = Bytes::from(serde_json::to_vec(&body).unwrap());
    let error = Instance::new("http://127.0.0.1", bytes, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "tuf-threshold");
    let unsigned = Bytes::from(signed(body["signed"].clone(), &[]));
    let error = Instance::new("http://127.0.0.1", unsigned, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "tuf-threshold");
    let kept = Instance::new("http://127.0.0.1/", held(&repository), &Limits::DEFAULT).unwrap();
    assert_eq!(
        (kept.root_version, kept.mirror.as_str()),
        (1, "http://127.0.0.1")
    );
}

#[test]
fn the_root_that_is_built_in_is_the_public_good_instances_and_signed_itself() {
    let instance = Instance::public_good(&Limits::DEFAULT).unwrap();
    assert_eq!(instance.root_version, 16);
    assert_eq!(instance.mirror, "https://tuf-repo-cdn.sigstore.dev");
}
