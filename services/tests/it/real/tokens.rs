//! Tokens and logins that real services hand out and judge.

use countersign_formats::{KeyKind, Limits};
use countersign_proof::Scheme;
use countersign_services::Fulcio;
use countersign_services::identity::{
    AUDIENCE, Ambient, Expected, IdentityToken, Issuer, LoginSettings, browser_login, device_login,
};
use countersign_sign::PrivateKey;

use super::stack::{Stack, reqwest_text};

#[tokio::test]
async fn tokens_come_from_the_actions_interface_and_from_both_logins() {
    let Some(stack) = Stack::find("signing_config.json") else {
        return;
    };
    let issuer = stack.issuer();
    let variables = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(format!("{issuer}/actions?x=1")),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("runner".to_owned()),
        _ => None,
    };
    let ambient = Ambient::detect(variables).unwrap().unwrap();
    let token = ambient.fetch(&stack.client, AUDIENCE).await.unwrap();
    let token = token.check(&stack.expected(), stack.now).unwrap();
    assert_eq!(token.identity(), "repo:acme/app:ref:refs/heads/main");

    let discovered = Issuer::discover(&stack.client, &issuer).await.unwrap();
    let settings = LoginSettings::default();
    let open = |url: &str| {
        let url = url.to_owned();
        std::thread::spawn(move || {
            let status = std::process::Command::new("curl")
                .args(["-sSfL", "-o", "/dev/null", &url])
                .status();
            assert!(status.unwrap().success());
        });
    };
    let token = browser_login(&stack.client, &discovered, &settings, open)
        .await
        .unwrap();
    assert_eq!(
        token
            .check(&stack.expected(), stack.now)
            .unwrap()
            .identity(),
        "user@example.org"
    );

    let token = device_login(&stack.client, &discovered, &settings, |prompt| {
        assert_eq!(prompt.code, "ABCD-EFGH");
    })
    .await
    .unwrap();
    assert!(token.check(&stack.expected(), stack.now).is_ok());
}

#[tokio::test]
async fn fulcio_refuses_a_token_with_another_audience_or_signature() {
    let Some(stack) = Stack::find("signing_config.json") else {
        return;
    };
    let url = format!("{}/jwt?aud=other", stack.issuer());
    let token = IdentityToken::parse(&reqwest_text(&url).await, &Limits::DEFAULT).unwrap();
    let expected = Expected {
        audience: "other".to_owned(),
        ..Expected::default()
    };
    let token = token.check(&expected, stack.now).unwrap();
    let authority = stack
        .config
        .certificate_authority(stack.now)
        .unwrap()
        .unwrap();
    let fulcio = Fulcio::new(&stack.client, &authority.url).unwrap();
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let sign = |message: &[u8]| key.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(&token, key.public_key(), stack.now, sign)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "token-refused", "{refused}");

    let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let sign = |message: &[u8]| other.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(&stack.token().await, key.public_key(), stack.now, sign)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "request-refused", "{refused}");
}
