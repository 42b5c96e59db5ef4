//! One module a command, and the table that finds it.

mod attach;
mod attest;
mod attest_blob;
mod cache;
mod clean;
mod completion;
mod copy;
mod created;
mod demo;
mod discover;
mod doctor;
mod download;
mod generate_key_pair;
mod import_key_pair;
mod inspect;
mod load;
mod login;
mod logout;
mod migrate;
mod policy_check;
mod policy_explain;
mod policy_init;
mod policy_push;
mod policy_record;
mod policy_test;
mod public_key;
mod registry_serve;
mod repair;
mod save;
mod sign;
mod sign_blob;
mod signing_config_create;
mod trust_create;
mod trust_export;
mod trust_init;
mod trust_show;
mod trust_update;
mod verify;
mod verify_attestation;
mod verify_blob;
mod verify_blob_attestation;

use serde_json::Value;

use crate::arguments::{
    AttachCommand, CacheCommand, Command, DownloadCommand, PolicyCommand, RegistryCommand,
    SigningConfigCommand, TrustCommand,
};
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;

/// What a command that gave its answer ends with.
pub(crate) struct Done {
    /// The exit code.
    pub(crate) status: ExitStatus,
    /// The `result` of the JSON envelope; `None` when it went out while the command ran.
    pub(crate) result: Option<Value>,
}

impl Done {
    /// The command did what was asked.
    pub(crate) fn pass(result: Value) -> Self {
        Self {
            status: ExitStatus::Pass,
            result: Some(result),
        }
    }

    /// The command did what was asked and has printed its result already.
    pub(crate) fn printed() -> Self {
        Self {
            status: ExitStatus::Pass,
            result: None,
        }
    }
}

/// The name under which `command` stands in the JSON envelope.
pub(crate) fn name(command: &Command) -> &'static str {
    match command {
        Command::Sign(_) => "sign",
        Command::Attest(_) => "attest",
        Command::Verify(_) => "verify",
        Command::VerifyAttestation(_) => "verify-attestation",
        Command::SignBlob(_) => "sign-blob",
        Command::AttestBlob(_) => "attest-blob",
        Command::VerifyBlob(_) => "verify-blob",
        Command::VerifyBlobAttestation(_) => "verify-blob-attestation",
        Command::Discover(_) => "discover",
        Command::Copy(_) => "copy",
        Command::Save(_) => "save",
        Command::Load(_) => "load",
        Command::Download(DownloadCommand::Signature(_)) => "download signature",
        Command::Download(DownloadCommand::Attestation(_)) => "download attestation",
        Command::Download(DownloadCommand::Sbom(_)) => "download sbom",
        Command::Download(DownloadCommand::Bundle(_)) => "download bundle",
        Command::Attach(AttachCommand::Bundle(_)) => "attach bundle",
        Command::Attach(AttachCommand::Signature(_)) => "attach signature",
        Command::Attach(AttachCommand::Attestation(_)) => "attach attestation",
        Command::Attach(AttachCommand::Sbom(_)) => "attach sbom",
        Command::Clean(_) => "clean",
        Command::Repair(_) => "repair",
        Command::Doctor(_) => "doctor",
        Command::Migrate(_) => "migrate",
        Command::Inspect(_) => "inspect",
        Command::GenerateKeyPair(_) => "generate-key-pair",
        Command::ImportKeyPair(_) => "import-key-pair",
        Command::PublicKey(_) => "public-key",
        Command::Policy(PolicyCommand::Check(_)) => "policy check",
        Command::Policy(PolicyCommand::Explain(_)) => "policy explain",
        Command::Policy(PolicyCommand::Init(_)) => "policy init",
        Command::Policy(PolicyCommand::Push(_)) => "policy push",
        Command::Trust(TrustCommand::Init(_)) => "trust init",
        Command::Trust(TrustCommand::Show(_)) => "trust show",
        Command::Trust(TrustCommand::Update) => "trust update",
        Command::Trust(TrustCommand::Export(_)) => "trust export",
        Command::Trust(TrustCommand::Create(_)) => "trust create",
        Command::SigningConfig(SigningConfigCommand::Create(_)) => "signing-config create",
        Command::Policy(PolicyCommand::Record(_)) => "policy record",
        Command::Policy(PolicyCommand::Test(_)) => "policy test",
        Command::Registry(RegistryCommand::Serve(_)) => "registry serve",
        Command::Cache(CacheCommand::Show) => "cache show",
        Command::Cache(CacheCommand::Clear) => "cache clear",
        Command::Login(_) => "login",
        Command::Logout(_) => "logout",
        Command::Completion(_) => "completion",
        Command::Demo(_) => "demo",
    }
}

