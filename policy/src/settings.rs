//! What a policy document says beside signers and rules: scope, thresholds, deny-lists, outages and switched-off checks.

use std::collections::BTreeSet;

use countersign_formats::Digest;
use countersign_proof::Danger;
use serde_saphyr::Spanned;

use crate::compile::Compiler;
use crate::document::{
    Counts, Deny, Insecure as InsecureFields, Scope as ScopeFields, Trust, UnavailableWord,
};
use crate::error::{PolicyError, PolicyProblem, shown};
use crate::moments::Edge;
use crate::pattern::Pattern;
use crate::rules::{Demand, DenyList, Exception, Insecure, Scope, Thresholds, Unavailable};

/// Most globs, exceptions, or entries of one deny-list.
const ENTRIES: usize = 10_000;

impl Compiler<'_> {
    pub(crate) fn scope(&self, scope: Option<ScopeFields>) -> Result<Scope, PolicyError> {
        let Some(scope) = scope else {
            return Ok(Scope::default());
        };
        let place = scope.images.referenced;
        self.note("scope", place);
        if scope.images.value.is_empty() {
            return Err(PolicyError {
                hint: Some(
                    "write `images: [\"**\"]` for every image, or leave `scope` away".to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::InvalidValue,
                    Some(place),
                    "`images` is empty, so that the policy would speak of no image".to_owned(),
                )
            });
        }
        self.entries("scope.images", scope.images.value.len(), place)?;
        let mut images = Vec::new();
        for (index, image) in scope.images.value.iter().enumerate() {
            self.note(&format!("scope.images[{index}]"), image.referenced);
            images.push(self.repository_glob(image)?);
        }
        let mut except = Vec::new();
        for (index, exception) in scope.except.into_iter().enumerate() {
            self.entries("scope.except", index + 1, exception.referenced)?;
            let part = format!("scope.except[{index}]");
            self.note(&part, exception.referenced);
            let place = exception.referenced;
            let exception = exception.value;
            let until = self
                .time(&format!("{part}.until"), Some(exception.until), Edge::End)?
                .ok_or_else(|| {
                    self.fault(
                        PolicyProblem::MissingField,
                        Some(place),
                        "the field `until` is missing".to_owned(),
                    )
                })?;
            except.push(Exception {
                image: self.repository_glob(&exception.image)?,
                until,
                reason: self.reason(&exception.reason)?,
            });
        }
        Ok(Scope { images, except })
    }

    /// A glob over repositories: never with a tag or digest, since nobody looks at a tag after it was resolved.
    fn repository_glob(&self, text: &Spanned<String>) -> Result<Pattern, PolicyError> {
        let glob = Pattern::glob(&text.value)
            .map_err(|error| self.pattern_fault(&error, text.referenced))?;
        let last = text.value.rsplit('/').next().unwrap_or_default();
        let has_tag = text.value.contains('/') && last.contains(':');
        if has_tag || text.value.contains('@') || text.value.contains("://") {
            return Err(PolicyError {
                hint: Some("name a repository such as `ghcr.io/acme/app`, or `ghcr.io/acme/**` for all below; deny single digests under `deny.digests`".to_owned()),
                ..self.fault(
                    PolicyProblem::Pattern,
                    Some(text.referenced),
                    format!("`{}` has a tag, a digest or a scheme, and a scope has repositories", shown(&text.value)),
                )
            });
        }
        Ok(glob)
    }

    fn entries(
        &self,
        what: &str,
        count: usize,
        place: serde_saphyr::Location,
    ) -> Result<(), PolicyError> {
        if count <= ENTRIES {
            return Ok(());
        }
        Err(self.fault(
            PolicyProblem::OverLimit,
            Some(place),
            format!("`{what}` has more than {ENTRIES} entries"),
        ))
    }

    pub(crate) fn thresholds(&self, trust: Option<Trust>) -> Result<Thresholds, PolicyError> {
        let mut thresholds = Thresholds::default();
        let Some(trust) = trust else {
            return Ok(thresholds);
        };
        thresholds.root = trust.root.map(|root| self.digest(&root)).transpose()?;
        if let Some(counts) = trust.keys {
            self.counts(counts, false, &mut thresholds.keys)?;
        }
        if let Some(counts) = trust.certificates {
            self.counts(counts, true, &mut thresholds.certificates)?;
        }
        Ok(thresholds)
    }

    pub(crate) fn counts(
        &self,
        counts: Counts,
        certificates: bool,
        demand: &mut Demand,
    ) -> Result<(), PolicyError> {
        let Counts {
            logs,
            timestamps,
            scts,
            times,
            witnesses,
        } = counts;
        if let Some(scts) = scts.as_ref().filter(|scts| scts.value > 0 && !certificates) {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(scts.referenced),
                "`scts` is about certificates; a key has none".to_owned(),
            ));
        }
        let entries = self.limits.log_entries;
        let stamps = self.limits.timestamps;
        let notes = self.limits.note_signatures;
        for (count, field, limit, name) in [
            (logs, &mut demand.logs, entries, "logs"),
            (timestamps, &mut demand.timestamps, stamps, "timestamps"),
            (scts, &mut demand.scts, entries, "scts"),
            (
                times,
                &mut demand.times,
                entries.saturating_add(stamps),
                "times",
            ),
            (witnesses, &mut demand.witnesses, notes, "witnesses"),
        ] {
            let Some(count) = count else { continue };
            let value = usize::try_from(count.value).unwrap_or(usize::MAX);
            if value > limit {
                return Err(self.fault(
                    PolicyProblem::InvalidValue,
                    Some(count.referenced),
                    format!(
                        "`{name}: {value}` can never be met: a signature carries at most {limit}"
                    ),
                ));
            }
            *field = value;
        }
        Ok(())
    }

    pub(crate) fn deny(&self, deny: Option<Spanned<Deny>>) -> Result<DenyList, PolicyError> {
        let Some(deny) = deny else {
            return Ok(DenyList::default());
        };
        let place = deny.referenced;
        self.note("deny", place);
        let Deny {
            digests,
            identities,
            serials,
        } = deny.value;
        for (what, count) in [
            ("deny.digests", digests.len()),
            ("deny.identities", identities.len()),
            ("deny.serials", serials.len()),
        ] {
            self.entries(what, count, place)?;
        }
        let digests = digests
            .iter()
            .map(|digest| self.digest(digest))
            .collect::<Result<BTreeSet<_>, _>>()?;
        let serials = serials
            .iter()
            .map(|serial| self.serial(serial))
            .collect::<Result<BTreeSet<_>, _>>()?;
        let mut patterns = Vec::new();
        for (index, identity) in identities.into_iter().enumerate() {
            self.note(&format!("deny.identities[{index}]"), identity.referenced);
            patterns.push(self.pattern(identity)?);
        }
        Ok(DenyList {
            digests,
            identities: patterns,
            serials,
        })
    }

    pub(crate) fn digest(&self, text: &Spanned<String>) -> Result<Digest, PolicyError> {
        Digest::parse(&text.value).map_err(|_| PolicyError {
            hint: Some("write `sha256:` and 64 hexadecimal digits".to_owned()),
            ..self.fault(
                PolicyProblem::InvalidValue,
                Some(text.referenced),
                format!("`{}` is no digest", shown(&text.value)),
            )
        })
    }

    /// A serial number as certificates print it: hexadecimal, with or without colons.
    fn serial(&self, text: &Spanned<String>) -> Result<String, PolicyError> {
        let plain: String = text
            .value
            .chars()
            .filter(|character| *character != ':')
            .map(|character| character.to_ascii_lowercase())
            .collect();
        let plain = plain.trim_start_matches('0');
        // RFC 5280 section 4.1.2.2: at most 20 octets.
        if plain.is_empty()
            || plain.len() > 40
            || !plain.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Err(PolicyError {
                hint: Some("write the number in hexadecimal, in quotes, as `openssl x509 -serial` prints it".to_owned()),
                ..self.fault(
                    PolicyProblem::InvalidValue,
                    Some(text.referenced),
                    format!("`{}` is no serial number of a certificate", shown(&text.value)),
                )
            });
        }
        Ok(plain.to_owned())
    }

    pub(crate) fn unavailable(
        &self,
        word: Option<UnavailableWord>,
    ) -> Result<Unavailable, PolicyError> {
        Ok(match word {
            None | Some(UnavailableWord::Deny) => Unavailable::Deny,
            Some(UnavailableWord::Warn) => Unavailable::Warn,
            Some(UnavailableWord::UseCached(cached)) => Unavailable::UseCached {
                max_age: self.span(cached.max_age)?,
            },
        })
    }

    pub(crate) fn insecure(
        &self,
        fields: Option<InsecureFields>,
    ) -> Result<Vec<Insecure>, PolicyError> {
        let Some(fields) = fields else {
            return Ok(Vec::new());
        };
        let InsecureFields {
            ignore_sct,
            ignore_log,
            judge_certificates_now,
        } = fields;
        let mut switches = Vec::new();
        for (danger, risk) in [
            (Danger::IgnoreSct, ignore_sct),
            (Danger::IgnoreLog, ignore_log),
            (Danger::JudgeCertificatesNow, judge_certificates_now),
        ] {
            if let Some(risk) = risk {
                self.note(
                    &format!("insecure.{}", danger.name()),
                    risk.reason.referenced,
                );
                switches.push(Insecure {
                    danger,
                    reason: self.reason(&risk.reason)?,
                });
            }
        }
        Ok(switches)
    }
}
