//! Policy documents into policies, with the place of each fault.

use std::collections::BTreeMap;

use countersign_formats::{Limits, PublicKey, UnixTime, Window, predicate_types};
use countersign_proof::{Scheme, TrustedKey};
use serde_saphyr::{Error as YamlError, Location, Spanned};

use crate::document::{
    API_VERSION, AtLeast, Certificate, Counts, DistinctWord, Document, KIND, Key, Keyless,
    ModeWord, OneOrMore, PatternText, Rule, Signer, Trust,
};
use crate::error::{PolicyError, PolicyProblem, nearest, shown};
use crate::pattern::{Pattern, PatternError};
use crate::rules::{Demand, Distinct, Mode, Policy, Requirement, SignerRule, Thresholds};
use crate::set::{KeyFiles, Source};

/// Deepest nesting of one policy document: rules within rules, and the fields around them.
const DOCUMENT_DEPTH: usize = 64;
/// Most documents in one source.
const DOCUMENTS: usize = 1000;
/// Most rules of one policy, so that a decision stays cheap.
const RULES: usize = 1000;
/// Longest name of a policy or signer, in bytes.
const NAME_BYTES: usize = 253;

/// Reads the policies of one source.
pub(crate) fn policies(
    source: &Source,
    limits: &Limits,
    files: KeyFiles<'_>,
) -> Result<Vec<Policy>, PolicyError> {
    let compiler = Compiler {
        source,
        limits,
        files,
    };
    compiler
        .documents()?
        .into_iter()
        .map(|document| compiler.policy(document))
        .collect()
}

pub(crate) struct Compiler<'a> {
    source: &'a Source,
    limits: &'a Limits,
    files: KeyFiles<'a>,
}

