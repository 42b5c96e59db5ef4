//! `generate-key-pair`: an encrypted private key and its public key.

use countersign_formats::KeyKind;
use countersign_proof::KeyId;
use countersign_sign::PrivateKey;
use serde_json::json;

use super::Done;
use crate::arguments::{GenerateKeyPair, KeyType};
use crate::context::Context;
use crate::failure::Failure;
use crate::files::Existing;
use crate::key_files::Pair;
use crate::secrets::{self, Purpose};

pub(crate) fn run(
    arguments: &GenerateKeyPair,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let existing = Existing::under(arguments.yes);
    let pair = Pair::at(&arguments.output_key_prefix);
    pair.refuse_existing(existing)?;
    let password = secrets::key_password(context, Purpose::Close)?;
    let key = PrivateKey::generate(kind(arguments.key_type))?;
    pair.store(&key, &password, existing)?;
    Ok(report(context, &pair, &key))
}

/// Says which files hold `key`.
pub(super) fn report(context: &mut Context<'_, '_>, pair: &Pair, key: &PrivateKey) -> Done {
    let id = KeyId::of(key.public_key()).to_string();
    let (private, public) = (
        pair.private.display().to_string(),
        pair.public.display().to_string(),
    );
    context.printer.line(&private);
    context.printer.line(&public);
    context.printer.say(&format!(
        "private key `{private}` (encrypted), public key `{public}`, id {id}"
    ));
    Done::pass(json!({
        "privateKey": private,
        "publicKey": public,
        "keyId": id,
        "keyType": describe(key.kind()),
    }))
}

/// The name of a kind of key as `--key-type` takes it.
pub(crate) fn describe(kind: KeyKind) -> String {
    match kind {
        KeyKind::EcdsaP256 => "ecdsa-p256".to_owned(),
        KeyKind::EcdsaP384 => "ecdsa-p384".to_owned(),
        KeyKind::EcdsaP521 => "ecdsa-p521".to_owned(),
        KeyKind::Ed25519 => "ed25519".to_owned(),
        KeyKind::Rsa { bits } => format!("rsa-{bits}"),
    }
}

fn kind(key_type: KeyType) -> KeyKind {
    match key_type {
        KeyType::EcdsaP256 => KeyKind::EcdsaP256,
        KeyType::EcdsaP384 => KeyKind::EcdsaP384,
        KeyType::EcdsaP521 => KeyKind::EcdsaP521,
        KeyType::Ed25519 => KeyKind::Ed25519,
        KeyType::Rsa2048 => KeyKind::Rsa { bits: 2048 },
        KeyType::Rsa3072 => KeyKind::Rsa { bits: 3072 },
        KeyType::Rsa4096 => KeyKind::Rsa { bits: 4096 },
    }
}
