//! Witnesses of transparency logs: a policy counts those whose keys are given.

use countersign_formats::encode_base64;
use countersign_registry::layout::Layout;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{ISSUER, Lab, SIGNED_AT, image_statement};
use countersign_testdata::transparency_log::Cosigner;

use crate::workshop::{Workshop, attach};

const NAME: &str = "witness.lab.example";

fn cosigner(name: &str) -> Cosigner {
    Cosigner::new(&LabKey::ed25519("witness"), name, SIGNED_AT)
}

/// The key as a witness publishes it.
fn published(name: &str) -> String {
    let cosigner = cosigner(name);
    let hash: String = cosigner
        .hint()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let key = encode_base64(&[&[4][..], &cosigner.key.raw_public()].concat());
    format!("{name}+{hash}+{key}")
}

#[test]
fn a_policy_counts_the_witnesses_whose_keys_are_given() {
    let lab = Lab::new();
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let evidence = lab
        .keyless("ann@lab.example")
        .statement(&image_statement(&digest.to_string()))
        .rekor_v1()
        .entry(|entry| {
            entry.checkpoint = Some(|checkpoint| checkpoint.cosigners.push(cosigner(NAME)));
        })
        .build();
    let layout = Layout::open(workshop.file("image")).unwrap();
    attach(
        &layout,
        &digest,
        evidence.bundle.to_string().as_bytes(),
        "https://sigstore.dev/cosign/sign/v1",
    );
    workshop.write("root.json", lab.trusted_root().to_string().as_bytes());
    let policy = format!(
        "apiVersion: countersign.dev/v1
kind: Policy
metadata: {{name: witnessed}}
spec:
  signers:
    ann: {{keyless: {{issuer: \"{ISSUER}\", identity: ann@lab.example}}}}
  trust:
    certificates: {{logs: 1, timestamps: 0, scts: 1, times: 1, witnesses: 1}}
  require:
    signature: {{by: ann}}
"
    );
    workshop.write("policy.yaml", policy.as_bytes());
    let verify = |flags: &str| {
        workshop.run(&format!(
            "verify --offline --trusted-root root.json --policy policy.yaml {flags} oci:image:1.0"
        ))
    };
    verify(&format!("--witness {}", published(NAME))).ends(0);
    verify("").ends(12).says("witnesses");
    let other = published("other.lab.example");
    verify(&format!("--witness {other}"))
        .ends(12)
        .says("witnesses");
    verify(&format!("--witness {other} --witness {}", published(NAME))).ends(0);
    // A record keeps the witnesses by which it was judged.
    for (pack, flags, code) in [
        (
            "witnessed.pack",
            format!("--witness {}", published(NAME)),
            0,
        ),
        ("alone.pack", String::new(), 12),
    ] {
        workshop
            .run(&format!(
                "policy record --offline --trusted-root root.json --policy policy.yaml {flags} --out {pack} oci:image:1.0"
            ))
            .ends(0);
        workshop
            .run(&format!("policy explain --pack {pack} --as-recorded"))
            .ends(code);
    }
    // The name is part of what the hash stands for.
    let renamed = published(NAME).replace("witness.lab", "witless.lab");
    for bad in [renamed.as_str(), "key", "a+00000000+AAAA"] {
        verify(&format!("--witness {bad}"))
            .ends(2)
            .says("--witness");
    }
}
