//! Policy documents into policies, with the place of each fault.

use std::cell::RefCell;
use std::collections::BTreeMap;

use countersign_formats::{Limits, UnixTime};
use serde_saphyr::{Location, Spanned};

use crate::document::{Document, ModeWord, PatternText};
use crate::error::{PolicyError, PolicyProblem, shown};
use crate::moments::{self, Edge};
use crate::pattern::{Pattern, PatternError};
use crate::places::Places;
use crate::rules::{Mode, Policy, Thresholds};
use crate::set::{KeyFiles, Source};

/// Longest name of a policy or signer, in bytes.
const NAME_BYTES: usize = 253;
/// Longest reason for an exception or a switch, in bytes.
const REASON_BYTES: usize = 1024;

/// Reads the policies of one source, each with the places of its parts.
pub(crate) fn policies(
    source: &Source,
    limits: &Limits,
    files: KeyFiles<'_>,
) -> Result<Vec<(Policy, Places)>, PolicyError> {
    let compiler = Compiler {
        source,
        limits,
        files,
        places: RefCell::default(),
    };
    compiler
        .documents()?
        .into_iter()
        .map(|document| {
            compiler.places.replace(Places::of(&source.name));
            let policy = compiler.policy(document)?;
            Ok((policy, compiler.places.take()))
        })
        .collect()
}

pub(crate) struct Compiler<'a> {
    pub(crate) source: &'a Source,
    pub(crate) limits: &'a Limits,
    pub(crate) files: KeyFiles<'a>,
    places: RefCell<Places>,
}

impl Compiler<'_> {
    fn policy(&self, document: Document) -> Result<Policy, PolicyError> {
        self.version(Some(&document.api_version), Some(&document.kind))?;
        let name = &document.metadata.name;
        self.note("metadata", name.referenced);
        let name = self.name(&name.value, name.referenced)?;
        let spec = document.spec;
        let scope = self.scope(spec.scope)?;
        let mut trust = self.thresholds(spec.trust)?;
        let signers = self.signers(spec.signers, &mut trust)?;
        let deny = self.deny(spec.deny)?;
        let unavailable = self.unavailable(spec.unavailable)?;
        let insecure = self.insecure(spec.insecure)?;
        let expires = self.time("expires", spec.expires, Edge::End)?;
        let mut rules = 0;
        let require = self.rule("require", spec.require, &signers, &mut rules)?;
        Ok(Policy {
            name,
            mode: match spec.mode {
                ModeWord::Enforce => Mode::Enforce,
                ModeWord::Warn => Mode::Warn,
                ModeWord::Audit => Mode::Audit,
            },
            expires,
            scope,
            signers,
            trust,
            deny,
            unavailable,
            insecure,
            require,
            wording: None,
        })
    }

    fn signers(
        &self,
        signers: Spanned<BTreeMap<String, Spanned<crate::document::Signer>>>,
        trust: &mut Thresholds,
    ) -> Result<BTreeMap<String, crate::rules::SignerRule>, PolicyError> {
        self.note("signers", signers.referenced);
        let mut rules = BTreeMap::new();
        for (name, signer) in signers.value {
            let place = signer.referenced;
            let name = self.name(&name, place)?;
            self.note(&format!("signers.{name}"), place);
            let (rule, demand) = self.signer(signer.value, place, trust)?;
            if let Some(demand) = demand {
                trust.signers.insert(name.clone(), demand);
            }
            rules.insert(name, rule);
        }
        Ok(rules)
    }

    pub(crate) fn name(&self, name: &str, place: Location) -> Result<String, PolicyError> {
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                format!("the name `{}` is empty, longer than {NAME_BYTES} bytes, or has control characters", shown(name)),
            ));
        }
        Ok(name.to_owned())
    }

    /// Why something is excused, for whoever reads a decision.
    pub(crate) fn reason(&self, reason: &Spanned<String>) -> Result<String, PolicyError> {
        let text = reason.value.trim();
        if text.is_empty() || text.len() > REASON_BYTES {
            return Err(PolicyError {
                hint: Some(
                    "write who asked for it and where that is recorded, such as `OPS-1234`"
                        .to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::InvalidValue,
                    Some(reason.referenced),
                    format!("`reason` is empty or longer than {REASON_BYTES} bytes"),
                )
            });
        }
        Ok(text.to_owned())
    }

    /// The time in the field `part`; a day without a time means its first or last second.
    pub(crate) fn time(
        &self,
        part: &str,
        text: Option<Spanned<String>>,
        edge: Edge,
    ) -> Result<Option<UnixTime>, PolicyError> {
        text.map(|text| {
            self.note(part, text.referenced);
            moments::moment(&text.value, edge).ok_or_else(|| {
                PolicyError {
                hint: Some(
                    "write a day such as `2027-06-30`, or a time such as `\"2027-06-30T12:00:00Z\"`"
                        .to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::InvalidValue,
                    Some(text.referenced),
                    format!("`{}` is no day and no time", shown(&text.value)),
                )
            }
            })
        })
        .transpose()
    }

    /// A span of time in seconds.
    pub(crate) fn span(&self, text: Spanned<String>) -> Result<u64, PolicyError> {
        moments::span(&text.value).ok_or_else(|| PolicyError {
            hint: Some(
                "write a whole number and a unit: `90s`, `30m`, `24h`, `7d` or `2w`".to_owned(),
            ),
            ..self.fault(
                PolicyProblem::InvalidValue,
                Some(text.referenced),
                format!("`{}` is no span of time", shown(&text.value)),
            )
        })
    }

    pub(crate) fn pattern(&self, text: Spanned<PatternText>) -> Result<Pattern, PolicyError> {
        let pattern = match &text.value {
            PatternText::Deduced(text) => Pattern::parse(text),
            PatternText::Exact(text) => Pattern::exact(text),
            PatternText::Glob(text) => Pattern::glob(text),
            PatternText::Regex(text) => Pattern::regex(text),
        };
        pattern.map_err(|error| self.pattern_fault(&error, text.referenced))
    }

    pub(crate) fn pattern_fault(&self, error: &PatternError, place: Location) -> PolicyError {
        PolicyError {
            hint: error.hint(),
            ..self.fault(PolicyProblem::Pattern, Some(place), error.to_string())
        }
    }

    /// Remembers where `part` stands.
    pub(crate) fn note(&self, part: &str, place: Location) {
        if place != Location::UNKNOWN {
            self.places
                .borrow_mut()
                .note(part.to_owned(), place.line(), place.column());
        }
    }

    pub(crate) fn fault(
        &self,
        problem: PolicyProblem,
        place: Option<Location>,
        message: String,
    ) -> PolicyError {
        let place = place.filter(|place| *place != Location::UNKNOWN);
        PolicyError {
            file: self.source.name.clone(),
            line: place.map(|place| place.line()),
            column: place.map(|place| place.column()),
            problem,
            message,
            hint: None,
        }
    }
}

/// What is wrong with the YAML of another document than a policy, in the same words.
pub(crate) fn yaml_error(
    source: &Source,
    limits: &Limits,
    error: &serde_saphyr::Error,
) -> PolicyError {
    Compiler {
        source,
        limits,
        files: &|_, _| Err(String::new()),
        places: RefCell::default(),
    }
    .yaml_fault(error)
}
