//! A request's path and method, read into what is asked for.

use std::borrow::Cow;

use countersign_formats::Digest;
use http::{Method, StatusCode, header};

use crate::{
    names,
    refusal::{Code, Refusal},
};

/// What a path names.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// `/v2/`
    Base,
    /// `/v2/<name>/manifests/<reference>`
    Manifest(String, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(String, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(String),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(String, String),
    /// `/v2/<name>/tags/list`
    Tags(String),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(String, Digest),
}

/// A manifest's tag or digest.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl Place {
    pub(crate) fn parse(path: &str) -> Result<Self, Refusal> {
        let path = decoded(path)?;
        let rest = match path.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Base),
            Some(rest) => rest.strip_prefix('/'),
            None => None,
        };
        // The last known word wins: a repository may be called `a/manifests`.
        let rest = rest.ok_or_else(nowhere)?;
        if let Some(rest) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(repository(rest)?));
        }
        let (head, last) = rest.rsplit_once('/').ok_or_else(nowhere)?;
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            let name = repository(name)?;
            return Ok(if last.is_empty() {
                Self::Uploads(name)
            } else {
                Self::Upload(name, last.to_owned())
            });
        }
        // `POST /v2/<name>/blobs/uploads` without the last slash is what some clients send.
        if last == "uploads"
            && let Some(name) = head.strip_suffix("/blobs")
        {
            return Ok(Self::Uploads(repository(name)?));
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return Ok(Self::Manifest(repository(name)?, Reference::parse(last)?));
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return Ok(Self::Blob(repository(name)?, digest(last)?));
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(repository(name)?, digest(last)?));
        }
        Err(nowhere())
    }

    /// The repository, where there is one.
    pub(crate) fn repository(&self) -> Option<&str> {
        match self {
            Self::Base => None,
            Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Tags(name)
            | Self::Referrers(name, _) => Some(name),
        }
    }

    /// What a token must allow for `method` here.
    pub(crate) fn action(&self, method: &Method) -> &'static str {
        match (self, method) {
            // Reading an upload's progress and cancelling it belong to pushing.
            (Self::Uploads(_) | Self::Upload(..), _) => "push",
            (_, &Method::GET | &Method::HEAD) => "pull",
            (_, &Method::DELETE) => "delete",
            _ => "push",
        }
    }

    /// Methods that this place knows.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Base | Self::Tags(_) | Self::Referrers(..) => "GET, HEAD",
            Self::Manifest(..) => "GET, HEAD, PUT, DELETE",
            Self::Blob(..) => "GET, HEAD, DELETE",
            Self::Uploads(_) => "POST",
            Self::Upload(..) => "GET, PATCH, PUT, DELETE",
        }
    }
}

impl Reference {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        if names::is_tag(text) {
            return Ok(Self::Tag(text.to_owned()));
        }
        Err(Refusal::bad(
            Code::TagInvalid,
            "tag is not [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}",
        ))
    }
}

/// The parameters of a query, decoded; a later one of the same name does not hide the earlier.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// At most this many parameters are read.
    const PARAMETERS: usize = 256;

    pub(crate) fn parse(query: &str) -> Result<Self, Refusal> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let mut parameters = Vec::new();
        for pair in pairs {
            if parameters.len() == Self::PARAMETERS {
                return Err(Refusal::bad(
                    Code::Unsupported,
                    format!("query has more than {} parameters", Self::PARAMETERS),
                ));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((form_decoded(name)?, form_decoded(value)?));
        }
        Ok(Self(parameters))
    }

    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn digest(&self) -> Result<Option<Digest>, Refusal> {
        self.first("digest").map(digest).transpose()
    }

    /// The number `n` of a page; absurd ones ask for no more than `cap` (A102: it must not be allocated).
    pub(crate) fn page(&self, cap: usize) -> Result<usize, Refusal> {
        let Some(text) = self.first("n") else {
            return Ok(cap);
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::bad(
                Code::Unsupported,
                "parameter `n` is not a number of entries",
            ));
        }
        Ok(text.parse::<usize>().map_or(cap, |number| number.min(cap)))
    }
}

/// Percent-encodes what is not unreserved (RFC 3986 §2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b':') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

