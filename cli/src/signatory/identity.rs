//! The identity that signs: its token, and the certificate for a key that lives as long as the run.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{KeyKind, Limits, UnixTime};
use countersign_proof::Scheme;
use countersign_services::identity::{
    Ambient, CheckedToken, Expected, IdentityToken, Issuer, LoginSettings, TokenError,
    token_from_file, token_from_reader,
};
use countersign_services::{Fulcio, Service, ServiceError};
use countersign_sign::PrivateKey;

use super::login;
use super::services::Services;
use super::voice::Voice;
use crate::arguments::{self, LoginWay};
use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;

/// Seconds that a certificate must still live for a signature to be begun with it, at most a quarter of its life.
const MARGIN: i64 = 60;
/// What the keys of the moment sign with.
pub(super) const SCHEME: Scheme = Scheme::EcdsaP256Sha256;
/// How long a person may take to log in.
const PATIENCE: Duration = Duration::from_secs(300);

/// The identity that signs.
pub(super) struct Identity {
    source: Source,
    expected: Expected,
    token: Option<CheckedToken>,
    certified: Option<Rc<Certified>>,
    /// The certificates of this run, and those above each.
    chains: Vec<(Bytes, Rc<[Bytes]>)>,
    /// Why there is no certificate; nobody asks for one again.
    refused: Option<Failure>,
    /// Certificates that were issued.
    issued: u64,
}

/// Where tokens come from.
enum Source {
    /// One was given; there is no other.
    Given,
    Ambient(Box<Ambient>),
    Login {
        way: LoginWay,
        /// `None` where the services name it that are not known yet.
        issuer: Option<String>,
    },
}

/// A key of the moment and its certificate.
pub(super) struct Certified {
    pub(super) key: PrivateKey,
    pub(super) certificate: Bytes,
    /// Those above it, as the authority sent them.
    pub(super) above: Rc<[Bytes]>,
    /// The name that it must carry, as far as the token says that.
    pub(super) name: Option<String>,
    /// From when on no signature is begun with it.
    stale: UnixTime,
}

impl Identity {
    /// Finds out where the token comes from, and reads and checks one that is here already. `issuer` is the one that the services
    /// name for logins, as far as they are known.
    pub(super) fn open(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        issuer: Option<Option<&Service>>,
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
            chains: Vec::new(),
            refused: None,
            issued: 0,
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
        let issuer = match (&flags.oidc_issuer, issuer) {
            (Some(issuer), _) => Some(issuer.clone()),
            (None, Some(issuer)) => Some(issuer.ok_or_else(no_issuer)?.url.clone()),
            (None, None) => None,
        };
        identity.source = Source::Login { way, issuer };
        Ok(identity)
    }

    /// The token, which is got once.
    pub(super) async fn token(
        &mut self,
        voice: &Voice,
        services: &Services,
    ) -> Result<&CheckedToken, Failure> {
        if self.token.is_none() {
            let token = self.get(voice, services).await?;
            self.accept(token, clock::now())?;
        }
        self.token
            .as_ref()
            .ok_or_else(|| ServiceError::from(TokenError::NotFound).into())
    }

    /// How many certificates were issued so far.
    pub(super) fn issued(&self) -> u64 {
        self.issued
    }

    /// The certificates above one of this run.
    pub(super) fn above(&self, certificate: &[u8]) -> Rc<[Bytes]> {
        let mut chains = self.chains.iter().rev();
        let found = chains.find(|(leaf, _)| leaf == certificate);
        found.map_or_else(|| Rc::from([]), |(_, above)| Rc::clone(above))
    }

    /// Why there are no more certificates, when that is so.
    pub(super) fn refusal(&self) -> Option<Failure> {
        self.refused.clone()
    }

    /// A key and its certificate, which are renewed when the certificate is about to end. What keeps one image from a certificate keeps
    /// the others too: after an error nobody asks again.
    pub(super) async fn certified(
        &mut self,
        voice: &Voice,
        services: &Services,
    ) -> Result<Rc<Certified>, Failure> {
        if let Some(failure) = &self.refused {
            return Err(failure.clone());
        }
        let now = clock::now();
        if let Some(certified) = &self.certified
            && certified.stale > now
        {
            return Ok(Rc::clone(certified));
        }
        let renewed = self.renew(voice, services, now).await;
        let certified = renewed.inspect_err(|failure| self.refused = Some(failure.clone()))?;
        self.certified = Some(Rc::clone(&certified));
        self.chains
            .push((certified.certificate.clone(), Rc::clone(&certified.above)));
        Ok(certified)
    }

    async fn renew(
        &mut self,
        voice: &Voice,
        services: &Services,
        now: UnixTime,
    ) -> Result<Rc<Certified>, Failure> {
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
        let token = self.token(voice, services).await?;
        let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
        let chain = Fulcio::new(&services.client, &authority.url)?
            .certify(token, key.public_key(), now, |message| {
                key.sign(SCHEME, message)
            })
            .await?;
        voice.say(&format!(
            "certificate for `{}` until {}",
            escape::field(token.identity()),
            chain.not_after()
        ));
        let name = token.expected_name();
        self.issued += 1;
        let not_after = chain.not_after();
        let life = not_after.0.saturating_sub(chain.not_before().0);
        Ok(Rc::new(Certified {
            certificate: chain.certificate().clone(),
            above: chain.certificates().get(1..).unwrap_or_default().into(),
            name,
            stale: UnixTime(not_after.0.saturating_sub(MARGIN.min(life / 4))),
            key,
        }))
    }

    async fn get(&mut self, voice: &Voice, services: &Services) -> Result<IdentityToken, Failure> {
        let client = &services.client;
        match &self.source {
            Source::Given => Err(ServiceError::from(TokenError::NotFound).into()),
            Source::Ambient(ambient) => {
                voice.say(&format!("identity token from {}", ambient.name()));
                Ok(ambient.fetch(client, &self.expected.audience).await?)
            }
            Source::Login { way, issuer } => {
                let issuer = match (issuer, services.issuer()) {
                    (Some(issuer), _) => issuer,
                    (None, Some(issuer)) => &issuer.url,
                    (None, None) => return Err(no_issuer()),
                };
                let issuer = Issuer::discover(client, issuer).await?;
                self.expected.issuers = vec![issuer.name().to_owned()];
                let settings = LoginSettings {
                    client_id: self.expected.audience.clone(),
                    patience: PATIENCE,
                };
                login::log_in(voice, client, &issuer, &settings, *way).await
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

fn no_issuer() -> Failure {
    Failure::usage(
        "missing-argument",
        "the signing config names no issuer to log in with",
    )
    .hint("name one with `--oidc-issuer URL`, or give a token with `--identity-token FILE`")
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
