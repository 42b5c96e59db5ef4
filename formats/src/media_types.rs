//! Media types and other fixed names of OCI and Sigstore.

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker schema 2 manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker schema 2 manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI artifact manifest, withdrawn before OCI 1.1 was released; recognised only to be refused by name.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// OCI empty config, `{}`.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// OCI layer, uncompressed.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// OCI layer, gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Sigstore bundle 0.3, the spelling we write.
pub const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What the media type of every Sigstore bundle begins with.
pub const BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// Simple-signing payload of a `.sig` layer.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// DSSE envelope of an `.att` layer.
pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// In-toto statement: DSSE payload type, and artifact type of referrers with bare envelopes.
pub const IN_TOTO_PAYLOAD: &str = "application/vnd.in-toto+json";
/// Artifact type of a simple-signing signature stored as a referrer.
pub const COSIGN_SIGNATURE_ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// Artifact type of an unsigned SBOM stored as a referrer.
pub const COSIGN_SBOM_ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sbom.v1+json";
/// Artifact type of a Notary Project signature.
pub const NOTATION_SIGNATURE: &str = "application/vnd.cncf.notary.signature";
/// JWS envelope of a Notary Project signature.
pub const NOTATION_JWS: &str = "application/jose+json";
/// COSE envelope of a Notary Project signature.
pub const NOTATION_COSE: &str = "application/cose";
/// Sigstore trusted root 0.1.
pub const TRUSTED_ROOT_V01: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
/// Sigstore trusted root 0.2.
pub const TRUSTED_ROOT_V02: &str = "application/vnd.dev.sigstore.trustedroot.v0.2+json";

/// The empty JSON object, content of every [`OCI_EMPTY`] config.
pub const EMPTY_JSON: &[u8] = b"{}";
/// Digest of [`EMPTY_JSON`].
pub const EMPTY_JSON_DIGEST: &str =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// Annotation: when the manifest was made, RFC 3339.
pub const ANNOTATION_CREATED: &str = "org.opencontainers.image.created";
/// Annotation: tag of an entry of a layout's `index.json`.
pub const ANNOTATION_REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation: what a bundle holds, `dsse-envelope` or `message-signature`.
pub const ANNOTATION_BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
/// Annotation: predicate type of the statement in a bundle.
pub const ANNOTATION_BUNDLE_PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// Annotation: kind of an entry in a layout saved by cosign.
pub const ANNOTATION_COSIGN_KIND: &str = "kind";
/// Annotation: reference type of a BuildKit manifest inside an image index.
pub const ANNOTATION_BUILDKIT_TYPE: &str = "vnd.docker.reference.type";
/// Annotation: digest of the image that a BuildKit manifest inside an image index is about.
pub const ANNOTATION_BUILDKIT_DIGEST: &str = "vnd.docker.reference.digest";
