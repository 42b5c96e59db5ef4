//! The demo does what it shows.

use crate::workshop::Workshop;

#[test]
fn the_demo_runs_to_its_end_and_its_folder_can_be_used() {
    let workshop = Workshop::new();
    let run = workshop.run("demo --dir demo").ends(0);
    for said in [
        "$ countersign generate-key-pair",
        "$ countersign sign --allow-http --key release.key",
        "$ countersign attest",
        "$ countersign verify --allow-http --policy policy.yaml",
        "(exit code 0)",
        "(exit code 10)",
        "(exit code 12)",
        "subject-mismatch",
    ] {
        assert!(
            run.stdout.contains(said),
            "`{said}` is not in {}",
            run.stdout
        );
    }
    let after = crate::program::run(
        &workshop.file("demo"),
        [
            "verify",
            "--policy",
            "policy.yaml",
            "oci:registry/demo/app:2.0",
        ],
    );
    after.ends(0);
    workshop.run("demo --dir demo").ends(2).says("not empty");
    let json = workshop
        .run("demo --dir second --output json")
        .ends(0)
        .json();
    assert!(json["result"]["steps"].as_array().unwrap().len() > 10);
}
