//! Policies on disk.

use countersign::formats::Limits;
use countersign::load_policies;
use countersign_testdata::keys::LabKey;

fn text(name: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  signers: {{release: {{key: {{file: keys/release.pub}}}}}}\n  require: {{signature: {{by: release}}}}\n"
    )
}

#[test]
fn files_and_directories_are_read_and_keys_are_relative_to_the_policy() {
    let directory = tempfile::tempdir().unwrap();
    let policies = directory.path().join("policies");
    std::fs::create_dir_all(policies.join("keys")).unwrap();
    std::fs::write(
        policies.join("keys/release.pub"),
        LabKey::p256("release").public_pem(),
    )
    .unwrap();
    std::fs::write(policies.join("b.yaml"), text("b")).unwrap();
    std::fs::write(policies.join("a.yml"), text("a")).unwrap();
    std::fs::write(policies.join("notes.txt"), "not a policy").unwrap();
    let set = load_policies(std::slice::from_ref(&policies), &Limits::DEFAULT).unwrap();
    let names: Vec<&str> = set
        .policies()
        .iter()
        .map(|policy| policy.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(set.keys().len(), 1);
    assert_eq!(
        load_policies(&[policies.join("b.yaml")], &Limits::DEFAULT)
            .unwrap()
            .policies()
            .len(),
        1
    );
}

#[test]
fn what_is_missing_too_large_or_empty_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let code = |path: &std::path::Path, limits: &Limits| {
        load_policies(&[path.to_owned()], limits)
            .unwrap_err()
            .code()
    };
    assert_eq!(
        code(&directory.path().join("absent.yaml"), &Limits::DEFAULT),
        "policy-unreadable"
    );
    assert_eq!(code(directory.path(), &Limits::DEFAULT), "policy-none");
    let file = directory.path().join("p.yaml");
    std::fs::write(&file, text("p")).unwrap();
    assert_eq!(code(&file, &Limits::DEFAULT), "policy-key");
    assert_eq!(
        code(
            &file,
            &Limits {
                policy_bytes: 10,
                ..Limits::DEFAULT
            }
        ),
        "policy-over-limit"
    );
    assert_eq!(
        code(std::path::Path::new("/dev/zero"), &Limits::DEFAULT),
        "policy-over-limit"
    );
}

#[tokio::test]
async fn published_policies_are_held_to_the_limit_of_all_sources_together() {
    use std::collections::BTreeMap;

    use countersign::formats::{KeyKind, Reference, UnixTime};
    use countersign::proof::TrustedKey;
    use countersign::registry::layout::Layout;
    use countersign::registry::{Settings, publish};
    use countersign::{load_published_policies, publish_policies};
    use countersign_sign::{PrivateKey, sign_image};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("published");
    let layout = Layout::create(&path).unwrap();
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let pem = format!("{:?}", key.public_key().to_pem());
    let document = text("a").replace("file: keys/release.pub", &format!("pem: {pem}"));
    let documents = [("a.yaml".to_owned(), bytes::Bytes::from(document.clone()))];
    let stored = publish_policies(&layout, &documents, None).await.unwrap();
    let now = UnixTime(1_800_000_000);
    let limits = Limits::DEFAULT;
    let signed = sign_image(&key, stored.digest, &BTreeMap::new(), now, &limits).unwrap();
    publish(&layout, &stored, &signed.verified, now)
        .await
        .unwrap();
    let place = format!("oci:{}@{}", path.display(), stored.digest);
    Reference::parse(&place).unwrap();
    let keys = [TrustedKey {
        key: key.public_key().clone(),
        valid: countersign::formats::Window::ALWAYS,
        schemes: None,
    }];
    let settings = Settings::default();
    let load = async |limits: &Limits| {
        load_published_policies(&[place.clone().into()], &keys, &settings, limits, now).await
    };
    assert_eq!(load(&limits).await.unwrap().policies().len(), 1);
    let exactly = Limits {
        policy_bytes: document.len() as u64,
        ..limits.clone()
    };
    assert_eq!(load(&exactly).await.unwrap().policies().len(), 1);
    let less = Limits {
        policy_bytes: document.len() as u64 - 1,
        ..limits.clone()
    };
    assert_eq!(load(&less).await.unwrap_err().code(), "policy-over-limit");
}
