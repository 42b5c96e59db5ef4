//! Where evidence comes from: other places, mirrors, and what was fetched before.

use std::fs;
use std::path::{Path, PathBuf};

use crate::loopback::Loopback;
use crate::program;
use crate::workshop::{Workshop, push_image};

/// A registry with a signed image in `acme/app`, and its reference by digest.
fn signed() -> (Workshop, Loopback, String) {
    let workshop = Workshop::new();
    let registry = Loopback::start(&workshop.file("registry"));
    let digest = push_image(registry.store().as_ref(), "1.0", "genuine");
    let image = format!("{}@{digest}", registry.name());
    workshop
        .run(&format!(
            "sign --allow-http --no-cache --key plain.key {image}"
        ))
        .ends(0);
    (workshop, registry, image)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

#[test]
fn who_relies_on_cosigns_variable_is_told_where_it_is_not_looked_at() {
    let (workshop, registry, image) = signed();
    let place = registry.name();
    for (line, says) in [
        (
            format!("copy --allow-http {image} oci:far:1.0"),
            "does not come along",
        ),
        (
            format!("download bundle --allow-http {image}"),
            "is not looked at",
        ),
        (
            format!("sign --allow-http --key plain.key {image}"),
            "is stored beside the image",
        ),
    ] {
        let run = workshop.run(&line).ends(0);
        assert!(!run.stderr.contains("COSIGN_REPOSITORY"), "{run:?}");
        let mut command = program::command(workshop.path());
        command
            .args(program::words(&line))
            .env("COSIGN_REPOSITORY", &place);
        program::finish(&mut command)
            .ends(0)
            .says(&format!("COSIGN_REPOSITORY is `{place}`: "))
            .says(says);
    }
}

#[test]
fn evidence_of_another_place_is_merged() {
    let (workshop, registry, image) = signed();
    let digest = image.split('@').next_back().unwrap().to_owned();
    workshop.layout("moved", "1.0", "genuine");
    let moved = format!("oci:moved@{digest}");
    let verify = "verify --allow-http --key release.pub";
    workshop.run(&format!("{verify} {moved}")).ends(10);
    let place = registry.name();
    let run = workshop
        .run(&format!("{verify} --evidence-from {place} {moved}"))
        .ends(0);
    assert_eq!(run.stdout.trim(), moved);
    let json = workshop
        .run(&format!(
            "{verify} --output json --evidence-from {place} {moved}"
        ))
        .json();
    let evidence = &json["result"]["images"][0]["decision"]["evidence"][0];
    assert!(evidence.to_string().contains(&place), "{evidence}");
    // cosign's own variable means the same.
    let mut command = program::command(workshop.path());
    command
        .args(program::words(&format!("{verify} {moved}")))
        .env("COSIGN_REPOSITORY", &place);
    program::finish(&mut command).ends(0);
    // A layout can be the place, too; where there is nothing anywhere, it is named.
    let run = workshop
        .run(&format!("verify --key release.pub --offline {moved}"))
        .ends(10);
    assert!(!run.stderr.contains("beside the image and in"), "{run:?}");
    workshop
        .run(&format!(
            "verify --key release.pub --offline --evidence-from oci:moved {moved}"
        ))
        .ends(10)
        .says("  beside the image and in `oci:moved`\n");
    let mut command = program::command(workshop.path());
    command
        .args(program::words(&format!("{verify} {moved}")))
        .env("COSIGN_REPOSITORY", format!("{place}/empty"));
    program::finish(&mut command)
        .ends(10)
        .says(&format!("  beside the image and in `{place}/empty`\n"));
}

#[test]
fn a_place_that_cannot_be_one_is_a_mistake() {
    let workshop = Workshop::new();
    workshop.signed_layout("app");
    let verify = "verify --key release.pub oci:app:1.0 --evidence-from";
    workshop.run(&format!("{verify} oci:app")).ends(0);
    workshop
        .run(&format!("{verify} oci:app:1.0"))
        .ends(2)
        .says("names an image and not a place");
    workshop
        .run(&format!("{verify} oci:nothing-there"))
        .ends(2)
        .says("nothing-there");
    for prefix in ["-x", "a/b", &"p".repeat(60)] {
        workshop
            .run(&format!(
                "verify --key release.pub oci:app:1.0 --attachment-tag-prefix={prefix}"
            ))
            .ends(2)
            .says("cannot begin a tag");
    }
}

#[test]
fn what_was_fetched_is_kept_and_a_warm_verification_is_one_request() {
    let (workshop, _registry, image) = signed();
    let verify = format!("verify --allow-http --key release.pub --output json {image}");
    let requests = |flags: &str| {
        let run = workshop.run(&format!("{verify} {flags}")).ends(0);
        run.json()["result"]["images"][0]["requests"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(requests("--no-cache"), 3);
    assert!(!workshop.file(".cache").exists(), "nothing was kept");
    assert_eq!(requests(""), 3);
    assert_eq!(requests(""), 1);
    assert_eq!(requests("--no-cache"), 3);
    let shown = workshop.run("cache show --output json").ends(0).json();
    assert_eq!(shown["result"]["contents"], 2);
    assert_eq!(shown["result"]["listings"], 1);
    assert_eq!(
        shown["result"]["directory"],
        workshop
            .file(".cache/countersign/evidence")
            .display()
            .to_string()
    );
    // Changed on disk, it is fetched again, and the answer stays.
    let mut kept = Vec::new();
    files(&workshop.file(".cache"), &mut kept);
    assert_eq!(kept.len(), 3);
    for file in &kept {
        let mut bytes = fs::read(file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    assert_eq!(requests(""), 3);
    assert_eq!(requests(""), 1);
    workshop.run("cache clear").ends(0).says("3 files");
    assert_eq!(requests(""), 3);
    // Elsewhere on demand.
    assert_eq!(requests("--cache-dir elsewhere"), 3);
    assert_eq!(requests("--cache-dir elsewhere"), 1);
}

/// A verdict is never kept: a signature that appears or goes is seen at once.
#[test]
fn a_kept_listing_counts_only_while_the_registry_confirms_it() {
    let (workshop, registry, image) = signed();
    let verify = |key: &str| workshop.run(&format!("verify --allow-http --key {key} {image}"));
    verify("release.pub").ends(0);
    verify("other.pub").ends(12);
    workshop
        .run(&format!("sign --allow-http --key other.key {image}"))
        .ends(0);
    verify("other.pub").ends(0);
    verify("release.pub").ends(0);
    drop(registry);
    verify("release.pub").ends(20);
}

#[test]
fn a_mirror_is_asked_in_place_of_the_registry_and_the_name_stays() {
    let (workshop, registry, image) = signed();
    let digest = image.split('@').next_back().unwrap();
    let address = registry.address;
    let run = workshop
        .run(&format!(
            "verify --allow-http --key release.pub --registry-mirror ghcr.example={address} ghcr.example/acme/app@{digest}"
        ))
        .ends(0);
    assert_eq!(run.stdout.trim(), format!("ghcr.example/acme/app@{digest}"));
    workshop
        .run(&format!(
            "verify --allow-http --key release.pub --registry-mirror ghcr.example/other={address}/acme ghcr.example/other/app@{digest}"
        ))
        .ends(0);
    workshop
        .run("verify --key release.pub --registry-mirror ghcr.example oci:app")
        .ends(2)
        .says("mirror");
}

#[test]
fn files_for_tls_are_read_before_anything_is_done() {
    let workshop = Workshop::new();
    workshop.signed_layout("app");
    let verify = "verify --key release.pub oci:app:1.0";
    workshop
        .run(&format!("{verify} --registry-cacert garbage"))
        .ends(2)
        .says("garbage");
    workshop
        .run(&format!(
            "{verify} --registry-client-cert garbage --registry-client-key plain.key"
        ))
        .ends(2)
        .says("certificate");
    workshop
        .run(&format!("{verify} --registry-client-cert garbage"))
        .ends(2)
        .says("--registry-client-key");
}

/// A proxy is what the environment says, for all but what `NO_PROXY` names.
#[test]
fn a_proxy_of_the_environment_is_used() {
    let (workshop, registry, image) = signed();
    let digest = image.split('@').next_back().unwrap();
    // Our own registry answers to whatever host it is asked as: as a proxy it gets the whole URL, which is no path of its own.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let seen = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap();
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    });
    let mut command = program::command(workshop.path());
    command
        .args(program::words(&format!(
            "discover --allow-http registry.example.test/acme/app@{digest}"
        )))
        .env("HTTP_PROXY", format!("http://{proxy}"))
        .env("NO_PROXY", "127.0.0.1");
    program::finish(&mut command).ends(11);
    assert!(
        seen.join()
            .unwrap()
            .starts_with("GET http://registry.example.test/v2/acme/app/manifests/sha256:")
    );
    let mut command = program::command(workshop.path());
    command
        .args(program::words(&format!(
            "verify --allow-http --key release.pub {image}"
        )))
        .env("HTTP_PROXY", format!("http://{proxy}"))
        .env("NO_PROXY", registry.address.ip().to_string());
    program::finish(&mut command).ends(0);
    // Nobody listens there any more. The proxy is named by its variable: its URL may hold a password.
    for (nobody, code) in [
        ("elsewhere.example.test", 20),
        ("*", 0),
        ("a.example.test, *", 0),
    ] {
        let mut command = program::command(workshop.path());
        command
            .args(program::words(&format!(
                "verify --allow-http --key release.pub {image}"
            )))
            .env("HTTP_PROXY", format!("http://user:MARK@{proxy}"))
            .env("NO_PROXY", nobody);
        let run = program::finish(&mut command).ends(code);
        assert_eq!(run.stderr.contains("`HTTP_PROXY`"), code == 20, "{run:?}");
        assert!(!run.stderr.contains("MARK"), "{run:?}");
    }
    // A variable that names none is a mistake to say, and no leave to go there directly.
    let mut command = program::command(workshop.path());
    command
        .args(program::words(&format!(
            "verify --allow-http --key release.pub {image}"
        )))
        .env("HTTP_PROXY", format!("http://user:MA RK@{proxy}"));
    let run = program::finish(&mut command).ends(2);
    assert!(!run.stderr.contains("RK"), "{run:?}");
    run.says("`HTTP_PROXY`: it names no proxy");
}
