//! Tells whether an image carries what is about to be signed already, by the same road as `verify`.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign::Verifier;
use countersign_formats::{Limits, Statement, UnixTime, Window, predicate_types};
use countersign_policy::{Demand, Pattern, Policy, PolicySet, Requirement, SignerRule, Verdict};
use countersign_proof::{Claim, TrustedKey};
use countersign_registry::Settings;

use crate::context::Context;
use crate::failure::Failure;
use crate::signatory::{Name, Signatory};
use crate::stores;

/// The name of the policy.
const PRESENCE: &str = "signed already";
/// The signer, and the one whom the issuer of its token asked.
const SIGNER: &str = "signer";
const BEHIND: &str = "signer behind the issuer";

/// Looks for what this signer has signed already.
pub(crate) struct Presence {
    verifier: Verifier,
    now: UnixTime,
}

/// What is looked for.
pub(crate) enum Sought<'a> {
    /// A signature with these annotations.
    Signature(&'a BTreeMap<String, String>),
    /// An attestation with the predicate type of this statement.
    Attestation(Bytes),
}

impl Presence {
    /// A look with the eyes of a verifier who trusts this signer alone and asks for as many logs and timestamps as signing would give.
    ///
    /// # Errors
    /// An identity whose name in certificates is not known before there is one (exit 2).
    pub(crate) fn new(
        context: &Context<'_, '_>,
        settings: &Settings,
        signatory: &Signatory,
        name: &Name,
        sought: Sought<'_>,
    ) -> Result<Self, Failure> {
        let (logs, timestamps) = signatory.demanded();
        let keys = Demand {
            logs,
            timestamps,
            ..Demand::default()
        };
        let certificates = Demand {
            times: 1,
            scts: signatory.root().map_or(0, |root| root.ct_logs.len().min(1)),
            ..keys
        };
        let signers = rules(signatory, name)?;
        let by: Vec<String> = signers.keys().cloned().collect();
        let require = match sought {
            Sought::Signature(annotations) => Requirement::signature(by, annotations.clone()),
            Sought::Attestation(statement) => {
                let statement = parsed(&statement)?;
                let predicate_type = predicate_types::resolve(&statement.predicate_type)
                    .map_err(|error| refused(error.code(), &error).or_hint(error.hint()))?;
                Requirement::statement(Some(predicate_type), by, BTreeMap::new())
            }
        };
        let mut policy = Policy::new(PRESENCE, signers, require);
        policy.trust.keys = keys;
        policy.trust.certificates = certificates;
        let mut builder = Verifier::builder()
            .policy(PolicySet::from(policy))
            .deadline(context.global.timeout)
            .settings(settings.clone());
        if let Some(root) = signatory.root() {
            builder = builder.trusted_root(root);
        }
        Ok(Self {
            verifier: builder.build()?,
            now: context.now,
        })
    }

    /// Whether the image `name`, by its digest, carries it; of an attestation also whether the predicate is that of `statement`.
    ///
    /// # Errors
    /// When it could not be found out: an outage must never lead to a second signature.
    pub(crate) async fn of(&self, name: &str, statement: &Bytes) -> Result<bool, Failure> {
        let wanted = parsed(statement)?;
        let verification = self
            .verifier
            .verify(&stores::reference(name)?, self.now)
            .await?;
        match verification.decision.verdict {
            Verdict::Pass => Ok(verification.decision.accepted.iter().any(|piece| {
                match piece.claim() {
                    // The policy has compared all that an image signature says.
                    Claim::SimpleSigning { .. } => true,
                    Claim::Statement(found) => {
                        found.predicate_type == wanted.predicate_type
                            && predicate(found) == predicate(&wanted)
                    }
                    _ => false,
                }
            })),
            Verdict::Fail(_) => Ok(false),
            Verdict::Unknown(causes) => {
                let status = crate::explain::status_of_unknown(&causes);
                let detail = causes.first().map(ToString::to_string).unwrap_or_default();
                Err(Failure::new(
                    status,
                    "presence-unknown",
                    format!(
                        "it could not be found out whether the image is signed already: {detail}"
                    ),
                )
                .hint("try again, or sign without `--if-missing`"))
            }
        }
    }
}

/// The predicate; cosign before 3.0.5 left out an empty one.
fn predicate(statement: &Statement) -> &[u8] {
    statement
        .predicate
        .as_ref()
        .map_or(b"{}", |predicate| predicate.bytes())
}

fn parsed(statement: &Bytes) -> Result<Statement, Failure> {
    Statement::parse(statement.clone(), &Limits::DEFAULT)
        .map_err(|error| refused(error.code(), &error))
}

/// The signer by name: whoever is one of these.
fn rules(signatory: &Signatory, name: &Name) -> Result<BTreeMap<String, SignerRule>, Failure> {
    if let Some(key) = signatory.key() {
        let keys = vec![TrustedKey {
            key: key.public_key().clone(),
            valid: Window::ALWAYS,
            schemes: None,
        }];
        let rule = SignerRule::Key {
            keys: keys.into_iter().map(Into::into).collect(),
        };
        return Ok(BTreeMap::from([(SIGNER.to_owned(), rule)]));
    }
    match name {
        Name::Identity {
            issuer,
            connector,
            expected: Some(expected),
            ..
        } => {
            // Certificates name the issuer of the token, or whom that one asked.
            let named = [(SIGNER, Some(issuer)), (BEHIND, connector.as_ref())];
            named
                .into_iter()
                .filter_map(|(name, issuer)| Some((name.to_owned(), issuer?)))
                .map(|(name, issuer)| Ok((name, keyless(expected, issuer)?)))
                .collect()
        }
        _ => Err(Failure::usage(
            "identity-not-predictable",
            "it is not known what certificates will name for this token, so that `--if-missing` cannot look for it",
        )
        .hint("a journal (`--journal FILE`) keeps a second run from signing twice without a look")),
    }
}

fn keyless(identity: &str, issuer: &str) -> Result<SignerRule, Failure> {
    let exact = |text| Pattern::exact(text).map_err(|error| refused(error.code(), &error));
    Ok(SignerRule::Keyless {
        identity: Some(exact(identity)?),
        issuer: exact(issuer)?,
        claims: BTreeMap::new(),
    })
}

fn refused(code: &'static str, error: &impl std::fmt::Display) -> Failure {
    Failure::usage(code, error.to_string())
}
