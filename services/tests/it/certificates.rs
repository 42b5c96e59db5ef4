//! Fulcio's answers: what is asked, and which certificates are taken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_proof::Scheme;
use countersign_services::{CertificateChain, ErrorClass, Fulcio, ServiceError};
use serde_json::{Value, json};

use super::fixtures::{
    KEY, NOW, OTHER_KEY, certificate, client, good_claims, pem, token, token_text,
};
use super::server::Server;

async fn certify(server: &Server) -> Result<CertificateChain, ServiceError> {
    let sign = |message: &[u8]| KEY.sign(Scheme::EcdsaP256Sha256, message);
    Fulcio::new(&client(), &server.url)?
        .certify(&token(), KEY.public_key(), NOW, sign)
        .await
}

/// An answer with a certificate for one of our keys.
fn answer(certificates: &[Vec<u8>]) -> String {
    let certificates: Vec<String> = certificates
        .iter()
        .map(|der| pem("CERTIFICATE", der))
        .collect();
    json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": certificates } } })
        .to_string()
}

fn good() -> Vec<u8> {
    certificate(KEY.public_key(), "261124145900Z", "261124150900Z")
}

fn authority() -> Vec<u8> {
    certificate(OTHER_KEY.public_key(), "200101000000Z", "400101000000Z")
}

#[tokio::test]
async fn a_certificate_for_our_key_is_taken() {
    let server = Server::always(201, answer(&[good(), authority()]));
    let chain = certify(&server).await.unwrap();
    assert_eq!(chain.certificate(), &good());
    assert_eq!(chain.certificates().len(), 2);
    assert_eq!(chain.public_key(), KEY.public_key().spki());
    assert_eq!(chain.not_after().to_string(), "2026-11-24T15:09:00Z");
    assert!(chain.detached_sct().is_none());
}

#[tokio::test]
async fn the_request_carries_token_key_and_a_proof_over_the_identity() {
    let server = Server::always(201, answer(&[good()]));
    certify(&server).await.unwrap();
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/api/v2/signingCert")
    );
    let body = request.json();
    assert_eq!(
        body["credentials"]["oidcIdentityToken"],
        token_text(&good_claims())
    );
    let key = &body["publicKeyRequest"]["publicKey"];
    assert_eq!(key["algorithm"], "ECDSA");
    assert_eq!(key["content"], KEY.public_key().to_pem());
    let proof = body["publicKeyRequest"]["proofOfPossession"].as_str();
    assert!(!STANDARD.decode(proof.unwrap()).unwrap().is_empty());
    assert!(request.header("authorization").is_none());
}

#[tokio::test]
async fn a_detached_sct_is_kept_apart() {
    let body = json!({ "signedCertificateDetachedSct": {
        "chain": { "certificates": [pem("CERTIFICATE", &good())] },
        "signedCertificateTimestamp": "AQID",
    } });
    let server = Server::always(201, body.to_string());
    let chain = certify(&server).await.unwrap();
    assert_eq!(chain.detached_sct().unwrap().as_ref(), [1, 2, 3]);
}

#[tokio::test]
async fn other_certificates_are_refused() {
    let other_key = certificate(OTHER_KEY.public_key(), "261124145900Z", "261124150900Z");
    let over = certificate(KEY.public_key(), "261124140000Z", "261124145959Z");
    let future = certificate(KEY.public_key(), "261124150100Z", "261124151000Z");
    let a_little_ahead = certificate(KEY.public_key(), "261124150020Z", "261124151000Z");
    for (leaf, code) in [
        (other_key, "certificate-for-another-key"),
        (over, "certificate-not-valid-now"),
        (future, "certificate-not-valid-now"),
        (b"\x30\x03\x02\x01\x01".to_vec(), "malformed-answer"),
    ] {
        let server = Server::always(201, answer(&[leaf, authority()]));
        let error = certify(&server).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.class(), ErrorClass::Answer);
    }
    let server = Server::always(201, answer(&[a_little_ahead]));
    assert!(certify(&server).await.is_ok());
}

#[tokio::test]
async fn every_beginning_of_a_certificate_is_refused_without_a_panic() {
    let whole = good();
    for end in 0..whole.len() {
        let server = Server::always(201, answer(&[whole[..end].to_vec()]));
        let error = certify(&server).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Answer, "{end}: {error}");
    }
}

#[tokio::test]
async fn answers_without_a_chain_are_refused() {
    let twice: Value = json!({
        "signedCertificateEmbeddedSct": { "chain": { "certificates": [pem("CERTIFICATE", &good())] } },
        "signedCertificateDetachedSct": { "chain": { "certificates": [pem("CERTIFICATE", &good())] } },
    });
    let many = vec![good(); 11];
    for body in [
        answer(&[]),
        answer(&many),
        twice.to_string(),
        json!({ "signedCertificateEmbeddedSct": {} }).to_string(),
        json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": ["no PEM"] } } })
            .to_string(),
    ] {
        let server = Server::always(201, body);
        let error = certify(&server).await.unwrap_err();
        assert_eq!(error.code(), "malformed-answer", "{error}");
    }
}

#[tokio::test]
async fn a_refused_token_is_told_from_a_refused_request() {
    let about_token =
        r#"{"code":3,"message":"There was an error processing the identity token","details":[]}"#;
    for (status, body, code, class) in [
        (
            400,
            about_token,
            "token-refused",
            ErrorClass::Authentication,
        ),
        (401, "", "token-refused", ErrorClass::Authentication),
        (403, "", "token-refused", ErrorClass::Authentication),
        (
            400,
            r#"{"message":"bad key"}"#,
            "request-refused",
            ErrorClass::Answer,
        ),
        (404, "", "request-refused", ErrorClass::Answer),
    ] {
        let server = Server::always(status, body);
        let error = certify(&server).await.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_token_that_ended_meanwhile_is_not_sent() {
    let server = Server::always(201, answer(&[good()]));
    let fulcio = Fulcio::new(&client(), &server.url).unwrap();
    let token = token();
    let error = fulcio
        .certify(&token, KEY.public_key(), token.expires(), |message| {
            KEY.sign(Scheme::EcdsaP256Sha256, message)
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), "token-expired");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_key_that_cannot_sign_asks_nobody() {
    let server = Server::always(201, answer(&[good()]));
    let fulcio = Fulcio::new(&client(), &server.url).unwrap();
    let error = fulcio
        .certify(&token(), KEY.public_key(), NOW, |_| Err("no such token"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "signer-failed");
    assert!(server.requests().is_empty());
}
