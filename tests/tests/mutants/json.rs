//! JSON that can hold what a parser must refuse, such as a member given twice, and every way to bend it.

use super::text::{self, Shape};
use super::{Rebuild, Sink, below};
use serde_json::Value;

/// A JSON value; members in order, each as often as it is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// An object.
    Object(Vec<(String, Json)>),
    /// An array.
    Array(Vec<Json>),
    /// A string.
    Text(String),
    /// Anything else, as it is written.
    Raw(String),
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), member.into()))
                    .collect(),
            ),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Raw(other.to_string()),
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// What must be escaped among all that the mutants put into texts.
const ESCAPED: [char; 5] = ['"', '\\', '\n', '\r', '\0'];

/// Writes a string; most hold base64, where nothing is escaped.
fn write_text(text: &str, out: &mut String) {
    if ESCAPED.iter().any(|letter| text.contains(*letter)) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

impl Json {
    /// Reads what `serde_json` reads.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<Value>(text)
            .ok()
            .map(|value| Self::from(&value))
    }

    /// The first member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, member)| member),
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Object(members) => {
                out.push('{');
                for (number, (name, member)) in members.iter().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    member.write(out);
                }
                out.push('}');
            }
            Self::Array(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Text(text) => write_text(text, out),
            Self::Raw(text) => out.push_str(text),
        }
    }

    fn null() -> Self {
        Self::Raw("null".to_owned())
    }
}

/// Bends `node` and everything below it; `name` is the nearest member's.
pub(super) fn walk(
    node: &Json,
    name: &str,
    peers: &[&Json],
    path: &str,
    rebuild: &Rebuild<'_, Json>,
    sink: &mut Sink<'_>,
) {
    match node {
        Json::Object(members) => walk_object(members, peers, path, rebuild, sink),
        Json::Array(items) => walk_array(items, name, peers, path, rebuild, sink),
        Json::Text(text) => {
            let peers: Vec<&str> = peers.iter().filter_map(|peer| peer.text()).collect();
            let shape = Shape::of(path, name);
            if shape == Shape::Number {
                sink(path, "as-number", rebuild(Json::Raw(text.clone())));
            }
            let rebuild = |new| rebuild(Json::Text(new));
            text::walk(shape, text, &peers, path, &rebuild, sink);
        }
        Json::Raw(text) => {
            if let Ok(number) = text.parse::<i64>() {
                let next = Json::Raw(number.wrapping_add(1).to_string());
                sink(path, "change", rebuild(next));
                sink(
                    path,
                    "change",
                    rebuild(Json::Raw(number.wrapping_sub(1).to_string())),
                );
                sink(path, "fraction", rebuild(Json::Raw(format!("{number}.0"))));
                sink(path, "as-text", rebuild(Json::Text(number.to_string())));
            }
        }
    }
}

