//! The flags of the commands that make and read key files.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// The kinds of key that can be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum KeyType {
    /// ECDSA on P-256, what cosign makes.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA with 2048 bits.
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits.
    #[value(name = "rsa-4096")]
    Rsa4096,
}

/// `generate-key-pair`.
#[derive(Args, Debug)]
pub(crate) struct GenerateKeyPair {
    /// Where to write: PREFIX.key and PREFIX.pub.
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "countersign",
        env = "COUNTERSIGN_OUTPUT_KEY_PREFIX",
        hide_env = true
    )]
    pub(crate) output_key_prefix: PathBuf,
    /// The kind of key.
    #[arg(long, value_enum, value_name = "KIND", default_value_t = KeyType::EcdsaP256, env = "COUNTERSIGN_KEY_TYPE", hide_env = true)]
    pub(crate) key_type: KeyType,
    /// Replace existing key files.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `import-key-pair`.
#[derive(Args, Debug)]
pub(crate) struct ImportKeyPair {
    /// The private key to encrypt, in PEM: PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: String,
    /// Where to write: PREFIX.key and PREFIX.pub.
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "import-countersign",
        env = "COUNTERSIGN_OUTPUT_KEY_PREFIX",
        hide_env = true
    )]
    pub(crate) output_key_prefix: PathBuf,
    /// Replace existing key files.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `public-key`.
#[derive(Args, Debug)]
pub(crate) struct PublicKey {
    /// The private or public key: a file, or `env://NAME`.
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: String,
    /// Write to this file in place of standard output.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_OUTFILE",
        hide_env = true
    )]
    pub(crate) outfile: Option<PathBuf>,
}
