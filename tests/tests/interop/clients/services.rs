//! The clients of the services that a signing config names.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use countersign_formats::{Limits, LogEntry, UnixTime};
use countersign_proof::Scheme;
use countersign_services::identity::{CheckedToken, Expected, IdentityToken};
use countersign_services::{
    Client, Fulcio, Rekor, RekorVersion, Settings, SigningConfig, Submission, TimestampAuthority,
};
use countersign_sign::PrivateKey;

use crate::stack::Stack;

pub(super) struct Services {
    pub(super) config: SigningConfig,
    pub(super) client: Client,
    pub(super) issuer: String,
    pub(super) now: UnixTime,
}

impl Services {
    pub(super) fn of(stack: &Stack, config: &str) -> Self {
        let bytes = Bytes::from(std::fs::read(stack.file(config)).expect("signing config"));
        Self {
            config: SigningConfig::parse(&bytes, &Limits::DEFAULT).expect("signing config"),
            client: Client::new(Settings::default()),
            issuer: stack.issuer.clone(),
            now: now(),
        }
    }

    pub(super) async fn token(&self) -> CheckedToken {
        let url = format!("{}/jwt?email=real@example.org", self.issuer);
        let text = fetched(&url).await;
        IdentityToken::parse(&text, &Limits::DEFAULT)
            .expect("it answers")
            .check(&self.expected(), self.now)
            .expect("it answers")
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            issuers: vec![self.issuer.clone()],
            ..Expected::default()
        }
    }

    pub(super) async fn certificate(&self, key: &PrivateKey) -> Bytes {
        let authority = self
            .config
            .certificate_authority(self.now)
            .expect("it answers")
            .expect("it answers");
        let fulcio = Fulcio::new(&self.client, &authority.url).expect("it answers");
        let scheme = Scheme::of(key.kind())[0];
        let chain = fulcio
            .certify(&self.token().await, key.public_key(), self.now, |message| {
                key.sign(scheme, message)
            })
            .await
            .expect("it answers");
        assert!(chain.certificates().len() > 1);
        chain.certificate().clone()
    }

    pub(super) async fn enter(&self, submission: &Submission<'_>) -> LogEntry {
        let selection = self.config.logs(self.now).expect("it answers");
        let service = &selection.candidates[0];
        let version = RekorVersion::of(service).expect("it answers");
        let rekor = Rekor::new(&self.client, &service.url, version).expect("it answers");
        rekor.enter(submission).await.expect("it answers")
    }

    pub(super) async fn stamp(&self, signature: &[u8]) -> Bytes {
        let selection = self
            .config
            .timestamp_authorities(self.now)
            .expect("it answers");
        let authority = TimestampAuthority::new(&self.client, &selection.candidates[0].url)
            .expect("it answers");
        authority.stamp(signature).await.expect("it answers")
    }
}

/// Tests are programs: they read the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "real services live in the present"
)]
pub(super) fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it answers");
    UnixTime(i64::try_from(since.as_secs()).expect("it answers"))
}

pub(super) async fn fetched(url: &str) -> String {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let output = std::process::Command::new("curl")
            .args(["-sSf", &url])
            .output()
            .expect("it answers");
        String::from_utf8(output.stdout).expect("it answers")
    })
    .await
    .expect("it answers")
}
