//! `logout`: forgets the credentials for a registry.

use countersign_registry::Keychain;
use serde_json::json;

use super::{Done, login};
use crate::arguments::Logout;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Logout, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let host = login::registry_host(&arguments.host)?;
    let keychain = Keychain::from_environment(|name| std::env::var(name).ok());
    let removed = keychain.erase(&host)?.as_ref().map(login::place);
    match &removed {
        Some(place) => context
            .printer
            .say(&format!("login for `{host}` removed from {place}")),
        None => context
            .printer
            .say(&format!("there was no login for `{host}`")),
    }
    Ok(Done::pass(
        json!({"registry": host, "removedFrom": removed}),
    ))
}
