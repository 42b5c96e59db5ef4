//! Patterns that match more, or less, than their author can have meant; exceptions and switches.

use std::collections::BTreeSet;

use super::inclusion::{includes, overlaps};
use super::{Lint, Lints};
use crate::error::shown;
use crate::github::SERVER;
use crate::pattern::Pattern;
use crate::rules::{Requirement, SignerRule};

/// Signers: patterns that match everybody or end in the middle of a name, and signers that nobody names or that never count.
pub(super) fn signers(lints: &mut Lints<'_>) {
    let policy = lints.policy;
    let mut used = BTreeSet::new();
    policy.require.each_leaf(&mut |leaf| {
        if let Requirement::Signature { by, .. } | Requirement::Statement { by, .. } = leaf {
            used.extend(by.iter().cloned());
        }
    });
    for (name, rule) in &policy.signers {
        let part = format!("signers.{name}");
        if !used.contains(name) {
            lints.add(
                Lint::UnusedSigner,
                &part,
                format!("no rule names the signer `{name}`"),
                "name it in the `by` of a rule, or take it away",
            );
        }
        let mut patterns: Vec<(&str, &Pattern)> = Vec::new();
        match rule {
            SignerRule::Key { .. } => {}
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            } => {
                patterns.extend(identity.as_ref().map(|pattern| ("identity", pattern)));
                patterns.push(("issuer", issuer));
                patterns.extend(
                    claims
                        .iter()
                        .map(|(claim, pattern)| (claim.as_str(), pattern)),
                );
                if identity.is_none() && !claims.keys().any(|claim| claim.names_somebody()) {
                    lints.add(
                        Lint::AlwaysPass,
                        &part,
                        format!("the signer `{name}` names no identity and no repository, so that anybody's build may match"),
                        "say whose it is with `identity`, or with the claim `sourceRepositoryUri`",
                    );
                }
            }
            SignerRule::Certificate { identity } => patterns.push(("identity", identity)),
        }
        for (what, pattern) in patterns {
            if matches_everybody(pattern) {
                lints.add(
                    Lint::AlwaysPass,
                    &part,
                    format!(
                        "the {what} `{}` of the signer `{name}` matches everybody",
                        shown(pattern.as_str())
                    ),
                    "name whom you mean",
                );
            } else if let Some(why) = unanchored(pattern) {
                lints.add(
                    Lint::Unanchored,
                    &part,
                    format!(
                        "the {what} `{}` of the signer `{name}` {why}",
                        shown(pattern.as_str())
                    ),
                    "end the fixed part at a `/` or `@`, such as `https://github.com/acme/*`",
                );
            }
            if what == "identity" {
                let mut denied = policy.deny.identities.iter();
                if let Some(denied) = denied.find(|denied| includes(denied, pattern) == Some(true))
                {
                    lints.add(
                        Lint::Contradictory,
                        &part,
                        format!(
                            "the signer `{name}` never counts: everybody whom it matches stands on the deny-list as `{}`",
                            shown(denied.as_str())
                        ),
                        "take one of the two away",
                    );
                }
            }
        }
    }
}

/// Scope: globs and exceptions that others cover, and exceptions that leave nothing of the policy.
pub(super) fn scope(lints: &mut Lints<'_>) {
    let scope = &lints.policy.scope;
    for (index, image) in scope.images.iter().enumerate() {
        let part = format!("scope.images[{index}]");
        let covering = scope.images.iter().enumerate().find(|(other, glob)| {
            *other != index
                && includes(glob, image) == Some(true)
                // Of two equal ones the second is too much.
                && (*other < index || includes(image, glob) != Some(true))
        });
        if let Some((_, covering)) = covering {
            lints.add(
                Lint::Shadowed,
                &part,
                format!("`{image}` adds nothing: `{covering}` covers it"),
                "take it away",
            );
        }
        if let Some(why) = unanchored(image) {
            lints.add(
                Lint::Unanchored,
                &part,
                format!("the glob `{image}` {why}"),
                "end the fixed part at a `/`, such as `ghcr.io/acme/**`",
            );
        }
    }
    for (index, exception) in scope.except.iter().enumerate() {
        let part = format!("scope.except[{index}]");
        let images = &scope.images;
        let all = !images.is_empty()
            && images
                .iter()
                .all(|image| includes(&exception.image, image) == Some(true));
        if all || exception.image.matches_everything() {
            lints.add(
                Lint::AlwaysPass,
                &part,
                format!(
                    "the exception `{}` leaves nothing of the policy until {}",
                    exception.image, exception.until
                ),
                "narrow the exception to the images that need it",
            );
        } else if !images.is_empty()
            && images
                .iter()
                .all(|image| overlaps(&exception.image, image) == Some(false))
        {
            lints.add(
                Lint::Shadowed,
                &part,
                format!(
                    "the exception `{}` is for no image that the policy speaks of",
                    exception.image
                ),
                "take it away, or correct its name",
            );
        }
    }
}

