//! Texts that hold something else, by the name of their member, and every way to bend them.

use super::json::Json;
use super::{Rebuild, Sink, der, inside, json, note};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

/// What a text or some bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words.
    Text,
    /// A whole number.
    Number,
    /// Bytes in hexadecimal digits.
    Hex,
    /// Base64 of something.
    Base64(&'static Shape),
    /// JSON.
    Json,
    /// PEM of a certificate or key.
    Pem,
    /// A signed note.
    Note,
    /// DER of this kind, else bytes.
    Der(der::Kind),
    /// Bytes.
    Bytes,
}

const CERTIFICATE: Shape = Shape::Der(der::Kind::Certificate);
const SIGNATURE: Shape = Shape::Der(der::Kind::Signature);

impl Shape {
    /// What the member `name` at `path` holds.
    pub(super) fn of(path: &str, name: &str) -> Self {
        let logged = path.contains("canonicalizedBody >") || path.contains("body >");
        match name {
            "canonicalizedBody" | "body" | "payload" => Self::Base64(&Self::Json),
            "layer" | "dev.sigstore.cosign/bundle" | "dev.sigstore.cosign/rfc3161timestamp" => {
                Self::Json
            }
            "rawBytes" => Self::Base64(&CERTIFICATE),
            "signedTimestamp" | "SignedRFC3161Timestamp" => {
                Self::Base64(&Self::Der(der::Kind::Timestamp))
            }
            "verifier" | "publicKey" => Self::Base64(&Self::Pem),
            "content" if path.ends_with("publicKey.content") => Self::Base64(&Self::Pem),
            "sig" if logged => Self::Base64(&Self::Base64(&SIGNATURE)),
            "content"
            | "sig"
            | "signature"
            | "signedEntryTimestamp"
            | "SignedEntryTimestamp"
            | "dev.cosignproject.cosign/signature" => Self::Base64(&SIGNATURE),
            "dev.sigstore.cosign/certificate" | "dev.sigstore.cosign/chain" => Self::Pem,
            "keyId" | "rootHash" | "hashes" | "digest" | "hint" => Self::Base64(&Self::Bytes),
            "value" | "sha256" | "logID" => Self::Hex,
            "logIndex" | "treeSize" | "integratedTime" => Self::Number,
            "envelope" => Self::Note,
            _ => Self::Text,
        }
    }
}

/// Bends a text.
pub(super) fn walk(
    shape: Shape,
    text: &str,
    peers: &[&str],
    path: &str,
    rebuild: &Rebuild<'_, String>,
    sink: &mut Sink<'_>,
) {
    let mut bent = |kind, new: String| {
        if new != text {
            sink(path, kind, rebuild(new));
        }
    };
    bent("space", format!("{text} "));
    bent("space", format!(" {text}"));
    match shape {
        Shape::Number => {
            if let Ok(number) = text.parse::<i64>() {
                bent("change", number.wrapping_add(1).to_string());
                bent("change", number.wrapping_sub(1).to_string());
            }
            for new in [
                "0",
                "9223372036854775808",
                "18446744073709551616",
                "-1",
                "1e3",
            ] {
                bent("change", new.to_owned());
            }
            bent("leading-zero", format!("0{text}"));
            bent("sign", format!("+{text}"));
        }
        Shape::Hex => {
            bent("upper-case", text.to_ascii_uppercase());
            bent("cut", text.chars().skip(1).collect());
            bent("cut", text.chars().skip(2).collect());
            bent("longer", format!("{text}00"));
            for position in [0, text.len() / 2, text.len().saturating_sub(1)] {
                bent("change", replaced(text, position));
            }
        }
        Shape::Text | Shape::Note | Shape::Pem | Shape::Json => {
            let length = text.chars().count();
            bent("cut", text.chars().skip(1).collect());
            bent("cut", text.chars().take(length.saturating_sub(1)).collect());
            bent("longer", format!("{text}x"));
            bent("longer", format!("{text}\n"));
            bent("longer", format!("{text}\0"));
            bent("change", replaced(text, 0));
            bent("change", replaced(text, length.saturating_sub(1)));
            // What JSON, PEM and notes hold is bent in its own places, which do not move from run to run.
            if shape == Shape::Text {
                bent("upper-case", text.to_ascii_uppercase());
                bent("lower-case", text.to_ascii_lowercase());
                bent("change", replaced(text, length / 2));
            }
        }
        Shape::Base64(_) | Shape::Der(_) | Shape::Bytes => {}
    }
    match shape {
        Shape::Base64(inner) => walk_base64(*inner, text, peers, path, rebuild, sink),
        Shape::Json => {
            if let Some(node) = Json::parse(text) {
                let peers: Vec<Json> = peers.iter().filter_map(|peer| Json::parse(peer)).collect();
                let peers: Vec<&Json> = peers.iter().collect();
                let rebuild = |new: Json| rebuild(new.to_string());
                json::walk(&node, "", &peers, &inside(path), &rebuild, sink);
            }
        }
        Shape::Note => note::walk(text, peers, &inside(path), rebuild, sink),
        Shape::Pem => walk_pem(text, peers, path, rebuild, sink),
        _ => {}
    }
}

