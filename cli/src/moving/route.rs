//! Where an image comes from, with where it goes.

use countersign_formats::Reference;

use super::chosen::Chosen;
use crate::arguments::LocalPlace;
use crate::failure::Failure;
use crate::{images, stores};

/// Where an image comes from and where it goes.
pub(crate) struct Route {
    pub(crate) source: Reference,
    pub(crate) destination: Reference,
    /// Whether the destination was written with a tag; one without gets the source's, never a `latest` that nobody wrote.
    pub(crate) tagged: bool,
    /// Whether the destination is a folder that cosign may load from, or an archive of one.
    pub(crate) for_cosign: bool,
}

/// Whether a reference was written with a tag.
pub(crate) fn is_tagged(text: &str) -> bool {
    let name = text.split('@').next().unwrap_or(text);
    name.rsplit('/').next().unwrap_or(name).contains(':')
}

/// A reference to the layout or the archive that `--dir` or `--file` names.
pub(crate) fn local(place: &LocalPlace, select: Option<&str>) -> Result<Reference, Failure> {
    let (form, path) = match (place.dir.as_deref(), place.file.as_deref()) {
        (Some(dir), _) => ("oci", dir),
        (None, Some(file)) => ("oci-archive", file),
        (None, None) => {
            return Err(Failure::usage(
                "missing-argument",
                "neither `--dir` nor `--file` is given",
            ));
        }
    };
    let path = path.to_str().ok_or_else(|| {
        Failure::usage(
            "path-not-text",
            format!("the path `{}` is not UTF-8", path.display()),
        )
    })?;
    let suffix = match select {
        None => String::new(),
        Some(digest) if digest.starts_with("sha") && digest.contains(':') => format!("@{digest}"),
        Some(tag) => format!(":{tag}"),
    };
    stores::reference(&format!("{form}:{path}{suffix}"))
}

/// The tag at the destination; a digest that is named there must be the image's.
pub(super) fn destination_tag(route: &Route, chosen: &Chosen) -> Result<Option<String>, Failure> {
    let Some(root) = chosen.sole() else {
        return no_single_name(route).map(|()| None);
    };
    if let Some(digest) = route.destination.digest()
        && *digest != root.descriptor.digest
    {
        return Err(Failure::usage(
            "destination-digest",
            format!(
                "the destination is named by `{digest}` and the image is `{}`",
                root.descriptor.digest
            ),
        )
        .hint("drop the digest from the destination: an image keeps its own"));
    }
    let own = route
        .destination
        .tag()
        .filter(|_| route.tagged)
        .map(str::to_owned);
    let named_by_digest = route.destination.digest().is_some();
    Ok(own.or_else(|| {
        images::resolved_tag(&route.source)
            .filter(|_| !named_by_digest)
            .map(str::to_owned)
    }))
}

/// Several images cannot share a tag or a digest.
fn no_single_name(route: &Route) -> Result<(), Failure> {
    let tag = route.destination.tag().filter(|_| route.tagged);
    if tag.is_none() && route.destination.digest().is_none() {
        return Ok(());
    }
    Err(Failure::usage(
        "several-images-one-name",
        "several images are moved, and the destination names one",
    )
    .hint("leave its tag off: each image arrives by its own digest; or add `--sparse-index`, so that the tag names the index"))
}

/// Blobs can be mounted from another repository of the same registry.
pub(super) fn mount(route: &Route) -> Option<String> {
    match (&route.source, &route.destination) {
        (Reference::Registry(source), Reference::Registry(destination))
            if source.registry() == destination.registry()
                && source.repository() != destination.repository() =>
        {
            Some(source.repository().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_tagged;

    #[test]
    fn a_port_is_no_tag() {
        assert!(is_tagged("127.0.0.1:5000/acme/app:1.4"));
        assert!(is_tagged("ghcr.io/acme/app:1.4@sha256:00"));
        assert!(!is_tagged("127.0.0.1:5000/acme/app"));
        assert!(!is_tagged("127.0.0.1:5000/acme/app@sha256:00"));
    }
}
