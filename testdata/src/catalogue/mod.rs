//! Every vector, in code: what `vectors/` holds is written from here.

mod bundles;
mod certificates;
mod checkpoints;
mod envelopes;
mod keys;
mod layers;
mod logs;
mod own_authorities;
mod statements;
mod timestamps;
mod trust;
mod witnesses;

use crate::lab::Lab;
use crate::vector::Vector;

/// The subject of the lab's certificates.
const USER: &str = "user@example.org";

/// All vectors, in the order of their groups.
pub fn all(lab: &Lab) -> Vec<Vector> {
    [
        own_authorities::vectors(lab),
        bundles::vectors(lab),
        certificates::vectors(lab),
        checkpoints::vectors(lab),
        envelopes::vectors(lab),
        keys::vectors(lab),
        layers::vectors(lab),
        logs::vectors(lab),
        statements::vectors(lab),
        timestamps::vectors(lab),
        trust::vectors(lab),
        witnesses::vectors(lab),
    ]
    .concat()
}
