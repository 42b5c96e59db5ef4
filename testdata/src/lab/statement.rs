//! What the lab signs about images.

use serde_json::{Value, json};

/// The statement that cosign signs for an image.
pub fn image_statement(digest: &str) -> Value {
    let (algorithm, value) = digest.split_once(':').expect("algorithm:value");
    json!({"_type": "https://in-toto.io/Statement/v1",
           "subject": [{"digest": {algorithm: value}, "annotations": {}}],
           "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {}})
}

/// The simple signing payload that cosign signs for an image.
pub fn simple_signing_payload(digest: &str) -> Value {
    json!({"critical": {"identity": {"docker-reference": "registry.lab.example/app"},
                        "image": {"docker-manifest-digest": digest},
                        "type": "cosign container image signature"},
           "optional": null})
}

/// DSSE pre-authentication encoding.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}
