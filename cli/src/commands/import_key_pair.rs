//! `import-key-pair`: an existing private key, encrypted into a pair.

use countersign_formats::Limits;
use countersign_sign::{PrivateKey, PrivateKeyFile};

use super::{Done, generate_key_pair};
use crate::arguments::ImportKeyPair;
use crate::context::Context;
use crate::failure::Failure;
use crate::files::Existing;
use crate::key_files::{self, Pair};
use crate::secrets::{self, Purpose};

pub(crate) fn run(
    arguments: &ImportKeyPair,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let existing = Existing::under(arguments.yes);
    let pair = Pair::at(&arguments.output_key_prefix);
    pair.refuse_existing(existing)?;
    let bytes = key_files::read(context, &arguments.key)?;
    let (key, password) = match PrivateKeyFile::parse(&bytes, &Limits::DEFAULT)? {
        PrivateKeyFile::Plain(key) => (key, secrets::key_password(context, Purpose::Close)?),
        // One that is encrypted already keeps its password; what changes is the format's parameters.
        PrivateKeyFile::Encrypted(encrypted) => {
            let password = secrets::key_password(context, Purpose::Open)?;
            (
                PrivateKey::decrypt(&encrypted, password.reveal().as_bytes())?,
                password,
            )
        }
    };
    pair.store(&key, &password, existing)?;
    Ok(generate_key_pair::report(context, &pair, &key))
}
