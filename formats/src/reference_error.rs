//! Why a text is not a reference.

use crate::error::excerpt;
use std::fmt;

/// Why a text is not a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// Nothing is there.
    Empty,
    /// The text, or a part of it, is too long.
    TooLong,
    /// There is a character that no reference has: a control character, a space, a letter outside ASCII.
    Character,
    /// There is a URL scheme or the transport of another tool.
    Scheme,
    /// There is a user name or password.
    UserInformation,
    /// The registry is not a host name or address.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// The repository does not follow the rules for repository names.
    Repository,
    /// The repository has upper-case letters.
    UpperCase,
    /// The text is the identifier of a local image, which no registry knows.
    ImageId,
    /// The tag does not follow the rules for tags.
    Tag,
    /// What follows `@` is not a digest.
    Digest,
    /// The path of a layout or archive is missing.
    Path,
}

/// A text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceError {
    text: String,
    kind: ReferenceErrorKind,
}

impl ReferenceError {
    pub(crate) fn new(text: &str, kind: ReferenceErrorKind) -> Self {
        Self {
            text: excerpt(text),
            kind,
        }
    }

    /// Why.
    pub fn kind(&self) -> ReferenceErrorKind {
        self.kind
    }

    /// A stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ReferenceErrorKind::Empty => "reference-empty",
            ReferenceErrorKind::TooLong => "reference-too-long",
            ReferenceErrorKind::Character => "reference-character",
            ReferenceErrorKind::Scheme => "reference-scheme",
            ReferenceErrorKind::UserInformation => "reference-user-information",
            ReferenceErrorKind::Host => "reference-host",
            ReferenceErrorKind::Port => "reference-port",
            ReferenceErrorKind::Repository => "reference-repository",
            ReferenceErrorKind::UpperCase => "reference-upper-case",
            ReferenceErrorKind::ImageId => "reference-image-id",
            ReferenceErrorKind::Tag => "reference-tag",
            ReferenceErrorKind::Digest => "reference-digest",
            ReferenceErrorKind::Path => "reference-path",
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ReferenceErrorKind::Empty => "write an image such as `ghcr.io/acme/app:1.4`",
            ReferenceErrorKind::Scheme => {
                "write the image without a scheme, as in `ghcr.io/acme/app:1.4`; a layout on disk is `oci:DIR`"
            }
            ReferenceErrorKind::UserInformation => {
                "log in to the registry; a reference carries no credentials"
            }
            ReferenceErrorKind::UpperCase => "write the repository in lower case",
            ReferenceErrorKind::ImageId => {
                "name the image by repository and digest, `ghcr.io/acme/app@sha256:…`"
            }
            ReferenceErrorKind::Digest => {
                "a digest is `sha256:` and 64 lower-case hexadecimal digits"
            }
            ReferenceErrorKind::Path => "write `oci:DIR` or `oci:DIR:TAG`",
            ReferenceErrorKind::TooLong
            | ReferenceErrorKind::Character
            | ReferenceErrorKind::Host
            | ReferenceErrorKind::Port
            | ReferenceErrorKind::Repository
            | ReferenceErrorKind::Tag => return None,
        };
        Some(hint.to_owned())
    }
}

impl std::error::Error for ReferenceError {}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            ReferenceErrorKind::Empty => "nothing is there",
            ReferenceErrorKind::TooLong => "it is too long",
            ReferenceErrorKind::Character => "it has a character that no reference has",
            ReferenceErrorKind::Scheme => "it begins with a scheme",
            ReferenceErrorKind::UserInformation => "it has a user name",
            ReferenceErrorKind::Host => "the registry is not a host name or address",
            ReferenceErrorKind::Port => "the port is not a number from 1 to 65535",
            ReferenceErrorKind::Repository => "the repository is not a valid name",
            ReferenceErrorKind::UpperCase => "the repository has upper-case letters",
            ReferenceErrorKind::ImageId => "it is the identifier of a local image",
            ReferenceErrorKind::Tag => "the tag is not a valid tag",
            ReferenceErrorKind::Digest => "what follows `@` is not a digest",
            ReferenceErrorKind::Path => "the path is missing or the tag is empty",
        };
        write!(f, "`{}` is not an image reference: {reason}", self.text)
    }
}
