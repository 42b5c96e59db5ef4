//! No socket is opened before arguments, files and keys are known to be good: every command that dials, with each kind of bad
//! argument, beside a listener that must see no connection, and with good ones beside the same listener, which then sees some.
//!
//! The listener is all at once: registry, services, and the mirror of a repository of trust that is due for a refresh. Evidence that
//! is brought along (`--bundle`) is no argument that must be good: it is judged, and what cannot be read does not suffice.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign_testdata::lab::Lab;

use crate::keyless::{files, good_token};
use crate::program::{Run, command, finish, words};
use crate::workshop::Workshop;

/// Something that takes connections, counts them, and knows nothing.
struct Listener {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&seen);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(
                        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    );
                });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// A workshop whose every service is the listener.
fn scene() -> (Workshop, Listener) {
    let (workshop, listener) = (Workshop::new(), Listener::start());
    let url = format!("http://{}", listener.address);
    let service = |version: u8| {
        format!(
            r#"[{{"url":"{url}","majorApiVersion":{version},"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}]"#
        )
    };
    let config = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"rekorTlogUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":{},"tsaConfig":{{"selector":"ANY"}}}}"#,
        service(1),
        service(2),
        service(1)
    );
    workshop.write("config.json", config.as_bytes());
    workshop.write("token", good_token().as_bytes());
    workshop.write("empty", b"");
    workshop.write("names", b"not a//reference\n");
    workshop.write("lab.json", Lab::new().trusted_root().to_string().as_bytes());
    workshop.write(
        "keyless.yaml",
        b"apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  signers:\n    team:\n      key: {file: absent.pub}\n  require:\n    signature: {by: [team]}\n",
    );
    workshop
        .run(&format!("--offline trust init --mirror {url}"))
        .ends(0);
    (workshop, listener)
}

const KEYLESS: &str = "--signing-config config.json --identity-token token";
const IDENTITY: &str =
    "--certificate-identity a@b.c --certificate-oidc-issuer https://issuer.example";

/// Lines with everything right, for each command that dials.
const GOOD: [&str; 32] = [
    "sign --key plain.key IMAGE",
    "sign KEYLESS IMAGE",
    "sign --key plain.key --images-from list",
    "attest --key plain.key --type spdxjson --predicate sbom.json IMAGE",
    "attest KEYLESS --type spdxjson --predicate sbom.json IMAGE",
    "sign-blob KEYLESS file.txt",
    "attest-blob KEYLESS --type spdxjson --predicate sbom.json file.txt",
    "verify --key release.pub IMAGE",
    "verify IDENTITY IMAGE",
    "verify-attestation --key release.pub --type spdxjson IMAGE",
    "verify-blob IDENTITY --bundle sbom.json file.txt",
    "verify-blob-attestation IDENTITY --type spdxjson --bundle sbom.json file.txt",
    "discover IMAGE",
    "inspect IMAGE",
    "copy IMAGE oci:out:1.0",
    "copy --verify-first --key release.pub IMAGE oci:out:1.0",
    "save --dir saved IMAGE",
    "load --dir image IMAGE",
    "download bundle IMAGE",
    "download sbom --unverified IMAGE",
    "attach sbom --unverified --sbom sbom.json --type spdx IMAGE",
    "clean --type all IMAGE",
    "repair IMAGE",
    "doctor IMAGE",
    "migrate --key release.pub IMAGE",
    "policy push policy.yaml IMAGE",
    "policy record --policy policy.yaml --out a.pack IMAGE",
    "policy init IMAGE",
    "policy explain --policy policy.yaml IMAGE",
    "trust update",
    "trust export a.pack",
    "trust init --mirror MIRROR",
];

/// What is wrong for whoever signs.
const SIGNING: [&str; 33] = [
    "--key absent IMAGE",
    "--key garbage IMAGE",
    "--key cut.key IMAGE",
    "--key release.pub IMAGE",
    "--key env://ABSENT IMAGE",
    "--key plain.key --images-from absent",
    "--key plain.key --images-from names",
    "--key plain.key --images-from empty",
    "--key plain.key IMAGE not//a-reference",
    "--key plain.key --platform linux IMAGE",
    "--key plain.key --timeout soon IMAGE",
    "--key plain.key --log IMAGE",
    "--key plain.key --bundle absent/bundle IMAGE",
    "--key plain.key --bundle . IMAGE",
    "--key plain.key --journal absent/journal IMAGE",
    "--key plain.key --journal garbage IMAGE",
    "--key plain.key --registry-cacert absent IMAGE",
    "--key plain.key --registry-cacert garbage IMAGE",
    "--key plain.key --registry-client-cert garbage --registry-client-key garbage IMAGE",
    "--key plain.key --registry-mirror nonsense IMAGE",
    "KEYLESS --trusted-root absent IMAGE",
    "KEYLESS --trusted-root garbage IMAGE",
    "KEYLESS --trust-pack absent IMAGE",
    "KEYLESS --trust-pack garbage IMAGE",
    "KEYLESS --journal garbage IMAGE",
    "KEYLESS --bundle absent/bundle IMAGE",
    "KEYLESS --oidc-issuer https://other.example IMAGE",
    "KEYLESS --max-trust-age soon IMAGE",
    "--signing-config absent --identity-token token IMAGE",
    "--signing-config garbage --identity-token token IMAGE",
    "--signing-config config.json --identity-token absent IMAGE",
    "--signing-config config.json --identity-token garbage IMAGE",
    "--signing-config config.json --login browser IMAGE",
];

