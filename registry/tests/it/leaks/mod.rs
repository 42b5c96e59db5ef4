//! Credentials × places × origins: nothing secret arrives anywhere but at the registry that it is for.
//!
//! Every kind of credential is put to use, then the registry sends the client away in every way that there is, to every kind of other
//! origin. A server that records whole requests stands at each of them. The login is dropped on any change of origin, nothing leads from
//! https to http, and blobs alone are followed to another host.

mod cell;

use std::collections::BTreeMap;
use std::sync::Arc;

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

use crate::server::{Asked, Server, image, settings};
use crate::tls::Authority;
use cell::{Cell, Current, KINDS, Kind, ORIGINS, Origin, PLACES, Place};

const PASSWORD: &str = "MARKpassword";
const IDENTITY: &str = "MARKidentity";
const REGISTRY_TOKEN: &str = "MARKregistry";
const BEARER: &str = "MARKbearer";
/// Logins for other registries, among them the very origin that the client is sent to.
const OTHERS: &str = "MARKothers";
/// What every server sets as a cookie, to get it back from nobody.
const COOKIE: &str = "MARKcookie";
const NAME: &str = "registry.example.test";
/// Over this size a blob is streamed.
const STREAMED: usize = (1 << 20) + 1;

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
