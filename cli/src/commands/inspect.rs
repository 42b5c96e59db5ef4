//! `inspect`: what a file or an image says, decoded and not verified.

mod document;
mod image;
mod notation;

use std::path::Path;

use serde_json::{Value, json};

use super::Done;
use crate::arguments::Inspect;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::stores;

/// The sentence that stands above everything that `inspect` prints.
const NOT_VERIFIED: &str =
    "NOT VERIFIED: this is what it says of itself; nothing of it was checked";

/// A decoded thing: its kind and its facts, in the order in which they are printed.
pub(super) struct Facts {
    kind: &'static str,
    facts: Vec<(&'static str, Value)>,
}

impl Facts {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            facts: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.facts.push((name, value.into()));
    }

    pub(super) fn add_known(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn add_inner(&mut self, name: &'static str, inner: &Facts) {
        self.add(name, inner.to_json());
    }

    fn to_json(&self) -> Value {
        let mut object = serde_json::Map::new();
        object.insert("kind".to_owned(), json!(self.kind));
        for (name, value) in &self.facts {
            object.insert((*name).to_owned(), value.clone());
        }
        Value::Object(object)
    }
}

pub(crate) fn run(arguments: &Inspect, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let what = arguments.what.as_str();
    let path = Path::new(what);
    let facts = if what == "-" || path.is_file() {
        document::read(context, path)?
    } else if reads_like_a_file(what) {
        return Err(Failure::usage("file-unreadable", format!("there is no file `{}`", escape::field(what)))
            .hint("check the path; an image is written with its registry or layout, as `ghcr.io/acme/app` or `oci:DIR`"));
    } else {
        let reference = stores::reference(what).map_err(|failure| {
            failure.hint(format!("there is no file `{}` either", escape::field(what)))
        })?;
        image::read(context, &reference)?
    };
    context.printer.line(NOT_VERIFIED);
    let record = facts.to_json();
    print(context, &record, 0);
    if context.printer.is_json() {
        context.printer.say(NOT_VERIFIED);
    }
    Ok(Done::pass(json!({
        "verified": false,
        "what": escape::capped(what, escape::FIELD_BYTES),
        "document": record,
    })))
}

/// Whether `what` was meant as a file although there is none: a short name of Docker Hub would be asked of the network.
fn reads_like_a_file(what: &str) -> bool {
    const EXTENSIONS: [&str; 10] = [
        "json", "jsonl", "pem", "pub", "key", "crt", "yaml", "yml", "bundle", "sigstore",
    ];
    let path = Path::new(what);
    let bare = !what.contains('/') && !what.contains(':');
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    bare || what.starts_with(['.', '/', '~'])
        || (!what.contains(':') && EXTENSIONS.contains(&extension))
}

/// A text from outside as a JSON string, cut at the cap.
pub(super) fn outside(text: &str) -> Value {
    Value::String(escape::capped(text, escape::FIELD_BYTES))
}

fn print(context: &mut Context<'_, '_>, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members {
        match value {
            Value::Object(inner) if inner.is_empty() => {}
            Value::Object(_) => {
                context
                    .printer
                    .line(&format!("{indent}{}:", escape::field(name)));
                print(context, value, depth + 1);
            }
            Value::Array(items) => {
                context
                    .printer
                    .line(&format!("{indent}{}: {}", escape::field(name), items.len()));
                for item in items {
                    match item {
                        Value::Object(_) => {
                            context.printer.line(&format!("{indent}  -"));
                            print(context, item, depth + 2);
                        }
                        other => context
                            .printer
                            .line(&format!("{indent}  - {}", scalar(other))),
                    }
                }
            }
            other => context.printer.line(&format!(
                "{indent}{}: {}",
                escape::field(name),
                scalar(other)
            )),
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => escape::field(text),
        other => other.to_string(),
    }
}
