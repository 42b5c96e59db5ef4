//! Whole signatures: what is written, and that it proves itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, KeyKind, Limits, PublicKey, Window, predicate_types};
use countersign_proof::{
    BytesContent, Claim, DigestContent, Scheme, Signer as ProvenSigner, Subject, TrustMaterial,
    TrustedKey,
};
use countersign_sign::{
    Attachments, PredicateForm, Prepared, PrivateKey, SignError, Signature, Signer, SignerMaterial,
    ToSign, attest, image_statement, predicate_bytes, ready_statement, sign, sign_blob, sign_image,
};
use serde_json::Value;

use crate::files::{NOW, private};

const LIMITS: Limits = Limits::DEFAULT;

fn image() -> Digest {
    countersign_proof::digest::sha256(b"an image manifest")
}

fn keys() -> Vec<PrivateKey> {
    [
        "openssl-p256-pkcs8.pem",
        "openssl-p384-sec1.pem",
        "openssl-p521-sec1.pem",
        "openssl-ed25519-pkcs8.pem",
        "openssl-rsa-2048-pkcs1.pem",
    ]
    .map(private)
    .into()
}

fn json(bundle: &Bytes) -> Value {
    serde_json::from_slice(bundle).unwrap()
}

fn payload(bundle: &Bytes) -> Vec<u8> {
    let text = json(bundle)["dsseEnvelope"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    countersign_formats::decode_base64(&text, usize::MAX)
        .unwrap()
        .to_vec()
}

#[test]
fn every_kind_of_key_signs_an_image_and_proves_it() {
    for key in keys() {
        let signed = sign_image(&key, image(), &BTreeMap::new(), NOW, &LIMITS).unwrap();
        assert_eq!(signed.verified.subject(), &image());
        assert!(
            matches!(signed.verified.signer(), ProvenSigner::Key(_)),
            "{key:?}"
        );
    }
}

#[test]
fn every_scheme_of_a_key_signs_and_proves_itself() {
    for key in keys() {
        for scheme in Scheme::of(key.kind()) {
            if !countersign_sign::can_sign(key.kind(), *scheme) {
                continue;
            }
            let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
            let prepared =
                Prepared::statement(statement, Subject::image(image()), &LIMITS).unwrap();
            sign(&key, prepared, Some(*scheme), NOW, &LIMITS)
                .unwrap_or_else(|error| panic!("{scheme}: {error}"));
        }
    }
}

#[test]
fn an_image_signature_has_the_shape_that_cosign_writes() {
    let key = private("cosign-p256-password-pw.key");
    let annotations = BTreeMap::from([("release".to_owned(), "1.4".to_owned())]);
    let signed = sign_image(&key, image(), &annotations, NOW, &LIMITS).unwrap();
    let payload = String::from_utf8(payload(&signed.bundle)).unwrap();
    assert_eq!(
        payload,
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"digest\":{{\"sha256\":\"{}\"}},\"annotations\":{{\"release\":\"1.4\"}}}}],\
             \"predicateType\":\"https://sigstore.dev/cosign/sign/v1\",\"predicate\":{{}}}}",
            image().hex()
        )
    );
    let text = String::from_utf8(signed.bundle.to_vec()).unwrap();
    let hint = "\"publicKey\":{\"hint\":\"";
    assert!(text.starts_with("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{"));
    assert!(text.contains(hint), "{text}");
    assert!(
        text.contains(
            "\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\""
        ),
        "{text}"
    );
    assert_eq!(json(&signed.bundle).as_object().unwrap().len(), 3);
}

#[test]
fn annotations_are_an_empty_object_when_there_are_none() {
    let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
    assert!(
        String::from_utf8(statement.to_vec())
            .unwrap()
            .contains("\"annotations\":{}")
    );
}

#[test]
fn a_predicate_is_embedded_byte_for_byte() {
    let predicate = b"{ \"b\" : 1.0,\n\t\"a\":\"\\u00e9\" , \"a2\":[ 1e3 ]}";
    let signed = attest(
        &private("openssl-p256-pkcs8.pem"),
        "ghcr.io/acme/app",
        image(),
        "https://example.org/predicate/v1",
        predicate,
        NOW,
        &LIMITS,
    )
    .unwrap();
    let payload = payload(&signed.bundle);
    assert!(
        payload
            .windows(predicate.len())
            .any(|window| window == predicate)
    );
    let Claim::Statement(claim) = signed.verified.claim() else {
        panic!("not a statement")
    };
    let statement = String::from_utf8(payload).unwrap();
    assert!(statement.starts_with("{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://example.org/predicate/v1\""), "{statement}");
    assert!(
        statement.contains("\"subject\":[{\"name\":\"ghcr.io/acme/app\",\"digest\":{\"sha256\":\""),
        "{statement}"
    );
    let _ = claim;
}

