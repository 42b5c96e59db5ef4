//! What is recorded and played back comes to the same decision, outages included.

use std::time::Duration;

use countersign::formats::{Limits, UnixTime};
use countersign::pack::{Pack, PackWriter, SectionKind};
use countersign::record::{ImageRecord, RecordError, Recorder, Replay, record};
use countersign::registry::{Store, Target};
use countersign::{Verification, Verifier, VerifyError};
use countersign_testdata::lab::NOW;
use serde_json::{Value, json};

use crate::images::{SIGNATURE, attested, builder, signature_layer, signed};
use crate::shelf::{Shelf, Trouble};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SBOM: &str = "https://spdx.dev/Document";
const POLICIES: [&str; 4] = [
    SIGNATURE,
    "{statement: {type: spdxjson, by: release}}",
    "{signature: {by: bob}}",
    "{allOf: [{signature: {by: release}}, {statement: {type: any, by: [release, bob]}}]}",
];

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

fn verifier(require: &str) -> Verifier {
    builder(require)
        .thorough()
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// Records the shelf into a file, by the first policy.
fn recorded(shelf: &Shelf, target: &Target) -> (tempfile::TempDir, Pack) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.tar");
    write(shelf, target, &path);
    let pack = Pack::open(&path, &Limits::DEFAULT).unwrap();
    (folder, pack)
}

fn write(shelf: &Shelf, target: &Target, path: &std::path::Path) {
    let recorder = Recorder::new(shelf, &Limits::DEFAULT);
    let verification = wait(record(
        &verifier(POLICIES[0]),
        &recorder,
        &[],
        target,
        UnixTime(NOW),
        &Limits::DEFAULT,
    ))
    .unwrap();
    let image = ImageRecord::new(
        "shelf/app:1.4".to_owned(),
        target.clone(),
        verification.digest,
        UnixTime(NOW),
    );
    let mut writer = PackWriter::new();
    image
        .write(vec![recorder], &mut writer, &Limits::DEFAULT)
        .unwrap();
    wait(writer.write(path)).unwrap();
}

fn played(pack: &Pack, require: &str) -> Result<Verification, VerifyError> {
    let section = pack.required(SectionKind::Record).unwrap();
    let image = ImageRecord::parse(&section.name, &section.bytes).unwrap();
    assert_eq!(image.recorded_at, UnixTime(NOW));
    let replay = Replay::new(&image, pack, &Limits::DEFAULT);
    wait(replay.verify(&verifier(require), image.recorded_at))
}

