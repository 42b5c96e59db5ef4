//! Which layers of a manifest are pieces of evidence, by its form.

use countersign_formats::{Descriptor, ImageManifest, media_types};
use countersign_policy::Unusable;
use countersign_proof::{Origin, StorageForm};

/// Media types of Sigstore bundles begin so, in both spellings of the version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// Signatures of cosign's experimental referrers, as artifact type.
const COSIGN_SIGNATURE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// Envelopes as referrers, as artifact type.
const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Notary Project signatures, as artifact type.
const NOTATION: &str = "application/vnd.cncf.notary.signature";
/// Which predicate a referrer's bundle has, by its manifest's annotations.
const BUNDLE_PREDICATE: &str = "dev.sigstore.bundle.predicateType";
/// Which predicate a layer's envelope has, by its annotations.
const LAYER_PREDICATE: &str = "predicateType";

/// A layer that holds a piece of evidence.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) layer: Descriptor,
    pub(crate) origin: Origin,
    /// What the predicate is said to be.
    pub(crate) unverified_predicate_type: Option<String>,
}

/// Where a manifest was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Referrer,
    SignatureTag,
    AttestationTag,
}

impl Found {
    /// What the name of the tag ends with.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Referrer => "",
            Self::SignatureTag => ".sig",
            Self::AttestationTag => ".att",
        }
    }

    /// The form that is expected there.
    pub(crate) fn form(self) -> StorageForm {
        match self {
            Self::Referrer => StorageForm::BundleReferrer,
            Self::SignatureTag => StorageForm::SignatureTag,
            Self::AttestationTag => StorageForm::AttestationTag,
        }
    }
}

/// The pieces that a manifest holds; none when it is something else, such as an SBOM.
pub(crate) fn pieces(
    manifest: &ImageManifest,
    found: Found,
    origin: impl Fn(StorageForm) -> Origin,
) -> Result<Vec<Located>, Box<Unusable>> {
    let located = |form: StorageForm, layer: &Descriptor, hint: Option<&String>| {
        let mut origin = origin(form);
        origin.descriptor = Some(layer.clone());
        Located {
            layer: layer.clone(),
            origin,
            unverified_predicate_type: hint.cloned(),
        }
    };
    if found == Found::Referrer {
        if manifest
            .layers
            .iter()
            .any(|layer| layer.media_type.starts_with(BUNDLE))
        {
            return match manifest.layers.as_slice() {
                [layer] => Ok(vec![located(
                    StorageForm::BundleReferrer,
                    layer,
                    manifest.annotations.get(BUNDLE_PREDICATE),
                )]),
                layers => Err(Box::new(Unusable {
                    origin: origin(StorageForm::BundleReferrer),
                    code: "bundle-layers",
                    message: format!(
                        "a manifest with a bundle has exactly one layer, and this one has {}",
                        layers.len()
                    ),
                })),
            };
        }
        if manifest.effective_artifact_type() == NOTATION {
            return Ok(manifest
                .layers
                .iter()
                .map(|layer| located(StorageForm::NotationReferrer, layer, None))
                .collect());
        }
    }
    let (simple_signing, dsse) = match found {
        Found::Referrer => (
            Some(StorageForm::SignatureReferrer),
            Some(StorageForm::DsseReferrer),
        ),
        Found::SignatureTag => (Some(StorageForm::SignatureTag), None),
        Found::AttestationTag => (None, Some(StorageForm::AttestationTag)),
    };
    Ok(manifest
        .layers
        .iter()
        .filter_map(|layer| match layer.media_type.as_str() {
            media_types::SIMPLE_SIGNING => Some(located(simple_signing?, layer, None)),
            media_types::DSSE_ENVELOPE => Some(located(
                dsse?,
                layer,
                layer.annotations.get(LAYER_PREDICATE),
            )),
            _ => None,
        })
        .collect())
}

/// What a listing says about a referrer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint<'a> {
    /// It may hold a statement of this type, or of any when there is none.
    Statement(Option<&'a str>),
    /// It holds signatures.
    Signature,
    /// It says that it is no evidence; a listing may be wrong.
    Foreign,
}

/// Reads the hint of a listing's entry. Indexes written by some clients give the type of the empty
/// configuration instead of the artifact's: that says nothing.
pub(crate) fn hint(descriptor: &Descriptor) -> Hint<'_> {
    let predicate = descriptor
        .annotations
        .get(BUNDLE_PREDICATE)
        .map(String::as_str);
    match descriptor.artifact_type.as_deref() {
        None | Some("" | media_types::OCI_EMPTY) => Hint::Statement(predicate),
        Some(bundle) if bundle.starts_with(BUNDLE) => Hint::Statement(predicate),
        Some(IN_TOTO) => Hint::Statement(None),
        Some(COSIGN_SIGNATURE) => Hint::Signature,
        Some(_) => Hint::Foreign,
    }
}
