//! What the commands share that create documents about own services.

use std::path::Path;

use bytes::Bytes;
use countersign_formats::UnixTime;
use countersign_proof::digest;
use countersign_services::check_address;
use serde_json::{Map, Value, json};

use super::Done;
use crate::arguments::{Instance, Target};
use crate::context::Context;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};

/// The window of an instance; its start is demanded, since a service that was trusted for ever is a mistake.
pub(super) fn window(flag: &str, instance: &Instance) -> Result<Value, Failure> {
    let time = |name: &str| {
        instance
            .get(name)
            .map(|text| {
                UnixTime::parse_rfc3339(text).map_err(|error| {
                    Failure::usage(error.code(), format!("{flag}: {name}: {error}"))
                        .hint("write a time such as `2026-01-01T00:00:00Z`")
                })
            })
            .transpose()
    };
    let Some(start) = time("start-time")? else {
        return Err(Failure::usage(
            "missing-argument",
            format!("{flag} `{}` has no `start-time`", instance.text()),
        )
        .hint(
            "add `start-time=2026-01-01T00:00:00Z`: the moment from which its signatures count",
        ));
    };
    let end = time("end-time")?;
    if end.is_some_and(|end| end < start) {
        return Err(Failure::usage(
            "window-reversed",
            format!("{flag} `{}` ends before it starts", instance.text()),
        ));
    }
    let mut window = Map::new();
    window.insert("start".to_owned(), json!(start.to_string()));
    if let Some(end) = end {
        window.insert("end".to_owned(), json!(end.to_string()));
    }
    Ok(Value::Object(window))
}

/// A value that has to be there, in an instance that has no others than those that are known.
pub(super) fn wanted<'a>(
    flag: &str,
    instance: &'a Instance,
    name: &str,
    known: &[&str],
) -> Result<&'a str, Failure> {
    if let Some(other) = instance.other_than(known) {
        return Err(
            Failure::usage("unknown-argument", format!("{flag} takes no `{other}`"))
                .hint(format!("it takes {}", known.join(", "))),
        );
    }
    instance.get(name).ok_or_else(|| {
        Failure::usage(
            "missing-argument",
            format!("{flag} `{}` has no `{name}`", instance.text()),
        )
        .hint(format!("add `{name}=…`"))
    })
}

/// The address of a service, in an instance that has no other values than those that are known.
pub(super) fn address<'a>(
    flag: &str,
    instance: &'a Instance,
    known: &[&str],
) -> Result<&'a str, Failure> {
    let url = wanted(flag, instance, "url", known)?;
    check_address(url).map_err(|error| {
        let failure = Failure::from(error);
        Failure::usage(failure.code, format!("{flag}: {}", failure.message))
            .hint("write the whole address: `url=https://HOST[:PORT][/PATH]`")
    })?;
    Ok(url)
}

/// The document as people read it.
pub(super) fn pretty(value: &Value) -> Bytes {
    // Made of strings, numbers and lists of them, which serialize.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    Bytes::from(text)
}

/// Writes a document of so many instances to a file, or prints it for `-`.
pub(super) fn written(
    what: &str,
    target: &Target,
    bytes: &Bytes,
    count: usize,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let path = target.out.display().to_string();
    if target.out == Path::new("-") {
        context.printer.document(bytes);
    } else {
        let existing = Existing::under(target.yes);
        files::write(what, &target.out, bytes, Audience::Everybody, existing)?;
        let shown = crate::escape::field(&path);
        context.printer.say(&format!("{what} is in {shown}"));
    }
    Ok(Done::pass(json!({
        "file": path,
        "digest": digest::sha256(bytes).to_string(),
        "instances": count,
    })))
}