impl Compiler<'_> {
    fn documents(&self) -> Result<Vec<Document>, PolicyError> {
        let limit = self.limits.policy_bytes;
        if self.source.bytes.len() as u64 > limit {
            return Err(self.fault(
                PolicyProblem::OverLimit,
                None,
                format!("the policy is larger than {limit} bytes"),
            ));
        }
        let text = std::str::from_utf8(&self.source.bytes).map_err(|error| {
            let message = format!(
                "the policy is not UTF-8 from byte {} on",
                error.valid_up_to()
            );
            self.fault(PolicyProblem::Syntax, None, message)
        })?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: DOCUMENT_DEPTH,
                max_documents: DOCUMENTS,
                // A policy says everything where it stands: what an alias or a merge key brings in from
                // elsewhere is easily overlooked by whoever reviews it.
                max_aliases: 0,
                max_anchors: 0,
                max_merge_keys: 0,
            },
            duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
            merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
            // A policy has no booleans: `yes` and `on`, which YAML 1.1 takes for some, must be quoted.
            strict_booleans: false,
            no_schema: true,
            reject_unsupported_tags: true,
            reject_tagged_field_names: true,
            with_snippet: false,
        };
        let documents: Vec<Document> = serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| self.yaml_fault(&error))?;
        if documents.is_empty() {
            let fault = self.fault(
                PolicyProblem::MissingField,
                None,
                "there is no policy in it".to_owned(),
            );
            return Err(PolicyError {
                hint: Some(format!(
                    "begin with `apiVersion: {API_VERSION}` and `kind: {KIND}`"
                )),
                ..fault
            });
        }
        Ok(documents)
    }

    fn policy(&self, document: Document) -> Result<Policy, PolicyError> {
        for (field, found, expected) in [
            ("apiVersion", &document.api_version, API_VERSION),
            ("kind", &document.kind, KIND),
        ] {
            if found.value != expected {
                return Err(self.fault(
                    PolicyProblem::UnknownVersion,
                    Some(found.referenced),
                    format!("{field} is `{}`, not `{expected}`", shown(&found.value)),
                ));
            }
        }
        let name = self.name(
            &document.metadata.name.value,
            document.metadata.name.referenced,
        )?;
        let spec = document.spec;
        let mut signers = BTreeMap::new();
        for (name, signer) in spec.signers {
            let name = self.name(&name, signer.referenced)?;
            signers.insert(name, self.signer(signer.value, signer.referenced)?);
        }
        let trust = self.thresholds(spec.trust)?;
        let mut rules = 0;
        let require = self.rule(spec.require, &signers, &mut rules)?;
        let mode = match spec.mode {
            ModeWord::Enforce => Mode::Enforce,
            ModeWord::Warn => Mode::Warn,
        };
        Ok(Policy {
            name,
            mode,
            signers,
            trust,
            require,
        })
    }

    fn name(&self, name: &str, place: Location) -> Result<String, PolicyError> {
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                format!("the name `{}` is empty, longer than {NAME_BYTES} bytes, or has control characters", shown(name)),
            ));
        }
        Ok(name.to_owned())
    }

    fn signer(&self, signer: Signer, place: Location) -> Result<SignerRule, PolicyError> {
        match signer {
            Signer::Key(key) => Ok(SignerRule::Key {
                keys: vec![self.key(*key)?],
            }),
            Signer::Keys(keys) if keys.is_empty() => Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                "the list of keys is empty".to_owned(),
            )),
            Signer::Keys(keys) => Ok(SignerRule::Key {
                keys: keys
                    .into_iter()
                    .map(|key| self.key(key))
                    .collect::<Result<_, _>>()?,
            }),
            Signer::Certificate(Certificate { identity }) => Ok(SignerRule::Certificate {
                identity: self.pattern(identity)?,
            }),
            Signer::Keyless(keyless) => self.keyless(*keyless, place),
            Signer::Github(github) => self.keyless(
                Keyless {
                    issuer: None,
                    identity: None,
                    claims: BTreeMap::new(),
                    github: Some(*github),
                },
                place,
            ),
        }
    }

    fn key(&self, key: Spanned<Key>) -> Result<TrustedKey, PolicyError> {
        let place = key.referenced;
        let Key {
            pem,
            file,
            valid_from,
            valid_until,
            schemes,
        } = key.value;
        let (bytes, place, what) = match (pem, file) {
            (Some(pem), None) => (pem.value.into_bytes(), pem.referenced, "the key".to_owned()),
            (None, Some(file)) => {
                let what = format!("the key in `{}`", shown(&file.value));
                let bytes = (self.files)(&self.source.name, &file.value).map_err(|reason| {
                    self.fault(
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
        let key = PublicKey::from_pem(&bytes).map_err(|error| {
            self.fault(
                PolicyProblem::Key,
                Some(place),
                format!("{what} is no usable public key: {error}"),
            )
        })?;
        let valid = Window {
            start: self.time(valid_from)?,
            end: self.time(valid_until)?,
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
        Ok(TrustedKey {
            key,
            valid,
            schemes,
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

    fn time(&self, text: Option<Spanned<String>>) -> Result<Option<UnixTime>, PolicyError> {
        text.map(|text| {
            UnixTime::parse_rfc3339(&text.value).map_err(|_| {
                self.fault(
                    PolicyProblem::InvalidValue,
                    Some(text.referenced),
                    format!(
                        "`{}` is no time like `2027-06-30T00:00:00Z`",
                        shown(&text.value)
                    ),
                )
            })
        })
        .transpose()
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

    fn thresholds(&self, trust: Option<Trust>) -> Result<Thresholds, PolicyError> {
        let mut thresholds = Thresholds::default();
        let Some(trust) = trust else {
            return Ok(thresholds);
        };
        if let Some(counts) = trust.keys {
            if let Some(scts) = counts.scts.as_ref().filter(|scts| scts.value > 0) {
                return Err(self.fault(
                    PolicyProblem::InvalidValue,
                    Some(scts.referenced),
                    "`scts` is about certificates; a key has none".to_owned(),
                ));
            }
            self.counts(counts, &mut thresholds.keys)?;
        }
        if let Some(counts) = trust.certificates {
            self.counts(counts, &mut thresholds.certificates)?;
        }
        Ok(thresholds)
    }

    fn counts(&self, counts: Counts, demand: &mut Demand) -> Result<(), PolicyError> {
        let Counts {
            logs,
            timestamps,
            scts,
            times,
        } = counts;
        let entries = self.limits.log_entries;
        let stamps = self.limits.timestamps;
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

    fn rule(
        &self,
        rule: Spanned<Rule>,
        signers: &BTreeMap<String, SignerRule>,
        rules: &mut usize,
    ) -> Result<Requirement, PolicyError> {
        let place = rule.referenced;
        *rules += 1;
        if *rules > RULES {
            return Err(self.fault(
                PolicyProblem::OverLimit,
                Some(place),
                format!("a policy has at most {RULES} rules"),
            ));
        }
        match rule.value {
            Rule::AllOf(list) => Ok(Requirement::AllOf(
                self.rules("allOf", list, place, signers, rules)?,
            )),
            Rule::AnyOf(list) => Ok(Requirement::AnyOf(
                self.rules("anyOf", list, place, signers, rules)?,
            )),
            Rule::AtLeast(at_least) => self.at_least(at_least, place, signers, rules),
            Rule::Signature(signature) => Ok(Requirement::Signature {
                by: self.by(signature.by, signers)?,
                annotations: signature.annotations,
            }),
            Rule::Statement(statement) => {
                let predicate_type = match statement.r#type.value.as_str() {
                    "any" => None,
                    text => Some(predicate_types::resolve(text).map_err(|error| PolicyError {
                        hint: Some("name a predicate type by its URI, by an alias such as `slsaprovenance1`, or `any`".to_owned()),
                        ..self.fault(
                            PolicyProblem::InvalidValue,
                            Some(statement.r#type.referenced),
                            format!("`{}` is no predicate type: {error}", shown(text)),
                        )
                    })?),
                };
                Ok(Requirement::Statement {
                    predicate_type,
                    by: self.by(statement.by, signers)?,
                    annotations: statement.annotations,
                })
            }
        }
    }

    fn rules(
        &self,
        word: &str,
        list: Vec<Spanned<Rule>>,
        place: Location,
        signers: &BTreeMap<String, SignerRule>,
        rules: &mut usize,
    ) -> Result<Vec<Requirement>, PolicyError> {
        if list.is_empty() {
            // "Everything of nothing" is true in logic and an open door in a policy.
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                format!("`{word}` has no rules"),
            ));
        }
        list.into_iter()
            .map(|rule| self.rule(rule, signers, rules))
            .collect()
    }

    fn at_least(
        &self,
        at_least: AtLeast,
        place: Location,
        signers: &BTreeMap<String, SignerRule>,
        rules: &mut usize,
    ) -> Result<Requirement, PolicyError> {
        let count = usize::try_from(at_least.count.value).unwrap_or(usize::MAX);
        let places: Vec<Location> = at_least.of.iter().map(|rule| rule.referenced).collect();
        let of = self.rules("atLeast", at_least.of, place, signers, rules)?;
        if count == 0 {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(at_least.count.referenced),
                "`count: 0` would ask for nothing".to_owned(),
            ));
        }
        if count > of.len() {
            return Err(PolicyError {
                hint: Some("list one rule for each signer that may count".to_owned()),
                ..self.fault(
                    PolicyProblem::InvalidValue,
                    Some(at_least.count.referenced),
                    format!("`count: {count}` can never be met by {} rules", of.len()),
                )
            });
        }
        for (rule, place) in of.iter().zip(places) {
            if !counts_signers(rule) {
                return Err(self.fault(
                    PolicyProblem::InvalidValue,
                    Some(place),
                    "`atLeast` counts `signature`, `statement` and `anyOf` of those: of others it cannot say whose they are"
                        .to_owned(),
                ));
            }
        }
        let distinct = match at_least.distinct {
            DistinctWord::Identity => Distinct::Identity,
            DistinctWord::Issuer => Distinct::Issuer,
            DistinctWord::Key => Distinct::Key,
        };
        Ok(Requirement::AtLeast {
            count,
            distinct,
            of,
        })
    }

    fn by(
        &self,
        by: Spanned<OneOrMore>,
        signers: &BTreeMap<String, SignerRule>,
    ) -> Result<Vec<String>, PolicyError> {
        let place = by.referenced;
        let OneOrMore(names) = by.value;
        if names.is_empty() {
            return Err(self.fault(
                PolicyProblem::InvalidValue,
                Some(place),
                "`by` names no signer".to_owned(),
            ));
        }
        for name in &names {
            if !signers.contains_key(name) {
                let valid = nearest(name, signers.keys().map(String::as_str));
                let hint = match valid {
                    Some(valid) => format!("did you mean `{valid}`?"),
                    None => {
                        let known: Vec<String> = signers
                            .keys()
                            .take(8)
                            .map(|name| format!("`{}`", shown(name)))
                            .collect();
                        if known.is_empty() {
                            "define it under `spec.signers`".to_owned()
                        } else {
                            format!("the signers are {}", known.join(", "))
                        }
                    }
                };
                return Err(PolicyError {
                    hint: Some(hint),
                    ..self.fault(
                        PolicyProblem::UnknownSigner,
                        Some(place),
                        format!("the signer `{}` is not defined", shown(name)),
                    )
                });
            }
        }
        Ok(names)
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

    fn yaml_fault(&self, error: &YamlError) -> PolicyError {
        let error = error.without_snippet();
        let place = error.location();
        let fault = |problem, message, hint| PolicyError {
            hint,
            ..self.fault(problem, place, message)
        };
        match error {
            YamlError::DuplicateMappingKey { key, .. } => {
                let key = key
                    .as_deref()
                    .map_or("a key".to_owned(), |key| format!("`{}`", shown(key)));
                fault(
                    PolicyProblem::DuplicateKey,
                    format!("{key} is given twice"),
                    None,
                )
            }
            YamlError::SerdeUnknownField { field: merge, .. }
            | YamlError::SerdeUnknownVariant { variant: merge, .. }
                if merge == "<<" =>
            {
                fault(
                    PolicyProblem::NotPlain,
                    "a policy has no merge keys".to_owned(),
                    Some(PLAIN.to_owned()),
                )
            }
            YamlError::SerdeUnknownField {
                field, expected, ..
            } => fault(
                PolicyProblem::UnknownField,
                format!("there is no field `{}` here", shown(field)),
                Some(suggestion(field, expected)),
            ),
            YamlError::SerdeUnknownVariant {
                variant, expected, ..
            } => fault(
                PolicyProblem::UnknownField,
                format!("there is no `{}` here", shown(variant)),
                Some(suggestion(variant, expected)),
            ),
            YamlError::SerdeMissingField { field, .. } => fault(
                PolicyProblem::MissingField,
                format!("the field `{field}` is missing"),
                None,
            ),
            YamlError::QuotingRequired { value, .. } => fault(
                PolicyProblem::AmbiguousScalar,
                format!(
                    "`{}` is a number or a boolean to some readers of YAML",
                    shown(value)
                ),
                Some(format!("write `\"{}\"`", shown(value))),
            ),
            YamlError::MergeKeyNotAllowed { .. }
            | YamlError::MergeValueNotMapOrSeqOfMaps { .. } => fault(
                PolicyProblem::NotPlain,
                "a policy has no merge keys".to_owned(),
                Some(PLAIN.to_owned()),
            ),
            YamlError::AliasError { .. } | YamlError::UnknownAnchor { .. } => fault(
                PolicyProblem::NotPlain,
                "a policy has no aliases".to_owned(),
                Some(PLAIN.to_owned()),
            ),
            YamlError::UnsupportedTag { tag, .. }
            | YamlError::TaggedStructFieldName { tag, .. } => fault(
                PolicyProblem::NotPlain,
                format!("a policy has no tags like `{}`", shown(tag)),
                None,
            ),
            YamlError::Budget { breach, .. } => {
                use serde_saphyr::budget::BudgetBreach;
                match breach {
                    BudgetBreach::Anchors { .. }
                    | BudgetBreach::Aliases { .. }
                    | BudgetBreach::MergeKeys { .. } => fault(
                        PolicyProblem::NotPlain,
                        "a policy has no anchors, aliases or merge keys".to_owned(),
                        Some(PLAIN.to_owned()),
                    ),
                    other => fault(
                        PolicyProblem::OverLimit,
                        format!("the policy is too large or too deep: {other:?}"),
                        None,
                    ),
                }
            }
            YamlError::SerdeInvalidType { .. }
            | YamlError::SerdeInvalidValue { .. }
            | YamlError::SerdeInvalidLength { .. }
            | YamlError::Unexpected { .. }
            | YamlError::InvalidBooleanStrict { .. }
            | YamlError::NullIntoString { .. }
            | YamlError::ExternallyTaggedEnumExpectedScalarOrMapping { .. }
            | YamlError::ExpectedStringKeyForExternallyTaggedEnum { .. }
            | YamlError::UnexpectedValueForUnitEnumVariant { .. } => {
                fault(PolicyProblem::WrongType, sentence(error), None)
            }
            YamlError::InvalidScalar { ty, .. } => {
                let belongs = if ty.starts_with('u') {
                    "a whole number from 0 on"
                } else {
                    ty
                };
                fault(
                    PolicyProblem::WrongType,
                    format!("here belongs {belongs}"),
                    None,
                )
            }
            YamlError::ExpectedMappingEndAfterEnumVariantValue { .. } => fault(
                PolicyProblem::WrongType,
                "only one of these may stand here".to_owned(),
                Some("put several rules into an `allOf` list".to_owned()),
            ),
            _ => {
                let sentence = sentence(error);
                let problem = if sentence.contains("recursion limit") {
                    PolicyProblem::OverLimit
                } else {
                    PolicyProblem::Syntax
                };
                fault(problem, sentence, None)
            }
        }
    }
}

const PLAIN: &str = "write everything out where it belongs";

/// Whether one can say whose work it is that the rule passes.
fn counts_signers(rule: &Requirement) -> bool {
    match rule {
        Requirement::Signature { .. } | Requirement::Statement { .. } => true,
        Requirement::AnyOf(rules) => rules.iter().all(counts_signers),
        Requirement::AllOf(_) | Requirement::AtLeast { .. } => false,
    }
}

fn suggestion(found: &str, expected: &[&'static str]) -> String {
    match nearest(found, expected.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
            format!("here belong {}", names.join(", "))
        }
    }
}

/// What the YAML reader says, as part of one sentence and without the place, which is printed apart.
fn sentence(error: &YamlError) -> String {
    let text = error.render();
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(" at line ").next().unwrap_or(text);
    shown(text.trim_start_matches("error: ").trim_end_matches('.'))
}
