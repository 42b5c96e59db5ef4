//! The tree of rules of a policy document.

use std::collections::BTreeMap;

use countersign_formats::predicate_types;
use serde_saphyr::{Location, Spanned};

use crate::compile::Compiler;
use crate::document::{AtLeast, DistinctWord, OneOrMore, Rule, SelectWord, SubjectWord, ViaWord};
use crate::error::{PolicyError, PolicyProblem, nearest, shown};
use crate::rules::{About, Distinct, Requirement, Select, SignerRule, Terms};

/// Most rules of one policy, so that a decision stays cheap.
const RULES: usize = 1000;

impl Compiler<'_> {
    /// The rule that stands at the part `part`.
    pub(crate) fn rule(
        &self,
        part: &str,
        rule: Spanned<Rule>,
        signers: &BTreeMap<String, SignerRule>,
        rules: &mut usize,
    ) -> Result<Requirement, PolicyError> {
        let place = rule.referenced;
        self.note(part, place);
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
                self.rules(part, "allOf", list, place, signers, rules)?,
            )),
            Rule::AnyOf(list) => Ok(Requirement::AnyOf(
                self.rules(part, "anyOf", list, place, signers, rules)?,
            )),
            Rule::AtLeast(at_least) => self.at_least(part, at_least, place, signers, rules),
            Rule::Signature(signature) => {
                let by = self.by(signature.by, signers)?;
                let terms = self.terms(
                    None,
                    None,
                    signature.max_age,
                    signature.subject,
                    signature.via,
                )?;
                Ok(Requirement::Signature {
                    by,
                    annotations: signature.annotations,
                    terms,
                })
            }
            Rule::Statement(statement) => {
                let predicate_type = match statement.r#type.value.as_str() {
                    "any" => None,
                    text => Some(predicate_types::resolve(text).map_err(|error| PolicyError {
                        hint: Some(meant_type(text)),
                        ..self.fault(
                            PolicyProblem::InvalidValue,
                            Some(statement.r#type.referenced),
                            format!("`{}` is no predicate type: {error}", shown(text)),
                        )
                    })?),
                };
                let by = self.by(statement.by, signers)?;
                let terms = self.terms(
                    statement.select,
                    statement.minimum,
                    statement.max_age,
                    statement.subject,
                    statement.via,
                )?;
                Ok(Requirement::Statement {
                    predicate_type,
                    by,
                    annotations: statement.annotations,
                    terms,
                })
            }
        }
    }

    fn terms(
        &self,
        select: Option<Spanned<SelectWord>>,
        minimum: Option<Spanned<u32>>,
        max_age: Option<Spanned<String>>,
        subject: Option<SubjectWord>,
        via: Option<Spanned<ViaWord>>,
    ) -> Result<Terms, PolicyError> {
        let word = select.as_ref().map_or(SelectWord::Any, |word| word.value);
        let max_age = max_age.map(|text| self.span(text)).transpose()?;
        let fault = |place, message: &str, hint: &str| PolicyError {
            hint: Some(hint.to_owned()),
            ..self.fault(PolicyProblem::InvalidValue, place, message.to_owned())
        };
        let place = select.as_ref().map(|word| word.referenced);
        if let Some(minimum) = &minimum
            && !matches!(word, SelectWord::All)
        {
            return Err(fault(
                Some(minimum.referenced),
                "`minimum` belongs to `select: all`",
                "write `select: all`, or count signers with `atLeast`",
            ));
        }
        let select = match word {
            SelectWord::Any => Select::Any,
            // Whoever stores evidence could leave the latest away; then an older one is soon too old.
            SelectWord::Latest if max_age.is_none() => {
                return Err(fault(
                    place,
                    "`select: latest` needs `maxAge`: whoever stores evidence can leave the latest away",
                    "say how old the latest may be, such as `maxAge: 7d`",
                ));
            }
            SelectWord::Latest => Select::Latest,
            SelectWord::All => {
                let Some(minimum) = minimum else {
                    return Err(fault(
                        place,
                        "`select: all` needs `minimum`: all of none would pass",
                        "say how many there must be, such as `minimum: 1`",
                    ));
                };
                if minimum.value == 0 {
                    return Err(fault(
                        Some(minimum.referenced),
                        "`minimum: 0` would ask for nothing",
                        "write the least number of statements that must be there",
                    ));
                }
                Select::All {
                    minimum: usize::try_from(minimum.value).unwrap_or(usize::MAX),
                }
            }
        };
        let subject = match subject {
            None => About::Asked,
            Some(SubjectWord::Index) => About::Index,
            Some(SubjectWord::Platform) => About::Platform,
            Some(SubjectWord::EachPlatform) => About::EachPlatform,
        };
        if let Some(via) = via.as_ref().filter(|_| subject == About::Index) {
            return Err(fault(
                Some(via.referenced),
                "`via: index` is for claims that must be about a platform's image; this one is about the index itself",
                "leave `via` away, or write `subject: platform`",
            ));
        }
        Ok(Terms {
            select,
            max_age,
            subject,
            via_index: via.is_some(),
        })
    }

    fn rules(
        &self,
        part: &str,
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
            .enumerate()
            .map(|(index, rule)| {
                self.rule(&format!("{part}.{word}[{index}]"), rule, signers, rules)
            })
            .collect()
    }

    fn at_least(
        &self,
        part: &str,
        at_least: AtLeast,
        place: Location,
        signers: &BTreeMap<String, SignerRule>,
        rules: &mut usize,
    ) -> Result<Requirement, PolicyError> {
        let count = usize::try_from(at_least.count.value).unwrap_or(usize::MAX);
        let places: Vec<Location> = at_least.of.iter().map(|rule| rule.referenced).collect();
        let of = self.rules(part, "atLeast", at_least.of, place, signers, rules)?;
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
}

/// Whether one can say whose work it is that the rule passes.
fn counts_signers(rule: &Requirement) -> bool {
    match rule {
        Requirement::Signature { .. } | Requirement::Statement { .. } => true,
        Requirement::AnyOf(rules) => rules.iter().all(counts_signers),
        Requirement::AllOf(_) | Requirement::AtLeast { .. } => false,
    }
}

/// What to write in place of a short name that there is not.
fn meant_type(text: &str) -> String {
    const FAMILIES: [(&str, &str); 9] = [
        ("slsa", "`slsaprovenance1` (SLSA 1.x) or `slsaprovenance02`"),
        (
            "provenance",
            "`slsaprovenance1` (SLSA 1.x) or `slsaprovenance02`",
        ),
        ("spdx", "`spdxjson`"),
        ("cyclone", "`cyclonedx`"),
        ("cdx", "`cyclonedx`"),
        ("sbom", "`spdxjson` or `cyclonedx`"),
        ("vex", "`openvex`"),
        ("vuln", "`vuln`"),
        ("scan", "`vuln`"),
    ];
    let plain: String = text
        .chars()
        .take(64)
        .filter(|character| character.is_ascii_alphanumeric())
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let family = FAMILIES
        .iter()
        .find(|(part, _)| plain.contains(part))
        .map(|(_, names)| (*names).to_owned());
    let meant = family
        .or_else(|| nearest(&plain, predicate_types::aliases()).map(|alias| format!("`{alias}`")));
    match meant {
        Some(meant) if !text.contains(':') => {
            format!("did you mean {meant}? a URI or `any` will do, too")
        }
        _ => "name a predicate type by its URI, by an alias such as `slsaprovenance1`, or `any`"
            .to_owned(),
    }
}
