//! The arrows of `docs/architecture.md`: which crate may depend on which, and which stay free of input and output.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its scene has nothing to say"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// A crate of the workspace and the crates of the workspace that it may use in what ships.
const ARROWS: &[(&str, &[&str])] = &[
    ("countersign-formats", &[]),
    ("countersign-proof", &["countersign-formats"]),
    (
        "countersign-policy",
        &["countersign-formats", "countersign-proof"],
    ),
    (
        "countersign-sign",
        &["countersign-formats", "countersign-proof"],
    ),
    (
        "countersign-registry",
        &["countersign-formats", "countersign-proof"],
    ),
    (
        "countersign-registry-server",
        &[
            "countersign-formats",
            "countersign-proof",
            "countersign-registry",
        ],
    ),
    (
        "countersign-services",
        &["countersign-formats", "countersign-proof"],
    ),
    (
        "countersign-trust-store",
        &["countersign-formats", "countersign-proof"],
    ),
    (
        "countersign",
        &[
            "countersign-formats",
            "countersign-policy",
            "countersign-proof",
            "countersign-registry",
            "countersign-trust-store",
        ],
    ),
    (
        "countersign-cli",
        &[
            "countersign",
            "countersign-formats",
            "countersign-policy",
            "countersign-proof",
            "countersign-registry",
            "countersign-registry-server",
            "countersign-services",
            "countersign-sign",
            "countersign-trust-store",
        ],
    ),
];

/// Packages that ship nothing: they may use everything and nothing may use them.
const UNPUBLISHED: &[&str] = &[
    "countersign-benches",
    "countersign-testdata",
    "countersign-tests",
];

/// Crates without sockets, files, clock or async.
const PURE: &[&str] = &[
    "countersign-formats",
    "countersign-proof",
    "countersign-policy",
    "countersign-sign",
];

/// What must not be among the dependencies of a pure crate.
const INPUT_OUTPUT: &[&str] = &[
    "async-std",
    "axum",
    "futures-executor",
    "hyper",
    "mio",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "ureq",
];

/// What must not be anywhere in what ships: a second crypto library or TLS stack.
const SECOND_CRYPTO: &[&str] = &[
    "native-tls",
    "openssl",
    "openssl-sys",
    "p256",
    "p384",
    "ring",
    "rsa",
];

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The workspace's own packages, each with its normal (not dev, not build) dependencies.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let output = cargo()
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let normal = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().expect("name").to_owned())
            .collect();
        packages.insert(package["name"].as_str().expect("name").to_owned(), normal);
    }
    packages
}

/// Every crate in the tree of `package`, by normal edges, with the features that `package` alone asks for.
fn tree(package: &str) -> BTreeSet<String> {
    let output = cargo()
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
        ])
        .output()
        .expect("cargo tree runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("crate names are text")
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn every_package_is_in_the_table_and_points_only_down() {
    let packages = workspace();
    let known: BTreeSet<&str> = ARROWS
        .iter()
        .map(|(name, _)| *name)
        .chain(UNPUBLISHED.iter().copied())
        .collect();
    for name in packages.keys() {
        assert!(
            known.contains(name.as_str()),
            "`{name}` is not in the table of arrows"
        );
    }
    for (name, allowed) in ARROWS {
        let normal = packages
            .get(*name)
            .unwrap_or_else(|| panic!("`{name}` is gone: remove it from the table"));
        for dependency in normal
            .iter()
            .filter(|dependency| packages.contains_key(*dependency))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "`{name}` must not depend on `{dependency}`: see docs/architecture.md"
            );
        }
    }
}

#[test]
fn pure_crates_have_no_input_output_crate_in_their_tree() {
    for package in PURE {
        let tree = tree(package);
        assert!(
            tree.contains(*package),
            "`cargo tree` did not list `{package}` itself"
        );
        for forbidden in INPUT_OUTPUT {
            assert!(
                !tree.contains(*forbidden),
                "`{forbidden}` entered the pure crate `{package}`"
            );
        }
    }
}

#[test]
fn the_verifier_library_holds_no_signing_code_and_no_server() {
    let tree = tree("countersign");
    assert!(tree.contains("countersign-proof"));
    for forbidden in [
        "countersign-sign",
        "countersign-registry-server",
        "axum",
        "crypto_secretbox",
        "scrypt",
    ] {
        assert!(
            !tree.contains(forbidden),
            "`{forbidden}` entered the verifier library"
        );
    }
}

#[test]
fn the_program_has_one_crypto_library_and_one_tls_stack() {
    let tree = tree("countersign-cli");
    assert!(tree.contains("aws-lc-rs"));
    for forbidden in SECOND_CRYPTO {
        assert!(
            !tree.contains(*forbidden),
            "`{forbidden}` entered the program"
        );
    }
}
