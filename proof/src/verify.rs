//! (in work)
use crate::*;
use countersign_formats::UnixTime;
/// Proves a piece.
pub fn verify(piece: &Unverified, _s: &Subject, _t: &TrustMaterial, _n: UnixTime) -> Result<Verified, Rejected> {
    Err(Rejected::new(RejectReason::UnsupportedForm { form: "anything" }, piece.origin().clone()))
}
