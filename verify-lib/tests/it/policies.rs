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
