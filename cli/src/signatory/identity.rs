//! The identity that signs: its token, and the certificate for a key that lives as long as the run.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{KeyKind, Limits, UnixTime};
use countersign_proof::Scheme;
use countersign_services::identity::{
    Ambient, CheckedToken, Expected, IdentityToken, Issuer, LoginSettings, TokenError,
    token_from_file, token_from_reader,
};
use countersign_services::{Fulcio, ServiceError};
use countersign_sign::PrivateKey;

use super::login;
use super::services::Services;
use crate::arguments::{self, LoginWay};
use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;

/// Seconds that a certificate must still live for a signature to be begun with it.
const MARGIN: i64 = 60;
/// How long a person may take to log in.
const PATIENCE: Duration = Duration::from_secs(300);

/// The identity that signs.
pub(super) struct Identity {
    source: Source,
    expected: Expected,
    token: Option<CheckedToken>,
    certified: Option<Certified>,
}

/// Where tokens come from.
enum Source {
    /// One was given; there is no other.
    Given,
    Ambient(Box<Ambient>),
    Login {
        way: LoginWay,
        issuer: String,
    },
}

struct Certified {
    key: PrivateKey,
    certificate: Bytes,
    not_after: UnixTime,
}

impl Identity {
    /// Finds out where the token comes from, and reads and checks one that is here already.
    pub(super) fn open(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        services: &Services,
        input_taken: bool,
    ) -> Result<Self, Failure> {
        let expected = Expected {
            audience: flags.oidc_client_id.clone(),
            issuers: flags.oidc_issuer.iter().cloned().collect(),
            identity: None,
        };
        let mut identity = Self {
            source: Source::Given,
            expected,
            token: None,
            certified: None,
        };
        if let Some(text) = &flags.identity_token {
            identity.accept(given(context, text, input_taken)?, context.now)?;
            return Ok(identity);
        }
        if let Some(ambient) = surroundings(context, flags)? {
            if let Ambient::Variable(token) | Ambient::CircleCi(token) = &ambient {
                let token = IdentityToken::parse(token.reveal(), &Limits::DEFAULT);
                identity.accept(token.map_err(ServiceError::from)?, context.now)?;
            } else {
                identity.source = Source::Ambient(Box::new(ambient));
            }
            return Ok(identity);
        }
        let way = match flags.login {
            Some(way) => way,
            None if context.terminal => LoginWay::Browser,
            None => return Err(ServiceError::from(TokenError::NotFound).into()),
        };
        let issuer = flags.oidc_issuer.clone();
        let issuer = issuer.or_else(|| services.issuer().map(|issuer| issuer.url.clone()));
        let issuer = issuer.ok_or_else(|| {
            Failure::usage(
                "missing-argument",
                "the signing config names no issuer to log in with",
            )
            .hint("name one with `--oidc-issuer URL`, or give a token with `--identity-token FILE`")
        })?;
        identity.source = Source::Login { way, issuer };
        Ok(identity)
    }

    /// The token, which is got once.
    pub(super) async fn token(
        &mut self,
        context: &mut Context<'_, '_>,
        services: &Services,
    ) -> Result<&CheckedToken, Failure> {
        if self.token.is_none() {
            let token = self.get(context, services).await?;
            self.accept(token, clock::now())?;
        }
        self.token
            .as_ref()
            .ok_or_else(|| ServiceError::from(TokenError::NotFound).into())
    }

    /// A key and its certificate, which are renewed when the certificate is about to end.
    pub(super) async fn certified(
        &mut self,
        context: &mut Context<'_, '_>,
        services: &Services,
    ) -> Result<(&PrivateKey, Bytes), Failure> {
        let now = clock::now();
        let fresh = |certified: &Certified| certified.not_after.0.saturating_sub(MARGIN) > now.0;
        if !self.certified.as_ref().is_some_and(fresh) {
            self.renew(context, services, now).await?;
        }
        let Some(certified) = &self.certified else {
            return Err(Failure::internal(
                "no-certificate",
                "there is no certificate",
            ));
        };
        Ok((&certified.key, certified.certificate.clone()))
    }