pub(crate) fn digest(text: &str) -> Result<Digest, Refusal> {
    Digest::parse(text).map_err(|error| Refusal::bad(Code::DigestInvalid, error.to_string()))
}

pub(crate) fn wrong_method(place: &Place) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::Unsupported,
        "method is not supported here",
    )
    .with(header::ALLOW, place.methods())
}

fn repository(name: &str) -> Result<String, Refusal> {
    if names::is_repository(name) {
        return Ok(name.to_owned());
    }
    Err(Refusal::bad(
        Code::NameInvalid,
        "repository name is not lower-case path components of the specification, or has a component `blobs`, `index.json` or `oci-layout`",
    ))
}

fn nowhere() -> Refusal {
    Refusal::absent(
        Code::Unsupported,
        "path is not one of the distribution specification",
    )
}

fn form_decoded(text: &str) -> Result<String, Refusal> {
    decoded(&text.replace('+', " ")).map(Cow::into_owned)
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let value = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (value(bytes.next()), value(bytes.next())) else {
            return Err(undecodable());
        };
        out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| undecodable())
}

fn undecodable() -> Refusal {
    Refusal::bad(Code::Unsupported, "address is not percent-encoded UTF-8")
}

#[cfg(test)]
mod tests {
    use super::{Place, Query, Reference};

    fn digest() -> String {
        format!("sha256:{}", "a".repeat(64))
    }

    #[test]
    fn every_place_of_the_specification_is_read() {
        let digest = digest();
        let name = || "a/b".to_owned();
        assert_eq!(Place::parse("/v2/").unwrap(), Place::Base);
        assert_eq!(Place::parse("/v2").unwrap(), Place::Base);
        assert_eq!(
            Place::parse("/v2/a/b/tags/list").unwrap(),
            Place::Tags(name())
        );
        assert_eq!(
            Place::parse("/v2/a/b/blobs/uploads/").unwrap(),
            Place::Uploads(name())
        );
        assert_eq!(
            Place::parse("/v2/a/b/blobs/uploads").unwrap(),
            Place::Uploads(name())
        );
        assert_eq!(
            Place::parse("/v2/a/b/blobs/uploads/x").unwrap(),
            Place::Upload(name(), "x".into())
        );
        let parsed = digest.parse().unwrap();
        assert_eq!(
            Place::parse(&format!("/v2/a/b/blobs/{digest}")).unwrap(),
            Place::Blob(name(), parsed)
        );
        assert_eq!(
            Place::parse(&format!("/v2/a/b/referrers/{digest}")).unwrap(),
            Place::Referrers(name(), parsed)
        );
        assert_eq!(
            Place::parse(&format!("/v2/a/b/manifests/{}", digest.replace(':', "%3A"))).unwrap(),
            Place::Manifest(name(), Reference::Digest(parsed))
        );
        assert_eq!(
            Place::parse("/v2/a/manifests/manifests/x").unwrap(),
            Place::Manifest("a/manifests".into(), Reference::Tag("x".into()))
        );
    }

    #[test]
    fn paths_that_lead_out_of_the_directory_are_refused() {
        for path in [
            "/",
            "/v1/",
            "/v2/x",
            "/v2//manifests/x",
            "/v2/../manifests/x",
            "/v2/a/%2e%2e/b/manifests/x",
            "/v2/a%2f..%2fb/manifests/x",
            "/v2/a/blobs/sha256/manifests/x",
            "/v2/a/manifests/..",
            "/v2/a/blobs/sha256:..",
            "/v2/a/manifests/%ff",
            "/v2/a/manifests/%2",
            "/v2/a/manifests/x%00",
            "/v2/a/referrers/latest",
        ] {
            assert!(Place::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn absurd_page_sizes_become_the_cap() {
        for (query, expected) in [
            ("", 5),
            ("n=2", 2),
            ("n=0", 0),
            ("n=1000000000", 5),
            ("n=99999999999999999999999", 5),
        ] {
            assert_eq!(
                Query::parse(query).unwrap().page(5).unwrap(),
                expected,
                "{query}"
            );
        }
        for query in ["n=-1", "n=", "n=x", "n=1.5"] {
            assert!(Query::parse(query).unwrap().page(5).is_err(), "{query}");
        }
    }
}
