//! `trust show`: what is trusted, how old it is and when it expires.

use countersign_formats::{TrustedRoot, UnixTime, Window};
use serde_json::{Value, json};

use super::Done;
use crate::arguments::TrustShow;
use crate::context::Context;
use crate::escape::{self, field};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::held_trust::{Chosen, HeldTrust};

pub(crate) fn run(arguments: &TrustShow, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let chosen = Chosen::new(
        context,
        arguments.trusted_root.as_deref(),
        &arguments.source,
    )?;
    let held = match chosen {
        Chosen::Held(held) => *held,
        Chosen::Repository { cache, max_age } => {
            // Shown as it lies there, stale or not: whoever looks wants to see what is wrong.
            let Some((material, checked)) = cache.kept()? else {
                return Err(Failure::new(
                    ExitStatus::TrustMaterial,
                    "trust-missing",
                    format!("nothing was fetched yet of `{}`", cache.instance().mirror),
                )
                .hint("run `countersign trust update`"));
            };
            let held = HeldTrust::of_repository(&cache, &material, checked)?;
            let stale = material.check(context.now).err().map(Failure::from);
            let old = max_age.is_some_and(|limit| {
                u64::try_from(context.now.0.saturating_sub(checked.0)).unwrap_or(0) > limit
            });
            if let Some(failure) = &stale {
                context.printer.warn(&match &failure.hint {
                    Some(hint) => format!("{}; {hint}", failure.message),
                    None => failure.message.clone(),
                });
            }
            if let Some(limit) = max_age.filter(|_| old) {
                context.printer.warn(&format!(
                    "the trust was compared with its mirror at {checked}, more than {limit} s ago (`--max-trust-age`); `countersign trust update` does it again"
                ));
            }
            show(context, &held);
            let status = match stale.is_some() || old {
                true => ExitStatus::TrustMaterial,
                false => ExitStatus::Pass,
            };
            return Ok(done(&held, status, context.now));
        }
    };
    show(context, &held);
    Ok(done(&held, ExitStatus::Pass, context.now))
}

fn done(held: &HeldTrust, status: ExitStatus, now: UnixTime) -> Done {
    let mut result = held.record.clone();
    if let Some(members) = result.as_object_mut() {
        members.insert("exitCode".to_owned(), json!(status.code()));
        members.insert("instances".to_owned(), instances(&held.root, now));
    }
    Done {
        status,
        result: Some(result),
    }
}

fn show(context: &mut Context<'_, '_>, held: &HeldTrust) {
    context.printer.line(&held.words);
    if let Some(roles) = held.record.get("roles").and_then(Value::as_array) {
        for role in roles {
            let text = |name: &str| role.get(name).and_then(Value::as_str).unwrap_or_default();
            let version = role
                .get("version")
                .and_then(Value::as_u64)
                .unwrap_or_default();
            context.printer.line(&format!(
                "  {} version {version}, expires {}",
                text("role"),
                text("expires")
            ));
        }
    }
    let now = context.now;
    for (kind, name, valid) in listed(&held.root) {
        let state = state(valid, now);
        let name = if name.is_empty() {
            "without a name"
        } else {
            name
        };
        context
            .printer
            .line(&format!("{kind} {}: {state}", field(name)));
    }
}

fn listed(root: &TrustedRoot) -> Vec<(&'static str, &str, Window)> {
    let mut listed = Vec::new();
    for authority in &root.certificate_authorities {
        listed.push((
            "certificate authority",
            authority.uri.as_str(),
            authority.valid,
        ));
    }
    for log in &root.logs {
        listed.push(("transparency log", log.base_url.as_str(), log.key.valid));
    }
    for log in &root.ct_logs {
        listed.push((
            "certificate transparency log",
            log.base_url.as_str(),
            log.key.valid,
        ));
    }
    for authority in &root.timestamp_authorities {
        listed.push((
            "timestamp authority",
            authority.uri.as_str(),
            authority.valid,
        ));
    }
    listed
}

fn state(valid: Window, now: UnixTime) -> String {
    match (valid.start, valid.end) {
        (Some(start), _) if start > now => format!("from {start} on"),
        (_, Some(end)) if end < now => format!("until {end}, for what was signed by then"),
        (Some(start), Some(end)) => format!("from {start} to {end}"),
        (Some(start), None) => format!("since {start}"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "always".to_owned(),
    }
}

fn instances(root: &TrustedRoot, now: UnixTime) -> Value {
    listed(root)
        .into_iter()
        .map(|(kind, name, valid)| {
            json!({
                "kind": kind,
                "url": escape::capped(name, escape::FIELD_BYTES),
                "start": valid.start.map(|time| time.to_string()),
                "end": valid.end.map(|time| time.to_string()),
                "current": valid.contains(now),
            })
        })
        .collect()
}