/// What is wrong with a document that is attested.
const DOCUMENTS: [&str; 6] = [
    "--type spdxjson --predicate absent",
    "--type spdxjson --predicate broken.json",
    "--type spdxjson --predicate garbage",
    "--type nonsense --predicate sbom.json",
    "--statement sbom.json",
    "--statement absent",
];

/// What is wrong for whoever judges.
const JUDGING: [&str; 27] = [
    "--key absent IMAGE",
    "--key garbage IMAGE",
    "--key cut.pub IMAGE",
    "--key release.pub --key absent IMAGE",
    "--policy absent IMAGE",
    "--policy garbage IMAGE",
    "--policy keyless.yaml IMAGE",
    "--certificate-identity a@b.c IMAGE",
    "--certificate-identity-regexp a@b.c --certificate-oidc-issuer https://issuer.example IMAGE",
    "IDENTITY --trusted-root absent IMAGE",
    "IDENTITY --trusted-root garbage IMAGE",
    "IDENTITY --trust-pack absent IMAGE",
    "IDENTITY --trust-pack garbage IMAGE",
    "IDENTITY --ca-roots absent IMAGE",
    "IDENTITY --ca-roots garbage IMAGE",
    "IDENTITY --certificate-chain garbage IMAGE",
    "IDENTITY --witness nonsense IMAGE",
    "IDENTITY --github-repository nonsense IMAGE",
    "IDENTITY --max-trust-age soon IMAGE",
    "IDENTITY --evidence-from oci:absent IMAGE",
    "IDENTITY --attachment-tag-prefix /: IMAGE",
    "--key release.pub --evidence-from oci:absent IMAGE",
    "--key release.pub --require-log many IMAGE",
    "--key release.pub --registry-cacert garbage IMAGE",
    "--key release.pub not//a-reference",
    "IDENTITY IMAGE not//a-reference",
    "IDENTITY --platform linux IMAGE",
];

/// Lines about files.
const BLOBS: [&str; 17] = [
    "sign-blob KEYLESS absent",
    "sign-blob KEYLESS .",
    "sign-blob KEYLESS --bundle b sha256:12",
    "sign-blob KEYLESS --bundle absent/bundle file.txt",
    "sign-blob KEYLESS --bundle . file.txt",
    "sign-blob --key garbage file.txt",
    "sign-blob KEYLESS --trusted-root garbage file.txt",
    "attest-blob KEYLESS --type spdxjson --predicate sbom.json absent",
    "attest-blob KEYLESS --type spdxjson --predicate sbom.json --bundle absent/bundle file.txt",
    "verify-blob IDENTITY file.txt",
    "verify-blob IDENTITY --bundle absent file.txt",
    "verify-blob IDENTITY --bundle sbom.json absent",
    "verify-blob IDENTITY --bundle sbom.json .",
    "verify-blob IDENTITY --bundle sbom.json sha256:12",
    "verify-blob IDENTITY --ca-roots garbage --bundle sbom.json file.txt",
    "verify-blob --policy absent --bundle sbom.json file.txt",
    "verify-blob-attestation IDENTITY --type spdxjson --bundle absent file.txt",
];

/// What is wrong for whoever looks at an image, moves it or mends what is attached to it.
const LOOKING: [&str; 5] = [
    "not//a-reference",
    "--registry-cacert absent IMAGE",
    "--registry-cacert garbage IMAGE",
    "--registry-mirror nonsense IMAGE",
    "--registry-client-cert garbage --registry-client-key garbage IMAGE",
];

