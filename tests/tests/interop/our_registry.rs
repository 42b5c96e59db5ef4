//! Our registry as others use it: each tool pushes, lists, pulls, tags and removes there, and gets back what it pushed.

use countersign_tests::{Program, RegistryKind, peers, skipped};

use crate::commands::Cosign;
use crate::scene::Scene;

#[test]
fn skopeo_copies_in_and_out_lists_and_removes() {
    let test = "our_registry_skopeo";
    let [skopeo] = peers!(test, ["skopeo"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let skopeo = scene.program(&skopeo);
    let name = format!("docker://{}", scene.name);
    for to in [format!("{name}:second"), "dir:pulled".to_owned()] {
        skopeo
            .run([
                "copy",
                "--quiet",
                "--all",
                "--preserve-digests",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                &format!("{name}:v1"),
                &to,
            ])
            .expect(0);
    }
    let digest = scene
        .program(&peer("sha256sum"))
        .run(["pulled/manifest.json"]);
    assert_eq!(
        digest.stdout.split(' ').next(),
        scene.digest.strip_prefix("sha256:")
    );
    let tags = skopeo
        .run(["list-tags", "--tls-verify=false", &name])
        .expect(0);
    assert!(
        tags.stdout.contains("\"v1\"") && tags.stdout.contains("\"second\""),
        "{tags:?}"
    );
    skopeo
        .run(["delete", "--tls-verify=false", &format!("{name}:second")])
        .expect(0);
    // It removes the manifest, and so all its tags.
    let tags = skopeo.run(["list-tags", "--tls-verify=false", &name]);
    assert!(
        !tags.stdout.contains("\"second\"") && !tags.stdout.contains("\"v1\""),
        "{tags:?}"
    );
}

#[test]
fn crane_pushes_pulls_tags_lists_validates_and_removes() {
    let test = "our_registry_crane";
    let [crane] = peers!(test, ["crane"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let crane = scene.program(&crane);
    let run = |words: &[&str]| crane.run([&["--insecure"], words].concat()).expect(0);
    let image = scene.image.as_str();
    run(&["pull", "--format", "oci", image, "pulled"]);
    let copied = format!("{}-crane", scene.name);
    run(&["push", "pulled", &format!("{copied}:v1")]);
    let digest = run(&["digest", &format!("{copied}:v1")]);
    assert_eq!(digest.stdout.trim(), scene.digest);
    run(&["validate", "--remote", &format!("{copied}:v1")]);
    run(&["tag", &format!("{copied}:v1"), "second"]);
    let tags = run(&["ls", &copied]);
    assert_eq!(
        tags.stdout.lines().collect::<Vec<_>>(),
        ["second", "v1"],
        "{tags:?}"
    );
    let index = format!("{copied}:index");
    run(&["index", "append", "-m", image, "-t", &index]);
    run(&["validate", "--remote", &index]);
    run(&["delete", &index]);
}

#[test]
fn oras_pushes_attaches_discovers_pulls_and_removes() {
    let test = "our_registry_oras";
    let [oras] = peers!(test, ["oras"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let oras = scene.program(&oras);
    let artifact = format!("{}-oras:v1", scene.name);
    std::fs::write(scene.folder().join("note.txt"), "a note\n").expect("file");
    let plain = "--plain-http";
    oras.run(["push", plain, &artifact, "note.txt:text/plain"])
        .expect(0);
    let kind = "application/vnd.demo.note";
    oras.run([
        "attach",
        plain,
        "--artifact-type",
        kind,
        &artifact,
        "note.txt:text/plain",
    ])
    .expect(0);
    let tree = oras
        .run(["discover", plain, "--artifact-type", kind, &artifact])
        .expect(0);
    assert!(tree.stdout.contains(kind), "{tree:?}");
    std::fs::remove_file(scene.folder().join("note.txt")).expect("file");
    oras.run(["pull", plain, &artifact]).expect(0);
    let pulled = std::fs::read_to_string(scene.folder().join("note.txt")).expect("file");
    assert_eq!(pulled, "a note\n");
    oras.run(["manifest", "delete", plain, "--force", &artifact])
        .expect(0);
    let gone = oras.run(["manifest", "fetch", plain, &artifact]);
    assert!(gone.code != 0, "{gone:?}");
}

#[test]
fn regctl_copies_reads_tags_and_removes() {
    let test = "our_registry_regctl";
    let [regctl] = peers!(test, ["regctl"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let regctl = scene.program(&regctl);
    let host = scene.name.split('/').next().unwrap_or_default();
    regctl
        .run(["registry", "set", "--tls", "disabled", host])
        .expect(0);
    let copied = format!("{}-regctl", scene.name);
    let (from, to) = (format!("{}:v1", scene.name), format!("{copied}:v1"));
    regctl.run(["image", "copy", &from, &to]).expect(0);
    let digest = regctl.run(["image", "digest", &to]).expect(0);
    assert_eq!(digest.stdout.trim(), scene.digest);
    let tags = regctl.run(["tag", "ls", &copied]).expect(0);
    assert_eq!(tags.stdout.trim(), "v1");
    regctl.run(["tag", "rm", &to]).expect(0);
    // The manifest stays when its tag goes.
    let by_digest = format!("{copied}@{}", scene.digest);
    regctl.run(["manifest", "get", &by_digest]).expect(0);
    regctl.run(["manifest", "rm", &by_digest]).expect(0);
    assert!(regctl.run(["manifest", "get", &by_digest]).code != 0);
}

#[test]
fn cosign_signs_shows_copies_and_cleans() {
    let test = "our_registry_cosign";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let cosign = scene.program(&cosign);
    cosign.run(["generate-key-pair"]).expect(0);
    let none = scene.no_services(&cosign);
    let program = Cosign(&cosign);
    program.sign("cosign.key", &none, &scene.image).expect(0);
    program.sign_legacy("cosign.key", &scene.image).expect(0);
    let tree = cosign.run(["tree", &scene.image]).expect(0);
    assert!(tree.words().contains(".sig"), "{tree:?}");
    let copied = format!("{}-cosign", scene.name);
    cosign
        .run(["copy", &scene.image, &format!("{copied}:v1")])
        .expect(0);
    let far = format!("{copied}@{}", scene.digest);
    program.verify("cosign.pub", &[], &far).expect(0);
    cosign.run(["clean", "-f", &far]).expect(0);
    let legacy = format!("{copied}:{}.sig", scene.digest.replace(':', "-"));
    assert!(cosign.run(["triangulate", &far]).stdout.contains(&legacy));
    scene.ours(&["inspect", &legacy]).expect(11);
}

#[test]
fn buildah_builds_pushes_and_pulls_what_we_sign() {
    let test = "our_registry_buildah";
    let [buildah] = peers!(test, ["buildah"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    if !std::fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
        return skipped(test, "buildah for root");
    }
    let buildah: Program = scene.program(&buildah);
    let run = |words: &[&str]| {
        // Its storage is the test's own, and without a file system of the kernel's.
        let own = ["--root", "s", "--runroot", "r", "--storage-driver", "vfs"];
        buildah.run([&own, words].concat()).expect(0)
    };
    std::fs::write(scene.folder().join("hello"), "hello\n").expect("file");
    // It wants the file of logins to be there when it is named.
    std::fs::create_dir_all(scene.folder().join("docker")).expect("folder");
    std::fs::write(scene.folder().join("docker/config.json"), "{}").expect("file");
    let container = run(&["from", "scratch"]).stdout.trim().to_owned();
    run(&["copy", &container, "hello", "/hello"]);
    run(&["commit", "--format", "oci", &container, "built:v1"]);
    let image = format!("{}-buildah:v1", scene.name);
    let remote = format!("docker://{image}");
    run(&[
        "push",
        "--tls-verify=false",
        "--digestfile",
        "digest",
        "built:v1",
        &remote,
    ]);
    let digest = std::fs::read_to_string(scene.folder().join("digest")).expect("digest");
    scene.key("ours", "ecdsa-p256");
    scene.sign("ours.key", &image).expect(0);
    let by_digest = format!("{}-buildah@{}", scene.name, digest.trim());
    scene.verify("ours.pub", &by_digest).expect(0);
    run(&["rm", &container]);
    run(&["rmi", "--all", "--force"]);
    run(&[
        "pull",
        "--tls-verify=false",
        &format!("docker://{by_digest}"),
    ]);
    let container = run(&["from", "--pull-never", &by_digest])
        .stdout
        .trim()
        .to_owned();
    let folder = run(&["mount", &container]).stdout.trim().to_owned();
    let hello = std::path::Path::new(&folder).join("hello");
    assert_eq!(std::fs::read_to_string(hello).expect("file"), "hello\n");
    run(&["umount", &container]);
}

/// podman pushes, we sign, podman pulls by the digest that `verify` printed: where referrers are listed by the registry and where by a tag.
#[test]
fn podman_pushes_and_pulls_what_we_sign() {
    let test = "our_registry_podman";
    let [podman] = peers!(test, ["podman"]);
    if !std::fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
        return skipped(test, "podman for root");
    }
    for kind in RegistryKind::USUAL {
        let Some(scene) = Scene::new(test, kind) else {
            continue;
        };
        let runtime = scene.folder().join("runtime");
        std::fs::create_dir_all(&runtime).expect("folder");
        // It wants the file of logins to be there when it is named.
        std::fs::create_dir_all(scene.folder().join("docker")).expect("folder");
        std::fs::write(scene.folder().join("docker/config.json"), "{}").expect("file");
        let podman = scene.program(&podman).env("XDG_RUNTIME_DIR", runtime);
        // Its storage is the test's own, and without a file system of the kernel's.
        let run = |words: &[&str]| {
            let own = ["--root", "s", "--runroot", "r", "--storage-driver", "vfs"];
            podman.run([&own, words].concat()).expect(0)
        };
        run(&["pull", "--quiet", "--tls-verify=false", &scene.image]);
        let image = format!("{}-podman:v1", scene.name);
        run(&["tag", &scene.image, &image]);
        run(&["push", "--quiet", "--tls-verify=false", &image]);
        scene.key("ours", "ecdsa-p256");
        scene
            .ours(&["sign", "--key", "ours.key", "--format", "both", &image])
            .expect(0);
        let verified = scene.verify("ours.pub", &image).expect(0);
        let by_digest = verified.stdout.trim();
        run(&["rmi", "--all", "--force"]);
        run(&["pull", "--quiet", "--tls-verify=false", by_digest]);
        let listed = run(&["images", "--digests", "--format", "{{.Digest}}"]);
        assert!(
            by_digest.ends_with(listed.stdout.trim()) && listed.stdout.contains("sha256:"),
            "{by_digest}: {listed:?}"
        );
    }
}

fn is_root(own: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    own.uid() == 0
}

fn peer(name: &str) -> countersign_tests::Peer {
    countersign_tests::Peer::find(name).expect("a usual program")
}
