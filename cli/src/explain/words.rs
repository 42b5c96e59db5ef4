//! What a piece of evidence is, in words: its claim, its signer, and where it was found.

use countersign_formats::{decode_base64, predicate_types};
use countersign_proof::{ClaimKind, Origin, Signer};

use crate::escape::field;

/// What a piece claims, in words.
pub(crate) fn claim(kind: &ClaimKind) -> String {
    match kind {
        ClaimKind::Statement { predicate_type }
            if predicate_type == predicate_types::COSIGN_SIGN =>
        {
            "signature".to_owned()
        }
        ClaimKind::Statement { predicate_type } => format!("statement {}", field(predicate_type)),
        ClaimKind::SimpleSigning => "signature (simple signing)".to_owned(),
        ClaimKind::Message => "message signature".to_owned(),
        other => field(&other.to_string()),
    }
}

/// Who signed, in words.
pub(crate) fn signer(signer: &Signer) -> String {
    match signer {
        Signer::Key(id) => format!("key {id}"),
        Signer::Fulcio(identity) => format!(
            "{} of {}",
            field(identity.san.value()),
            identity
                .issuer
                .as_deref()
                .map_or_else(|| "an unnamed issuer".to_owned(), field)
        ),
        Signer::X509(identity) => identity.san.as_ref().map_or_else(
            || format!("certificate {}", identity.fingerprint),
            |san| field(san.value()),
        ),
        _ => "another kind of signer".to_owned(),
    }
}

/// A key as a piece names it: by its identifier where it can be read, else as it stands.
pub(crate) fn hinted(hint: &str) -> String {
    match decode_base64(hint, 32) {
        Some(bytes) if bytes.len() == 32 => {
            format!(
                "sha256:{}",
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        }
        _ => field(hint),
    }
}

/// Where a piece was found, in words.
pub(crate) fn place(origin: &Origin) -> String {
    let digest = origin.manifest.or_else(|| {
        origin
            .descriptor
            .as_ref()
            .map(|descriptor| descriptor.digest)
    });
    match (digest, &origin.repository) {
        (Some(digest), _) => format!("{} {digest}", origin.form),
        (None, Some(name)) => format!("{} {}", origin.form, field(name)),
        (None, None) => origin.form.to_string(),
    }
}
