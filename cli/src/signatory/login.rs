//! Logging in: what the person is told, and the browser that is opened for them.

use std::process::{Command, Stdio};

use countersign_services::Client;
use countersign_services::identity::{
    IdentityToken, Issuer, LoginSettings, browser_login, device_login,
};

use crate::arguments::LoginWay;
use crate::escape;
use crate::failure::Failure;

use super::voice::Voice;

/// Logs in the way that was chosen.
pub(super) async fn log_in(
    voice: &Voice,
    client: &Client,
    issuer: &Issuer,
    settings: &LoginSettings,
    way: LoginWay,
) -> Result<IdentityToken, Failure> {
    let terminal = voice.terminal;
    let token = match way {
        LoginWay::Browser => {
            browser_login(client, issuer, settings, |address| {
                voice.say(&format!(
                    "log in with a browser on this machine: {}",
                    escape::line(address)
                ));
                if terminal {
                    show(address);
                }
            })
            .await?
        }
        LoginWay::Device => {
            device_login(client, issuer, settings, |prompt| {
                voice.say(&format!(
                    "log in with any browser: open {} and enter the code {}",
                    escape::field(&prompt.address),
                    escape::field(&prompt.code)
                ));
                if let Some(address) = &prompt.complete_address {
                    voice.say(&format!("or open {}", escape::field(address)));
                }
            })
            .await?
        }
    };
    Ok(token)
}

/// Opens the address; where that does not work the person opens what was printed.
fn show(address: &str) {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    let quiet = command
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The browser outlives this program; nobody waits for it.
    let _ = quiet.spawn();
}
