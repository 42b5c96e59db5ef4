//! `policy check`: reads policy files and says what they ask for.

use countersign::{PolicyLoadError, load_policies};
use countersign_formats::Limits;
use countersign_policy::{
    About, Finding, Pattern, Policy, PolicyError, PolicySet, Requirement, Select, Severity,
    SignerRule, Terms, Unavailable,
};
use countersign_proof::KeyId;
use serde_json::{Value, json};

use super::Done;
use crate::arguments::PolicyCheck;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;

pub(crate) fn run(arguments: &PolicyCheck, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let policies = match load_policies(&arguments.files, &Limits::DEFAULT) {
        Ok(policies) => policies,
        Err(error) => {
            let PolicyLoadError::Policy(fault) = &error else {
                return Err(error.into());
            };
            if context.printer.is_json() {
                return Err(error.into());
            }
            // Said once, in the words that editors read.
            context.printer.say(&editor_line(fault));
            if let Some(hint) = &fault.hint {
                context.printer.say(&format!("  hint: {hint}"));
            }
            return Ok(Done {
                status: ExitStatus::Usage,
                result: None,
            });
        }
    };
    let findings = policies.lint(Some(context.now));
    for policy in policies.policies() {
        for line in describe(policy) {
            context.printer.line(&line);
        }
    }
    for finding in &findings {
        context.printer.say(&finding.to_string());
        if let Some(hint) = &finding.hint {
            context.printer.say(&format!("  hint: {hint}"));
        }
    }
    let warnings: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| format!("policy `{}`: {}", finding.policy, finding.message))
        .collect();
    let count = policies.policies().len();
    context.printer.say(&format!(
        "{count} {}, {} {}, digest {}",
        if count == 1 {
            "policy"
        } else {
            "policies, which must all pass"
        },
        warnings.len(),
        if warnings.len() == 1 {
            "warning"
        } else {
            "warnings"
        },
        policies.digest()
    ));
    let mut result = record(&policies, &warnings);
    if let Some(members) = result.as_object_mut() {
        let findings = findings.iter().map(finding_json).collect();
        members.insert("findings".to_owned(), Value::Array(findings));
    }
    Ok(Done::pass(result))
}

/// A fault as editors read it.
fn editor_line(fault: &PolicyError) -> String {
    let place = match (fault.line, fault.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    format!(
        "{}{place}: error: {} [{}]",
        fault.file,
        fault.message,
        fault.code()
    )
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity.as_str(),
        "code": finding.lint.code(),
        "policy": escape::capped(&finding.policy, escape::FIELD_BYTES),
        "part": finding.part,
        "message": escape::capped(&finding.message, escape::FIELD_BYTES),
        "hint": finding.hint,
    })
}

/// What `policies` ask for, for the JSON envelope.
pub(super) fn record(policies: &PolicySet, warnings: &[String]) -> Value {
    json!({
        "policyDigest": policies.digest().to_string(),
        "policies": policies.policies().iter().map(|policy| json!({
            "name": escape::capped(&policy.name, escape::FIELD_BYTES),
            "mode": policy.mode.as_str(),
            "signers": policy.signers.keys().collect::<Vec<_>>(),
            "lines": describe(policy),
        })).collect::<Vec<_>>(),
        "warnings": warnings,
        "yaml": policies.to_yaml(),
    })
}

/// A policy in words, a line a signer and a line a rule.
pub(super) fn describe(policy: &Policy) -> Vec<String> {
    let mut lines = vec![format!(
        "policy {} ({})",
        escape::field(&policy.name),
        policy.mode.as_str()
    )];
    lines.extend(circumstances(policy));
    for (name, rule) in &policy.signers {
        let name = escape::field(name);
        lines.push(match rule {
            SignerRule::Key { keys } => {
                let ids: Vec<String> = keys
                    .iter()
                    .map(|key| KeyId::of(&key.trusted.key).to_string())
                    .collect();
                format!("  signer {name}: key {}", ids.join(" or "))
            }
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            } => {
                let shown = |pattern: &Pattern| {
                    format!("{} {}", pattern.kind(), escape::field(pattern.as_str()))
                };
                let mut line = format!(
                    "  signer {name}: {} vouched for by {}",
                    identity.as_ref().map_or("any identity".to_owned(), shown),
                    shown(issuer)
                );
                for (claim, expected) in claims {
                    line.push_str(&format!(", {} {}", claim.as_str(), shown(expected)));
                }
                line
            }
            _ => format!("  signer {name}"),
        });
    }
    let keys = policy
        .signers
        .values()
        .any(|rule| matches!(rule, SignerRule::Key { .. }));
    let certificates = policy
        .signers
        .values()
        .any(|rule| !matches!(rule, SignerRule::Key { .. }));
    for (named, who, demand) in [
        (keys, "a key", policy.trust.keys),
        (certificates, "a certificate", policy.trust.certificates),
    ] {
        if named {
            lines.push(format!(
                "  behind {who} at least: logs {}, timestamps {}, SCTs {}, proven times {}",
                demand.logs, demand.timestamps, demand.scts, demand.times
            ));
        }
    }
    rule(&policy.require, 1, &mut lines);
    lines
}

