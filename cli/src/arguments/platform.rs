//! The flags that choose platforms of an image index.

use clap::Args;
use clap::builder::BoolishValueParser;

/// Reads `OS/ARCHITECTURE[/VARIANT]`.
///
/// # Errors
/// What has another number of parts, or an empty one.
pub(crate) fn platform(text: &str) -> Result<String, String> {
    let parts = text.split('/');
    if matches!(parts.clone().count(), 2 | 3) && parts.clone().all(|part| !part.is_empty()) {
        return Ok(text.to_owned());
    }
    Err("a platform is written `linux/arm64` or `linux/arm/v7`".to_owned())
}

/// Which images of an index are meant, in place of the index itself.
#[derive(Args, Clone, Debug)]
pub(crate) struct Platforms {
    /// The image for this platform inside the index, as `linux/arm64` or `linux/arm/v7`; several times.
    #[arg(
        long,
        value_name = "PLATFORM",
        value_parser = platform,
        conflicts_with = "all_platforms",
        env = "COUNTERSIGN_PLATFORM",
        hide_env = true
    )]
    pub(crate) platform: Vec<String>,
    /// The image of every platform inside the index, each by itself.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_ALL_PLATFORMS", hide_env = true)]
    pub(crate) all_platforms: bool,
}

impl Platforms {
    /// The image for one platform, or the image as it was named.
    pub(crate) fn one(platform: Option<&String>) -> Self {
        Self {
            platform: platform.into_iter().cloned().collect(),
            all_platforms: false,
        }
    }

    /// Whether the images are meant as they were named.
    pub(crate) fn are_all_absent(&self) -> bool {
        self.platform.is_empty() && !self.all_platforms
    }
}
