//! Who a certificate names: the subject alternative name and Fulcio's extensions.

use crate::asn1::{Malformed, Reader, oid, tag};
use crate::certificate::{Certificate, Extension};
use crate::fault::CertificateFault;
use countersign_formats::{Digest, UnixTime};
use std::fmt;

/// The identity in a certificate that a trusted authority issued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateIdentity {
    /// The one subject alternative name.
    pub san: SubjectAlternativeName,
    /// Issuer of the identity token: extension 1.8, else 1.1; both present must agree.
    pub issuer: Option<String>,
    /// The other Fulcio extensions.
    pub extensions: FulcioExtensions,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// First second of validity.
    pub not_before: UnixTime,
    /// Last second of validity.
    pub not_after: UnixTime,
    /// SHA-256 of the certificate's DER.
    pub fingerprint: Digest,
    /// The authority that issued it, as the trust names it.
    pub authority: String,
}

/// The identity in a certificate of an own authority that knows no identity tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct X509Identity {
    /// The one subject alternative name, where there is one of a kind that is read.
    pub san: Option<SubjectAlternativeName>,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// First second of validity.
    pub not_before: UnixTime,
    /// Last second of validity.
    pub not_after: UnixTime,
    /// SHA-256 of the certificate's DER.
    pub fingerprint: Digest,
    /// The authority that issued it, as the trust names it.
    pub authority: String,
}

/// A subject alternative name (RFC 5280 §4.2.1.6); its kind is part of it (N-52).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SubjectAlternativeName {
    /// An e-mail address (`rfc822Name`).
    Email(String),
    /// A URI.
    Uri(String),
    /// Fulcio's `otherName` of type 1.3.6.1.4.1.57264.1.7, a user name.
    OtherName(String),
}

impl SubjectAlternativeName {
    /// The name without its kind.
    pub fn value(&self) -> &str {
        match self {
            Self::Email(value) | Self::Uri(value) | Self::OtherName(value) => value,
        }
    }

    /// The kind: `email`, `uri` or `other-name`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
            Self::OtherName(_) => "other-name",
        }
    }
}

impl fmt::Display for SubjectAlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value())
    }
}