    async fn renew(
        &mut self,
        context: &mut Context<'_, '_>,
        services: &Services,
        now: UnixTime,
    ) -> Result<(), Failure> {
        let Some(authority) = services.authority() else {
            return Err(Failure::internal(
                "no-authority",
                "there is no certificate authority",
            ));
        };
        let ended = self
            .token
            .as_ref()
            .is_some_and(|token| token.expires() <= now);
        if ended && !matches!(self.source, Source::Given) {
            self.token = None;
        }
        let token = self.token(context, services).await?;
        let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
        let chain = Fulcio::new(&services.client, &authority.url)?
            .certify(token, key.public_key(), now, |message| {
                key.sign(Scheme::EcdsaP256Sha256, message)
            })
            .await?;
        context.printer.say(&format!(
            "certificate for `{}` until {}",
            escape::field(token.identity()),
            chain.not_after()
        ));
        self.certified = Some(Certified {
            certificate: chain.certificate().clone(),
            not_after: chain.not_after(),
            key,
        });
        Ok(())
    }

    async fn get(
        &mut self,
        context: &mut Context<'_, '_>,
        services: &Services,
    ) -> Result<IdentityToken, Failure> {
        let client = &services.client;
        match &self.source {
            Source::Given => Err(ServiceError::from(TokenError::NotFound).into()),
            Source::Ambient(ambient) => {
                context
                    .printer
                    .say(&format!("identity token from {}", ambient.name()));
                Ok(ambient.fetch(client, &self.expected.audience).await?)
            }
            Source::Login { way, issuer } => {
                let issuer = Issuer::discover(client, issuer).await?;
                self.expected.issuers = vec![issuer.name().to_owned()];
                let settings = LoginSettings {
                    client_id: self.expected.audience.clone(),
                    patience: PATIENCE,
                };
                login::log_in(context, client, &issuer, &settings, *way).await
            }
        }
    }

    /// Checks a token. A later one must be of the same identity: what has been agreed to is about that one.
    fn accept(&mut self, token: IdentityToken, now: UnixTime) -> Result<(), Failure> {
        let token = token
            .check(&self.expected, now)
            .map_err(ServiceError::from)?;
        self.expected.issuers = vec![token.issuer().to_owned()];
        self.expected.identity = Some(token.identity().to_owned());
        self.token = Some(token);
        Ok(())
    }
}

/// What `--identity-token` names.
fn given(
    context: &Context<'_, '_>,
    text: &str,
    input_taken: bool,
) -> Result<IdentityToken, Failure> {
    let limits = Limits::DEFAULT;
    if let Some(name) = text.strip_prefix("env://") {
        let value = context.environment(name).ok_or_else(|| {
            Failure::usage(
                "token-file",
                format!("the environment has no variable `{}`", escape::field(name)),
            )
            .hint("export the token under that name")
        })?;
        return Ok(IdentityToken::parse(&value, &limits).map_err(ServiceError::from)?);
    }
    if text == "-" {
        if input_taken {
            return Err(Failure::usage(
                "conflicting-flags",
                "standard input cannot be both the token and something else",
            )
            .hint("give one of them as a file"));
        }
        let token = token_from_reader(std::io::stdin().lock(), "standard input", &limits);
        return Ok(token.map_err(ServiceError::from)?);
    }
    // Never said again: it may be a token indeed.
    if text.starts_with("eyJ") && text.matches('.').count() == 2 && !Path::new(text).exists() {
        return Err(Failure::usage(
            "token-on-command-line",
            "`--identity-token` names a file, and this looks like a token itself",
        )
        .hint("every process can read a command line: give the token in a file, as `env://NAME`, or with `-` on standard input"));
    }
    Ok(token_from_file(text, &limits).map_err(ServiceError::from)?)
}

/// What the surroundings could give.
fn surroundings(
    context: &Context<'_, '_>,
    flags: &arguments::Services,
) -> Result<Option<Ambient>, Failure> {
    if flags.login.is_some() || flags.ambient == arguments::Ambient::None {
        return Ok(None);
    }
    let found = Ambient::detect(|name| context.environment(name)).map_err(ServiceError::from)?;
    // A machine's token names the machine; a person who works on one may not mean that.
    Ok(found.filter(|found| {
        !matches!(found, Ambient::Google { .. }) || flags.ambient == arguments::Ambient::Google
    }))
}
