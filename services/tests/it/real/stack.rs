//! The services of the stack, and their clients.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use countersign_formats::{Limits, LogEntry, UnixTime};
use countersign_proof::Scheme;
use countersign_services::identity::{CheckedToken, Expected, IdentityToken};
use countersign_services::{
    Client, Fulcio, Rekor, RekorVersion, Settings, SigningConfig, Submission, TimestampAuthority,
};
use countersign_sign::PrivateKey;

pub(super) struct Stack {
    pub(super) folder: PathBuf,
    pub(super) config: SigningConfig,
    pub(super) client: Client,
    pub(super) now: UnixTime,
}

impl Stack {
    pub(super) fn find(config: &str) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("COUNTERSIGN_STACK")?);
        let bytes = Bytes::from(std::fs::read(folder.join(config)).ok()?);
        Some(Self {
            config: SigningConfig::parse(&bytes, &Limits::DEFAULT).unwrap(),
            client: Client::new(Settings::default()),
            now: now(),
            folder,
        })
    }

    pub(super) fn issuer(&self) -> String {
        self.config.issuer(self.now).unwrap().unwrap().url.clone()
    }

    pub(super) async fn token(&self) -> CheckedToken {
        let url = format!("{}/jwt?email=real@example.org", self.issuer());
        let text = reqwest_text(&url).await;
        IdentityToken::parse(&text, &Limits::DEFAULT)
            .unwrap()
            .check(&self.expected(), self.now)
            .unwrap()
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            issuers: vec![self.issuer()],
            ..Expected::default()
        }
    }

    pub(super) async fn certificate(&self, key: &PrivateKey) -> Bytes {
        let authority = self
            .config
            .certificate_authority(self.now)
            .unwrap()
            .unwrap();
        let fulcio = Fulcio::new(&self.client, &authority.url).unwrap();
        let scheme = Scheme::of(key.kind())[0];
        let chain = fulcio
            .certify(&self.token().await, key.public_key(), self.now, |message| {
                key.sign(scheme, message)
            })
            .await
            .unwrap();
        assert!(chain.certificates().len() > 1);
        chain.certificate().clone()
    }

    pub(super) async fn enter(&self, submission: &Submission<'_>) -> LogEntry {
        let selection = self.config.logs(self.now).unwrap();
        let service = &selection.candidates[0];
        let version = RekorVersion::of(service).unwrap();
        let rekor = Rekor::new(&self.client, &service.url, version).unwrap();
        rekor.enter(submission).await.unwrap()
    }

    pub(super) async fn stamp(&self, signature: &[u8]) -> Bytes {
        let selection = self.config.timestamp_authorities(self.now).unwrap();
        let authority =
            TimestampAuthority::new(&self.client, &selection.candidates[0].url).unwrap();
        authority.stamp(signature).await.unwrap()
    }
}

/// Tests are programs: they read the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "real services live in the present"
)]
pub(super) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixTime(i64::try_from(since.as_secs()).unwrap())
}

pub(super) async fn reqwest_text(url: &str) -> String {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let output = std::process::Command::new("curl")
            .args(["-sSf", &url])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
    .await
    .unwrap()
}

#[expect(clippy::print_stderr, reason = "what did not run must be seen")]
pub(super) fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}
