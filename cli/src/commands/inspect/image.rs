//! Decodes the manifest of an image, and the bundle when the image is one.

use countersign_formats::{Descriptor, Limits, Manifest, Reference, media_types};
use serde_json::{Value, json};

use super::{Facts, outside};
use super::{document, notation};
use crate::context::Context;
use crate::failure::Failure;
use crate::{images, stores};

/// Fetches and decodes what `reference` names.
pub(super) fn read(context: &mut Context<'_, '_>, reference: &Reference) -> Result<Facts, Failure> {
    let settings = stores::settings(context);
    let (store, target) = stores::open(reference, &settings)?;
    let runtime = context.runtime()?;
    let image = runtime.block_on(store.resolve(&target))?;
    let mut facts = manifest_facts(&image.manifest);
    facts.add("image", images::pinned(reference, &image.descriptor.digest));
    facts.add("size", image.descriptor.size);
    if let Manifest::Image(manifest) = &image.manifest
        && let [layer] = manifest.layers.as_slice()
        && layer.media_type.starts_with(media_types::BUNDLE_PREFIX)
    {
        let bytes = runtime.block_on(store.blob(layer, Limits::DEFAULT.bundle_bytes))?;
        match document::bundle(&bytes) {
            Ok(inner) => facts.add_inner("bundle", &inner),
            Err(failure) => facts.add("bundleError", outside(&failure.message)),
        }
    }
    if let Manifest::Image(manifest) = &image.manifest
        && manifest.effective_artifact_type() == media_types::NOTATION_SIGNATURE
        && let [layer] = manifest.layers.as_slice()
    {
        let bytes = runtime.block_on(store.blob(layer, Limits::DEFAULT.notation_bytes))?;
        match notation::read(&bytes) {
            Ok(inner) => facts.add_inner("notation", &inner),
            Err(error) => facts.add("notationError", outside(&error.to_string())),
        }
    }
    Ok(facts)
}

/// The facts of a manifest or index.
pub(super) fn manifest_facts(manifest: &Manifest) -> Facts {
    let mut facts = Facts::new(match manifest {
        Manifest::Image(_) => "image manifest",
        Manifest::Index(_) => "image index",
    });
    facts.add("mediaType", outside(manifest.media_type()));
    facts.add_known("artifactType", manifest.artifact_type().map(outside));
    facts.add_known(
        "subject",
        manifest.subject().map(|subject| subject.digest.to_string()),
    );
    match manifest {
        Manifest::Image(image) => {
            facts.add("config", descriptor(&image.config));
            facts.add(
                "layers",
                image.layers.iter().map(descriptor).collect::<Vec<_>>(),
            );
        }
        Manifest::Index(index) => {
            facts.add(
                "manifests",
                index.manifests.iter().map(descriptor).collect::<Vec<_>>(),
            );
        }
    }
    let annotations: Vec<Value> = manifest
        .annotations()
        .iter()
        .map(|(name, value)| outside(&format!("{name}={value}")))
        .collect();
    facts.add("annotations", annotations);
    facts
}

fn descriptor(descriptor: &Descriptor) -> Value {
    let platform = descriptor.platform.as_ref().map(|platform| {
        let variant = platform
            .variant
            .as_deref()
            .map(|variant| format!("/{variant}"))
            .unwrap_or_default();
        outside(&format!(
            "{}/{}{variant}",
            platform.os, platform.architecture
        ))
    });
    let mut record = json!({
        "digest": descriptor.digest.to_string(),
        "mediaType": outside(&descriptor.media_type),
        "size": descriptor.size,
    });
    if let (Some(record), Some(platform)) = (record.as_object_mut(), platform) {
        record.insert("platform".to_owned(), platform);
    }
    record
}
