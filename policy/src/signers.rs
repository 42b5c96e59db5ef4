//! Signers of a policy document: keys, identities in certificates, and what is demanded of each.

use std::collections::BTreeMap;

use countersign_formats::{PublicKey, Window};
use countersign_proof::{KeyId, Scheme, TrustedKey};
use serde_saphyr::{Location, Spanned};

use crate::compile::Compiler;
use crate::document::{Certificate, Key, Keyless, Signer};
use crate::error::{PolicyError, PolicyProblem, shown};
use crate::moments::Edge;
use crate::rules::{Demand, SignerKey, SignerRule, Thresholds};

impl Compiler<'_> {
    /// The rule for a signer, and what is demanded of it in place of what its kind needs.
    pub(crate) fn signer(
        &self,
        signer: Signer,
        place: Location,
        thresholds: &Thresholds,
    ) -> Result<(SignerRule, Option<Demand>), PolicyError> {
        let Signer {
            key,
            keys,
            keyless,
            github,
            certificate,
            trust,
        } = signer;
        let kinds = [
            key.is_some(),
            keys.is_some(),
            keyless.is_some(),
            github.is_some(),
            certificate.is_some(),
        ];
        if kinds.into_iter().filter(|given| *given).count() > 1 {
            return Err(PolicyError {
                hint: Some(
                    "define a signer for each, and name them all in `by: [ONE, OTHER]`".to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::WrongType,
                    Some(place),
                    "a signer is one of `key`, `keys`, `keyless`, `github`, `certificate`, not several"
                        .to_owned(),
                )
            });
        }
        let rule = if let Some(key) = key {
            SignerRule::Key {
                keys: vec![self.key(*key)?],
            }
        } else if let Some(keys) = keys {
            if keys.is_empty() {
                return Err(self.fault(
                    PolicyProblem::InvalidValue,
                    Some(place),
                    "the list of keys is empty".to_owned(),
                ));
            }
            SignerRule::Key {
                keys: keys
                    .into_iter()
                    .map(|key| self.key(key))
                    .collect::<Result<_, _>>()?,
            }
        } else if let Some(Certificate { identity }) = certificate {
            SignerRule::Certificate {
                identity: self.pattern(identity)?,
            }
        } else if let Some(keyless) = keyless {
            self.keyless(*keyless, place)?
        } else if let Some(github) = github {
            self.keyless(
                Keyless {
                    issuer: None,
                    identity: None,
                    claims: BTreeMap::new(),
                    github: Some(*github),
                },
                place,
            )?
        } else {
            return Err(PolicyError {
                hint: Some(
                    "say who it is with `key: {file: …}`, `keyless: {issuer: …, identity: …}`, `github: {repository: …}` or `certificate: {identity: …}`"
                        .to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::MissingField,
                    Some(place),
                    "the signer says nothing of who it is".to_owned(),
                )
            });
        };
        let demand = trust
            .map(|counts| {
                let by_key = matches!(rule, SignerRule::Key { .. });
                let mut demand = if by_key {
                    thresholds.keys
                } else {
                    thresholds.certificates
                };
                self.counts(counts, !by_key, &mut demand)?;
                Ok(demand)
            })
            .transpose()?;
        Ok((rule, demand))
    }

    fn key(&self, key: Spanned<Key>) -> Result<SignerKey, PolicyError> {
        let place = key.referenced;
        let Key {
            pem,
            file,
            pin,
            valid_from,
            valid_until,
            compromised_since,
            schemes,
        } = key.value;
        let (bytes, place, what) = match (pem, file) {
            (Some(pem), None) => (pem.value.into_bytes(), pem.referenced, "the key".to_owned()),
            (None, Some(file)) => {
                let what = format!("the key in `{}`", shown(&file.value));
                let bytes =
                    (self.files)(&self.source.name, &file.value).map_err(|reason| PolicyError {
                        hint: Some("`file` is relative to the policy".to_owned()),
                        ..self.fault(
                            PolicyProblem::Key,
                            Some(file.referenced),
                            format!("{what} cannot be read: {reason}"),
                        )
                    })?;
                (bytes, file.referenced, what)
            }
            (None, None) => {
                return Err(self.fault(
                    PolicyProblem::MissingField,
                    Some(place),
                    "a key needs `pem` or `file`".to_owned(),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(self.fault(
                    PolicyProblem::InvalidValue,
                    Some(place),
                    "a key has `pem` or `file`, not both".to_owned(),
                ));
            }
        };
        let key = PublicKey::from_pem(&bytes).map_err(|error| PolicyError {
            hint: is_private(&bytes).then(|| {
                "it is a private key; `countersign public-key --key FILE` prints the public one"
                    .to_owned()
            }),
            ..self.fault(
                PolicyProblem::Key,
                Some(place),
                format!("{what} is no usable public key: {error}"),
            )
        })?;
        if let Some(pin) = pin {
            let expected = self.digest(&pin)?;
            let found = KeyId::of(&key);
            if *found.digest() != expected {
                return Err(PolicyError {
                    hint: Some(
                        "somebody put another key in its place; if that was meant, change `pin`"
                            .to_owned(),
                    ),
                    ..self.fault(
                        PolicyProblem::Key,
                        Some(pin.referenced),
                        format!("{what} is `{found}`, and `pin` says `{expected}`"),
                    )
                });
            }
        }
        let compromised_since = self.time("", compromised_since, Edge::Start)?;
        let valid = Window {
            start: self.time("", valid_from, Edge::Start)?,
            end: self.time("", valid_until, Edge::End)?,
        };
        if let (Some(start), Some(end)) = (valid.start, valid.end)
            && start > end
        {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                format!("the key is valid from {start} until {end}, which is before"),
            ));
        }
        let schemes = schemes
            .map(|schemes| self.schemes(&key, schemes))
            .transpose()?;
        Ok(SignerKey {
            trusted: TrustedKey {
                key,
                valid,
                schemes,
            },
            compromised_since,
        })
    }

    fn schemes(
        &self,
        key: &PublicKey,
        names: Spanned<Vec<String>>,
    ) -> Result<Vec<Scheme>, PolicyError> {
        let possible = Scheme::of(key.kind());
        let place = names.referenced;
        let mut schemes = Vec::new();
        for name in &names.value {
            match Scheme::from_name(name).filter(|scheme| possible.contains(scheme)) {
                Some(scheme) => schemes.push(scheme),
                None => {
                    let names: Vec<String> = possible
                        .iter()
                        .map(|scheme| format!("`{}`", scheme.name()))
                        .collect();
                    return Err(PolicyError {
                        hint: Some(format!("this key can sign with {}", names.join(", "))),
                        ..self.fault(
                            PolicyProblem::InvalidValue,
                            Some(place),
                            format!("`{}` is no signature scheme of this key", shown(name)),
                        )
                    });
                }
            }
        }
        if schemes.is_empty() {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                "a key without signature schemes verifies nothing".to_owned(),
            ));
        }
        Ok(schemes)
    }
}

/// Whether a PEM block is named as private keys are.
fn is_private(pem: &[u8]) -> bool {
    std::str::from_utf8(pem).is_ok_and(|text| text.contains("PRIVATE KEY-----"))
}