/// Runs `command`.
///
/// # Errors
/// What kept the command from giving its answer; a denial is an answer.
pub(crate) fn run(command: Command, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    match command {
        Command::Sign(arguments) => sign::run(arguments, context),
        Command::Attest(arguments) => attest::run(arguments, context),
        Command::Verify(arguments) => verify::run(arguments, context),
        Command::VerifyAttestation(arguments) => verify_attestation::run(arguments, context),
        Command::SignBlob(arguments) => sign_blob::run(&arguments, context),
        Command::AttestBlob(arguments) => attest_blob::run(&arguments, context),
        Command::VerifyBlob(arguments) => verify_blob::run(arguments, context),
        Command::VerifyBlobAttestation(arguments) => {
            verify_blob_attestation::run(arguments, context)
        }
        Command::Discover(arguments) => discover::run(&arguments, context),
        Command::Copy(arguments) => copy::run(&arguments, context),
        Command::Save(arguments) => save::run(&arguments, context),
        Command::Load(arguments) => load::run(&arguments, context),
        Command::Download(command) => download::run(&command, context),
        Command::Attach(command) => attach::run(command, context),
        Command::Clean(arguments) => clean::run(&arguments, context),
        Command::Repair(arguments) => repair::run(&arguments, context),
        Command::Doctor(arguments) => doctor::run(&arguments, context),
        Command::Migrate(arguments) => migrate::run(&arguments, context),
        Command::Inspect(arguments) => inspect::run(&arguments, context),
        Command::GenerateKeyPair(arguments) => generate_key_pair::run(&arguments, context),
        Command::ImportKeyPair(arguments) => import_key_pair::run(&arguments, context),
        Command::PublicKey(arguments) => public_key::run(&arguments, context),
        Command::Policy(PolicyCommand::Check(arguments)) => policy_check::run(&arguments, context),
        Command::Policy(PolicyCommand::Init(arguments)) => policy_init::run(&arguments, context),
        Command::Policy(PolicyCommand::Push(arguments)) => policy_push::run(&arguments, context),
        Command::Policy(PolicyCommand::Record(arguments)) => {
            policy_record::run(&arguments, context)
        }
        Command::Policy(PolicyCommand::Test(arguments)) => policy_test::run(&arguments, context),
        Command::Policy(PolicyCommand::Explain(arguments)) => {
            policy_explain::run(&arguments, context)
        }
        Command::Trust(TrustCommand::Init(arguments)) => trust_init::run(&arguments, context),
        Command::Trust(TrustCommand::Show(arguments)) => trust_show::run(&arguments, context),
        Command::Trust(TrustCommand::Update) => trust_update::run(context),
        Command::Trust(TrustCommand::Export(arguments)) => trust_export::run(&arguments, context),
        Command::Trust(TrustCommand::Create(arguments)) => trust_create::run(&arguments, context),
        Command::SigningConfig(SigningConfigCommand::Create(arguments)) => {
            signing_config_create::run(&arguments, context)
        }
        Command::Registry(RegistryCommand::Serve(arguments)) => {
            registry_serve::run(&arguments, context)
        }
        Command::Cache(command) => cache::run(&command, context),
        Command::Login(arguments) => login::run(&arguments, context),
        Command::Logout(arguments) => logout::run(&arguments, context),
        Command::Completion(arguments) => completion::run(&arguments, context),
        Command::Demo(arguments) => demo::run(&arguments, context),
    }
}
