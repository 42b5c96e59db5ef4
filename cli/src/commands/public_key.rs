//! `public-key`: the public half of a key, in PEM.

use countersign_proof::KeyId;
use serde_json::json;

use super::{Done, generate_key_pair};
use crate::arguments::PublicKey;
use crate::context::Context;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::key_files;

pub(crate) fn run(arguments: &PublicKey, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let bytes = key_files::read(context, &arguments.key)?;
    let is_private = String::from_utf8_lossy(&bytes).contains("PRIVATE KEY-----");
    let key = if is_private {
        key_files::private(context, &arguments.key)?
            .public_key()
            .clone()
    } else {
        key_files::parse_public(&arguments.key, &bytes)?
    };
    let pem = key.to_pem();
    match &arguments.outfile {
        None => context.printer.document(pem.as_bytes()),
        Some(path) => {
            files::write(
                "the public key",
                path,
                pem.as_bytes(),
                Audience::Everybody,
                Existing::Replace,
            )?;
            context
                .printer
                .say(&format!("public key written to `{}`", path.display()));
        }
    }
    Ok(Done::pass(json!({
        "keyId": KeyId::of(&key).to_string(),
        "keyType": generate_key_pair::describe(key.kind()),
        "pem": pem,
    })))
}
