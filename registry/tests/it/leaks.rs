//! Credentials × places × origins: nothing secret arrives anywhere but at the registry that it is for.
//!
//! Every kind of credential is put to use, then the registry sends the client away in every way that there is, to every kind of other
//! origin. A server that records whole requests stands at each of them. `registry.md` 1.5 and 5: drop the login on any change of origin, refuse
//! https to http, follow blobs alone to another host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_formats::{Descriptor, Manifest, Reference, UnixTime};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::{
    Credential, Depot, Keychain, Mirror, Probed, Registry, Secret, Sessions, Settings, Store,
    Target, fallback_tag,
};

use crate::server::{Answer, Asked, Server, image, index_of, settings};
use crate::tls::Authority;

const PASSWORD: &str = "MARKpassword";
const IDENTITY: &str = "MARKidentity";
const REGISTRY_TOKEN: &str = "MARKregistry";
const BEARER: &str = "MARKbearer";
/// Logins for other registries, among them the very origin that the client is sent to.
const OTHERS: &str = "MARKothers";
/// What every secret here has, whatever it is wrapped in; `others` for the base64 of those logins.
const COOKIE: &str = "MARKcookie";
const NAME: &str = "registry.example.test";
/// Over this size a blob is streamed.
const STREAMED: usize = (1 << 20) + 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
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

