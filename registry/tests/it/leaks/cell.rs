//! One square of the matrix: a credential, a place that the client is sent to, and what the servers say there.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{BEARER, COOKIE, PASSWORD, REGISTRY_TOKEN};
use crate::server::{Answer, Asked, image, index_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Basic,
    BasicOfAFile,
    PullSecret,
    IdentityToken,
    RegistryToken,
    BearerOfALogin,
    BearerOfNobody,
    ClientCertificate,
    MirrorsLogin,
}

pub(super) const KINDS: [Kind; 9] = [
    Kind::Basic,
    Kind::BasicOfAFile,
    Kind::PullSecret,
    Kind::IdentityToken,
    Kind::RegistryToken,
    Kind::BearerOfALogin,
    Kind::BearerOfNobody,
    Kind::ClientCertificate,
    Kind::MirrorsLogin,
];

/// How the registry sends the client away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    RedirectOfAManifest,
    RedirectOfAManifestsHead,
    RedirectOfABlob,
    RedirectOfABlobsHead,
    RedirectOfAStream,
    RedirectToAChallenge,
    RedirectAndBack,
    RedirectOfReferrers,
    RedirectOfTheFallbackTag,
    RedirectOfTags,
    RedirectOfAnUpload,
    RedirectOfTheBytes,
    RedirectOfAManifestsPut,
    RedirectOfADelete,
    NextPageOfReferrers,
    NextPageOfTags,
    LocationOfAnUpload,
    LocationOfAStream,
    LocationOfAMount,
    LocationsOfAProbe,
    ForeignLayer,
    Realm,
    RedirectOfTheRealm,
}

pub(super) const PLACES: [Place; 23] = [
    Place::RedirectOfAManifest,
    Place::RedirectOfAManifestsHead,
    Place::RedirectOfABlob,
    Place::RedirectOfABlobsHead,
    Place::RedirectOfAStream,
    Place::RedirectToAChallenge,
    Place::RedirectAndBack,
    Place::RedirectOfReferrers,
    Place::RedirectOfTheFallbackTag,
    Place::RedirectOfTags,
    Place::RedirectOfAnUpload,
    Place::RedirectOfTheBytes,
    Place::RedirectOfAManifestsPut,
    Place::RedirectOfADelete,
    Place::NextPageOfReferrers,
    Place::NextPageOfTags,
    Place::LocationOfAnUpload,
    Place::LocationOfAStream,
    Place::LocationOfAMount,
    Place::LocationsOfAProbe,
    Place::ForeignLayer,
    Place::Realm,
    Place::RedirectOfTheRealm,
];

impl Place {
    /// Whether the client may go there at all, without its login.
    pub(super) fn is_followed(self) -> bool {
        matches!(
            self,
            Self::RedirectOfABlob
                | Self::RedirectOfAStream
                | Self::RedirectToAChallenge
                | Self::RedirectAndBack
                | Self::LocationOfAnUpload
                | Self::LocationOfAStream
                | Self::LocationOfAMount
                | Self::LocationsOfAProbe
        )
    }

    pub(super) fn repository(self) -> String {
        format!("acme/{self:?}").to_ascii_lowercase()
    }
}

/// In what that other origin differs from the registry on `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Port,
    Host,
    Scheme,
    /// The registry's own socket, under another name.
    Name,
}

#[cfg(target_os = "linux")]
pub(super) const ORIGINS: [Origin; 4] = [Origin::Port, Origin::Host, Origin::Scheme, Origin::Name];
/// Other systems have one address on their loopback.
#[cfg(not(target_os = "linux"))]
pub(super) const ORIGINS: [Origin; 3] = [Origin::Port, Origin::Scheme, Origin::Name];

/// One square of the matrix, as the servers see it.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) place: Place,
    /// The registry's scheme and authority.
    pub(super) home: String,
    /// Where it sends the client.
    pub(super) away: String,
    pub(super) blob: Bytes,
}

pub(super) type Current = Arc<Mutex<Option<Cell>>>;

impl Cell {
    fn elsewhere(&self, path: &str) -> String {
        format!("{}{path}", self.away)
    }

    /// The challenge of the registry, and what it wants then.
    fn wants(&self) -> (Option<String>, Option<String>) {
        let realm = match self.place {
            Place::Realm => self.elsewhere("/token"),
            place => format!("{}/token/{place:?}", self.home),
        };
        let bearer = format!("Bearer realm=\"{realm}\",service=\"registry\"");
        let at_the_realm = matches!(self.place, Place::Realm | Place::RedirectOfTheRealm);
        match self.kind {
            Kind::RegistryToken => (Some(bearer), Some(format!("Bearer {REGISTRY_TOKEN}"))),
            Kind::ClientCertificate if !at_the_realm => (None, None),
            Kind::Basic | Kind::BasicOfAFile | Kind::PullSecret | Kind::MirrorsLogin
                if !at_the_realm =>
            {
                let wanted = format!("Basic {}", STANDARD.encode(format!("user:{PASSWORD}")));
                (Some("Basic realm=\"registry\"".to_owned()), Some(wanted))
            }
            _ => (Some(bearer), Some(format!("Bearer {BEARER}"))),
        }
    }