/// And what only one command can get wrong.
const SINGLE: [&str; 38] = [
    "discover --platform linux IMAGE",
    "copy IMAGE not//a-reference",
    "copy --verify-first IMAGE oci:out:1.0",
    "copy --verify-first --policy absent IMAGE oci:out:1.0",
    "copy --verify-first --key absent IMAGE oci:out:1.0",
    "copy --key release.pub IMAGE oci:out:1.0",
    "copy --only nonsense IMAGE oci:out:1.0",
    "copy --platform linux IMAGE oci:out:1.0",
    "copy IMAGE oci:file.txt:1.0",
    "copy IMAGE oci-archive:absent/out.tar",
    "copy IMAGE oci-archive:.",
    "save --dir file.txt IMAGE",
    "load --dir absent IMAGE",
    "load --dir file.txt IMAGE",
    "download bundle --key absent IMAGE",
    "download attestation --type nonsense IMAGE",
    "attach sbom --sbom absent --type spdx IMAGE",
    "attach bundle --bundle absent IMAGE",
    "attach bundle --bundle garbage IMAGE",
    "attach attestation --attestation garbage IMAGE",
    "clean IMAGE",
    "clean --older-than soon IMAGE",
    "clean --type nonsense IMAGE",
    "migrate IMAGE",
    "migrate --key absent IMAGE",
    "policy push absent IMAGE",
    "policy push garbage IMAGE",
    "policy push policy.yaml not//a-reference",
    "policy push --key absent policy.yaml IMAGE",
    "policy record --policy policy.yaml --out absent/a.pack IMAGE",
    "policy record --policy policy.yaml --out . IMAGE",
    "policy init --output-file absent/policy.yaml IMAGE",
    "policy init --output-file file.txt IMAGE",
    "trust export absent/a.pack",
    "trust export file.txt",
    "trust init --mirror MIRROR --root absent",
    "trust init --mirror MIRROR --root garbage",
    "trust update --timeout soon",
];

fn bad() -> Vec<String> {
    let mut lines: Vec<String> = BLOBS
        .iter()
        .chain(&SINGLE)
        .map(ToString::to_string)
        .collect();
    for rest in SIGNING {
        lines.push(format!("sign {rest}"));
        lines.push(format!(
            "attest --type spdxjson --predicate sbom.json {rest}"
        ));
    }
    for document in DOCUMENTS {
        lines.push(format!("attest --key plain.key {document} IMAGE"));
        lines.push(format!("attest KEYLESS {document} IMAGE"));
        lines.push(format!("attest-blob KEYLESS {document} file.txt"));
    }
    for rest in JUDGING {
        lines.push(format!("verify {rest}"));
        lines.push(format!("verify-attestation --type spdxjson {rest}"));
        if !rest.contains("IMAGE not//") {
            lines.push(format!("policy explain {rest}"));
        }
        if !rest.contains("--platform") {
            lines.push(format!("policy record --out a.pack {rest}"));
        }
    }
    for verb in [
        "discover",
        "inspect",
        "doctor",
        "repair",
        "migrate --key release.pub",
        "clean --type all",
        "download bundle",
        "download sbom",
        "download attestation",
        "download signature",
        "policy init",
    ] {
        lines.extend(LOOKING.map(|rest| format!("{verb} {rest}")));
    }
    lines
}

fn run(workshop: &Workshop, listener: &Listener, line: &str) -> (Run, usize) {
    let before = listener.seen();
    let line = line
        .replace("KEYLESS", KEYLESS)
        .replace("IDENTITY", IDENTITY)
        .replace("MIRROR", &format!("http://{}", listener.address))
        .replace("IMAGE", &format!("{}/acme/app:1.0", listener.address));
    let mut command = command(workshop.path());
    command.args(["--allow-http", "--no-cache", "--timeout", "2s"]);
    let run = finish(command.args(words(&line)));
    (run, listener.seen() - before)
}

#[test]
fn nothing_is_dialled_before_arguments_files_and_keys_are_good() {
    let lines = bad();
    std::thread::scope(|scope| {
        for shard in 0..4 {
            let lines = &lines;
            scope.spawn(move || {
                let (workshop, listener) = scene();
                workshop.layout("image", "1.0", "genuine");
                let before = files(&workshop);
                for line in lines.iter().skip(shard).step_by(4) {
                    let (run, connections) = run(&workshop, &listener, line);
                    assert_eq!(connections, 0, "{line}: {run:#?}");
                    // 11: a layout that is not there.
                    assert!(matches!(run.code, 2 | 11 | 21 | 22), "{line}: {run:#?}");
                    let journal = workshop.file("absent");
                    assert!(!journal.exists(), "{line}");
                }
                assert_eq!(files(&workshop), before);
            });
        }
    });
}

#[test]
fn with_good_ones_the_same_commands_dial() {
    let (workshop, listener) = scene();
    workshop.layout("image", "1.0", "genuine");
    workshop.write(
        "list",
        format!("{}/acme/app:1.0\n", listener.address).as_bytes(),
    );
    for line in GOOD {
        let (run, connections) = run(&workshop, &listener, line);
        assert!(connections > 0, "{line}: {run:#?}");
        // What was chosen and not fetched is chosen for the next line as well.
        assert_ne!(run.code, 0, "{line}: {run:#?}");
    }
}
