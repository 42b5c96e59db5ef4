//! An authority for servers and clients on loopback.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::KeyKind;
use countersign_registry::ClientIdentity;
use countersign_sign::PrivateKey;
use countersign_testdata::certificate::{
    self, CertificateSpec, Identity, dns_name, extended_key_usage, extension,
    subject_alternative_name,
};
use countersign_testdata::der_writer::context_primitive;
use countersign_testdata::keys::LabKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

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