/// Checks that are left out: each decision says so, and so does this.
pub(super) fn switches(lints: &mut Lints<'_>) {
    for switch in &lints.policy.insecure {
        let name = switch.danger.name();
        lints.add(
            Lint::Insecure,
            &format!("insecure.{name}"),
            format!("{}: {}", switch.danger.meaning(), shown(&switch.reason)),
            "",
        );
    }
}

/// Also every repository of a server, which the shorthand for GitHub can ask for.
fn matches_everybody(pattern: &Pattern) -> bool {
    pattern.matches_everything()
        || (pattern.kind() == "glob"
            && matches!(
                pattern.as_str().strip_prefix(SERVER),
                Some("*" | "**" | "*/*" | "*/**" | "**/*")
            ))
}

/// Why somebody else can have a name that matches, where the pattern's form alone says it.
///
/// What matters is who owns names: a host, the first part of a path below it, or the domain of an address. A star that
/// goes on with such a part, as in `https://github.com/acme*`, matches `https://github.com/acme-evil` too.
fn unanchored(pattern: &Pattern) -> Option<String> {
    let text = pattern.as_str();
    match pattern.kind() {
        "glob" => {
            if let Some((_, domain)) = text.rsplit_once('@').filter(|_| !text.contains('/')) {
                return domain.contains('*').then(|| {
                    "has a star in the domain of an address, where anybody can have a name"
                        .to_owned()
                });
            }
            let begin = text.find("://").map_or(0, |at| at + 3);
            let owned = text.get(begin..)?;
            let star = owned.find('*')?;
            let before = owned.get(..star)?;
            // Host, and the first part of the path.
            let depth = before.matches('/').count();
            let goes_on = before
                .chars()
                .next_back()
                .is_some_and(|last| last.is_alphanumeric());
            let names_a_host = text.contains("://") || before.contains('.') || depth > 0;
            let ref_like = text.starts_with("refs/");
            (goes_on && depth <= 1 && names_a_host && !ref_like).then(|| {
                let longer = format!("{}{before}-evil", text.get(..begin).unwrap_or_default());
                format!("goes on in the middle of a name: `{longer}…` matches too")
            })
        }
        "regex" => {
            let inner = text.trim_start_matches('^').trim_end_matches('$');
            if [".*", ".+", "(.*)", "(.+)"]
                .iter()
                .any(|any| inner.starts_with(any))
            {
                return Some(
                    "begins with anything, so that it is not anchored at its beginning".to_owned(),
                );
            }
            bare_dot(inner).map(|around| {
                format!(
                    "has a dot that is no dot: `{around}` matches any character there; write `\\.`"
                )
            })
        }
        _ => None,
    }
}

/// An unescaped dot between two letters, as in the name of a host.
fn bare_dot(expression: &str) -> Option<String> {
    let characters: Vec<char> = expression.chars().collect();
    characters.windows(4).find_map(|window| match window {
        [escape, left, '.', right]
            if *escape != '\\' && left.is_alphanumeric() && right.is_alphabetic() =>
        {
            Some(format!("{left}.{right}"))
        }
        _ => None,
    })
}
