//! Signed notes (C2SP signed-note), line by line.

use super::text::{self, Shape};
use super::{Rebuild, Sink, below, der, inside};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const LINES: [&str; 3] = ["origin", "size", "root"];

/// Bends each line of a note.
pub(super) fn walk(
    note: &str,
    peers: &[&str],
    path: &str,
    rebuild: &Rebuild<'_, String>,
    sink: &mut Sink<'_>,
) {
    let lines: Vec<&str> = note.lines().collect();
    let whole = |lines: &[&str]| rebuild(lines.join("\n") + "\n");
    sink(path, "line-ends", rebuild(note.replace('\n', "\r\n")));
    let extended = note.replacen("\n\n", "\nextension\n\n", 1);
    sink(&below(path, "extension"), "add", rebuild(extended));
    for (position, line) in lines.iter().enumerate() {
        let name = match LINES.get(position) {
            Some(name) => name,
            None if line.is_empty() => "separator",
            None => "signature",
        };
        let here = below(path, name);
        let with = |new: &[&str]| {
            let mut bent = lines.clone();
            bent.splice(position..=position, new.iter().copied());
            whole(&bent)
        };
        sink(&here, "remove", with(&[]));
        sink(&here, "double", with(&[line, line]));
        sink(&here, "empty", with(&[""]));
        sink(&here, "space", with(&[&format!("{line} ")]));
        sink(&here, "space", with(&[&format!(" {line}")]));
        for peer in peers {
            if let Some(other) = peer.lines().nth(position).filter(|other| other != line) {
                sink(&here, "swap", with(&[other]));
                if name == "signature" {
                    sink(&here, "borrow", with(&[line, other]));
                    sink(&here, "borrow", with(&[other, line]));
                }
            }
        }
        match name {
            "signature" => walk_signature(line, &here, &with, sink),
            "root" => {
                if let Ok(root) = STANDARD.decode(line) {
                    let rebuild = |new: Vec<u8>| with(&[&STANDARD.encode(new)]);
                    text::walk_bytes(Shape::Bytes, &root, &[], &inside(&here), &rebuild, sink);
                }
            }
            _ => {
                let rebuild = |new: String| with(&[&new]);
                let shape = if name == "size" {
                    Shape::Number
                } else {
                    Shape::Text
                };
                text::walk(shape, line, &[], &here, &rebuild, sink);
            }
        }
    }
}

/// `— NAME base64(hint ‖ signature)`
fn walk_signature(
    line: &str,
    path: &str,
    with: &dyn Fn(&[&str]) -> super::json::Json,
    sink: &mut Sink<'_>,
) {
    let parts: Vec<&str> = line.split(' ').collect();
    let [dash, name, blob] = parts.as_slice() else {
        return;
    };
    let Some((hint, signature)) = STANDARD.decode(blob).ok().and_then(|blob| {
        blob.split_first_chunk::<4>()
            .map(|(hint, rest)| (*hint, rest.to_vec()))
    }) else {
        return;
    };
    let line_of = |name: &str, hint: &[u8], signature: &[u8]| {
        format!(
            "{dash} {name} {}",
            STANDARD.encode([hint, signature].concat())
        )
    };
    sink(path, "dash", with(&[&format!("- {name} {blob}")]));
    // Lines of signers that nobody knows, and lines that only look like the log's own.
    let stranger = line_of("stranger.lab.example", &[1, 2, 3, 4], &signature);
    let other_name = line_of("stranger.lab.example", &hint, &signature);
    let other_hint = line_of(name, &[1, 2, 3, 4], &signature);
    let wrong = line_of(name, &hint, &vec![1; signature.len()]);
    for (kind, added) in [
        ("add-stranger", &stranger),
        ("add-other-name", &other_name),
        ("add-other-hint", &other_hint),
    ] {
        sink(path, kind, with(&[line, added]));
        sink(path, kind, with(&[added, line]));
    }
    sink(path, "add-wrong-after", with(&[line, &wrong]));
    sink(path, "add-wrong-before", with(&[&wrong, line]));
    let here = below(path, "name");
    let rebuild = |new: String| with(&[&line_of(&new, &hint, &signature)]);
    text::walk(Shape::Text, name, &[], &here, &rebuild, sink);
    let here = below(path, "hint");
    let rebuild = |new: Vec<u8>| with(&[&line_of(name, &new, &signature)]);
    text::walk_bytes(Shape::Bytes, &hint, &[], &here, &rebuild, sink);
    let here = inside(&below(path, "signature"));
    let rebuild = |new: Vec<u8>| with(&[&line_of(name, &hint, &new)]);
    text::walk_bytes(
        Shape::Der(der::Kind::Signature),
        &signature,
        &[],
        &here,
        &rebuild,
        sink,
    );
}