macro_rules! fulcio_extensions {
    ($($(#[doc = $doc:literal])+ $field:ident = $arc:literal, $form:ident;)+) => {
        /// Fulcio's certificate extensions 1.3.6.1.4.1.57264.1.1 to .24, named as Fulcio's documentation names them.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct FulcioExtensions {
            $($(#[doc = $doc])+ pub $field: Option<String>,)+
        }

        impl FulcioExtensions {
            /// The extensions that are present: the last arc of the identifier, the name, and the value.
            pub fn present(&self) -> impl Iterator<Item = (u8, &'static str, &str)> {
                [$(($arc, stringify!($field), self.$field.as_deref()),)+]
                    .into_iter()
                    .filter_map(|(arc, name, value)| value.map(|value| (arc, name, value)))
            }

            /// The value of the extension with this name, such as `source_repository_uri`; `None` when absent or unknown.
            pub fn get(&self, name: &str) -> Option<&str> {
                match name {
                    $(stringify!($field) => self.$field.as_deref(),)+
                    _ => None,
                }
            }

            fn field(&mut self, arc: u8) -> Option<(&mut Option<String>, Form)> {
                match arc {
                    $($arc => Some((&mut self.$field, Form::$form)),)+
                    _ => None,
                }
            }
        }
    };
}

/// How the value stands in the extension.
#[derive(Clone, Copy)]
enum Form {
    /// The bytes of the text themselves (extensions 1.1 to 1.6).
    Raw,
    /// A DER UTF8String (extensions from 1.8 on).
    Utf8String,
    /// The same, and where Fulcio's documentation says that it may be empty, empty is absent.
    Optional,
}

fulcio_extensions! {
    /// 1.1: issuer of the token, raw; superseded by 1.8.
    issuer_v1 = 1, Raw;
    /// 1.2: event that triggered a GitHub workflow; superseded by 1.20.
    github_workflow_trigger = 2, Raw;
    /// 1.3: commit a GitHub workflow ran on; superseded by 1.13 and 1.19.
    github_workflow_sha = 3, Raw;
    /// 1.4: name of a GitHub workflow.
    github_workflow_name = 4, Raw;
    /// 1.5: repository of a GitHub workflow; superseded by 1.12.
    github_workflow_repository = 5, Raw;
    /// 1.6: ref of a GitHub workflow; superseded by 1.14.
    github_workflow_ref = 6, Raw;
    /// 1.8: issuer of the token.
    issuer_v2 = 8, Utf8String;
    /// 1.9: reference to the build instructions that the signer is.
    build_signer_uri = 9, Utf8String;
    /// 1.10: immutable reference to the version of the build instructions.
    build_signer_digest = 10, Utf8String;
    /// 1.11: whether the build ran on hosted or own machines.
    runner_environment = 11, Utf8String;
    /// 1.12: URI of the source repository.
    source_repository_uri = 12, Utf8String;
    /// 1.13: immutable reference to the version of the source.
    source_repository_digest = 13, Utf8String;
    /// 1.14: ref of the source.
    source_repository_ref = 14, Utf8String;
    /// 1.15: immutable identifier of the source repository.
    source_repository_identifier = 15, Optional;
    /// 1.16: URI of the owner of the source repository.
    source_repository_owner_uri = 16, Optional;
    /// 1.17: immutable identifier of the owner.
    source_repository_owner_identifier = 17, Optional;
    /// 1.18: URI of the top-level build instructions.
    build_config_uri = 18, Utf8String;
    /// 1.19: immutable reference to the version of the top-level build instructions.
    build_config_digest = 19, Utf8String;
    /// 1.20: event that triggered the build.
    build_trigger = 20, Utf8String;
    /// 1.21: URI of the run of the build.
    run_invocation_uri = 21, Utf8String;
    /// 1.22: visibility of the source repository at signing.
    source_repository_visibility_at_signing = 22, Optional;
    /// 1.23: deployment environment of the build.
    deployment_environment = 23, Optional;
    /// 1.24: subject of the identity token.
    token_subject = 24, Utf8String;
}

/// The longest text of one extension or name, in bytes.
const TEXT_BYTES: usize = 8 << 10;

/// What a certificate says about its holder.
pub(crate) struct Named {
    pub(crate) san: Option<SubjectAlternativeName>,
    pub(crate) issuer: Option<String>,
    pub(crate) extensions: FulcioExtensions,
}

impl Named {
    /// Whether the certificate carries any of Fulcio's extensions.
    pub(crate) fn is_fulcio(&self) -> bool {
        self.extensions.present().next().is_some()
    }
}

/// Reads the names and Fulcio extensions of a certificate.
///
/// # Errors
/// More than one name (N-53), a name of an unknown kind, control characters (N-51), extensions that contradict each
/// other (N-54) or are not strict DER (N-55).
pub(crate) fn read(certificate: &Certificate) -> Result<Named, CertificateFault> {
    let mut extensions = FulcioExtensions::default();
    let mut san = None;
    for extension in certificate.extensions() {
        let id = extension.id.as_bytes();
        if extension.id == oid::SUBJECT_ALTERNATIVE_NAME {
            san = Some(subject_alternative_name(extension)?);
        } else if let Some(arc) = oid::fulcio_arc(id)
            && let Some((field, form)) = extensions.field(arc)
        {
            *field = extension_text(extension, form, arc)?;
        }
    }
    let issuer = match (&extensions.issuer_v2, &extensions.issuer_v1) {
        (Some(second), Some(first)) if first != second => {
            return Err(CertificateFault::IssuerConflict {
                first: excerpt(first),
                second: excerpt(second),
            });
        }
        (Some(issuer), _) | (None, Some(issuer)) => Some(issuer.clone()),
        (None, None) => None,
    };
    Ok(Named {
        san,
        issuer,
        extensions,
    })
}

fn extension_text(
    extension: Extension<'_>,
    form: Form,
    arc: u8,
) -> Result<Option<String>, CertificateFault> {
    let refuse = || CertificateFault::Extension { arc };
    let bytes = match form {
        Form::Raw => extension.value,
        Form::Utf8String | Form::Optional => {
            let mut reader = Reader::new(extension.value);
            let text = reader.expect(tag::UTF8_STRING).map_err(|_| refuse())?;
            reader.finish().map_err(|_| refuse())?;
            text.value
        }
    };
    match form {
        Form::Optional if bytes.is_empty() => Ok(None),
        _ => text(bytes).map(Some).ok_or_else(refuse),
    }
}

/// RFC 5280 §4.2.1.6: `GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName`; exactly one is accepted.
fn subject_alternative_name(
    extension: Extension<'_>,
) -> Result<SubjectAlternativeName, CertificateFault> {
    let malformed = |_: Malformed| CertificateFault::Malformed {
        what: "subject alternative name",
    };
    let mut outer = Reader::new(extension.value);
    let names = outer.expect(tag::SEQUENCE).map_err(malformed)?;
    outer.finish().map_err(malformed)?;
    let mut names = Reader::new(names.value);
    let name = names.any().map_err(malformed)?;
    if !names.is_empty() {
        return Err(CertificateFault::SeveralNames);
    }
    let value = |bytes| text(bytes).ok_or(CertificateFault::NameText);
    match name.tag {
        tag::CONTEXT_PRIMITIVE_1 => value(name.value).map(SubjectAlternativeName::Email),
        tag::CONTEXT_PRIMITIVE_6 => value(name.value).map(SubjectAlternativeName::Uri),
        tag::CONTEXT_CONSTRUCTED_0 => {
            let mut other = Reader::new(name.value);
            let kind = other.expect(tag::OBJECT_IDENTIFIER).map_err(malformed)?;
            let wrapped = other
                .expect(tag::CONTEXT_CONSTRUCTED_0)
                .map_err(malformed)?;
            other.finish().map_err(malformed)?;
            if kind.value != oid::FULCIO_OTHER_NAME.as_bytes() {
                return Err(CertificateFault::NameKind);
            }
            let mut wrapped = Reader::new(wrapped.value);
            let user = wrapped.expect(tag::UTF8_STRING).map_err(malformed)?;
            wrapped.finish().map_err(malformed)?;
            value(user.value).map(SubjectAlternativeName::OtherName)
        }
        _ => Err(CertificateFault::NameKind),
    }
}

/// Non-empty UTF-8 without control characters (N-51), at most [`TEXT_BYTES`].
fn text(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > TEXT_BYTES {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// Foreign text, cut to what an error may carry.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 120;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(MOST / 4).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_kind_and_its_value() {
        for (name, kind) in [
            (SubjectAlternativeName::Email("one".to_owned()), "email"),
            (SubjectAlternativeName::Uri("one".to_owned()), "uri"),
            (
                SubjectAlternativeName::OtherName("one".to_owned()),
                "other-name",
            ),
        ] {
            assert_eq!((name.kind(), name.value()), (kind, "one"));
            assert_eq!(name.to_string(), "one");
        }
    }

    // N-51: what is shown and compared is text, and no more than the cap of it.
    #[test]
    fn text_is_short_and_without_control_characters() {
        let longest = "x".repeat(TEXT_BYTES);
        assert_eq!(text(longest.as_bytes()).as_deref(), Some(&*longest));
        for bad in [
            &b""[..],
            format!("{longest}x").as_bytes(),
            b"a\nb",
            b"a\0",
            b"\x1b[2J",
            "\u{85}".as_bytes(),
            b"\xff",
        ] {
            assert_eq!(text(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn an_excerpt_is_whole_or_cut_and_marked() {
        let short = "y".repeat(120);
        assert_eq!(excerpt(&short), short);
        assert_eq!(excerpt(&"y".repeat(121)), format!("{}…", "y".repeat(30)));
        assert_eq!(excerpt(&"é".repeat(70)), format!("{}…", "é".repeat(30)));
    }
}
