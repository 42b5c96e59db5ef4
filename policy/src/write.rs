//! Policies back to YAML, in one spelling.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_formats::Window;

use crate::document::{API_VERSION, KIND};
use crate::moments::span_text;
use crate::pattern::Pattern;
use crate::rules::{
    Demand, DenyList, Insecure, Policy, Requirement, Scope, Select, SignerRule, Terms, Thresholds,
    Unavailable,
};

/// The policies, one document each.
pub(crate) fn yaml(policies: &[Policy]) -> String {
    let mut out = String::new();
    for (index, policy) in policies.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        document(&mut out, policy);
    }
    out
}

fn document(out: &mut String, policy: &Policy) {
    line(out, 0, &format!("apiVersion: {API_VERSION}"));
    line(out, 0, &format!("kind: {KIND}"));
    line(
        out,
        0,
        &format!("metadata: {{name: {}}}", quoted(&policy.name)),
    );
    line(out, 0, "spec:");
    line(out, 1, &format!("mode: {}", policy.mode.as_str()));
    if let Some(expires) = policy.expires {
        line(
            out,
            1,
            &format!("expires: {}", quoted(&expires.to_string())),
        );
    }
    scope(out, &policy.scope);
    if policy.signers.is_empty() {
        line(out, 1, "signers: {}");
    } else {
        line(out, 1, "signers:");
    }
    for (name, signer) in &policy.signers {
        line(out, 2, &format!("{}:", quoted(name)));
        write_signer(out, signer);
        if let Some(demand) = policy.trust.signers.get(name) {
            let certificates = !matches!(signer, SignerRule::Key { .. });
            line(out, 3, &format!("trust: {}", counts(demand, certificates)));
        }
    }
    let Thresholds {
        keys,
        certificates,
        root,
        signers: _,
    } = &policy.trust;
    line(out, 1, "trust:");
    if let Some(root) = root {
        line(out, 2, &format!("root: {}", quoted(&root.to_string())));
    }
    line(out, 2, &format!("keys: {}", counts(keys, false)));
    line(
        out,
        2,
        &format!("certificates: {}", counts(certificates, true)),
    );
    deny(out, &policy.deny);
    match policy.unavailable {
        Unavailable::Deny => {}
        Unavailable::Warn => line(out, 1, "unavailable: warn"),
        Unavailable::UseCached { max_age } => {
            let span = span_text(max_age);
            line(
                out,
                1,
                &format!("unavailable: {{useCached: {{maxAge: {span}}}}}"),
            );
        }
    }
    insecure(out, &policy.insecure);
    line(out, 1, "require:");
    rule(out, 2, "", &policy.require);
}

fn scope(out: &mut String, scope: &Scope) {
    let Scope { images, except } = scope;
    if images.is_empty() && except.is_empty() {
        return;
    }
    line(out, 1, "scope:");
    let quoted_images: Vec<String> = if images.is_empty() {
        vec![quoted("**")]
    } else {
        images.iter().map(|image| quoted(image.as_str())).collect()
    };
    line(out, 2, &format!("images: [{}]", quoted_images.join(", ")));
    if except.is_empty() {
        return;
    }
    line(out, 2, "except:");
    for exception in except {
        line(
            out,
            3,
            &format!(
                "- {{image: {}, until: {}, reason: {}}}",
                quoted(exception.image.as_str()),
                quoted(&exception.until.to_string()),
                quoted(&exception.reason)
            ),
        );
    }
}

fn deny(out: &mut String, deny: &DenyList) {
    let DenyList {
        digests,
        identities,
        serials,
    } = deny;
    if digests.is_empty() && identities.is_empty() && serials.is_empty() {
        return;
    }
    line(out, 1, "deny:");
    let lists = [
        (
            "digests",
            digests
                .iter()
                .map(|digest| quoted(&digest.to_string()))
                .collect::<Vec<_>>(),
        ),
        ("identities", identities.iter().map(pattern).collect()),
        (
            "serials",
            serials.iter().map(|serial| quoted(serial)).collect(),
        ),
    ];
    for (field, entries) in lists {
        if !entries.is_empty() {
            line(out, 2, &format!("{field}: [{}]", entries.join(", ")));
        }
    }
}

fn insecure(out: &mut String, switches: &[Insecure]) {
    if switches.is_empty() {
        return;
    }
    line(out, 1, "insecure:");
    let mut written = std::collections::BTreeSet::new();
    for Insecure { danger, reason } in switches {
        let field = crate::insecure::field(*danger);
        if written.insert(field) {
            line(out, 2, &format!("{field}: {{reason: {}}}", quoted(reason)));
        }
    }
}

/// The terms that differ from the default, as further fields of a rule.
fn terms(terms: &Terms) -> String {
    let Terms {
        select,
        max_age,
        subject,
        via_index,
    } = terms;
    let mut text = String::new();
    if *select != Select::Any {
        let _ = write!(text, ", select: {}", select.as_str());
    }
    if let Select::All { minimum } = select {
        let _ = write!(text, ", minimum: {minimum}");
    }
    if let Some(max_age) = max_age {
        let _ = write!(text, ", maxAge: {}", span_text(*max_age));
    }
    if let Some(word) = subject.as_str() {
        let _ = write!(text, ", subject: {word}");
    }
    if *via_index {
        text.push_str(", via: index");
    }
    text
}

