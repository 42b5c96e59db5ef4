//! The command lines that several tests share: who signs, attests and verifies with a key.

use countersign_tests::{Outcome, Program};

use crate::scene::Scene;

impl Scene {
    /// Our program signs.
    pub(crate) fn sign(&self, key: &str, image: &str) -> Outcome {
        self.ours(&["sign", "--key", key, image])
    }

    /// Our program attests an SPDX document.
    pub(crate) fn attest(&self, key: &str, predicate: &str, image: &str) -> Outcome {
        self.ours(&[
            "attest",
            "--key",
            key,
            "--type",
            "spdxjson",
            "--predicate",
            predicate,
            image,
        ])
    }

    /// Our program verifies a signature.
    pub(crate) fn verify(&self, key: &str, image: &str) -> Outcome {
        self.ours(&["verify", "--key", key, image])
    }

    /// Our program verifies an attested SPDX document.
    pub(crate) fn verify_attestation(&self, key: &str, image: &str) -> Outcome {
        self.ours(&[
            "verify-attestation",
            "--key",
            key,
            "--type",
            "spdxjson",
            image,
        ])
    }
}

/// cosign with keys and without services.
pub(crate) struct Cosign<'a>(pub(crate) &'a Program);

impl Cosign<'_> {
    /// cosign 3 signs: a bundle as referrer.
    pub(crate) fn sign(&self, key: &str, none: &str, image: &str) -> Outcome {
        self.0
            .run(["sign", "-y", "--key", key, "--signing-config", none, image])
    }

    /// cosign 3 attests an SPDX document: a bundle as referrer.
    pub(crate) fn attest(&self, key: &str, none: &str, predicate: &str, image: &str) -> Outcome {
        self.0.run([
            "attest",
            "-y",
            "--key",
            key,
            "--signing-config",
            none,
            "--type",
            "spdxjson",
            "--predicate",
            predicate,
            image,
        ])
    }

    /// cosign 3 signs as before: a layer under `.sig`.
    pub(crate) fn sign_legacy(&self, key: &str, image: &str) -> Outcome {
        self.0.run([
            "sign",
            "-y",
            "--key",
            key,
            "--new-bundle-format=false",
            "--use-signing-config=false",
            "--tlog-upload=false",
            image,
        ])
    }

    /// cosign verifies a signature, with further options.
    pub(crate) fn verify(&self, key: &str, options: &[&str], image: &str) -> Outcome {
        let begin = ["verify", "--key", key, "--insecure-ignore-tlog"];
        self.0.run([&begin, options, &[image]].concat())
    }

    /// cosign verifies an attested SPDX document, with further options.
    pub(crate) fn verify_attestation(&self, key: &str, options: &[&str], image: &str) -> Outcome {
        let begin = [
            "verify-attestation",
            "--type",
            "spdxjson",
            "--key",
            key,
            "--insecure-ignore-tlog",
        ];
        self.0.run([&begin, options, &[image]].concat())
    }
}