/// Bends bytes.
pub(super) fn walk_bytes(
    shape: Shape,
    bytes: &[u8],
    peers: &[Vec<u8>],
    path: &str,
    rebuild: &Rebuild<'_, Vec<u8>>,
    sink: &mut Sink<'_>,
) {
    match shape {
        Shape::Der(kind) if der::walk(kind, bytes, peers, path, rebuild, sink) => {
            sink(path, "longer", rebuild([bytes, &[0]].concat()));
            sink(path, "longer", rebuild([&[0], bytes].concat()));
            return;
        }
        Shape::Base64(_) | Shape::Json | Shape::Pem | Shape::Note => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let peers: Vec<&str> = peers
                    .iter()
                    .filter_map(|peer| std::str::from_utf8(peer).ok())
                    .collect();
                let rebuild = |new: String| rebuild(new.into_bytes());
                walk(shape, text, &peers, path, &rebuild, sink);
            }
            return;
        }
        _ => {}
    }
    for new in flips(bytes, path) {
        sink(path, "flip", rebuild(new));
    }
    sink(
        path,
        "cut",
        rebuild(bytes.iter().skip(1).copied().collect()),
    );
    let shorter = bytes.split_last().map(|(_, rest)| rest.to_vec());
    sink(path, "cut", rebuild(shorter.unwrap_or_default()));
    sink(path, "longer", rebuild([bytes, &[0]].concat()));
}

/// One bit of each byte flipped; of long contents, of some bytes spread over it.
pub(super) fn flips(bytes: &[u8], path: &str) -> impl Iterator<Item = Vec<u8>> {
    // Whatever changes in what is hashed as a whole, or in what nobody signs, ends in the same check.
    let whole = [
        "canonicalizedBody >",
        "Payload.body >",
        "payload >",
        "signedData.certificates",
        "chain >",
    ];
    let most = if whole.iter().any(|place| path.contains(place)) {
        4
    } else {
        32
    };
    let step = bytes.len().div_ceil(most).max(1);
    (0..bytes.len()).step_by(step).map(|position| {
        let mut new = bytes.to_vec();
        if let Some(byte) = new.get_mut(position) {
            *byte ^= 1 << (position % 8);
        }
        new
    })
}

fn walk_base64(
    inner: Shape,
    text: &str,
    peers: &[&str],
    path: &str,
    rebuild: &Rebuild<'_, String>,
    sink: &mut Sink<'_>,
) {
    let Ok(bytes) = STANDARD.decode(text) else {
        return;
    };
    for (kind, new) in [
        ("url-safe", URL_SAFE.encode(&bytes)),
        ("no-padding", STANDARD_NO_PAD.encode(&bytes)),
        ("trailing-bits", trailing_bits(text)),
        ("line-break", format!("{text}\n")),
        (
            "line-break",
            text.chars()
                .take(4)
                .chain(['\n'])
                .chain(text.chars().skip(4))
                .collect(),
        ),
        ("longer", format!("{text}AAAA")),
    ] {
        if new != text {
            sink(path, kind, rebuild(new));
        }
    }
    let peers: Vec<Vec<u8>> = peers
        .iter()
        .filter_map(|peer| STANDARD.decode(peer).ok())
        .collect();
    let rebuild = |new: Vec<u8>| rebuild(STANDARD.encode(new));
    walk_bytes(inner, &bytes, &peers, &inside(path), &rebuild, sink);
}

/// The same content with a bit set that the padding hides (RFC 4648 §3.5).
fn trailing_bits(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = text.trim_end_matches('=');
    if body.len() == text.len() {
        return text.to_owned();
    }
    let last = body
        .chars()
        .last()
        .and_then(|letter| ALPHABET.find(letter))
        .unwrap_or(0);
    let next = ALPHABET.chars().nth(last + 1).unwrap_or('A');
    let head: String = body.chars().take(body.len() - 1).collect();
    format!("{head}{next}{}", text.trim_start_matches(body))
}

fn walk_pem(
    text: &str,
    peers: &[&str],
    path: &str,
    rebuild: &Rebuild<'_, String>,
    sink: &mut Sink<'_>,
) {
    let Some((der, label, rest)) = read_pem(text) else {
        return;
    };
    let block = countersign_testdata::pem(&label, &der);
    let others: Vec<_> = peers
        .iter()
        .filter_map(|peer| read_pem(peer))
        .map(|(der, ..)| der)
        .collect();
    let second = others
        .first()
        .map(|der| countersign_testdata::pem(&label, der))
        .unwrap_or_default();
    for (kind, new) in [
        ("text-before", format!("text\n{text}")),
        ("line-ends", text.replace('\n', "\r\n")),
        ("one-line", one_line(&label, &der) + &rest),
        ("label", text.replace(&label, "TRUSTED CERTIFICATE")),
        ("double", format!("{block}{text}")),
        ("borrow", format!("{text}{second}")),
        ("borrow", format!("{second}{text}")),
    ] {
        if new != text {
            sink(path, kind, rebuild(new));
        }
    }
    let rebuild = |new: Vec<u8>| rebuild(countersign_testdata::pem(&label, &new) + &rest);
    walk_bytes(CERTIFICATE, &der, &others, &inside(path), &rebuild, sink);
}

/// The first block of a PEM text: content, label, and the text after it.
fn read_pem(text: &str) -> Option<(Vec<u8>, String, String)> {
    let (label, body) = text.strip_prefix("-----BEGIN ")?.split_once("-----\n")?;
    let (body, rest) = body.split_once(&format!("-----END {label}-----\n"))?;
    let der = STANDARD.decode(body.replace('\n', "")).ok()?;
    Some((der, label.to_owned(), rest.to_owned()))
}

fn one_line(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}

/// The text with another letter or digit at this position.
fn replaced(text: &str, position: usize) -> String {
    text.chars()
        .enumerate()
        .map(|(number, letter)| match letter {
            _ if number != position => letter,
            '0' => '1',
            '1'..='9' => '0',
            'a' => 'b',
            _ => 'a',
        })
        .collect()
}
