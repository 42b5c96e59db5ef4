//! `policy check`: reads policy files and says what they ask for.

use countersign_policy::{Pattern, Policy, PolicySet, Requirement, SignerRule};
use countersign_proof::KeyId;
use serde_json::{Value, json};

use super::Done;
use crate::arguments::PolicyCheck;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::trust;

pub(crate) fn run(arguments: &PolicyCheck, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let policies = trust::from_files(&arguments.files)?;
    let warnings = policies.warnings();
    for policy in policies.policies() {
        for line in describe(policy) {
            context.printer.line(&line);
        }
    }
    for warning in &warnings {
        context.printer.warn(warning);
    }
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
    Ok(Done::pass(record(&policies, &warnings)))
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
            ..
        } => {
            below(
                format!(
                    "{indent}require a signature by {}{}",
                    by(names),
                    with(annotations)
                ),
                &[],
            );
        }
        Requirement::Statement {
            predicate_type,
            by: names,
            annotations,
            ..
        } => {
            let what = predicate_type
                .as_ref()
                .map_or_else(|| "any type".to_owned(), |found| escape::field(&found.uri));
            below(
                format!(
                    "{indent}require a statement of {what} by {}{}",
                    by(names),
                    with(annotations)
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
