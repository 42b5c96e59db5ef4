//! Why a piece was rejected, and what would change it.

use countersign_proof::{KeyId, Rejected, UnverifiedSigner};

use super::words::{claim, hinted, place};
use super::{CANDIDATES, more};
use crate::context::Context;
use crate::escape::field;

/// Tells of each rejected piece; `trusted` are the keys that the policy names.
pub(super) fn rejected(context: &mut Context<'_, '_>, rejected: &[Rejected], trusted: &[KeyId]) {
    for piece in rejected.iter().take(CANDIDATES) {
        let claimed = piece.unverified_claim().map_or_else(String::new, |kind| {
            format!(" that says it is a {}", claim(kind))
        });
        let signed = match piece.unverified_signer() {
            Some(UnverifiedSigner::Key { hint: Some(hint) }) => {
                format!(", by key {}", hinted(hint))
            }
            Some(UnverifiedSigner::Certificate {
                san: Some(san),
                issuer,
            }) => format!(
                ", by {}{}",
                field(san.value()),
                issuer
                    .as_ref()
                    .map(|issuer| format!(" of {}", field(issuer)))
                    .unwrap_or_default()
            ),
            _ => String::new(),
        };
        context.printer.say(&format!(
            "  rejected: {}{claimed}{signed}",
            place(piece.origin())
        ));
        context.printer.say(&format!(
            "    {} [{}]",
            field(&piece.to_string()),
            piece.code()
        ));
        for line in change(piece, trusted) {
            context.printer.say(&format!("    {line}"));
        }
    }
    more(context, rejected.len());
}

/// What was expected of a rejected piece, and what would change it.
fn change(piece: &Rejected, trusted: &[KeyId]) -> Vec<String> {
    let about_key = matches!(piece.code(), "signature-invalid" | "key-not-trusted");
    if let Some(UnverifiedSigner::Key { hint }) = piece.unverified_signer()
        && about_key
        && trusted.is_empty()
    {
        let named = hint.as_deref().map_or_else(
            || "a key".to_owned(),
            |hint| format!("key {}", hinted(hint)),
        );
        return vec![
            "expected: a certificate, since identities are named and no key is".to_owned(),
            format!("found:    a signature by {named}"),
            "hint: if that key is to be trusted, give its public key with `--key` or in the policy"
                .to_owned(),
        ];
    }
    if let Some(UnverifiedSigner::Key { hint: Some(hint) }) = piece.unverified_signer()
        && about_key
        && !trusted.is_empty()
        && !trusted.iter().any(|key| key.hint() == *hint)
    {
        let known: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        return vec![
            format!("expected: a signature by key {}", known.join(" or ")),
            format!("found:    one that names key {}", hinted(hint)),
            "hint: if that key is to be trusted, give its public key with `--key` or in the policy"
                .to_owned(),
        ];
    }
    if piece.code() == "sct-missing" {
        return vec!["hint: if its authority is your own and has no certificate transparency log, write `--insecure-ignore-sct`".to_owned()];
    }
    let hint = piece.hint().unwrap_or_else(|| match piece.unverified_signer() {
        Some(UnverifiedSigner::Key { .. }) => {
            "only a new signature can change that: `countersign sign` or `attest` with the trusted key".to_owned()
        }
        _ => "only new evidence can change that; fetch it again, or have it signed again".to_owned(),
    });
    vec![format!("hint: {}", field(&hint))]
}
