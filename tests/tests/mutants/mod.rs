//! Honest evidence and every way to bend one place of it, through each encoding that is nested in another.

pub(crate) mod json;
pub(crate) mod pins;
pub(crate) mod seeds;

mod der;
mod note;
mod text;

use json::Json;

/// Takes a mutant: the place that was bent, how, and the whole document.
pub(crate) type Sink<'a> = dyn FnMut(&str, &'static str, Json) + 'a;

/// Puts something bent back into the whole document.
type Rebuild<'a, T> = dyn Fn(T) -> Json + 'a;

/// The place of a member or an element below another place.
fn below(path: &str, name: &str) -> String {
    if path.is_empty() || path.ends_with("> ") {
        format!("{path}{name}")
    } else {
        format!("{path}.{name}")
    }
}

/// The place of what a text decodes to.
fn inside(path: &str) -> String {
    if path.ends_with("> ") {
        path.to_owned()
    } else {
        format!("{path} > ")
    }
}

/// Gives every mutant of `document` to `sink`; `peers` are other documents of the same form, the most alike first.
pub(crate) fn each(document: &Json, peers: &[&Json], sink: &mut Sink<'_>) {
    let mut changed = |place: &str, way: &'static str, mutant: Json| {
        if mutant != *document {
            sink(place, way, mutant);
        }
    };
    json::walk(document, "", peers, "", &|new| new, &mut changed);
}