const KINDS: [Kind; 9] = [
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
enum Place {
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

const PLACES: [Place; 23] = [
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
    fn is_followed(self) -> bool {
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

    fn repository(self) -> String {
        format!("acme/{self:?}").to_ascii_lowercase()
    }
}

/// In what that other origin differs from the registry on `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Port,
    Host,
    Scheme,
    /// The registry's own socket, under another name.
    Name,
}

#[cfg(target_os = "linux")]
const ORIGINS: [Origin; 4] = [Origin::Port, Origin::Host, Origin::Scheme, Origin::Name];
/// Other systems have one address on their loopback.
#[cfg(not(target_os = "linux"))]
const ORIGINS: [Origin; 3] = [Origin::Port, Origin::Scheme, Origin::Name];

/// One square of the matrix, as the servers see it.
#[derive(Debug, Clone)]
struct Cell {
    kind: Kind,
    place: Place,
    /// The registry's scheme and authority.
    home: String,
    /// Where it sends the client.
    away: String,
    blob: Bytes,
}

type Current = Arc<Mutex<Option<Cell>>>;

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

    fn answer(&self, asked: &Asked, at_home: bool) -> Answer {
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

/// The servers of one run; the registry itself is one for each scheme.
struct Stage {
    current: Current,
    authority: Authority,
    /// By scheme.
    homes: BTreeMap<&'static str, Server>,
    ports: BTreeMap<&'static str, Server>,
    hosts: BTreeMap<&'static str, Server>,
}

impl Stage {
    fn new() -> Self {
        let current = Current::default();
        let authority = Authority::new();
        let server = |scheme: &str, address: &str, is_home: bool| {
            let cell = Arc::clone(&current);
            let tls = (scheme == "https").then(|| authority.server());
            Server::start_at(address, tls, move |asked| {
                let named = asked.header("host").unwrap_or_default();
                let cell = cell.lock().unwrap().clone().unwrap();
                cell.answer(asked, is_home && !named.starts_with("localhost"))
            })
        };
        let each = |address: &str, is_home| {
            ["http", "https"]
                .map(|scheme| (scheme, server(scheme, address, is_home)))
                .into()
        };
        let homes = each("127.0.0.1", true);
        let ports = each("127.0.0.1", false);
        #[cfg(target_os = "linux")]
        let hosts = each("127.0.0.2", false);
        #[cfg(not(target_os = "linux"))]
        let hosts = BTreeMap::new();
        Self {
            current,
            homes,
            ports,
            hosts,
            authority,
        }
    }

    fn away(&self, scheme: &str, origin: Origin) -> String {
        let other = if scheme == "http" { "https" } else { "http" };
        match origin {
            Origin::Port => format!("{scheme}://{}", self.ports[scheme].authority),
            Origin::Host => format!("{scheme}://{}", self.hosts[scheme].authority),
            Origin::Scheme => format!("{other}://{}", self.ports[other].authority),
            Origin::Name => format!(
                "{scheme}://{}",
                self.homes[scheme]
                    .authority
                    .replace("127.0.0.1", "localhost")
            ),
        }
    }

    /// What arrived at the registry, and at every other origin.
    fn take_asked(&self, scheme: &str) -> (Vec<Asked>, Vec<Asked>) {
        let (elsewhere, home): (Vec<Asked>, Vec<Asked>) = self.homes[scheme]
            .take_asked()
            .into_iter()
            .partition(|asked| {
                asked
                    .header("host")
                    .is_some_and(|host| host.starts_with("localhost"))
            });
        let others = self.ports.values().chain(self.hosts.values());
        let others = others.chain(
            self.homes
                .iter()
                .filter(|(other, _)| **other != scheme)
                .map(|(_, server)| server),
        );
        let others = others.flat_map(Server::take_asked);
        (home, elsewhere.into_iter().chain(others).collect())
    }

    /// The keychain and what else a kind of credential needs.
    fn settings(
        &self,
        kind: Kind,
        scheme: &str,
        away: &str,
        folder: &tempfile::TempDir,
    ) -> Settings {
        let home = &self.homes[scheme].authority;
        let basic = || Credential::Basic {
            username: "user".to_owned(),
            password: Secret::new(PASSWORD),
        };
        let anonymous = Keychain::anonymous;
        let given = |credential| anonymous().with_login(home, credential);
        let entry = STANDARD.encode(format!("user:{PASSWORD}"));
        let file = format!(r#"{{"auths":{{"{home}/acme":{{"auth":"{entry}"}}}}}}"#);
        let keychain = match kind {
            Kind::Basic | Kind::BearerOfALogin | Kind::MirrorsLogin => given(basic()),
            Kind::BasicOfAFile => {
                let path = folder.path().join("auth.json");
                std::fs::write(&path, file).unwrap();
                Keychain::from_environment(|name| {
                    (name == "REGISTRY_AUTH_FILE").then(|| path.display().to_string())
                })
            }
            Kind::PullSecret => Keychain::from_pull_secrets([file.as_bytes()]).unwrap(),
            Kind::IdentityToken => given(Credential::IdentityToken(Secret::new(IDENTITY))),
            Kind::RegistryToken => given(Credential::RegistryToken(Secret::new(REGISTRY_TOKEN))),
            Kind::BearerOfNobody | Kind::ClientCertificate => anonymous(),
        };
        // Logins of the places that the client is sent to are theirs to ask for as registries, and not here.
        let (_, away) = away.split_once("://").unwrap();
        let others = || Credential::Basic {
            username: "user".to_owned(),
            password: Secret::new(OTHERS),
        };
        let keychain = keychain
            .with_login(away, others())
            .with_login(NAME, others());
        Settings {
            allow_http: scheme == "http",
            keychain,
            ca_certificates: vec![self.authority.certificate()],
            client_identity: (kind == Kind::ClientCertificate).then(|| self.authority.client()),
            mirrors: (kind == Kind::MirrorsLogin)
                .then(|| Mirror::parse(&format!("{NAME}={home}")).unwrap())
                .into_iter()
                .collect(),
            ..settings()
        }
    }
}

/// The secrets of a kind, in every form in which they could travel.
fn secrets(kind: Kind) -> Vec<String> {
    let coded = |password: &str| STANDARD.encode(format!("user:{password}"));
    let own: Vec<String> = match kind {
        Kind::Basic | Kind::BasicOfAFile | Kind::PullSecret | Kind::MirrorsLogin => {
            vec![PASSWORD.to_owned(), coded(PASSWORD), BEARER.to_owned()]
        }
        Kind::BearerOfALogin => vec![PASSWORD.to_owned(), coded(PASSWORD), BEARER.to_owned()],
        Kind::IdentityToken => vec![IDENTITY.to_owned(), BEARER.to_owned()],
        Kind::RegistryToken => vec![REGISTRY_TOKEN.to_owned()],
        Kind::BearerOfNobody | Kind::ClientCertificate => vec![BEARER.to_owned()],
    };
    own.into_iter().chain(nobodys()).collect()
}

/// What must arrive nowhere at all.
fn nobodys() -> Vec<String> {
    vec![
        OTHERS.to_owned(),
        STANDARD.encode(format!("user:{OTHERS}")),
        COOKIE.to_owned(),
    ]
}

fn holds_one_of(asked: &Asked, secrets: &[String]) -> bool {
    let everything = asked.everything();
    secrets.iter().any(|secret| everything.contains(secret))
}

/// Does what leads to the place. How it ends does not matter here.
async fn go(cell: &Cell, store: &Registry, source: &dyn Depot, streamed: &Descriptor) {
    let small = Descriptor::new(
        "application/octet-stream",
        digest::sha256(&cell.blob),
        cell.blob.len() as u64,
    );
    let (manifest, descriptor) = image("manifest", None);
    match cell.place {
        Place::RedirectOfAManifest | Place::Realm | Place::RedirectOfTheRealm => {
            drop(store.resolve(&Target::Tag("1.0".to_owned())).await);
        }
        Place::RedirectOfAManifestsHead => drop(store.exists(&small.digest).await),
        Place::RedirectOfABlob | Place::RedirectToAChallenge | Place::RedirectAndBack => {
            drop(store.blob(&small, 1000).await);
        }
        Place::RedirectOfABlobsHead => drop(store.has_blob(&small.digest).await),
        Place::RedirectOfAStream => {
            if let Ok(mut stream) = store.stream(&small).await {
                while let Ok(Some(_)) = stream.next().await {}
            }
        }
        Place::RedirectOfReferrers
        | Place::RedirectOfTheFallbackTag
        | Place::NextPageOfReferrers => drop(store.referrers(&small.digest).await),
        Place::RedirectOfTags | Place::NextPageOfTags => drop(store.tags().await),
        Place::RedirectOfAnUpload | Place::RedirectOfTheBytes | Place::LocationOfAnUpload => {
            drop(store.push_blob(cell.blob.clone(), &small.digest).await);
        }
        Place::RedirectOfAManifestsPut => {
            let bytes = Bytes::from(manifest);
            let put = store.push_manifest(bytes, &descriptor.media_type, None);
            drop(put.await);
        }
        Place::RedirectOfADelete => drop(store.delete_manifest(&small.digest).await),
        Place::LocationOfAStream => drop(store.take_blob(source, streamed, None).await),
        Place::LocationOfAMount => {
            drop(store.take_blob(source, streamed, Some("acme/other")).await);
        }
        Place::LocationsOfAProbe => {
            let mut probed = Probed::default();
            drop(store.probe(None, UnixTime(1_800_000_000)).await);
            drop(store.probe_by_writing(&mut probed).await);
        }
        Place::ForeignLayer => {
            let image = store.resolve(&Target::Tag("1.0".to_owned())).await.unwrap();
            let Manifest::Image(manifest) = &image.manifest else {
                panic!("not an image")
            };
            let layer = manifest.layers.first().unwrap();
            assert!(layer.has_urls, "{:?}", image.bytes);
            drop(store.blob(layer, 1000).await);
        }
    }
}

/// Whether a token service at that origin may get this registry's login, and whether it is asked at all.
fn realm(cell: &Cell) -> (bool, bool) {
    let downgrade = cell.home.starts_with("https") && cell.away.starts_with("http:");
    let sends_login = matches!(
        cell.kind,
        Kind::Basic
            | Kind::BasicOfAFile
            | Kind::PullSecret
            | Kind::MirrorsLogin
            | Kind::IdentityToken
            | Kind::BearerOfALogin
    );
    let is_asked = cell.kind != Kind::RegistryToken && !downgrade;
    (sends_login && is_asked, is_asked)
}

#[derive(Debug, Default)]
struct Count {
    cells: usize,
    home: usize,
    proved: usize,
    elsewhere: usize,
    logins_of_token_services: usize,
    leaked: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "the count is what the matrix is for")]
#[test]
fn nothing_secret_arrives_at_another_origin() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let streamed_bytes = Bytes::from(vec![7; STREAMED]);
    let streamed = Descriptor::new(
        "application/octet-stream",
        digest::sha256(&streamed_bytes),
        STREAMED as u64,
    );
    let source = Layout::create(folder.path().join("source")).unwrap();
    runtime
        .block_on(source.push_blob(streamed_bytes, &streamed.digest))
        .unwrap();
    let mut count = Count::default();
    for scheme in ["http", "https"] {
        for kind in KINDS {
            // A certificate is a matter of TLS.
            if kind == Kind::ClientCertificate && scheme == "http" {
                continue;
            }
            let sessions = Sessions::default();
            for place in PLACES {
                for origin in ORIGINS {
                    let away = stage.away(scheme, origin);
                    let cell = Cell {
                        kind,
                        place,
                        home: format!("{scheme}://{}", stage.homes[scheme].authority),
                        away: away.clone(),
                        blob: Bytes::from_static(b"the blob"),
                    };
                    *stage.current.lock().unwrap() = Some(cell.clone());
                    // A challenge that is remembered would lead to the token service of the square before.
                    let fresh = matches!(place, Place::Realm | Place::RedirectOfTheRealm);
                    let settings = Settings {
                        sessions: if fresh {
                            Sessions::default()
                        } else {
                            sessions.clone()
                        },
                        ..stage.settings(kind, scheme, &away, &folder)
                    };
                    let host = match kind {
                        Kind::MirrorsLogin => NAME,
                        _ => &stage.homes[scheme].authority,
                    };
                    let name = format!("{host}/{}", place.repository());
                    let Ok(Reference::Registry(reference)) = Reference::parse(&name) else {
                        panic!("{name}")
                    };
                    let store = Registry::open(&reference, &settings).unwrap();
                    runtime.block_on(go(&cell, &store, &source, &streamed));
                    check(&cell, origin, stage.take_asked(scheme), &mut count);
                }
            }
        }
    }
    println!(
        "leak matrix: {} credentials, {} places, {} origins, 2 schemes: {} cells, {} requests at the registry ({} with the credential), {} elsewhere, {} of them the registry's own token service with its login, {} leaks",
        KINDS.len(),
        PLACES.len(),
        ORIGINS.len(),
        count.cells,
        count.home,
        count.proved,
        count.elsewhere,
        count.logins_of_token_services,
        count.leaked.len(),
    );
    assert!(count.leaked.is_empty(), "{:#?}", count.leaked);
    assert_eq!(
        count.cells,
        (2 * KINDS.len() - 1) * PLACES.len() * ORIGINS.len()
    );
}

fn check(cell: &Cell, origin: Origin, asked: (Vec<Asked>, Vec<Asked>), count: &mut Count) {
    let (home, elsewhere) = asked;
    let what = format!("{:?} {:?} {origin:?} {}", cell.kind, cell.place, cell.home);
    count.cells += 1;
    count.home += home.len();
    count.elsewhere += elsewhere.len();
    // The credential is in use, else its absence elsewhere would say nothing.
    let secrets = secrets(cell.kind);
    let proofs = home
        .iter()
        .filter(|asked| {
            asked.certified == (cell.kind == Kind::ClientCertificate)
                && (asked.certified || holds_one_of(asked, &secrets))
        })
        .count();
    count.proved += proofs;
    let (login_goes, is_asked) = realm(cell);
    let is_used = match cell.place {
        Place::Realm => is_asked || cell.kind == Kind::RegistryToken,
        // It ends at the token service.
        Place::RedirectOfTheRealm => cell.kind != Kind::BearerOfNobody,
        _ => true,
    };
    assert_eq!(
        proofs > 0,
        is_used || cell.kind == Kind::ClientCertificate,
        "{what}"
    );
    assert!(
        home.iter().all(|asked| !holds_one_of(asked, &nobodys())),
        "{what}: a login of another registry"
    );
    let downgrade = cell.home.starts_with("https") && cell.away.starts_with("http:");
    let expected = match cell.place {
        Place::Realm => is_asked,
        place => place.is_followed() && !downgrade,
    };
    assert_eq!(!elsewhere.is_empty(), expected, "{what}: {elsewhere:#?}");
    for asked in &elsewhere {
        assert!(asked.header("referer").is_none(), "{what}");
        let leaks = asked.certified || holds_one_of(asked, &secrets);
        if cell.place == Place::Realm && login_goes {
            assert!(asked.target.starts_with("/token"), "{what}");
            assert!(leaks && !asked.certified, "{what}: {asked:?}");
            assert!(!holds_one_of(asked, &nobodys()), "{what}");
            assert!(!asked.everything().contains(BEARER), "{what}");
            count.logins_of_token_services += 1;
        } else if leaks {
            count.leaked.push(format!("{what}: {asked:?}"));
        }
    }
    // What comes back after a detour comes without a login; from https there is no way back to http.
    if cell.place == Place::RedirectAndBack && origin != Origin::Scheme {
        let last = home.last().unwrap();
        assert_eq!(last.target, "/back", "{what}");
        assert_eq!(last.header("authorization"), None, "{what}");
    }
    if cell.place == Place::RedirectOfTheFallbackTag {
        let subject = digest::sha256(&cell.blob);
        let tag = fallback_tag(&subject);
        assert!(
            home.iter().any(|asked| asked.target.ends_with(&tag)),
            "{what}"
        );
    }
}
