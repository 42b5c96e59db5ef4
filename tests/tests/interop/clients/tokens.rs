//! Tokens and logins that real services hand out and judge.

use countersign_formats::{KeyKind, Limits};
use countersign_proof::Scheme;
use countersign_services::Fulcio;
use countersign_services::identity::{
    AUDIENCE, Ambient, Expected, IdentityToken, Issuer, LoginSettings, browser_login, device_login,
};
use countersign_sign::PrivateKey;

use super::services::{Services, fetched};
use crate::stack::{Stack, VERSION_2_CONFIG};

#[tokio::test]
async fn tokens_come_from_the_actions_interface_and_from_both_logins() {
    let Some(stack) = Stack::start("clients_tokens") else {
        return;
    };
    let services = Services::of(&stack, VERSION_2_CONFIG);
    let issuer = &services.issuer;
    let variables = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(format!("{issuer}/actions?x=1")),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("runner".to_owned()),
        _ => None,
    };
    let ambient = Ambient::detect(variables)
        .expect("it answers")
        .expect("it answers");
    let token = ambient
        .fetch(&services.client, AUDIENCE)
        .await
        .expect("it answers");
    let token = token
        .check(&services.expected(), services.now)
        .expect("it answers");
    assert_eq!(token.identity(), "repo:acme/app:ref:refs/heads/main");

    let discovered = Issuer::discover(&services.client, issuer)
        .await
        .expect("it answers");
    let settings = LoginSettings::default();
    let open = |url: &str| {
        let url = url.to_owned();
        std::thread::spawn(move || {
            let status = std::process::Command::new("curl")
                .args(["-sSfL", "-o", "/dev/null", &url])
                .status();
            assert!(status.expect("it answers").success());
        });
    };
    let token = browser_login(&services.client, &discovered, &settings, open)
        .await
        .expect("it answers");
    assert_eq!(
        token
            .check(&services.expected(), services.now)
            .expect("it answers")
            .identity(),
        "user@example.org"
    );

    let token = device_login(&services.client, &discovered, &settings, |prompt| {
        assert_eq!(prompt.code, "WXYZ");
    })
    .await
    .expect("it answers");
    assert!(token.check(&services.expected(), services.now).is_ok());
}

#[tokio::test]
async fn fulcio_refuses_a_token_with_another_audience_or_signature() {
    let Some(stack) = Stack::start("clients_tokens") else {
        return;
    };
    let services = Services::of(&stack, VERSION_2_CONFIG);
    let url = format!("{}/jwt?aud=other", &services.issuer);
    let token = IdentityToken::parse(&fetched(&url).await, &Limits::DEFAULT).expect("it answers");
    let expected = Expected {
        audience: "other".to_owned(),
        ..Expected::default()
    };
    let token = token.check(&expected, services.now).expect("it answers");
    let authority = services
        .config
        .certificate_authority(services.now)
        .expect("it answers")
        .expect("it answers");
    let fulcio = Fulcio::new(&services.client, &authority.url).expect("it answers");
    let key = PrivateKey::generate(KeyKind::EcdsaP256).expect("it answers");
    let sign = |message: &[u8]| key.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(&token, key.public_key(), services.now, sign)
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), "token-refused", "{refused}");

    let other = PrivateKey::generate(KeyKind::EcdsaP256).expect("it answers");
    let sign = |message: &[u8]| other.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(
            &services.token().await,
            key.public_key(),
            services.now,
            sign,
        )
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), "request-refused", "{refused}");
}
