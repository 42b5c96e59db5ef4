//! `repair`, `clean`, `doctor`, and the registry with permissions.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use bytes::Bytes;
use countersign_formats::{Digest, ImageIndex, Manifest, Reference, media_types};
use countersign_registry::{Attachment, Settings, Store, Target, attach, fallback_tag, open};

use crate::loopback::Loopback;
use crate::program::command;
use crate::workshop::{Workshop, push_image, wait};

/// A manifest that is stored and cannot be read again.
const GONE: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// Answers as a registry without the referrers API that has lost a manifest.
fn without_api(method: &str, path: &str) -> Option<(u16, &'static str)> {
    let gone = countersign_proof::digest::sha256(GONE.as_bytes());
    let lost = method != "PUT" && path.ends_with(&gone.to_string());
    (lost || (method == "GET" && path.contains("/referrers/"))).then_some((404, ""))
}

/// A registry of the built program.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(workshop: &Workshop, flags: &[&str]) -> Self {
        use std::io::{BufRead as _, BufReader};
        let mut child = command(workshop.path())
            .args([
                "registry",
                "serve",
                "--dir",
                "served",
                "--listen",
                "127.0.0.1:0",
            ])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().to_owned(),
        }
    }

    fn name(&self) -> String {
        format!("{}/acme/app", self.address)
    }

    fn store(&self) -> Box<dyn Store> {
        let settings = Settings {
            allow_http: true,
            ..Settings::default()
        };
        open(&Reference::parse(&self.name()).unwrap(), &settings).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the fallback index of `subject` as a careless tool leaves it.
fn damage(store: &dyn Store, subject: &Digest, change: impl FnOnce(&mut ImageIndex)) {
    let tag = fallback_tag(subject);
    let found = wait(store.tag(&tag)).unwrap();
    let mut index = match found.map(|found| found.manifest) {
        Some(Manifest::Index(index)) => index,
        _ => ImageIndex::default(),
    };
    change(&mut index);
    let bytes = Bytes::from(index.to_json());
    wait(store.push_manifest(bytes, media_types::OCI_INDEX, Some(&tag))).unwrap();
}

#[test]
fn a_damaged_list_of_referrers_is_mended() {
    let workshop = Workshop::new();
    let server = Loopback::faulty(&workshop.file("registry"), without_api);
    let store = server.store();
    let name = server.name();
    let digest = push_image(store.as_ref(), "1.0", "genuine");
    for line in [
        format!("sign --allow-http --key plain.key {name}@{digest}"),
        format!(
            "attest --allow-http --key plain.key --type spdxjson --predicate sbom.json {name}@{digest}"
        ),
    ] {
        workshop.run(&line).ends(0);
    }
    // The server's own list is what an undamaged fallback index would hold.
    let api = Loopback::start(&workshop.file("registry"));
    let entries = wait(api.store().referrers(&digest)).unwrap().descriptors;
    assert_eq!(entries.len(), 2);
    let lost = entries[1].clone();
    let bytes = Bytes::from_static(GONE.as_bytes());
    let gone = wait(store.push_manifest(bytes, media_types::OCI_INDEX, None)).unwrap();
    let gone = gone.descriptor;
    damage(store.as_ref(), &digest, |index| {
        let mut wrong = entries[0].clone();
        wrong.artifact_type = Some(media_types::OCI_EMPTY.to_owned());
        wrong.annotations.clear();
        index.manifests = vec![wrong.clone(), wrong, gone.clone()];
    });
    let looked = workshop
        .run(&format!(
            "repair --allow-http --dry-run --output json {name}:1.0 --known {}",
            lost.digest
        ))
        .ends(0)
        .json();
    assert_eq!(looked["result"]["lists"][0]["written"], false);
    let mended = workshop
        .run(&format!(
            "repair --allow-http --output json {name}:1.0 --known {}",
            lost.digest
        ))
        .ends(0)
        .json();
    let list = &mended["result"]["lists"][0];
    assert_eq!(list["written"], true, "{list:#}");
    assert_eq!(list["duplicates"], 1);
    assert_eq!(
        list["corrected"][0]["digest"],
        entries[0].digest.to_string()
    );
    assert_eq!(list["restored"][0]["digest"], lost.digest.to_string());
    assert_eq!(list["dangling"][0], gone.digest.to_string());
    let now = wait(store.referrers(&digest)).unwrap().descriptors;
    assert_eq!(now.len(), 3, "what dangles stays until told otherwise");
    assert_eq!(now[0].artifact_type, entries[0].artifact_type);
    assert_eq!(now[0].annotations, entries[0].annotations);
    workshop
        .run(&format!("repair --allow-http --drop-dangling {name}:1.0"))
        .ends(0);
    assert_eq!(wait(store.referrers(&digest)).unwrap().descriptors.len(), 2);
    let again = workshop
        .run(&format!("repair --allow-http --output json {name}:1.0"))
        .ends(0)
        .json();
    assert_eq!(again["result"]["lists"][0]["written"], false);
    workshop
        .run(&format!("repair --allow-http --known nonsense {name}:1.0"))
        .ends(2);
    workshop.layout("image", "1.0", "genuine");
    workshop
        .run("repair oci:image:1.0")
        .ends(2)
        .says("registry");
}

#[test]
fn cleaning_shows_first_and_deletes_what_was_chosen() {
    let workshop = Workshop::new();
    let served = Served::start(&workshop, &["--allow-delete"]);
    let name = served.name();
    let digest = push_image(served.store().as_ref(), "1.0", "genuine");
    for line in [
        format!("sign --allow-http --key plain.key {name}@{digest}"),
        format!(
            "attest --allow-http --key plain.key --type spdxjson --predicate sbom.json {name}@{digest}"
        ),
    ] {
        workshop.run(&line).ends(0);
    }
    workshop
        .run(&format!("clean --allow-http {name}:1.0"))
        .ends(2)
        .says("--type");
    let shown = workshop
        .run(&format!("clean --allow-http --type spdxjson {name}:1.0"))
        .ends(0)
        .says("--yes");
    assert_eq!(shown.stdout.lines().count(), 1);
    assert_eq!(
        wait(served.store().referrers(&digest))
            .unwrap()
            .descriptors
            .len(),
        2
    );
    // What was made just now is not old.
    let young = workshop
        .run(&format!(
            "clean --allow-http --older-than 1d --yes {name}:1.0"
        ))
        .ends(0);
    assert_eq!(young.stdout, "");
    workshop
        .run(&format!(
            "clean --allow-http --signer somebody --yes {name}:1.0"
        ))
        .ends(0)
        .says("nothing to clean");
    workshop
        .run(&format!(
            "clean --allow-http --type spdxjson --yes {name}:1.0"
        ))
        .ends(0)
        .says("1 of 1 deleted");
    assert_eq!(
        wait(served.store().referrers(&digest))
            .unwrap()
            .descriptors
            .len(),
        1
    );
    workshop
        .run(&format!("verify --allow-http --key release.pub {name}:1.0"))
        .ends(0);
}

#[test]
fn evidence_about_images_that_are_gone_is_found_and_cleaned() {
    let workshop = Workshop::new();
    let served = Served::start(&workshop, &["--allow-delete"]);
    let name = served.name();
    let store = served.store();
    let kept = push_image(store.as_ref(), "1.0", "genuine");
    let gone = countersign_proof::digest::sha256(b"an image that is gone");
    for subject in [&kept, &gone] {
        push_image(
            store.as_ref(),
            &format!("{}.sig", fallback_tag(subject)),
            "payload",
        );
    }
    let shown = workshop
        .run(&format!("clean --allow-http --orphans {name}"))
        .ends(0);
    assert_eq!(shown.stdout.lines().count(), 1, "{shown:?}");
    assert!(shown.stdout.contains(&gone.hex()));
    workshop
        .run(&format!("clean --allow-http --orphans --yes {name}"))
        .ends(0);
    let tags = wait(store.tags()).unwrap();
    assert!(tags.contains(&"1.0".to_owned()));
    assert!(tags.contains(&format!("{}.sig", fallback_tag(&kept))));
    assert!(!tags.iter().any(|tag| tag.contains(&gone.hex())));
}

/// Whoever cleans by type is not to lose what does not say its type, nor a repository for an image.
#[test]
fn what_cleaning_is_not_told_stays() {
    let workshop = Workshop::new();
    let served = Served::start(&workshop, &["--allow-delete"]);
    let name = served.name();
    let digest = push_image(served.store().as_ref(), "1.0", "genuine");
    let store = served.store();
    let image = wait(store.resolve(&Target::Digest(digest))).unwrap();
    let unsaid = Attachment {
        artifact_type: media_types::BUNDLE_V03.to_owned(),
        bytes: Bytes::from_static(b"{}"),
        annotations: BTreeMap::new(),
    };
    wait(attach(store.as_ref(), &image.descriptor, &unsaid)).unwrap();
    let list = |flags: &str| {
        workshop
            .run(&format!(
                "clean --allow-http --output json {flags} {name}:1.0"
            ))
            .ends(0)
            .json()["result"]["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(list("--type signature"), 0);
    assert_eq!(list("--type vuln"), 0);
    assert_eq!(list("--type all"), 1);
    workshop
        .run(&format!("clean --allow-http --type nonsense {name}:1.0"))
        .ends(2)
        .says("--type: ");
    for image in [format!("{name}:1.0"), format!("{name}@{digest}")] {
        workshop
            .run(&format!("clean --allow-http --orphans {image}"))
            .ends(2)
            .says("a whole repository");
    }
    workshop
        .run(&format!("clean --allow-http --orphans {name}"))
        .ends(0);
}

#[test]
fn a_registry_that_refuses_deletes_is_reported() {
    let workshop = Workshop::new();
    let served = Served::start(&workshop, &[]);
    let name = served.name();
    let digest = push_image(served.store().as_ref(), "1.0", "genuine");
    workshop
        .run(&format!(
            "sign --allow-http --key plain.key {name}@{digest}"
        ))
        .ends(0);
    let refused = workshop
        .run(&format!(
            "clean --allow-http --type all --yes --output json {name}:1.0"
        ))
        .ends(20)
        .says("refuses deletes");
    assert_eq!(refused.json()["result"]["items"][0]["outcome"], "refused");
    workshop
        .run(&format!("verify --allow-http --key release.pub {name}:1.0"))
        .ends(0);
}

#[test]
fn the_doctor_says_what_a_registry_can_do_and_leaves_nothing_behind() {
    let workshop = Workshop::new();
    let served = Served::start(&workshop, &["--allow-delete"]);
    let name = served.name();
    push_image(served.store().as_ref(), "1.0", "genuine");
    let base = workshop
        .run(&format!("doctor --allow-http {}", served.address))
        .ends(0);
    assert!(base.stdout.contains("api-v2"), "{base:?}");
    let base = base.says("name an image").says("--write");
    assert!(
        base.stdout.contains("none is stored for it"),
        "the kind of login"
    );
    let report = workshop
        .run(&format!("doctor --allow-http --output json {name}:1.0"))
        .ends(0)
        .json();
    let ability = |report: &serde_json::Value, name: &str| {
        report["result"]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["name"] == name)
            .map(|finding| finding["ability"].as_str().unwrap().to_owned())
    };
    for able in [
        "referrers-api",
        "referrers-filter",
        "etag",
        "conditional-get",
    ] {
        assert_eq!(
            ability(&report, able).as_deref(),
            Some("yes"),
            "{able}: {report:#}"
        );
    }
    assert_eq!(ability(&report, "delete"), None, "nothing was written");
    let scratch = format!("{}/scratch/doctor", served.address);
    let written = workshop
        .run(&format!(
            "doctor --allow-http --write --mount-from acme/app --output json {scratch}"
        ))
        .ends(0)
        .json();
    for able in [
        "conditional-put",
        "manifest-4-mib",
        "mount",
        "mount-from",
        "oci-subject",
        "sha512-blob",
        "sha512-manifest",
        "delete",
        "push-manifest",
        "referrers-api",
    ] {
        assert_eq!(
            ability(&written, able).as_deref(),
            Some("yes"),
            "{able}: {written:#}"
        );
    }
    assert_eq!(written["result"]["leftBehind"], serde_json::json!([]));
    workshop
        .run(&format!("doctor --allow-http --write {}", served.address))
        .ends(2)
        .says("repository");
    workshop.run("doctor --allow-http 127.0.0.1:1").ends(20);
    for (flags, code, words) in [
        // What cannot be found out is a finding and ends nothing.
        ("--write --mount-from acme/none", 0, "no image"),
        (
            "--write --mount-from scratch/doctor",
            2,
            "no other repository",
        ),
        ("--mount-from acme/app", 2, "--write"),
    ] {
        let run = workshop.run(&format!("doctor --allow-http {flags} {scratch}"));
        let run = run.ends(code);
        assert!(
            run.stdout.contains(words) || run.stderr.contains(words),
            "{run:?}"
        );
    }
    workshop
        .run(&format!("doctor --allow-http {}/no/such", served.address))
        .ends(0)
        .says("is not there");
}

/// A host that takes the connection and says nothing costs the deadline.
#[test]
fn the_doctor_gives_up_on_a_host_that_does_not_answer() {
    let workshop = Workshop::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    workshop
        .run(&format!("doctor --allow-http --timeout 500ms {host}"))
        .ends(20)
        .says("did not answer within the deadline");
}

#[test]
fn the_doctor_tells_what_is_no_registry_from_a_missing_image() {
    let workshop = Workshop::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0_u8; 4096];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    for name in [host.to_string(), format!("{host}/acme/app:1.0")] {
        workshop
            .run(&format!("doctor --allow-http {name}"))
            .ends(20)
            .says("nothing answers there as a registry does");
    }
    let served = Served::start(&workshop, &[]);
    workshop
        .run(&format!(
            "doctor --allow-http {}/acme/app:1.0",
            served.address
        ))
        .ends(11)
        .says("check the name, the tag and the digest");
}

#[test]
fn a_served_registry_keeps_its_permissions() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.write("users", b"# who may what\nrobot:s3cret\nreader:look:pull\n");
    let served = Served::start(&workshop, &["--users", "users"]);
    let name = served.name();
    workshop
        .run(&format!("copy --allow-http oci:image:1.0 {name}:1.0"))
        .ends(21);
    let login = |user: &str, password: &str| {
        workshop
            .run(&format!(
                "login --allow-http -u {user} -p {password} {}",
                served.address
            ))
            .ends(0);
    };
    login("reader", "look");
    workshop
        .run(&format!("copy --allow-http oci:image:1.0 {name}:1.0"))
        .ends(21);
    login("robot", "s3cret");
    workshop
        .run(&format!("copy --allow-http oci:image:1.0 {name}:1.0"))
        .ends(0);
    login("reader", "look");
    workshop
        .run(&format!("copy --allow-http {name}:1.0 oci:back:1.0"))
        .ends(0);
    drop(served);
    let served = Served::start(&workshop, &["--read-only"]);
    let name = served.name();
    workshop
        .run(&format!("copy --allow-http {name}:1.0 oci:again:1.0"))
        .ends(0);
    workshop
        .run(&format!("copy --allow-http oci:image:1.0 {name}:2.0"))
        .ends(20);
    workshop.write("users", b"robot\n");
    workshop
        .run("registry serve --dir served --listen 127.0.0.1:0 --users users")
        .ends(2)
        .says("line 1");
}

