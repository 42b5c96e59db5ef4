//! Registries that fail, lie, never end, or fail half way.

use super::{IMAGE_COMMANDS, check, row};
use crate::loopback::{Fault, Loopback};
use crate::program::{self, words};
use crate::scripted::{self, Manners};
use crate::workshop::{Workshop, push_image};

#[test]
fn every_image_command_tells_the_faults_of_a_registry_apart() {
    let workshop = Workshop::new();
    let mut rows = Vec::new();
    let faults: [(Manners, i32, &str); 14] = [
        (Manners::Down, 20, "could not reach"),
        // The client and the verifier keep the same deadline: which of them says it first is chance.
        (Manners::Silent, 20, "within"),
        (Manners::Status(500), 20, "500"),
        (Manners::Status(503), 20, "503"),
        (Manners::Throttled, 20, "429"),
        (Manners::Status(401), 21, "login"),
        (Manners::Status(403), 21, "login"),
        (Manners::Status(404), 11, "not found"),
        (Manners::Garbage("<html>it works</html>"), 20, "manifest"),
        (Manners::CutOff, 20, ""),
        (Manners::Endless, 20, "limit"),
        (Manners::Drip, 20, "within"),
        (Manners::Circle, 20, "redirect"),
        (Manners::NotHttp, 20, "could not reach"),
    ];
    for (manners, code, said) in faults {
        // Only where the deadline is the answer is it short: on a busy machine it would else come before the fault.
        let deadline = match manners {
            Manners::Silent | Manners::Drip => "1s",
            _ => "30s",
        };
        let address = scripted::start(manners);
        for command in IMAGE_COMMANDS {
            rows.push(row(
                format!("{command} --allow-http --timeout {deadline} {address}/acme/app:1.0"),
                code,
                said,
            ));
        }
    }
    let address = scripted::start(Manners::BearerNowhere);
    rows.push(row(
        format!("verify --key release.pub --allow-http --timeout 30s {address}/acme/app:1.0"),
        21,
        "login",
    ));
    check(&workshop, &rows);
}

#[cfg(target_os = "linux")]
#[test]
fn an_endless_body_costs_at_most_64_mib_and_the_deadline() {
    use std::time::{Duration, Instant};
    let workshop = Workshop::new();
    let address = scripted::start(Manners::Endless);
    let started = Instant::now();
    let mut child = program::command(workshop.path())
        .args(words(&format!(
            "verify --key release.pub --allow-http --timeout 3s {address}/acme/app:1.0"
        )))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak_kib = 0_u64;
    let code = loop {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next());
        peak_kib = peak_kib.max(high.and_then(|high| high.parse().ok()).unwrap_or_default());
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(code, Some(20));
    assert!(peak_kib > 0 && peak_kib < 64 * 1024, "{peak_kib} KiB");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_registry_that_fails_half_way_is_an_unknown_and_never_unsigned() {
    let workshop = Workshop::new();
    let good = Loopback::start(&workshop.file("registry"));
    let digest = push_image(good.store().as_ref(), "1.0", "genuine");
    let name = good.name();
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}:1.0"))
        .ends(0);
    let faults: [(Fault, i32, &str); 5] = [
        (
            |_, path| path.contains("/referrers/").then_some((500, "")),
            20,
            "500",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((429, "")),
            20,
            "429",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((403, "")),
            21,
            "log in",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((200, "<html>")),
            20,
            "",
        ),
        (
            |_, path| path.contains("/blobs/").then_some((200, "{}")),
            20,
            "",
        ),
    ];
    let mut servers = Vec::new();
    let mut rows = Vec::new();
    for (fault, code, said) in faults {
        let server = Loopback::faulty(&workshop.file("registry"), fault);
        let name = server.name();
        for image in [format!("{name}:1.0"), format!("{name}@{digest}")] {
            rows.push(row(
                format!("verify --allow-http --timeout 2s --key release.pub {image}"),
                code,
                said,
            ));
        }
        servers.push(server);
    }
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}:1.0"),
        0,
        "verified",
    ));
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}@{digest}"),
        0,
        "verified",
    ));
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}:9.9"),
        11,
        "not found",
    ));
    rows.push(row(
        format!(
            "verify --allow-http --key release.pub {name}@sha256:{}",
            "ab".repeat(32)
        ),
        11,
        "not found",
    ));
    rows.push(row(
        format!(
            "verify --allow-http --key release.pub {}/no/such:1.0",
            good.address
        ),
        11,
        "not found",
    ));
    check(&workshop, &rows);
}
