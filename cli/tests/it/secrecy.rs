//! A credential is never printed: not at any level of verbosity, not in an error, not as JSON, not in the doctor's report.

use std::fs;
use std::sync::{Arc, Mutex};

use countersign_formats::encode_base64;
use countersign_registry::BoxFuture;
use countersign_registry_server::{Body, Intercept, Options, Step, full};
use http::Response;
use http::request::Parts;

use crate::loopback::Loopback;
use crate::program::{Run, command, finish_with, words};
use crate::workshop::{Workshop, push_image};

const PASSWORD: &str = "MARKpassword";
const IDENTITY: &str = "MARKidentity";
const REGISTRY: &str = "MARKregistry";
const BEARER: &str = "MARKbearer";

/// How a registry takes its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As it should.
    Honest,
    /// It says back what it was sent, wherever words of a registry may stand.
    Echo,
    /// Every login is wrong, which it says so, too.
    Refuse,
}

/// A registry with logins before the real one.
struct Doorkeeper {
    manner: Mutex<Manner>,
    basic: Mutex<bool>,
    admitted: Mutex<usize>,
}

impl Intercept for Doorkeeper {
    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        let answer = self.answer(request);
        Box::pin(async { answer })
    }
}

impl Doorkeeper {
    fn answer(&self, request: &mut Parts) -> Step {
        let manner = *self.manner.lock().unwrap();
        let header = |name: &str| {
            let value = request.headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let sent = header("authorization");
        let answer = |status: u16, body: String, extra: Option<(&str, String)>| {
            let mut response: http::response::Builder = Response::builder().status(status);
            if let Some((name, value)) = extra {
                response = response.header(name, value);
            }
            let response: Response<Body> = response
                .header("content-type", "application/json")
                .body(full(body))
                .unwrap();
            Step::Answer(Box::new(response))
        };
        if request.uri.path() == "/token" {
            return match manner {
                Manner::Refuse => answer(401, said(&format!("{sent:?} {IDENTITY}")), None),
                _ => answer(200, format!(r#"{{"token":"{BEARER}"}}"#), None),
            };
        }
        let host = header("host").unwrap_or_default();
        let Some(sent) = sent else {
            let challenge = if *self.basic.lock().unwrap() {
                "Basic realm=\"registry\"".to_owned()
            } else {
                format!("Bearer realm=\"http://{host}/token\",service=\"registry\"")
            };
            return answer(401, said("log in"), Some(("www-authenticate", challenge)));
        };
        match manner {
            Manner::Refuse => answer(403, said(&sent), None),
            Manner::Echo => answer(
                400,
                said(&sent),
                Some(("warning", format!("299 - \"you sent {sent}\""))),
            ),
            Manner::Honest => {
                *self.admitted.lock().unwrap() += 1;
                request.headers.remove("authorization");
                Step::Continue
            }
        }
    }
}

/// The body of an error in which a registry repeats something.
fn said(what: &str) -> String {
    let what = what.replace('"', "'");
    format!(r#"{{"errors":[{{"code":"DENIED","message":"you sent {what}"}}]}}"#)
}

/// Every form in which one of the secrets could be printed.
fn forms() -> Vec<String> {
    let mut forms: Vec<String> = [PASSWORD, IDENTITY, REGISTRY, BEARER]
        .map(str::to_owned)
        .into();
    for text in [format!("user:{PASSWORD}"), PASSWORD.to_owned()] {
        forms.push(encode_base64(text.as_bytes()));
    }
    forms
}

#[track_caller]
fn shows_nothing(run: &Run, what: &str) {
    for form in forms() {
        for (place, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            assert!(!text.contains(&form), "{place} of {what}: {run:#?}");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the count is what it is for")]
fn no_command_prints_a_credential_whatever_the_registry_says() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.file("docker")).unwrap();
    let keeper = Arc::new(Doorkeeper {
        manner: Mutex::new(Manner::Honest),
        basic: Mutex::new(true),
        admitted: Mutex::default(),
    });
    // The same folder twice: an image comes in by the open door.
    let open = Loopback::start(&workshop.file("registry"));
    let digest = push_image(open.store().as_ref(), "1.0", "genuine");
    let store = open.name();
    workshop
        .run(&format!(
            "sign --allow-http --key plain.key {store}@{digest}"
        ))
        .ends(0);
    drop(open);
    let mut options = Options::new(workshop.file("registry"));
    options.intercept = Some(Arc::clone(&keeper) as Arc<dyn Intercept>);
    let server = Loopback::with(options);
    let (name, host) = (server.name(), server.address);
    let login = encode_base64(format!("user:{PASSWORD}").as_bytes());
    let entries = [
        (true, format!(r#"{{"auth":"{login}"}}"#)),
        (false, format!(r#"{{"auth":"{login}"}}"#)),
        (false, format!(r#"{{"identitytoken":"{IDENTITY}"}}"#)),
        (false, format!(r#"{{"registrytoken":"{REGISTRY}"}}"#)),
    ];
    let lines = [
        format!("verify --key release.pub {name}:1.0"),
        format!("discover {name}:1.0"),
        format!("doctor {name}:1.0"),
        format!("doctor --write {host}/scratch/doctor"),
        format!("download bundle --key release.pub {name}:1.0"),
        format!("copy {name}:1.0 {host}/acme/copy:1.0"),
        format!("sign --key plain.key {name}:1.0"),
        format!("repair --dry-run {name}:1.0"),
        format!("clean --type all {name}:1.0"),
        format!("migrate --key release.pub {name}:1.0"),
    ];
    let mut runs = 0;
    for manner in [Manner::Honest, Manner::Echo, Manner::Refuse] {
        *keeper.manner.lock().unwrap() = manner;
        for (basic, entry) in &entries {
            *keeper.basic.lock().unwrap() = *basic;
            let config = format!(r#"{{"auths":{{"{host}":{entry}}}}}"#);
            workshop.write("docker/config.json", config.as_bytes());
            for line in &lines {
                let before = *keeper.admitted.lock().unwrap();
                for flags in ["--no-cache", "-vvv --no-cache --output json", "-vvv"] {
                    let run = workshop.run(&format!("{line} --allow-http {flags}"));
                    let what = format!("{manner:?} {entry}: {line} {flags}");
                    shows_nothing(&run, &what);
                    // There is nothing to migrate, which is an answer.
                    let answered = matches!(run.code, 0 | 10);
                    assert_eq!(answered, manner == Manner::Honest, "{what}: {run:#?}");
                    runs += 1;
                }
                let admitted = *keeper.admitted.lock().unwrap() > before;
                assert_eq!(admitted, manner == Manner::Honest, "{line}");
            }
        }
    }
    println!("{runs} runs with a credential, none of them printed it");
}

#[test]
fn a_broken_store_of_credentials_and_a_login_show_nothing() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.file("docker")).unwrap();
    let keeper = Arc::new(Doorkeeper {
        manner: Mutex::new(Manner::Refuse),
        basic: Mutex::new(true),
        admitted: Mutex::default(),
    });
    let mut options = Options::new(workshop.file("registry"));
    options.intercept = Some(Arc::clone(&keeper) as Arc<dyn Intercept>);
    let server = Loopback::with(options);
    let (name, host) = (server.name(), server.address);
    for broken in [
        format!(r#"{{"auths":{{"{host}":{{"auth":"{PASSWORD}!"}}}}}}"#),
        format!(r#"{{"auths":{{"{host}":{{"auth":"{PASSWORD}"}}}}"#),
        PASSWORD.to_owned(),
        format!(r#"{{"credsStore":"../{PASSWORD}"}}"#),
    ] {
        workshop.write("docker/config.json", broken.as_bytes());
        for flags in ["", "-vvv", "-vvv --output json"] {
            for line in ["discover", "doctor"] {
                let run = workshop.run(&format!("{line} --allow-http {flags} {name}:1.0"));
                assert_ne!(run.code, 0, "{run:#?}");
                shows_nothing(&run, &broken);
            }
        }
    }
    workshop.write("docker/config.json", b"{}");
    for flags in ["", "-vvv", "-vvv --output json"] {
        let line = format!("login --allow-http -u user --password-stdin {flags} {host}");
        let run = finish_with(
            command(workshop.path()).args(words(&line)),
            PASSWORD.as_bytes(),
        );
        shows_nothing(&run, &line);
        let run = workshop.run(&format!("logout {flags} {host}"));
        shows_nothing(&run, "logout");
    }
    // A proxy's login stands in its variable.
    let run = {
        let line = format!("discover -vvv --allow-http {name}:1.0");
        crate::program::finish(
            command(workshop.path())
                .args(words(&line))
                .env("HTTP_PROXY", format!("http://user:{PASSWORD}@127.0.0.1:1")),
        )
    };
    assert_ne!(run.code, 0);
    shows_nothing(&run, "a proxy that is not there");
}
