//! A time that is proven for a signature.

use countersign_formats::UnixTime;

/// A time that a log or a timestamp authority proves: the signature was made no later.
///
/// RFC 3161 §2.4.2: an authority says how exact its clock is; with that added, its time becomes a bound. What is judged at
/// which of the two:
/// - the windows of a trusted root's instances at the time that is stated: their owner closes them by that clock, and both
///   ends belong to them;
/// - certificates and keys at both, so that neither a clock that is behind nor one that is ahead lends them time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time as it is stated.
    pub(crate) stated: UnixTime,
    /// The bound: the stated time and its accuracy.
    pub(crate) latest: UnixTime,
}

impl Moment {
    /// A time that is stated without accuracy.
    pub(crate) fn exact(time: UnixTime) -> Self {
        Self {
            stated: time,
            latest: time,
        }
    }

    /// The stated time and the bound, once where they are one.
    pub(crate) fn ends(self) -> impl Iterator<Item = UnixTime> {
        let later = (self.latest != self.stated).then_some(self.latest);
        std::iter::once(self.stated).chain(later)
    }
}
