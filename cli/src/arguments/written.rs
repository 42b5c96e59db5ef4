//! The storage forms that are written.

/// In which form evidence is stored beside the image.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Written {
    /// A Sigstore bundle that refers to the image, as cosign 3 writes and reads it.
    #[default]
    Bundle,
    /// A layer under the tag `sha256-….sig` or `.att`, as cosign 2, podman, CRI-O and policy-controller read it.
    Legacy,
    /// Both.
    Both,
}

impl Written {
    /// Whether a bundle is written.
    pub(crate) fn bundle(self) -> bool {
        self != Self::Legacy
    }

    /// Whether a tag is written.
    pub(crate) fn legacy(self) -> bool {
        self != Self::Bundle
    }
}
