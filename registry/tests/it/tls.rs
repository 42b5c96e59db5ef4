//! An authority for servers and clients on loopback, and certificates that are their own.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::KeyKind;
use countersign_registry::{ClientIdentity, Settings, Store as _};
use countersign_sign::PrivateKey;
use countersign_testdata::certificate::{
    self, CertificateSpec, Identity, dns_name, extended_key_usage, extension,
    subject_alternative_name,
};
use countersign_testdata::der_writer::context_primitive;
use countersign_testdata::keys::LabKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};

use crate::pulling::tag;
use crate::server::{Answer, Server, image, run, settings};

/// 2020 to 2120, seconds since 1970.
const WINDOW: (i64, i64) = (1_577_836_800, 4_733_510_400);
const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";

pub(crate) struct Authority(Identity);

impl Authority {
    pub(crate) fn new() -> Self {
        let key = LabKey::p256("authority of the loopback");
        let name = certificate::name("loopback", "authority");
        let root = CertificateSpec::authority(&name, &key, &name, &key, None, WINDOW).sign(&key);
        Self(Identity {
            certificate: root,
            name,
            key,
        })
    }

    /// What clients trust, DER.
    pub(crate) fn certificate(&self) -> Bytes {
        self.0.certificate.clone().into()
    }

    /// A leaf and its key, both DER.
    fn leaf(&self, purpose: &str) -> (Vec<u8>, Vec<u8>) {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let mut spec = CertificateSpec::code_signing(&LabKey::p256("replaced"), &self.0, WINDOW);
        spec.spki = key.public_key().spki().to_vec();
        spec.replace(extension(
            "2.5.29.37",
            false,
            extended_key_usage(&[purpose]),
        ));
        spec.replace(subject_alternative_name(&[
            dns_name("localhost"),
            context_primitive(7, &[127, 0, 0, 1]),
            context_primitive(7, &[127, 0, 0, 2]),
        ]));
        (spec.sign(&self.0.key), key.to_pkcs8_der().to_vec())
    }

    /// A server on loopback that asks for a client certificate and takes callers without one, too.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.0.certificate.clone().into()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .unwrap();
        let (certificate, key) = self.leaf(SERVER);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from(certificate)],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)),
            )
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    pub(crate) fn client(&self) -> ClientIdentity {
        let (certificate, key) = self.leaf(CLIENT);
        ClientIdentity::from_pem(
            countersign_testdata::pem("CERTIFICATE", &certificate).as_bytes(),
            countersign_testdata::pem("PRIVATE KEY", &key).as_bytes(),
        )
        .unwrap()
    }
}

/// A self-signed certificate as `openssl req -x509` makes it: an authority's, with a server's name.
fn self_signed(key: &LabKey, names: &[Vec<u8>], window: (i64, i64)) -> Vec<u8> {
    let name = certificate::name("loopback", "registry");
    let mut spec = CertificateSpec::authority(&name, key, &name, key, None, window);
    spec.extensions.push(subject_alternative_name(names));
    spec.sign(key)
}

/// How a registry with this certificate is met by who names that one as an authority's.
fn met(key: &LabKey, shown: Vec<u8>, named: &[u8]) -> Result<(), String> {
    let (bytes, _) = image("image", None);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8()));
    // Without rustls' own look at whether the two belong together.
    let pair = CertifiedKey::new(
        vec![CertificateDer::from(shown)],
        provider.key_provider.load_private_key(private).unwrap(),
    );
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    let server = Server::start_at("127.0.0.1", Some(Arc::new(config)), move |_| {
        Answer::manifest(bytes.clone())
    });
    let settings = Settings {
        ca_certificates: vec![Bytes::copy_from_slice(named)],
        allow_http: false,
        ..settings()
    };
    let resolved = run(server.store(&settings).resolve(&tag("1.0")));
    resolved.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn a_server_may_show_the_very_certificate_that_was_named_and_no_other_authoritys() {
    let key = LabKey::p256("registry of the loopback");
    let names = [dns_name("localhost"), context_primitive(7, &[127, 0, 0, 1])];
    let own = self_signed(&key, &names, WINDOW);
    assert_eq!(met(&key, own.clone(), &own), Ok(()));

    // The same key and name in another certificate: only what was named is meant.
    let later = self_signed(&key, &names, (WINDOW.0 + 1, WINDOW.1));
    let elsewhere = self_signed(&key, &[dns_name("registry.example")], WINDOW);
    let ended = self_signed(&key, &names, (WINDOW.0, WINDOW.0 + 3600));
    let begins = self_signed(&key, &names, (WINDOW.1 - 3600, WINDOW.1));
    for (shown, named, why) in [
        (&later, &own, "CaUsedAsEndEntity"),
        (&elsewhere, &elsewhere, "not valid for name"),
        (&ended, &ended, "expired"),
        (&begins, &begins, "not valid yet"),
    ] {
        let refused = met(&key, shown.clone(), named).unwrap_err();
        assert!(refused.contains(why), "expected `{why}` in: {refused}");
    }
    // Whoever shows it without its key has nothing.
    let thief = LabKey::p256("a stranger on the loopback");
    let refused = met(&thief, own.clone(), &own).unwrap_err();
    assert!(refused.contains("BadSignature"), "{refused}");
}
