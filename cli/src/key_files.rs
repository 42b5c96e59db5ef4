//! Loads the keys that `--key` names and stores the pairs that are made.

use std::path::{Path, PathBuf};

use countersign_formats::{Limits, PublicKey, Window};
use countersign_proof::TrustedKey;
use countersign_registry::Secret;
use countersign_sign::{KeyError, PrivateKey, PrivateKeyFile};

use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};
use crate::secrets::{self, Purpose};

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let status = match error {
            KeyError::Library { .. } => ExitStatus::Internal,
            _ => ExitStatus::Usage,
        };
        Failure::new(status, error.code(), error.to_string()).or_hint(error.hint())
    }
}

/// Reads the bytes that `key` names: a file, or an environment variable as `env://NAME`.
pub(crate) fn read(context: &Context<'_, '_>, key: &str) -> Result<Vec<u8>, Failure> {
    const SERVICES: [&str; 10] = [
        "awskms://",
        "gcpkms://",
        "azurekms://",
        "hashivault://",
        "k8s://",
        "gitlab://",
        "github://",
        "pkcs11:",
        "https://",
        "http://",
    ];
    if let Some(name) = key.strip_prefix("env://") {
        return context
            .environment(name)
            .map(String::into_bytes)
            .ok_or_else(|| {
                Failure::usage(
                    "key-unreadable",
                    format!("the environment has no variable `{}`", escape::field(name)),
                )
                .hint("export the key in PEM under that name")
            });
    }
    if let Some(scheme) = SERVICES.iter().find(|scheme| key.starts_with(**scheme)) {
        return Err(Failure::usage(
            "key-unsupported",
            format!("keys at `{scheme}` are not read in this version"),
        )
        .hint("use a key file, or `env://NAME` for a key in the environment"));
    }
    files::read("the key", Path::new(key), Limits::DEFAULT.key_file_bytes)
}

/// The private key that `key` names, opened with its password when it has one.
pub(crate) fn private(context: &Context<'_, '_>, key: &str) -> Result<PrivateKey, Failure> {
    let bytes = read(context, key)?;
    let named = |error: KeyError| {
        let failure = Failure::from(error);
        let message = format!("key `{}`: {}", escape::field(key), failure.message);
        Failure { message, ..failure }
    };
    match PrivateKeyFile::parse(&bytes, &Limits::DEFAULT).map_err(named)? {
        PrivateKeyFile::Plain(key) => Ok(key),
        PrivateKeyFile::Encrypted(encrypted) => {
            let password = secrets::key_password(context, Purpose::Open)?;
            PrivateKey::decrypt(&encrypted, password.reveal().as_bytes()).map_err(named)
        }
    }
}

/// The public key that `key` names.
pub(crate) fn public(context: &Context<'_, '_>, key: &str) -> Result<PublicKey, Failure> {
    parse_public(key, &read(context, key)?)
}

/// The public key in `bytes`, which came from what the user calls `name`.
pub(crate) fn parse_public(name: &str, bytes: &[u8]) -> Result<PublicKey, Failure> {
    PublicKey::from_pem(bytes).map_err(|error| {
        let failure = Failure::usage(
            error.code(),
            format!("key `{}`: {error}", escape::field(name)),
        );
        let text = String::from_utf8_lossy(bytes);
        if text.contains("PRIVATE KEY-----") {
            failure.hint(format!(
                "this is a private key; make its public key with `countersign public-key --key {}`",
                escape::field(name)
            ))
        } else if text.contains("-----BEGIN CERTIFICATE-----") {
            failure.hint(
                "this is a certificate; name who it was issued to with `--certificate-identity`",
            )
        } else {
            failure.or_hint(error.hint()).or_hint(Some(
                "a public key file starts with `-----BEGIN PUBLIC KEY-----`".to_owned(),
            ))
        }
    })
}

/// Every key in `keys`, trusted without a window.
pub(crate) fn trusted(
    context: &Context<'_, '_>,
    keys: &[String],
) -> Result<Vec<TrustedKey>, Failure> {
    keys.iter()
        .map(|key| {
            Ok(TrustedKey {
                key: public(context, key)?,
                valid: Window {
                    start: None,
                    end: None,
                },
                schemes: None,
            })
        })
        .collect()
}

/// The two files of a pair.
pub(crate) struct Pair {
    pub(crate) private: PathBuf,
    pub(crate) public: PathBuf,
}

impl Pair {
    /// PREFIX.key and PREFIX.pub.
    pub(crate) fn at(prefix: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name = prefix.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self {
            private: with(".key"),
            public: with(".pub"),
        }
    }

    /// Refuses before any work when a file is in the way.
    pub(crate) fn refuse_existing(&self, existing: Existing) -> Result<(), Failure> {
        for path in [&self.private, &self.public] {
            if existing == Existing::Keep && path.symlink_metadata().is_ok() {
                return Err(Failure::usage("file-exists", format!("`{}` exists and is not replaced", path.display()))
                    .hint("choose another name with `--output-key-prefix`, or replace both files with `--yes`"));
            }
        }
        Ok(())
    }

    /// Stores the private key encrypted (0600) and then the public key.
    pub(crate) fn store(
        &self,
        key: &PrivateKey,
        password: &Secret,
        existing: Existing,
    ) -> Result<(), Failure> {
        let encrypted = key.encrypt(password.reveal().as_bytes())?;
        files::write(
            "the private key",
            &self.private,
            encrypted.to_pem().as_bytes(),
            Audience::Owner,
            existing,
        )?;
        files::write(
            "the public key",
            &self.public,
            key.public_key().to_pem().as_bytes(),
            Audience::Everybody,
            existing,
        )
    }
}
