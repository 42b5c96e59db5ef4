//! What to do next about a store that could not answer.

use super::{Fault, Outage, StoreError, Thing};

impl StoreError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { thing: Thing::Image, .. } => "check the name, the tag and the digest".to_owned(),
            Self::NotFound { thing: Thing::Layout, .. } => "a layout is a directory, or an uncompressed tar archive of one, with the files `oci-layout` and `index.json`".to_owned(),
            Self::NotFound { thing: Thing::Blob, .. } => "a manifest names it and it is not there: whoever pushed that has to push it again".to_owned(),
            Self::NotFound { .. } => return None,
            Self::Authentication { had_login: false, registry, .. } => format!("run `countersign login {registry}`"),
            Self::Authentication { had_login: true, registry, .. } => {
                format!("the login is wrong, expired or lacks the right; renew it with `countersign login {registry}`")
            }
            Self::Helper { registry, program, .. } => {
                format!("try the helper by itself: `echo {registry} | {program} get`; a file for logins names it (`credHelpers`, `credsStore`)")
            }
            Self::Unavailable { outage: Outage::Deadline { .. }, .. } => "a longer time can be given with `--timeout`".to_owned(),
            Self::Unavailable { outage: Outage::Status { retry_after: Some(seconds), .. }, .. } => format!("try again in {seconds} s"),
            Self::Unavailable { outage: Outage::Connection { detail, .. }, .. } => connection_hint(detail).to_owned(),
            Self::Unavailable { outage: Outage::Status { status: 400..=428 | 430..=499, message, .. }, .. } => {
                match message {
                    Some(message) if message.contains("HTTPS") => "it speaks https there: leave out `--allow-http`",
                    _ => "is this the address of a registry? `countersign doctor HOST` shows how it answers",
                }
                .to_owned()
            }
            Self::Unavailable { .. } => "try again later".to_owned(),
            Self::Untrusted { fault, .. } => match &**fault {
                Fault::FallbackTag { tag, .. } | Fault::TagHolds { tag, .. } => {
                    format!("look at what the tag `{tag}` holds and remove it if it is not wanted")
                }
                Fault::Malformed { what: "tar archive", .. } => "make it or fetch it again: what is there is no whole tar archive".to_owned(),
                Fault::ChildMissing { .. } => "where only some platforms were brought there, name those: `--platform PLATFORM`; a copy takes the index along by `--sparse-index`".to_owned(),
                _ => return None,
            },
            Self::Ambiguous { store, choices } => format!("name one: `{store}{}`", choices.join(&format!("`, `{store}"))),
            Self::Conflict { .. } => "try again".to_owned(),
            Self::Offline { .. } => "use a layout (`oci:DIR`), or leave out `--offline`".to_owned(),
            Self::Local { .. } | Self::Unsupported { .. } | Self::Recorded { .. } => return None,
        })
    }
}

/// What to do about a connection that was not made, by the words of who refused it.
fn connection_hint(detail: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if says(&["UnknownIssuer"]) {
        "no authority that this machine trusts issued the registry's certificate; name its authority's with `--registry-cacert FILE`"
    } else if says(&["CaUsedAsEndEntity"]) {
        "the registry shows an authority's certificate as its own; if that very certificate is to be trusted, name it with `--registry-cacert FILE`"
    } else if says(&["not valid for name"]) {
        "the registry's certificate is for another name; reach it by a name that stands in it"
    } else if says(&["certificate expired", "certificate not valid yet"]) {
        "the registry has to renew its certificate, unless this machine's clock is wrong"
    } else if says(&[
        "alert: BadCertificate",
        "alert: CertificateRequired",
        "alert: UnknownCA",
        "alert: AccessDenied",
    ]) {
        "the registry wants a client certificate, or another one: `--registry-client-cert FILE` and `--registry-client-key FILE`"
    } else if says(&["broken pipe", "onnection reset"]) {
        "the other side broke the connection off; one that wants a client certificate may do so: `--registry-client-cert FILE` and `--registry-client-key FILE`"
    } else if says(&["certificate"]) {
        "the registry's certificate cannot be used; ask who runs it, or name its authority's with `--registry-cacert FILE`"
    } else if says(&["InvalidContentType"]) {
        "it does not speak https there; a registry without https needs `--allow-http`"
    } else {
        "is the registry up and the name right? a registry without https needs `--allow-http`"
    }
}

#[cfg(test)]
mod tests {
    use super::connection_hint;

    #[test]
    fn a_refused_connection_says_what_to_do() {
        for (detail, part) in [
            (
                "invalid peer certificate: UnknownIssuer",
                "--registry-cacert",
            ),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                "that very certificate",
            ),
            (
                "invalid peer certificate: certificate not valid for name \"a\"; certificate is only valid for DnsName(\"b\")",
                "another name",
            ),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 (1 seconds ago)",
                "clock",
            ),
            (
                "connection error: received fatal alert: BadCertificate",
                "--registry-client-cert",
            ),
            (
                "connection error: stream closed because of a broken pipe",
                "--registry-client-cert",
            ),
            (
                "received corrupt message of type InvalidContentType",
                "--allow-http",
            ),
            ("Connection refused (os error 111)", "--allow-http"),
        ] {
            assert!(connection_hint(detail).contains(part), "{detail}");
        }
    }
}
