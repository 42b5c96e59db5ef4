//! `signing-config create`: which own services to sign with.

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_services::SigningConfig;
use serde_json::{Map, Value, json};

use super::Done;
use super::created::{address, pretty, wanted, window, written};
use crate::arguments::{Instance, SigningConfigCreate};
use crate::context::Context;
use crate::failure::Failure;

const KNOWN: [&str; 5] = ["url", "api-version", "start-time", "end-time", "operator"];

pub(crate) fn run(
    arguments: &SigningConfigCreate,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let mut config = Map::new();
    config.insert(
        "mediaType".to_owned(),
        json!("application/vnd.dev.sigstore.signingconfig.v0.2+json"),
    );
    let mut count = 0;
    for (member, flag, instances) in [
        ("caUrls", "--fulcio", &arguments.fulcio),
        ("oidcUrls", "--oidc-provider", &arguments.oidc_provider),
        ("rekorTlogUrls", "--rekor", &arguments.rekor),
        ("tsaUrls", "--tsa", &arguments.tsa),
    ] {
        let made = instances
            .iter()
            .map(|instance| service(flag, instance))
            .collect::<Result<Vec<Value>, Failure>>()?;
        count += made.len();
        config.insert(member.to_owned(), Value::Array(made));
    }
    if count == 0 {
        return Err(Failure::usage("missing-argument", "no service is named")
            .hint("name at least one with `--fulcio`, `--oidc-provider`, `--rekor` or `--tsa`"));
    }
    for (member, flag, text, service, named) in [
        (
            "rekorTlogConfig",
            "--rekor-config",
            &arguments.rekor_config,
            "--rekor",
            arguments.rekor.len(),
        ),
        (
            "tsaConfig",
            "--tsa-config",
            &arguments.tsa_config,
            "--tsa",
            arguments.tsa.len(),
        ),
    ] {
        let selector = selector(flag, text)?;
        if let Some(count) = selector.get("count").and_then(Value::as_u64)
            && count > named as u64
        {
            return Err(Failure::usage(
                "bad-value",
                format!("{flag} asks for {count} services, and {named} are named"),
            )
            .hint(format!(
                "name as many with `{service}`, each of another operator, or ask for fewer"
            )));
        }
        config.insert(member.to_owned(), selector);
    }
    let bytes: Bytes = pretty(&Value::Object(config));
    let parsed = SigningConfig::parse(&bytes, &Limits::DEFAULT)?;
    // The selectors must be met by what is named.
    for chosen in [
        parsed.logs(context.now).map(|_| ()),
        parsed.timestamp_authorities(context.now).map(|_| ()),
        parsed.certificate_authority(context.now).map(|_| ()),
    ] {
        if let Err(error) = chosen {
            context.printer.warn(&error.to_string());
        }
    }
    written(
        "the signing config",
        &arguments.target,
        &bytes,
        count,
        context,
    )
}

fn service(flag: &str, instance: &Instance) -> Result<Value, Failure> {
    let url = address(flag, instance, &KNOWN)?;
    let version = wanted(flag, instance, "api-version", &KNOWN)?;
    let operator = wanted(flag, instance, "operator", &KNOWN)?;
    let version: u32 = version
        .parse()
        .ok()
        .filter(|version| *version > 0)
        .ok_or_else(|| {
            Failure::usage(
                "bad-value",
                format!(
                    "{flag}: `api-version` is `{}`, not a version",
                    crate::escape::field(version)
                ),
            )
            .hint("write a number such as `1` or `2`")
        })?;
    Ok(json!({
        "url": url,
        "majorApiVersion": version,
        "validFor": window(flag, instance)?,
        "operator": operator,
    }))
}

fn selector(flag: &str, text: &str) -> Result<Value, Failure> {
    match text.split_once(':') {
        None if matches!(text, "ANY" | "ALL") => Ok(json!({"selector": text})),
        Some(("EXACT", count)) if count.parse::<u32>().is_ok_and(|count| count > 0) => {
            Ok(json!({"selector": "EXACT", "count": count.parse::<u32>().unwrap_or(1)}))
        }
        _ => Err(Failure::usage(
            "bad-value",
            format!("{flag}: `{}` is no selector", crate::escape::field(text)),
        )
        .hint("write `ANY`, `ALL` or `EXACT:N`")),
    }
}
