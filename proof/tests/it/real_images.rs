//! Evidence that was signed in production, where the machine has it: `COUNTERSIGN_REAL_IMAGES` names a directory with
//! `example-package-v2.1.0` (an OCI layout) in it, `COUNTERSIGN_PUBLIC_GOOD_ROOT` the public-good `trusted_root.json`.

use bytes::Bytes;
use countersign_formats::{Digest, Limits, Manifest, TrustedRoot, UnixTime};
use countersign_proof::{Origin, Signer, StorageForm, Subject, TrustMaterial, Unverified, verify};
use std::path::PathBuf;

#[test]
fn provenance_of_a_real_image_verifies_and_is_about_that_image_alone() {
    let (Some(images), Some(root)) = (
        std::env::var_os("COUNTERSIGN_REAL_IMAGES"),
        std::env::var_os("COUNTERSIGN_PUBLIC_GOOD_ROOT"),
    ) else {
        return;
    };
    let limits = Limits::DEFAULT;
    let blobs = PathBuf::from(images).join("example-package-v2.1.0/blobs/sha256");
    let read = |digest: &Digest| Bytes::from(std::fs::read(blobs.join(digest.hex())).unwrap());
    let digest = |text: &str| Digest::parse(&format!("sha256:{text}")).unwrap();
    let root = TrustedRoot::parse(&Bytes::from(std::fs::read(root).unwrap()), &limits).unwrap();
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .build()
        .unwrap();
    let now = UnixTime::parse_rfc3339("2026-11-24T00:00:00Z").unwrap();

    let attestations = digest("21454caf3a160dfbe6359f0501aa8401c6c0f2c7a8b71380ea21f8c4b48b64fe");
    let Manifest::Image(manifest) = Manifest::parse(&read(&attestations), None, &limits).unwrap()
    else {
        panic!("an image manifest");
    };
    let layer = &manifest.layers[0];
    let origin = Origin::new(StorageForm::AttestationTag);
    let piece = Unverified::dsse(read(&layer.digest), &layer.annotations, origin, &limits).unwrap();

    let index = digest("234e2c830c2fb31ac5671789d22adfe44d30c3ee831d01beae5e237841a13122");
    let verified = verify(&piece, &Subject::image(index), &trust, now).unwrap();
    let Signer::Fulcio(identity) = verified.signer() else {
        panic!("{:?}", verified.signer())
    };
    assert_eq!(
        identity.san.value(),
        "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.1.0"
    );
    assert_eq!(
        identity.extensions.source_repository_uri.as_deref(),
        Some("https://github.com/slsa-framework/example-package")
    );
    assert_eq!(
        verified.claim().predicate_type(),
        Some("https://slsa.dev/provenance/v0.2")
    );
    assert_eq!(verified.logs()[0].log_index, 174_304_112);

    let child = digest("d1fc0de9c6a33e502c488221644de1736c53d8ddb59b0e41b4946fb26af50e69");
    assert_eq!(
        verify(&piece, &Subject::image(child), &trust, now)
            .unwrap_err()
            .code(),
        "subject-mismatch"
    );
}