#[test]
fn a_predicate_that_is_not_json_is_refused() {
    let key = private("openssl-p256-pkcs8.pem");
    for bad in ["", "{", "{} {}", "{'a':1}", "nul"] {
        let error = attest(
            &key,
            "app",
            image(),
            "https://example.org/p",
            bad.as_bytes(),
            NOW,
            &LIMITS,
        )
        .unwrap_err();
        assert!(matches!(error, SignError::Predicate(_)), "{bad}: {error}");
    }
}

#[test]
fn tag_value_text_becomes_one_json_string() {
    let text = "SPDXVersion: SPDX-2.3\n\"quoted\" \\ \u{1}\u{e9}\t\r\n";
    assert_eq!(PredicateForm::of("spdx"), PredicateForm::Text);
    assert_eq!(PredicateForm::of("spdxjson"), PredicateForm::Json);
    let wrapped = predicate_bytes(PredicateForm::Text, text.as_bytes(), &LIMITS).unwrap();
    assert_eq!(serde_json::from_slice::<String>(&wrapped).unwrap(), text);
    let error = predicate_bytes(PredicateForm::Text, b"ok\xff", &LIMITS).unwrap_err();
    assert_eq!(error.code(), "predicate-not-text");
    let small = Limits {
        bundle_bytes: 4,
        ..LIMITS
    };
    assert_eq!(
        predicate_bytes(PredicateForm::Json, b"12345", &small)
            .unwrap_err()
            .code(),
        "over-limit"
    );
}

#[test]
fn a_ready_statement_must_be_about_the_artifact() {
    let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
    assert!(ready_statement(statement.clone(), &image(), None, &LIMITS).is_ok());
    let other = countersign_proof::digest::sha256(b"another");
    let error = ready_statement(statement.clone(), &other, None, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "statement-subject-mismatch");
    assert!(error.to_string().contains(&image().hex()), "{error}");
    let wanted = predicate_types::resolve("slsaprovenance1").unwrap();
    let error = ready_statement(statement, &image(), Some(&wanted), &LIMITS).unwrap_err();
    assert_eq!(error.code(), "statement-type-mismatch");
    let error = ready_statement(Bytes::from_static(b"[]"), &image(), None, &LIMITS).unwrap_err();
    assert!(matches!(error, SignError::Statement(_)));
}

#[test]
fn a_statement_about_something_else_never_becomes_a_signature() {
    let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
    let other = countersign_proof::digest::sha256(b"another");
    let prepared = Prepared::statement(statement, Subject::image(other), &LIMITS).unwrap();
    let error = sign(
        &private("openssl-p256-pkcs8.pem"),
        prepared,
        None,
        NOW,
        &LIMITS,
    )
    .unwrap_err();
    let SignError::NotVerified(rejected) = error else {
        panic!("{error}")
    };
    assert_eq!(rejected.code(), "subject-mismatch");
}

#[test]
fn a_statement_that_no_bundle_can_hold_is_told_before_anything_is_signed() {
    let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
    let encoded = (statement.len() as u64).div_ceil(3) * 4;
    let prepare = |bundle_bytes: u64| {
        let limits = Limits {
            bundle_bytes,
            ..LIMITS
        };
        let prepared = Prepared::statement(statement.clone(), Subject::image(image()), &limits)?;
        sign(
            &private("openssl-p256-pkcs8.pem"),
            prepared,
            None,
            NOW,
            &limits,
        )
    };
    let error = prepare(encoded - 1).unwrap_err();
    assert_eq!(error.code(), "over-limit");
    assert!(
        matches!(error, SignError::StatementTooLarge { limit, .. } if limit == encoded - 1),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("smaller document"));
    // The statement fits and what stands around it does not: found at the end, with the same advice.
    let error = prepare(encoded).unwrap_err();
    assert_eq!(error.code(), "signature-not-verified");
    assert!(error.hint().unwrap().contains("smaller document"));
    assert!(prepare(encoded + 1024).is_ok());
}

