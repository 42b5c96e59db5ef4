//! Credential files and helpers: which login is found, and where one is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use countersign_registry::{Credential, Keychain, Secret, Stored};

use crate::server::{code, run};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The keychain of a user whose home this is, with some variables set to files below it.
    fn keychain(&self, set: &[(&str, &str)]) -> Keychain {
        Keychain::from_environment(|name| match name {
            "HOME" => Some(self.0.path().display().to_string()),
            "XDG_RUNTIME_DIR" => Some(self.path("run").display().to_string()),
            _ => set
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| self.path(value).display().to_string()),
        })
    }
}

fn auth(user: &str) -> String {
    // The base64 of `user:pw` for one-letter users.
    let text = match user {
        "a" => "YTpwdw==",
        "b" => "Yjpwdw==",
        "c" => "Yzpwdw==",
        _ => "ZDpwdw==",
    };
    format!(r#"{{"auth":"{text}"}}"#)
}

fn user(keychain: &Keychain, registry: &str, repository: &str) -> Option<String> {
    match run(keychain.lookup(registry, repository)).unwrap() {
        Some(Credential::Basic { username, password }) => {
            assert_eq!(password, Secret::new("pw"));
            Some(username)
        }
        None => None,
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn files_are_asked_in_the_order_of_the_manual() {
    let home = Home::new();
    let file = |user: &str| format!(r#"{{"auths":{{"reg.example":{}}}}}"#, auth(user));
    assert_eq!(user(&home.keychain(&[]), "reg.example", "app"), None);
    home.write(".docker/config.json", &file("d"));
    assert_eq!(
        user(&home.keychain(&[]), "reg.example", "app").as_deref(),
        Some("d")
    );
    home.write("docker/config.json", &file("a"));
    assert_eq!(
        user(
            &home.keychain(&[("DOCKER_CONFIG", "docker")]),
            "reg.example",
            "app"
        )
        .as_deref(),
        Some("a")
    );
    home.write(".config/containers/auth.json", &file("c"));
    assert_eq!(
        user(&home.keychain(&[]), "reg.example", "app").as_deref(),
        Some("c")
    );
    home.write("run/containers/auth.json", &file("b"));
    assert_eq!(
        user(&home.keychain(&[]), "reg.example", "app").as_deref(),
        Some("b")
    );
    home.write("own.json", &file("a"));
    let chosen = home.keychain(&[("REGISTRY_AUTH_FILE", "own.json")]);
    assert_eq!(user(&chosen, "reg.example", "app").as_deref(), Some("a"));
    let login = Credential::Basic {
        username: "explicit".to_owned(),
        password: Secret::new("pw"),
    };
    assert_eq!(
        user(
            &chosen.with_login("reg.example", login),
            "reg.example",
            "app"
        )
        .as_deref(),
        Some("explicit")
    );
}

/// CVE-2026-59891 (A022): exact hosts, never a part of a name.
#[test]
fn the_longest_path_of_exactly_that_host_counts() {
    let home = Home::new();
    let text = format!(
        r#"{{"auths":{{"quay.io":{},"quay.io/acme":{},"quay.io/acme/app":{},"https://ghcr.io":{}}}}}"#,
        auth("a"),
        auth("b"),
        auth("c"),
        auth("d")
    );
    home.write(".docker/config.json", &text);
    let keychain = home.keychain(&[]);
    for (registry, repository, expected) in [
        ("quay.io", "other", Some("a")),
        ("quay.io", "acmex/app", Some("a")),
        ("quay.io", "acme/other", Some("b")),
        ("quay.io", "acme/app", Some("c")),
        ("quay.io", "acme/app/sub", Some("c")),
        ("ghcr.io", "acme/app", Some("d")),
        ("GHCR.IO", "acme/app", Some("d")),
        ("cr.io", "acme/app", None),
        ("ghcr.io.evil.test", "acme/app", None),
        ("xghcr.io", "acme/app", None),
        ("ghcr.io:443", "acme/app", None),
    ] {
        assert_eq!(
            user(&keychain, registry, repository).as_deref(),
            expected,
            "{registry}/{repository}"
        );
    }
}

#[test]
fn docker_hub_has_one_login_under_all_its_names() {
    for key in [
        "https://index.docker.io/v1/",
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
    ] {
        let home = Home::new();
        home.write(
            ".docker/config.json",
            &format!(r#"{{"auths":{{"{key}":{}}}}}"#, auth("a")),
        );
        assert_eq!(
            user(&home.keychain(&[]), "docker.io", "library/debian").as_deref(),
            Some("a"),
            "{key}"
        );
    }
}

#[test]
fn tokens_are_told_from_passwords() {
    let home = Home::new();
    home.write(".docker/config.json", r#"{"auths":{"a":{"identitytoken":"t"},"b":{"registrytoken":"t"},"c":{"auth":"PHRva2VuPjp0"},"d":{},"e":{"username":"u","password":"pw"}}}"#);
    let keychain = home.keychain(&[]);
    let lookup = |registry| run(keychain.lookup(registry, "app")).unwrap();
    assert_eq!(
        lookup("a"),
        Some(Credential::IdentityToken(Secret::new("t")))
    );
    assert_eq!(
        lookup("b"),
        Some(Credential::RegistryToken(Secret::new("t")))
    );
    assert_eq!(
        lookup("c"),
        Some(Credential::IdentityToken(Secret::new("t")))
    );
    assert_eq!(lookup("d"), None);
    assert_eq!(user(&keychain, "e", "app").as_deref(), Some("u"));
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_without_its_content() {
    for text in [
        "{\"auths\":{\"reg.example\":{\"auth\":\"MARK\"}",
        "[]",
        r#"{"auths":{"reg.example":{"auth":"MARK!"}}}"#,
        r#"{"auths":{"reg.example":{"auth":"TUFSSw=="}}}"#,
    ] {
        let home = Home::new();
        home.write(".docker/config.json", text);
        let error = run(home.keychain(&[]).lookup("reg.example", "app")).unwrap_err();
        assert_eq!(error.code(), "file-unusable");
        assert!(
            error.to_string().contains("config.json") && !error.to_string().contains("MARK"),
            "{error}"
        );
    }
    let home = Home::new();
    home.write(".docker/config.json", "");
    assert_eq!(user(&home.keychain(&[]), "reg.example", "app"), None);
    fs::File::create(home.path(".docker/config.json"))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    assert_eq!(
        code(run(home.keychain(&[]).lookup("reg.example", "app"))),
        "file-unusable"
    );
}

#[test]
fn a_login_is_kept_for_its_owner_only_and_forgotten_again() {
    let home = Home::new();
    home.write(
        ".docker/config.json",
        r#"{"psFormat":"x","auths":{"other":{"auth":"YTpwdw=="}},"last":1}"#,
    );
    fs::set_permissions(
        home.path(".docker/config.json"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let keychain = home.keychain(&[]);
    let path = home.path(".docker/config.json");
    assert_eq!(user(&keychain, "reg.example", "app"), None);
    assert_eq!(
        keychain
            .store("https://reg.example", "u", &Secret::new("pw"))
            .unwrap(),
        Stored::File(path.clone())
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(user(&keychain, "reg.example", "app").as_deref(), Some("u"));
    assert_eq!(user(&keychain, "other", "app").as_deref(), Some("a"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("psFormat") && text.contains("last"), "{text}");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(
        keychain.erase("reg.example").unwrap(),
        Some(Stored::File(path))
    );
    assert_eq!(user(&keychain, "reg.example", "app"), None);
    assert_eq!(keychain.erase("reg.example").unwrap(), None);
}

#[test]
fn the_login_of_docker_hub_is_written_as_docker_reads_it() {
    let home = Home::new();
    let keychain = home.keychain(&[("REGISTRY_AUTH_FILE", "new/auth.json")]);
    keychain
        .store("docker.io", "u", &Secret::new("pw"))
        .unwrap();
    let text = fs::read_to_string(home.path("new/auth.json")).unwrap();
    assert!(
        text.contains("\"https://index.docker.io/v1/\"") && text.contains("dTpwdw=="),
        "{text}"
    );
}

#[test]
fn a_linked_file_stays_a_link() {
    let home = Home::new();
    home.write("dotfiles/config.json", "{}");
    fs::create_dir(home.path(".docker")).unwrap();
    std::os::unix::fs::symlink(
        home.path("dotfiles/config.json"),
        home.path(".docker/config.json"),
    )
    .unwrap();
    home.keychain(&[])
        .store("reg.example", "u", &Secret::new("pw"))
        .unwrap();
    assert!(
        fs::symlink_metadata(home.path(".docker/config.json"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::read_to_string(home.path("dotfiles/config.json"))
            .unwrap()
            .contains("reg.example")
    );
}

#[test]
fn names_of_helpers_that_could_lead_elsewhere_are_refused() {
    for name in ["../evil", "a/b", "Desktop", "a b", "a;b", "$x"] {
        let home = Home::new();
        home.write(
            ".docker/config.json",
            &format!(r#"{{"credsStore":"{name}"}}"#),
        );
        assert_eq!(
            code(run(home.keychain(&[]).lookup("reg.example", "app"))),
            "file-unusable",
            "{name}"
        );
    }
}

#[test]
fn a_helper_that_is_missing_is_an_error_and_not_anonymity() {
    let home = Home::new();
    home.write(
        ".docker/config.json",
        r#"{"credHelpers":{"reg.example":"countersign-none"}}"#,
    );
    let keychain = home.keychain(&[]);
    let error = run(keychain.lookup("reg.example", "app")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("docker-credential-countersign-none"),
        "{error}"
    );
    // Another registry does not need it.
    assert_eq!(user(&keychain, "other.example", "app"), None);
}

/// Runs this test binary again with a `PATH` on which `docker-credential-test` is `script`.
fn with_helper(test: &str, script: &str) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("docker-credential-test");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        directory.path().display(),
        std::env::var("PATH").unwrap()
    );
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .env("PATH", path)
        .env("HELPER_STATE", directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

/// A helper that keeps what it is given in a file.
const KEEPING: &str = r#"
case "$1" in
store) cat > "$HELPER_STATE/kept" ;;
get) cat > "$HELPER_STATE/asked"; test -e "$HELPER_STATE/kept" || { echo "credentials not found in native keychain"; exit 1; }; cat "$HELPER_STATE/kept" ;;
erase) test -e "$HELPER_STATE/kept" || { echo "credentials not found in native keychain"; exit 1; }; rm "$HELPER_STATE/kept" ;;
esac"#;

#[test]
fn a_helper_keeps_finds_and_forgets_a_login() {
    with_helper("logins::in_a_process_with_a_keeping_helper", KEEPING);
}

#[test]
#[ignore = "run by `a_helper_keeps_finds_and_forgets_a_login`, which sets the search path"]
fn in_a_process_with_a_keeping_helper() {
    let state = std::env::var("HELPER_STATE").unwrap();
    let home = Home::new();
    home.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    let keychain = home.keychain(&[]);
    assert_eq!(user(&keychain, "docker.io", "app"), None);
    assert_eq!(
        fs::read_to_string(Path::new(&state).join("asked")).unwrap(),
        "https://index.docker.io/v1/"
    );
    assert_eq!(
        keychain
            .store("docker.io", "u", &Secret::new("pw"))
            .unwrap(),
        Stored::Helper("test".to_owned())
    );
    assert_eq!(user(&keychain, "docker.io", "app").as_deref(), Some("u"));
    assert_eq!(
        fs::read_to_string(home.path(".docker/config.json")).unwrap(),
        r#"{"credsStore":"test"}"#
    );
    assert_eq!(
        keychain.erase("docker.io").unwrap(),
        Some(Stored::Helper("test".to_owned()))
    );
    assert_eq!(keychain.erase("docker.io").unwrap(), None);
}

#[test]
fn a_helper_that_talks_without_end_is_stopped() {
    with_helper("logins::in_a_process_with_an_endless_helper", "exec yes");
}

#[test]
fn a_helper_that_says_nothing_is_stopped_after_ten_seconds() {
    with_helper(
        "logins::in_a_process_with_an_endless_helper",
        "exec sleep 60",
    );
}

#[test]
#[ignore = "run by tests that set the search path"]
fn in_a_process_with_an_endless_helper() {
    let home = Home::new();
    home.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    let since = std::time::Instant::now();
    let error = run(home.keychain(&[]).lookup("reg.example", "app")).unwrap_err();
    assert!(
        error.to_string().contains("docker-credential-test"),
        "{error}"
    );
    assert!(since.elapsed().as_secs() < 20);
}

#[test]
fn what_a_helper_says_of_its_failure_is_passed_on() {
    with_helper(
        "logins::in_a_process_with_a_failing_helper",
        "i=0; while [ $i -lt 3000 ]; do echo 'a line that nobody reads' >&2; i=$((i+1)); done; echo 'the session is over' ; exit 1",
    );
    with_helper(
        "logins::in_a_process_with_a_failing_helper",
        "echo 'the session is over: run `cloud login`' >&2; exit 1",
    );
}

#[test]
#[ignore = "run by `what_a_helper_says_of_its_failure_is_passed_on`, which sets the search path"]
fn in_a_process_with_a_failing_helper() {
    let home = Home::new();
    home.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    let error = run(home.keychain(&[]).lookup("reg.example", "app")).unwrap_err();
    assert_eq!(error.code(), "credential-helper-failed");
    assert!(
        error.to_string().contains("the session is over") && error.to_string().len() < 700,
        "{error}"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("echo reg.example | docker-credential-test get")
    );
}

/// A helper that prints a login and fails all the same.
#[test]
fn a_login_that_a_helper_prints_does_not_come_into_messages() {
    with_helper(
        "logins::in_a_process_with_a_helper_that_prints_a_login",
        r#"echo '{"Username":"u","Secret":"MARK"}'; echo '{"Secret":"MARK"}' >&2; exit 1"#,
    );
}

#[test]
#[ignore = "run by `a_login_that_a_helper_prints_does_not_come_into_messages`, which sets the search path"]
fn in_a_process_with_a_helper_that_prints_a_login() {
    let home = Home::new();
    home.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    let keychain = home.keychain(&[]);
    let stored = keychain.store("reg.example", "u", &Secret::new("MARK"));
    for error in [
        run(keychain.lookup("reg.example", "app")).unwrap_err(),
        stored.unwrap_err(),
        keychain.erase("reg.example").unwrap_err(),
    ] {
        assert_eq!(error.code(), "credential-helper-failed");
        assert!(!format!("{error} {error:?}").contains("MARK"), "{error}");
    }
}