/// When and for what the policy speaks, and what it lets through all the same.
fn circumstances(policy: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(expires) = policy.expires {
        lines.push(format!("  passes nothing after {expires}"));
    }
    if !policy.scope.images.is_empty() {
        let images: Vec<String> = policy
            .scope
            .images
            .iter()
            .map(|image| escape::field(image.as_str()))
            .collect();
        lines.push(format!("  speaks of {}", images.join(" and ")));
    }
    for exception in &policy.scope.except {
        lines.push(format!(
            "  asks nothing of {} until {}: {}",
            escape::field(exception.image.as_str()),
            exception.until,
            escape::field(&exception.reason)
        ));
    }
    let deny = &policy.deny;
    let denied = deny.digests.len() + deny.identities.len() + deny.serials.len();
    if denied > 0 {
        lines.push(format!(
            "  denies {denied} digests, identities and serial numbers by name"
        ));
    }
    match policy.unavailable {
        Unavailable::Deny => {}
        Unavailable::Warn => {
            lines.push("  admits with a warning while an outage hides evidence".to_owned())
        }
        Unavailable::UseCached { max_age } => lines.push(format!(
            "  bridges an outage by a pass that is not older than {max_age} s"
        )),
    }
    for switch in &policy.insecure {
        lines.push(format!(
            "  leaves out a check, {}: {}",
            switch.danger.name(),
            escape::field(&switch.reason)
        ));
    }
    if let Some(root) = policy.trust.root {
        lines.push(format!("  wants the trusted root {root}"));
    }
    lines
}

/// The terms of a rule in words, each behind a comma.
fn in_words(terms: &Terms) -> String {
    let mut words = match terms.select {
        Select::Any => String::new(),
        Select::All { minimum } => format!(", every one and at least {minimum}"),
        Select::Latest => ", the latest".to_owned(),
    };
    if let Some(age) = terms.max_age {
        words.push_str(&format!(", not older than {age} s"));
    }
    words.push_str(match terms.subject {
        About::Asked => "",
        About::Index => ", about the index",
        About::Platform => ", about the platform's image",
        About::EachPlatform => ", about each platform's image",
    });
    if terms.via_index {
        words.push_str(", or about the index that lists it");
    }
    words
}

fn rule(requirement: &Requirement, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let by = |by: &[String]| {
        by.iter()
            .map(|name| escape::field(name))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let with = |annotations: &std::collections::BTreeMap<String, String>| {
        annotations
            .iter()
            .map(|(name, value)| format!(", {} = {}", escape::field(name), escape::field(value)))
            .collect::<String>()
    };
    let mut below = |head: String, rules: &[Requirement]| {
        lines.push(head);
        for inner in rules {
            rule(inner, depth + 1, lines);
        }
    };
    match requirement {
        Requirement::Signature {
            by: names,
            annotations,
            terms,
        } => {
            below(
                format!(
                    "{indent}require a signature by {}{}{}",
                    by(names),
                    with(annotations),
                    in_words(terms)
                ),
                &[],
            );
        }
        Requirement::Statement {
            predicate_type,
            by: names,
            annotations,
            terms,
        } => {
            let what = predicate_type
                .as_ref()
                .map_or_else(|| "any type".to_owned(), |found| escape::field(&found.uri));
            below(
                format!(
                    "{indent}require a statement of {what} by {}{}{}",
                    by(names),
                    with(annotations),
                    in_words(terms)
                ),
                &[],
            );
        }
        Requirement::AllOf(rules) => below(format!("{indent}all of"), rules),
        Requirement::AnyOf(rules) => below(format!("{indent}any of"), rules),
        Requirement::AtLeast {
            count,
            distinct,
            of,
        } => {
            below(
                format!(
                    "{indent}at least {count} of, by distinct {}",
                    distinct.as_str()
                ),
                of,
            );
        }
        _ => below(format!("{indent}a rule of a newer kind"), &[]),
    }
}
