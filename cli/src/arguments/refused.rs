//! The flags of cosign that are not honoured, each with what to write instead.
//!
//! A flag that is silently ignored is a check that somebody believes in, so each one is refused (exit 2).

/// A flag that exists in cosign and not here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// The commands that know it; empty for all.
    pub(crate) commands: &'static [&'static str],
    /// As it is written, with its dashes.
    pub(crate) flag: &'static str,
    /// What to do instead.
    pub(crate) instead: &'static str,
}

/// What to write instead of `flag` of `command`, if it is one of cosign's.
pub(crate) fn find(command: &str, flag: &str) -> Option<&'static Refusal> {
    REFUSALS.iter().find(|refusal| {
        refusal.flag == flag && (refusal.commands.is_empty() || refusal.commands.contains(&command))
    })
}

const IMAGES: &[&str] = &[
    "sign",
    "attest",
    "verify",
    "verify-attestation",
    "discover",
    "tree",
];
const SIGN: &[&str] = &["sign", "attest", "sign-blob", "attest-blob"];
const VERIFY: &[&str] = &[
    "verify",
    "verify-attestation",
    "verify-blob",
    "verify-blob-attestation",
];
const VERIFY_IMAGE: &[&str] = &["verify", "verify-attestation"];
const VERIFY_BLOB: &[&str] = &["verify-blob", "verify-blob-attestation"];
const BLOBS: &[&str] = &[
    "sign-blob",
    "attest-blob",
    "verify-blob",
    "verify-blob-attestation",
];
const KEYS: &[&str] = &["generate-key-pair", "import-key-pair", "public-key"];
const ANY: &[&str] = &[];

const SIGNING_CONFIG: &str =
    "the services are named in a signing config: give it with `--signing-config FILE`";
const TIMESTAMPS: &str = "have the signature dated with `--timestamp --signing-config FILE`; the timestamp is inside the bundle";
const TRUSTED_ROOT: &str =
    "name the service in a trusted root and give it with `--trusted-root FILE`";
const HARDWARE: &str = "hardware keys are not in this version; use a key file with `--key FILE`";
const CREDENTIALS: &str =
    "run `countersign login HOST`, or set `DOCKER_CONFIG` or `REGISTRY_AUTH_FILE`";
const BUNDLE_HOLDS_IT: &str = "the bundle carries signature, certificate and timestamp together; give it with `--bundle FILE`";

const fn refuse(
    commands: &'static [&'static str],
    flag: &'static str,
    instead: &'static str,
) -> Refusal {
    Refusal {
        commands,
        flag,
        instead,
    }
}