#[test]
fn attestations_under_tags_become_bundles_where_they_can_and_the_rest_is_said() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let name = server.name();
    let digest = push_image(server.store().as_ref(), "1.0", "genuine");
    workshop
        .run(&format!(
            "migrate --allow-http --key release.pub {name}:1.0"
        ))
        .ends(10);
    for line in [
        "sign --format legacy --key plain.key",
        "attest --format legacy --key plain.key --type spdxjson --predicate sbom.json",
    ] {
        workshop
            .run(&format!("{line} --allow-http {name}@{digest}"))
            .ends(0);
    }
    let layers = |line: &str| {
        let run = workshop
            .run(&format!(
                "migrate --allow-http --output json {line} {name}:1.0"
            ))
            .ends(0)
            .json();
        let layers = run["result"]["layers"].as_array().unwrap().clone();
        assert_eq!(layers.len(), 2, "{run:#}");
        let of = |suffix: &str| {
            let layer = layers
                .iter()
                .find(|layer| layer["tag"].as_str().unwrap().ends_with(suffix));
            layer.unwrap()["outcome"].as_str().unwrap().to_owned()
        };
        (of(".sig"), of(".att"))
    };
    let said = |signature: &str, attestation: &str| (signature.to_owned(), attestation.to_owned());
    assert_eq!(layers("--key other.pub --yes"), said("kept", "kept"));
    assert_eq!(
        layers("--key release.pub"),
        said("kept", "would be converted")
    );
    assert!(
        wait(server.store().referrers(&digest))
            .unwrap()
            .descriptors
            .is_empty()
    );
    assert_eq!(layers("--key release.pub --yes"), said("kept", "converted"));
    assert_eq!(
        wait(server.store().referrers(&digest))
            .unwrap()
            .descriptors
            .len(),
        1
    );
    assert_eq!(
        layers("--key release.pub --yes"),
        said("kept", "there already")
    );
    workshop
        .run(&format!(
            "verify-attestation --allow-http --key release.pub --type spdxjson {name}:1.0"
        ))
        .ends(0)
        .says("bundle stored as referrer");
}