#[test]
fn every_kind_of_key_signs_a_file() {
    for key in keys() {
        let content = Arc::new(BytesContent(Bytes::from_static(b"a file\n")));
        let signed = sign_blob(&key, content, NOW, &LIMITS)
            .unwrap_or_else(|error| panic!("{key:?}: {error}"));
        assert!(matches!(signed.verified.claim(), Claim::Message { .. }));
        let digest = &json(&signed.bundle)["messageSignature"]["messageDigest"];
        let algorithm = match key.kind() {
            KeyKind::EcdsaP384 => Some("SHA2_384"),
            KeyKind::EcdsaP521 => Some("SHA2_512"),
            _ => Some("SHA2_256"),
        };
        assert_eq!(digest["algorithm"].as_str(), algorithm, "{key:?}");
    }
}

#[test]
fn a_digest_is_enough_where_the_scheme_signs_one() {
    let digest = countersign_proof::digest::sha256(b"a file\n");
    let content = || Arc::new(DigestContent(digest));
    assert!(sign_blob(&private("openssl-p256-pkcs8.pem"), content(), NOW, &LIMITS).is_ok());
    assert!(
        sign_blob(
            &private("openssl-rsa-2048-pkcs1.pem"),
            content(),
            NOW,
            &LIMITS
        )
        .is_ok()
    );
    let error = sign_blob(&private("openssl-p384-sec1.pem"), content(), NOW, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "digest-unknown");
    let error = sign_blob(
        &private("openssl-ed25519-pkcs8.pem"),
        content(),
        NOW,
        &LIMITS,
    )
    .unwrap_err();
    assert_eq!(error.code(), "content-unreadable");
}

/// A signer elsewhere that sees only what it is sent.
struct Remote {
    key: PrivateKey,
    claims: PublicKey,
}

impl Signer for Remote {
    fn public_key(&self) -> &PublicKey {
        &self.claims
    }

    fn sign(&self, to_sign: &ToSign) -> Result<Vec<u8>, SignError> {
        let digest = to_sign.digest().ok_or_else(|| SignError::Remote {
            signer: "remote".to_owned(),
            detail: "needs a digest".to_owned(),
        })?;
        Ok(self.key.sign_digest(to_sign.scheme(), digest)?)
    }
}

#[test]
fn a_remote_signer_fits_between_the_two_steps() {
    let key = private("openssl-p384-sec1.pem");
    let remote = Remote {
        claims: key.public_key().clone(),
        key,
    };
    assert!(sign_image(&remote, image(), &BTreeMap::new(), NOW, &LIMITS).is_ok());
}

#[test]
fn a_remote_signer_that_used_another_key_yields_nothing() {
    let remote = Remote {
        key: private("openssl-p256-pkcs8.pem"),
        claims: private("cosign-p256-password-pw.key").public_key().clone(),
    };
    let error = sign_image(&remote, image(), &BTreeMap::new(), NOW, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "signature-not-verified");
    assert!(
        matches!(error, SignError::NotVerified(rejected) if rejected.code() == "signature-invalid")
    );
}

#[test]
fn the_two_steps_work_apart() {
    let key = private("openssl-p256-pkcs8.pem");
    let statement = image_statement(&image(), &BTreeMap::new()).unwrap();
    let prepared =
        Prepared::statement(statement.clone(), Subject::image(image()), &LIMITS).unwrap();
    let to_sign = prepared.to_sign(Scheme::EcdsaP256Sha256, &LIMITS).unwrap();
    let message = to_sign.message().unwrap();
    assert_eq!(
        message,
        countersign_formats::pae("application/vnd.in-toto+json", &statement)
    );
    assert_eq!(
        to_sign.digest(),
        Some(&countersign_proof::digest::sha256(&message))
    );
    let signature = Signature {
        scheme: Scheme::EcdsaP256Sha256,
        bytes: key.sign(Scheme::EcdsaP256Sha256, &message).unwrap().into(),
    };
    let trusted = TrustedKey {
        key: key.public_key().clone(),
        valid: Window::ALWAYS,
        schemes: None,
    };
    let trust = TrustMaterial::keys_only(vec![trusted]).unwrap();
    let material = SignerMaterial::Key(key.public_key().clone());
    let signed = prepared
        .finish(
            &signature,
            material,
            Attachments::default(),
            &trust,
            NOW,
            &LIMITS,
        )
        .unwrap();
    assert_eq!(signed.verified.bytes(), Some(&signed.bundle));
}
