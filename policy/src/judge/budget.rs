//! How much evidence one decision takes in.

use countersign_formats::Limits;

/// What one decision takes in at the most; what goes beyond is left out, and then the answer can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Number of pieces.
    pub pieces: usize,
    /// Bytes of proven pieces, all together.
    pub bytes: u64,
}

impl Budget {
    /// The budget that goes with these limits: as many pieces as one listing has entries and one legacy
    /// tag has layers, twice; and eight of the largest bundles.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            pieces: limits
                .referrers
                .saturating_add(limits.layers)
                .saturating_mul(2),
            bytes: limits.bundle_bytes.saturating_mul(8),
        }
    }

    /// Takes one more piece off, where it fits.
    pub(super) fn spend(&mut self, bytes: u64) -> bool {
        let fits = self.pieces > 0 && bytes <= self.bytes;
        if fits {
            self.pieces -= 1;
            self.bytes -= bytes;
        }
        fits
    }
}