    fn at_home(&self, asked: &Asked) -> Answer {
        if asked.target.starts_with("/token") {
            return match self.place {
                Place::RedirectOfTheRealm => self.away(307, "/token"),
                _ => Answer::status(200).body(format!(r#"{{"token":"{BEARER}"}}"#)),
            };
        }
        if asked.target == "/back" {
            return Answer::status(200).body(self.blob.clone());
        }
        let (challenge, wanted) = self.wants();
        if let (Some(challenge), Some(wanted)) = (challenge, wanted)
            && asked.header("authorization") != Some(wanted.as_str())
        {
            return Answer::status(401).with("WWW-Authenticate", challenge);
        }
        if self.kind == Kind::ClientCertificate && !asked.certified {
            return Answer::status(403);
        }
        self.send_away(asked).unwrap_or_else(|| Answer::status(404))
    }

    /// A redirect.
    fn away(&self, status: u16, path: &str) -> Answer {
        Answer::status(status).with("Location", self.elsewhere(path))
    }

    fn send_away(&self, asked: &Asked) -> Option<Answer> {
        let below = asked
            .target
            .strip_prefix(&format!("/v2/{}/", self.place.repository()))?;
        let method = asked.method.as_str();
        let (what, _) = below.split_once('/')?;
        let next = || format!("<{}>; rel=\"next\"", self.elsewhere("/next"));
        let goes = match self.place {
            Place::RedirectOfAManifest => (method, what) == ("GET", "manifests"),
            Place::RedirectOfAManifestsHead => (method, what) == ("HEAD", "manifests"),
            Place::RedirectOfABlob
            | Place::RedirectOfAStream
            | Place::RedirectToAChallenge
            | Place::RedirectAndBack => (method, what) == ("GET", "blobs"),
            Place::RedirectOfABlobsHead => (method, what) == ("HEAD", "blobs"),
            Place::RedirectOfReferrers => what == "referrers",
            Place::RedirectOfTheFallbackTag => what == "manifests",
            Place::RedirectOfTags => what == "tags",
            Place::RedirectOfAnUpload => method == "POST",
            Place::RedirectOfTheBytes => method == "PUT",
            Place::RedirectOfAManifestsPut => (method, what) == ("PUT", "manifests"),
            Place::RedirectOfADelete => method == "DELETE",
            _ => false,
        };
        if goes {
            return Some(self.away(307, "/storage?x=1"));
        }
        Some(match (self.place, method, what) {
            (Place::NextPageOfReferrers, _, "referrers") => {
                Answer::index(index_of(&[])).with("Link", next())
            }
            (Place::NextPageOfTags, _, "tags") => Answer::status(200)
                .body(r#"{"name":"x","tags":["a"]}"#)
                .with("Link", next()),
            (
                Place::LocationOfAnUpload
                | Place::LocationOfAStream
                | Place::LocationOfAMount
                | Place::LocationsOfAProbe,
                "POST",
                _,
            ) => self.away(202, "/upload?state=1"),
            (Place::LocationsOfAProbe, "PUT", "manifests") => Answer::status(201),
            (Place::RedirectOfTheBytes, "POST", _) => {
                Answer::status(202).with("Location", format!("{}put", asked.target))
            }
            (Place::ForeignLayer, _, "manifests") => Answer::manifest(self.foreign()),
            _ => return None,
        })
    }

    /// An image whose layer says that it is kept elsewhere.
    fn foreign(&self) -> Vec<u8> {
        let (bytes, _) = image("foreign", None);
        let text = String::from_utf8(bytes).unwrap();
        let urls = format!("\"urls\":[\"{}\"],\"digest\"", self.elsewhere("/layer"));
        let at = text.rfind("\"digest\"").unwrap();
        let (before, after) = text.split_at(at);
        format!("{before}{}", after.replacen("\"digest\"", &urls, 1)).into_bytes()
    }

    /// What the other origin answers: whatever the client could hope for.
    fn elsewhere_answers(&self, asked: &Asked) -> Answer {
        if asked.target.starts_with("/token") {
            return Answer::status(200).body(format!(r#"{{"token":"{BEARER}"}}"#));
        }
        match (self.place, asked.method.as_str()) {
            (Place::RedirectToAChallenge, _) => Answer::status(401)
                .with("WWW-Authenticate", "Basic realm=\"elsewhere\"")
                .with(
                    "WWW-Authenticate",
                    format!("Bearer realm=\"{}\"", self.elsewhere("/token/asked-for")),
                ),
            (Place::RedirectAndBack, _) => {
                Answer::status(307).with("Location", format!("{}/back", self.home))
            }
            (_, "PUT") => Answer::status(201),
            (_, "PATCH" | "POST") => {
                Answer::status(202).with("Location", self.elsewhere("/upload?state=2"))
            }
            (_, "DELETE") => Answer::status(202),
            _ => Answer::status(200).body(self.blob.clone()),
        }
    }

    pub(super) fn answer(&self, asked: &Asked, at_home: bool) -> Answer {
        let answer = if at_home {
            self.at_home(asked)
        } else {
            self.elsewhere_answers(asked)
        };
        // Neither is anything that we keep.
        answer
            .with("Set-Cookie", format!("session={COOKIE}; Path=/"))
            .with("Alt-Svc", format!("h2=\"{}\"", self.away))
    }
}