/// A decision as a value, without the words for a deadline, which name how long somebody waited.
fn value(verification: &Verification) -> Value {
    let mut record = serde_json::to_value(verification.decision.record()).unwrap();
    fn strip(value: &mut Value) {
        match value {
            Value::String(text) if text.contains("no answer") => *text = "no answer".to_owned(),
            Value::Array(list) => list.iter_mut().for_each(strip),
            Value::Object(members) => members.values_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut record);
    json!({"record": record, "name": verification.name, "image": format!("{:?}", verification.image)})
}

fn busy() -> Shelf {
    let mut shelf = Shelf::new();
    let image = shelf.image;
    shelf.attach(&signed(&image, "release"), None);
    shelf.attach(&attested(&image, "release", SBOM), Some(SBOM));
    shelf.attach(&signed(&image, "other"), Some("x/y"));
    shelf.attach("not a bundle", None);
    shelf.attach_garbage(b"no manifest");
    let (payload, annotations) = signature_layer(&image, "release");
    shelf.legacy(".sig", &[(SIMPLE_SIGNING, &payload, annotations)]);
    shelf
}

#[track_caller]
fn same(shelf: &Shelf) {
    for target in [Target::Digest(shelf.image), Target::Tag("1.4".to_owned())] {
        let (_folder, pack) = recorded(shelf, &target);
        for require in POLICIES {
            let live = wait(verifier(require).verify_in(shelf, &target, UnixTime(NOW))).unwrap();
            let played = played(&pack, require).unwrap();
            assert_eq!(value(&live), value(&played), "{require}");
        }
    }
}

#[test]
fn evidence_of_every_form_comes_to_the_same_decision() {
    same(&busy());
    same(&Shelf::new());
}

#[test]
fn outages_lies_and_cut_lists_are_played_back_as_such() {
    for trouble in [
        Trouble::Down,
        Trouble::Login,
        Trouble::WrongDigest,
        Trouble::Slow,
    ] {
        for what in ["referrers", "tag", "piece"] {
            let mut shelf = busy();
            let what = if what == "piece" {
                shelf.listing[0].digest.to_string()
            } else {
                what.to_owned()
            };
            shelf.troubles.insert(what, trouble.clone());
            same(&shelf);
        }
    }
    let mut shelf = busy();
    shelf.complete = false;
    same(&shelf);
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let shelf = busy();
    let folder = tempfile::tempdir().unwrap();
    let target = Target::Tag("1.4".to_owned());
    let [one, two] = ["one", "two"].map(|name| {
        let path = folder.path().join(name);
        write(&shelf, &target, &path);
        std::fs::read(path).unwrap()
    });
    assert_eq!(one, two);
}

#[test]
fn an_image_that_was_not_there_is_not_there_in_the_pack() {
    let mut shelf = Shelf::new();
    shelf.remove_image();
    let target = Target::Digest(shelf.image);
    let recorder = Recorder::new(&shelf, &Limits::DEFAULT);
    let error = wait(record(
        &verifier(POLICIES[0]),
        &recorder,
        &[],
        &target,
        UnixTime(NOW),
        &Limits::DEFAULT,
    ))
    .unwrap_err();
    assert_eq!(error.code(), "image-not-found");
}

#[test]
fn what_was_not_asked_is_unknown_and_never_absent() {
    let shelf = busy();
    let (_folder, pack) = recorded(&shelf, &Target::Tag("1.4".to_owned()));
    let section = pack.required(SectionKind::Record).unwrap();
    let mut document: Value = serde_json::from_slice(&section.bytes).unwrap();
    let answers = document["places"][0]["answers"].as_array_mut().unwrap();
    answers.retain(|answer| answer["ask"].get("tag").is_some());
    let image = ImageRecord::parse("cut", document.to_string().as_bytes()).unwrap();
    let replay = Replay::new(&image, &pack, &Limits::DEFAULT);
    let decision = wait(replay.verify(&verifier(SIGNATURE), UnixTime(NOW)))
        .unwrap()
        .decision;
    assert_eq!(decision.outcome().code(), "unknown");
}

#[test]
fn records_that_say_something_else_are_refused() {
    let shelf = busy();
    let (_folder, pack) = recorded(&shelf, &Target::Tag("1.4".to_owned()));
    let section = pack.required(SectionKind::Record).unwrap();
    let good: Value = serde_json::from_slice(&section.bytes).unwrap();
    let code = |bend: &dyn Fn(&mut Value)| {
        let mut document = good.clone();
        bend(&mut document);
        match ImageRecord::parse("bent", document.to_string().as_bytes()) {
            Ok(_) => "",
            Err(error) => error.code(),
        }
    };
    assert_eq!(code(&|_| {}), "");
    assert_eq!(
        code(&|record| record["schemaVersion"] = json!(2)),
        "record-version"
    );
    for bend in [
        (&|record: &mut Value| record["extra"] = json!(1)) as &dyn Fn(&mut Value),
        &|record| record["places"] = json!([]),
        &|record| record["digest"] = json!("sha256:00"),
        &|record| record["target"] = json!("tag"),
        &|record| record["places"][0]["answers"][0]["ask"] = json!({"digest": "x"}),
        &|record| record["authority"] = json!({"chain": ["*"]}),
        &|record| record["witnesses"] = json!(["witness+00000000+AAAA"]),
        &|record| *record = json!("text"),
    ] {
        assert_eq!(code(bend), "record-malformed");
    }
}

#[test]
fn a_flood_beyond_the_limit_is_not_recorded() {
    let shelf = busy();
    let limits = Limits {
        pack_bytes: 1000,
        ..Limits::DEFAULT
    };
    let target = Target::Digest(shelf.image);
    let recorder = Recorder::new(&shelf, &limits);
    wait(record(
        &verifier(POLICIES[0]),
        &recorder,
        &[],
        &target,
        UnixTime(NOW),
        &limits,
    ))
    .unwrap();
    let image = ImageRecord::new(String::new(), target, shelf.image, UnixTime(NOW));
    let error = image
        .write(vec![recorder], &mut PackWriter::new(), &limits)
        .unwrap_err();
    assert!(matches!(error, RecordError::OverLimit { limit: 1000 }));
}

#[test]
fn nothing_can_be_pushed_into_a_record() {
    let shelf = busy();
    let recorder = Recorder::new(&shelf, &Limits::DEFAULT);
    let pushed = wait(recorder.push_blob(bytes::Bytes::new(), &shelf.image));
    assert_eq!(pushed.unwrap_err().code(), "store-unsupported");
}