/// What every value may become, whatever it is.
fn replacements(node: &Json) -> [(&'static str, Json); 3] {
    let empty = match node {
        Json::Object(_) => Json::Object(Vec::new()),
        Json::Array(_) => Json::Array(Vec::new()),
        Json::Text(_) | Json::Raw(_) => Json::Text(String::new()),
    };
    [
        ("null", Json::null()),
        ("empty", empty),
        ("other-type", Json::Raw("true".to_owned())),
    ]
}

fn walk_object(
    members: &[(String, Json)],
    peers: &[&Json],
    path: &str,
    rebuild: &Rebuild<'_, Json>,
    sink: &mut Sink<'_>,
) {
    let mut more = members.to_vec();
    more.push(("unknown".to_owned(), Json::Text("value".to_owned())));
    sink(path, "add", rebuild(Json::Object(more)));
    let mut turned = members.to_vec();
    turned.reverse();
    if turned != members {
        sink(path, "reorder", rebuild(Json::Object(turned)));
    }
    for (position, (name, member)) in members.iter().enumerate() {
        let here = below(path, name);
        let with = |new: &[(String, Json)]| {
            let mut bent = members.to_vec();
            bent.splice(position..=position, new.iter().cloned());
            rebuild(Json::Object(bent))
        };
        let one = |new: Json| with(&[(name.clone(), new)]);
        sink(&here, "remove", with(&[]));
        let twice = [
            (name.clone(), member.clone()),
            (name.clone(), member.clone()),
        ];
        sink(&here, "double", with(&twice));
        sink(
            &here,
            "rename",
            with(&[(format!("{name}_"), member.clone())]),
        );
        let snake = snake_case(name);
        if snake != *name {
            sink(&here, "snake-case", with(&[(snake, member.clone())]));
        }
        for (kind, new) in replacements(member) {
            if new != *member {
                sink(&here, kind, one(new));
            }
        }
        let others: Vec<&Json> = peers.iter().filter_map(|peer| peer.member(name)).collect();
        for other in others.iter().filter(|other| **other != member) {
            sink(&here, "swap", one((*other).clone()));
        }
        if let Some(other) = others.iter().find(|other| **other != member) {
            let last = [
                (name.clone(), member.clone()),
                (name.clone(), (*other).clone()),
            ];
            sink(&here, "double", with(&last));
            let first = [
                (name.clone(), (*other).clone()),
                (name.clone(), member.clone()),
            ];
            sink(&here, "double", with(&first));
        }
        walk(member, name, &others, &here, &one, sink);
    }
    // A member that only a peer has, such as the other half of a `oneof`.
    for peer in peers {
        let Json::Object(theirs) = peer else { continue };
        for (name, member) in theirs {
            if members.iter().all(|(own, _)| own != name) {
                let mut more = members.to_vec();
                more.push((name.clone(), member.clone()));
                sink(&below(path, name), "borrow", rebuild(Json::Object(more)));
            }
        }
    }
}

fn walk_array(
    items: &[Json],
    name: &str,
    peers: &[&Json],
    path: &str,
    rebuild: &Rebuild<'_, Json>,
    sink: &mut Sink<'_>,
) {
    let here = format!("{path}[]");
    if items.len() > 1 {
        let mut turned = items.to_vec();
        turned.reverse();
        sink(path, "reorder", rebuild(Json::Array(turned)));
    }
    let theirs = |peer: &Json| match peer {
        Json::Array(items) => items.clone(),
        _ => Vec::new(),
    };
    for item in peers
        .iter()
        .filter_map(|peer| theirs(peer).into_iter().next())
    {
        if items.contains(&item) {
            continue;
        }
        let mut last = items.to_vec();
        last.push(item.clone());
        sink(&here, "borrow", rebuild(Json::Array(last)));
        let mut first = items.to_vec();
        first.insert(0, item);
        sink(&here, "borrow", rebuild(Json::Array(first)));
    }
    for (position, item) in items.iter().enumerate() {
        let with = |new: &[Json]| {
            let mut bent = items.to_vec();
            bent.splice(position..=position, new.iter().cloned());
            rebuild(Json::Array(bent))
        };
        let one = |new: Json| with(&[new]);
        sink(&here, "remove", with(&[]));
        sink(&here, "double", with(&[item.clone(), item.clone()]));
        for (kind, new) in replacements(item) {
            sink(&here, kind, one(new));
        }
        let others: Vec<Json> = peers
            .iter()
            .filter_map(|peer| theirs(peer).get(position).cloned())
            .collect();
        let others: Vec<&Json> = others.iter().collect();
        for other in others.iter().filter(|other| **other != item) {
            sink(&here, "swap", one((*other).clone()));
        }
        walk(item, name, &others, &here, &one, sink);
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && name.is_ascii() && !name.contains('/') {
            out.push('_');
        }
        out.push(if name.contains('/') {
            letter
        } else {
            letter.to_ascii_lowercase()
        });
    }
    out
}
