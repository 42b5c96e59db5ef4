//! `login` and `logout`: what is tried, what is kept and where.

use crate::loopback::Loopback;
use crate::program::{Run, command, finish, finish_with, words};
use crate::scripted::{self, Manners};
use crate::workshop::Workshop;

#[test]
fn credentials_are_kept_where_other_programs_look_and_forgotten_again() {
    let workshop = Workshop::new();
    let host = scripted::start(Manners::Basic("dXNlcjpzZWNyZXQ=")).to_string();
    let run = login(&workshop, &host, &["--allow-http"], "secret")
        .ends(0)
        .says("the registry took it");
    assert!(!run.stderr.contains("secret"), "{run:?}");
    let kept = std::fs::read_to_string(workshop.file("docker/config.json")).unwrap();
    assert!(
        kept.contains(&host) && kept.contains("dXNlcjpzZWNyZXQ="),
        "{kept}"
    );
    workshop.run(&format!("logout {host}")).ends(0);
    let kept = std::fs::read_to_string(workshop.file("docker/config.json")).unwrap();
    assert!(!kept.contains("dXNlcjpzZWNyZXQ="), "{kept}");
    workshop
        .run(&format!("logout {host}"))
        .ends(0)
        .says("there was no login");
}

fn login(workshop: &Workshop, host: &str, more: &[&str], password: &str) -> Run {
    let mut command = command(workshop.path());
    command
        .args(["login", host, "-u", "user", "--password-stdin"])
        .args(more);
    finish_with(&mut command, password.as_bytes())
}

#[test]
fn a_login_that_is_refused_or_cannot_be_tried_is_not_kept() {
    let workshop = Workshop::new();
    let refusals: [(Manners, i32, &str); 6] = [
        (
            Manners::Basic("dXNlcjpzZWNyZXQ="),
            21,
            "check the user name",
        ),
        (Manners::Status(403), 21, "check the user name"),
        (Manners::BearerNowhere, 21, "check the user name"),
        (Manners::Status(404), 20, "404"),
        (Manners::Down, 20, "could not reach"),
        (Manners::Silent, 20, "within"),
    ];
    for (manners, code, words) in refusals {
        let host = scripted::start(manners).to_string();
        login(&workshop, &host, &["--allow-http", "--timeout=1s"], "wrong")
            .ends(code)
            .says(words)
            .says("nothing was kept");
        assert!(!workshop.file("docker/config.json").exists(), "{manners:?}");
    }
    // A reference that begins so is one of Docker Hub, which must not get this password.
    login(&workshop, "registry", &[], "secret")
        .ends(2)
        .says("not the name of a registry");
    assert!(!workshop.file("docker/config.json").exists());
}

#[test]
fn a_login_that_was_not_tried_is_kept_and_told_of() {
    let workshop = Workshop::new();
    login(&workshop, "ghcr.io", &["--offline"], "secret")
        .ends(0)
        .says("it was not tried");
    let open = Loopback::start(&workshop.file("open"));
    let host = open.address.to_string();
    let run = login(
        &workshop,
        &host,
        &["--allow-http", "--output=json"],
        "secret",
    )
    .ends(0)
    .says("lets everybody in");
    assert_eq!(run.json()["result"]["tried"], "not-asked-for", "{run:?}");
    let kept = std::fs::read_to_string(workshop.file("docker/config.json")).unwrap();
    assert!(kept.contains("ghcr.io") && kept.contains(&host), "{kept}");
}

#[test]
fn a_file_for_logins_that_is_named_and_not_there_is_told_of() {
    let workshop = Workshop::new();
    let host = scripted::start(Manners::Basic("dXNlcjpzZWNyZXQ="));
    std::fs::write(workshop.file("empty.json"), "{}").unwrap();
    let named = "that `REGISTRY_AUTH_FILE` names is not there";
    let with = |file: &str, line: String| {
        let mut command = command(workshop.path());
        command
            .args(words(&line))
            .env("REGISTRY_AUTH_FILE", workshop.file(file));
        finish(&mut command)
    };
    let verify = format!("verify --allow-http --key release.pub {host}/acme/app:1.0");
    with("absent.json", verify.clone()).ends(21).says(named);
    let run = with("empty.json", verify.clone()).ends(21);
    assert!(!run.stderr.contains(named), "{run:?}");
    // The next place has the login, so that only who asks for more is told.
    login(&workshop, &host.to_string(), &["--allow-http"], "secret").ends(0);
    let doctor = format!("doctor --allow-http {host}");
    let run = with("absent.json", doctor.clone()).ends(0);
    assert!(run.stdout.contains(named), "{run:?}");
    let run = with("empty.json", doctor).ends(0);
    assert!(!run.stdout.contains(named), "{run:?}");
    let run = with("absent.json", verify.clone());
    assert!(!run.stderr.contains("the next places"), "{run:?}");
    with("absent.json", format!("{verify} -v")).says("the next places are asked");
}

#[test]
fn a_registry_is_named_by_a_host_for_a_login_as_for_the_doctor() {
    let workshop = Workshop::new();
    let runs = |host: &str, more: &str| {
        [
            login(&workshop, host, &["--offline"], "secret"),
            workshop.run(&format!("doctor {more} {host}")),
        ]
    };
    for run in runs("registry", "") {
        run.ends(2)
            .says("`registry` is not the name of a registry")
            .says("as `registry.example` or `registry:443`");
    }
    assert!(!workshop.file("docker/config.json").exists());
    for host in ["localhost", "registry:443", "registry.internal"] {
        let [login, doctor] = runs(host, "--offline");
        login.ends(0);
        doctor.ends(20).says("needs the network");
    }
    // Docker may keep such a login: it is forgotten all the same.
    workshop.write(
        "docker/config.json",
        br#"{"auths":{"registry":{"auth":"YTpi"}}}"#,
    );
    workshop.run("logout registry").ends(0);
    let kept = String::from_utf8(workshop.read("docker/config.json").to_vec()).unwrap();
    assert!(!kept.contains("registry"), "{kept}");
}