/// The table; a test runs each row through the program.
pub(crate) const REFUSALS: &[Refusal] = &[
    // Registries.
    refuse(
        ANY,
        "--allow-insecure-registry",
        "for plain http write `--allow-http`; a certificate is always checked, name a private authority with `--registry-cacert FILE`",
    ),
    refuse(ANY, "--allow-http-registry", "write `--allow-http`"),
    refuse(IMAGES, "--k8s-keychain", CREDENTIALS),
    refuse(IMAGES, "--registry-username", CREDENTIALS),
    refuse(IMAGES, "--registry-password", CREDENTIALS),
    refuse(IMAGES, "--registry-token", CREDENTIALS),
    refuse(
        IMAGES,
        "--registry-server-name",
        "use the registry's own name in the reference",
    ),
    refuse(
        IMAGES,
        "--registry-referrers-mode",
        "the referrers API is used where it exists and the fallback tag where not; drop the flag",
    ),
    refuse(
        IMAGES,
        "--experimental-oci11",
        "every storage form is read and merged; drop the flag",
    ),
    refuse(
        IMAGES,
        "--attachment",
        "name the attached artifact by its own digest, as `countersign discover` lists it",
    ),
    refuse(
        &["sign", "attest"],
        "--attachment-tag-prefix",
        "what is written is found by the image's digest alone, with no prefix; `verify` reads tags with one",
    ),
    // Services.
    refuse(
        SIGN,
        "--tlog-upload",
        "a key alone never publishes anything: opt in with `--log --signing-config FILE`, else drop the flag",
    ),
    refuse(
        SIGN,
        "--rekor-url",
        "a key alone never publishes anything: opt in with `--log --signing-config FILE`, which names the log",
    ),
    refuse(
        SIGN,
        "--rekor-entry-type",
        "the log's version decides what an entry looks like; drop the flag",
    ),
    refuse(SIGN, "--fulcio-url", SIGNING_CONFIG),
    refuse(
        SIGN,
        "--fulcio-auth-flow",
        "log in with `--login browser` or `--login device`, or give a token with `--identity-token FILE`",
    ),
    refuse(
        SIGN,
        "--oidc-client-secret-file",
        "logins use a proof key in place of a client secret; drop the flag",
    ),
    refuse(
        SIGN,
        "--oidc-provider",
        "the surroundings are recognised; name Google Cloud with `--ambient google`, else drop the flag",
    ),
    refuse(
        SIGN,
        "--oidc-redirect-url",
        "the browser comes back to a free port on this machine; drop the flag",
    ),
    refuse(
        SIGN,
        "--oidc-disable-ambient-providers",
        "write `--ambient none`",
    ),
    refuse(
        SIGN,
        "--issue-certificate",
        "a certificate for a key that is kept is not in this version; sign with an identity by dropping `--key`",
    ),
    refuse(
        SIGN,
        "--insecure-skip-verify",
        "what is signed is always verified before it is published; drop the flag",
    ),
    refuse(SIGN, "--use-signing-config", SIGNING_CONFIG),
    refuse(SIGN, "--timestamp-server-url", TIMESTAMPS),
    refuse(SIGN, "--timestamp-server-name", TIMESTAMPS),
    refuse(SIGN, "--timestamp-client-cacert", TIMESTAMPS),
    refuse(SIGN, "--timestamp-client-cert", TIMESTAMPS),
    refuse(SIGN, "--timestamp-client-key", TIMESTAMPS),
    // What is written.
    refuse(
        ANY,
        "--new-bundle-format",
        "the bundle v0.3 is what is written, and every older form is read; drop the flag",
    ),
    refuse(
        SIGN,
        "--certificate",
        "signing with a certificate is not in this version; sign with `--key FILE`",
    ),
    refuse(
        SIGN,
        "--certificate-chain",
        "signing with a certificate is not in this version; sign with `--key FILE`",
    ),
    refuse(
        SIGN,
        "--output-signature",
        "the signature is inside the bundle; write the bundle with `--bundle FILE`",
    ),
    refuse(
        SIGN,
        "--output-certificate",
        "the certificate of an identity is inside the bundle; write the bundle with `--bundle FILE`",
    ),
    refuse(
        SIGN,
        "--output-attestation",
        "the envelope is inside the bundle; write the bundle with `--bundle FILE`",
    ),
    refuse(
        SIGN,
        "--output-payload",
        "the payload is inside the bundle; write the bundle with `--bundle FILE`",
    ),
    refuse(
        SIGN,
        "--output-file",
        "write the bundle with `--bundle FILE`, the result with `--output json`",
    ),
    refuse(SIGN, "--rfc3161-timestamp", TIMESTAMPS),
    refuse(SIGN, "--rfc3161-timestamp-bundle", TIMESTAMPS),
    refuse(
        SIGN,
        "--payload",
        "the payload is made from the digest that is signed; sign other bytes with `countersign sign-blob`",
    ),
    refuse(
        SIGN,
        "--b64",
        "the signature is inside the bundle; drop the flag",
    ),
    refuse(
        SIGN,
        "--signing-algorithm",
        "the key decides the algorithm; make another with `generate-key-pair --key-type` (an identity signs with ECDSA P-256)",
    ),
    refuse(
        &["sign"],
        "--upload",
        "write the bundle to a file instead of the registry with `--no-upload --bundle FILE`",
    ),
    refuse(
        &["sign"],
        "--sign-container-identity",
        "the statement names the image by digest alone; compare repositories where the image is deployed",
    ),
    refuse(
        &["sign"],
        "--record-creation-timestamp",
        "the time of signing is in the manifest's annotation; drop the flag",
    ),
    refuse(
        &["attest"],
        "--replace",
        "attestations are only added; delete an old one in the registry by its digest",
    ),
    refuse(
        &["attest", "attest-blob"],
        "--hash",
        "give the digest in place of the file: `sha256:HEX`",
    ),
    // Hardware.
    refuse(ANY, "--sk", HARDWARE),
    refuse(ANY, "--slot", HARDWARE),
    refuse(
        KEYS,
        "--kms",
        "keys in a key management service are not in this version; use a key file",
    ),
    // Verification.
    refuse(
        VERIFY,
        "--private-infrastructure",
        "name your own logs and authorities with `--trusted-root FILE`; where there is no log, `--insecure-ignore-tlog` says so",
    ),
    refuse(
        VERIFY,
        "--rekor-url",
        "no log is asked; the proof inside the evidence is checked with `--trusted-root FILE`",
    ),
    refuse(VERIFY, "--timestamp-certificate-chain", TRUSTED_ROOT),
    refuse(
        VERIFY,
        "--allow-certificate-chain",
        "a chain in a bundle is always followed, up to an authority that `--trusted-root` or `--ca-roots` names; drop the flag",
    ),
    refuse(VERIFY, "--certificate", BUNDLE_HOLDS_IT),
    refuse(VERIFY, "--cert", BUNDLE_HOLDS_IT),
    refuse(VERIFY, "--signature", BUNDLE_HOLDS_IT),
    refuse(VERIFY, "--rfc3161-timestamp", BUNDLE_HOLDS_IT),
    refuse(VERIFY, "--sct", BUNDLE_HOLDS_IT),
    refuse(VERIFY, "--payload", BUNDLE_HOLDS_IT),
    refuse(
        VERIFY,
        "--check-claims",
        "the digest is always compared; drop the flag",
    ),
    refuse(
        VERIFY,
        "--signature-digest-algorithm",
        "the key decides which digests it may have signed; drop the flag",
    ),
    refuse(
        VERIFY,
        "--hash-algorithm",
        "the key decides which digests it may have signed; drop the flag",
    ),
    refuse(
        VERIFY_IMAGE,
        "--local-image",
        "name the layout in the reference: `oci:DIR`",
    ),
    refuse(
        VERIFY_IMAGE,
        "--max-workers",
        "the number of workers follows the machine; drop the flag",
    ),
    refuse(
        VERIFY_BLOB,
        "--digest",
        "give the digest in place of the file: `sha256:HEX`",
    ),
    refuse(
        VERIFY_BLOB,
        "--digestAlg",
        "give the digest in place of the file: `sha256:HEX`",
    ),
    refuse(BLOBS, "--output-file", "write `> FILE` after the command"),
    // Everything else.
    refuse(ANY, "-d", "for diagnostics write `-v`"),
    refuse(ANY, "--output-file", "write `> FILE` after the command"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do_and_is_reachable() {
        for refusal in REFUSALS {
            assert!(refusal.flag.starts_with('-'), "{refusal:?}");
            assert!(!refusal.instead.ends_with('.'), "{refusal:?}");
            let command = refusal.commands.first().copied().unwrap_or("verify");
            let found = find(command, refusal.flag).unwrap();
            assert_eq!(found.flag, refusal.flag);
        }
    }

    #[test]
    fn a_flag_of_one_command_is_not_refused_with_its_words_on_another() {
        assert!(find("sign", "--tlog-upload").is_some());
        assert!(find("verify", "--tlog-upload").is_none());
    }
}