fn write_signer(out: &mut String, signer: &SignerRule) {
    match signer {
        SignerRule::Key { keys } => {
            line(out, 3, "keys:");
            for key in keys {
                line(out, 4, "- pem: |");
                for text in key.trusted.key.to_pem().lines() {
                    line(out, 6, text);
                }
                window(out, 5, &key.trusted.valid);
                if let Some(since) = key.compromised_since {
                    let since = quoted(&since.to_string());
                    line(out, 5, &format!("compromisedSince: {since}"));
                }
                if let Some(schemes) = &key.trusted.schemes {
                    let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name()).collect();
                    line(out, 5, &format!("schemes: [{}]", names.join(", ")));
                }
            }
        }
        SignerRule::Keyless {
            identity,
            issuer,
            claims,
        } => {
            line(out, 3, "keyless:");
            line(out, 4, &format!("issuer: {}", pattern(issuer)));
            if let Some(identity) = identity {
                line(out, 4, &format!("identity: {}", pattern(identity)));
            }
            if !claims.is_empty() {
                line(out, 4, "claims:");
            }
            for (claim, expected) in claims {
                line(
                    out,
                    5,
                    &format!("{}: {}", claim.as_str(), pattern(expected)),
                );
            }
        }
        SignerRule::Certificate { identity } => {
            line(out, 3, "certificate:");
            line(out, 4, &format!("identity: {}", pattern(identity)));
        }
    }
}

fn window(out: &mut String, depth: usize, valid: &Window) {
    if let Some(start) = valid.start {
        line(
            out,
            depth,
            &format!("validFrom: {}", quoted(&start.to_string())),
        );
    }
    if let Some(end) = valid.end {
        line(
            out,
            depth,
            &format!("validUntil: {}", quoted(&end.to_string())),
        );
    }
}

fn counts(demand: &Demand, certificates: bool) -> String {
    let Demand {
        logs,
        timestamps,
        scts,
        times,
        witnesses,
    } = demand;
    let scts = if certificates {
        format!(", scts: {scts}")
    } else {
        String::new()
    };
    let witnesses = if *witnesses > 0 {
        format!(", witnesses: {witnesses}")
    } else {
        String::new()
    };
    format!("{{logs: {logs}, timestamps: {timestamps}{scts}, times: {times}{witnesses}}}")
}

/// `lead` is what stands before the rule's own word: nothing, or a list's dash.
fn rule(out: &mut String, depth: usize, lead: &str, requirement: &Requirement) {
    let inner = if lead.is_empty() {
        depth + 1
    } else {
        depth + 2
    };
    match requirement {
        Requirement::Signature {
            by,
            annotations,
            terms: more,
        } => {
            line(
                out,
                depth,
                &format!(
                    "{lead}signature: {{by: {}{}{}}}",
                    names(by),
                    pairs(annotations),
                    terms(more)
                ),
            );
        }
        Requirement::Statement {
            predicate_type,
            by,
            annotations,
            terms: more,
        } => {
            let uri = predicate_type
                .as_ref()
                .map_or("any", |predicate| predicate.uri.as_str());
            line(
                out,
                depth,
                &format!(
                    "{lead}statement: {{type: {}, by: {}{}{}}}",
                    quoted(uri),
                    names(by),
                    pairs(annotations),
                    terms(more)
                ),
            );
        }
        Requirement::AllOf(rules) => list(out, depth, &format!("{lead}allOf:"), inner, rules),
        Requirement::AnyOf(rules) => list(out, depth, &format!("{lead}anyOf:"), inner, rules),
        Requirement::AtLeast {
            count,
            distinct,
            of,
        } => {
            line(out, depth, &format!("{lead}atLeast:"));
            line(out, inner, &format!("count: {count}"));
            line(out, inner, &format!("distinct: {}", distinct.as_str()));
            list(out, inner, "of:", inner + 1, of);
        }
    }
}

fn list(out: &mut String, depth: usize, head: &str, inner: usize, rules: &[Requirement]) {
    if rules.is_empty() {
        line(out, depth, &format!("{head} []"));
        return;
    }
    line(out, depth, head);
    for entry in rules {
        rule(out, inner, "- ", entry);
    }
}

fn names(by: &[String]) -> String {
    let quoted: Vec<String> = by.iter().map(|name| quoted(name)).collect();
    format!("[{}]", quoted.join(", "))
}

fn pairs(annotations: &BTreeMap<String, String>) -> String {
    if annotations.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = annotations
        .iter()
        .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
        .collect();
    format!(", annotations: {{{}}}", pairs.join(", "))
}

fn pattern(pattern: &Pattern) -> String {
    format!("{{{}: {}}}", pattern.kind(), quoted(pattern.as_str()))
}

fn line(out: &mut String, depth: usize, text: &str) {
    for _ in 0..depth {
        out.push_str("  ");
    }
    out.push_str(text);
    out.push('\n');
}

/// YAML's double quotes: no reader takes what is inside for anything but a text.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            control if u32::from(control) < 0x20 || (0x7f..0xa0).contains(&u32::from(control)) => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
