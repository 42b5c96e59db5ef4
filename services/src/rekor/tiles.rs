//! Reading an entry and its proof from the tiles of a log (C2SP tlog-tiles), which is how logs of version 2 are read.
//!
//! A tile holds up to 256 hashes of one level in eight: level 0 has the leaves, level 1 the roots over 256 leaves, and so on. Its
//! address is `tile/LEVEL/INDEX`, with `.p/WIDTH` behind it when it is not full; entries are in `tile/entries/INDEX`.

use std::collections::HashMap;

use bytes::Bytes;
use countersign_formats::{Checkpoint, HashAlgorithm, InclusionProof, Limits};
use countersign_proof::digest::Hasher;
use reqwest::Url;

use super::WHAT;
use crate::error::{ServiceError, ServiceName};
use crate::http::{self, Call, Operation};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Hashes of a full tile, and entries of a full bundle of entries.
const TILE_WIDTH: u64 = 256;
/// Levels of the tree that one level of tiles covers.
const TILE_HEIGHT: u32 = 8;
/// Bytes of a bundle of entries: each has at most 65,535, and two that say how many.
const ENTRIES_BYTES: u64 = TILE_WIDTH * (65_535 + 2);

type Hash = [u8; HASH_BYTES];

/// The tiles of a log at one size of its tree.
pub(super) struct Tiles<'a> {
    operation: &'a Operation<'a>,
    service: &'a ServiceName,
    base: &'a Url,
    tree_size: u64,
    read: HashMap<(u32, u64), Bytes>,
}

/// A range of leaves, the second not in it.
type Range = (u64, u64);

/// Reads the checkpoint; `None` as long as the entry `index` is not under it.
pub(super) async fn checkpoint_over(
    operation: &Operation<'_>,
    service: &ServiceName,
    base: &Url,
    index: u64,
    limits: &Limits,
) -> Result<Option<(String, Checkpoint)>, ServiceError> {
    let url = http::below(base, "api/v2/checkpoint");
    let call = Call::get(service, url, limits.note_bytes as u64, "checkpoint");
    let reply = operation.ask(&call).await?;
    if !reply.status.is_success() {
        return Err(reply.refusal(service, &[]));
    }
    let malformed =
        |error: &dyn std::fmt::Display| ServiceError::malformed(service, "checkpoint", error);
    let note = String::from_utf8(reply.body.to_vec()).map_err(|error| malformed(&error))?;
    let checkpoint = Checkpoint::parse(&note, limits).map_err(|error| malformed(&error))?;
    Ok((checkpoint.tree_size > index).then_some((note, checkpoint)))
}

impl<'a> Tiles<'a> {
    pub(super) fn new(
        operation: &'a Operation<'a>,
        service: &'a ServiceName,
        base: &'a Url,
        tree_size: u64,
    ) -> Self {
        Self {
            operation,
            service,
            base,
            tree_size,
            read: HashMap::new(),
        }
    }

    /// The body of entry `index`, which is in the tree.
    pub(super) async fn entry(&self, index: u64) -> Result<Bytes, ServiceError> {
        let bundle = self
            .fetch("entries", index / TILE_WIDTH, self.tree_size, ENTRIES_BYTES)
            .await?;
        let mut rest = &*bundle;
        for number in 0..=index % TILE_WIDTH {
            let entry;
            (entry, rest) = split_entry(rest)
                .ok_or_else(|| self.malformed("a bundle of entries ends too early"))?;
            if number == index % TILE_WIDTH {
                return Ok(bundle.slice_ref(entry));
            }
        }
        Err(self.malformed("a bundle of entries is too short"))
    }

    /// The proof that entry `index` is in the tree (RFC 6962 §2.1.1).
    pub(super) async fn proof(
        &mut self,
        index: u64,
        root_hash: Bytes,
        checkpoint: String,
    ) -> Result<InclusionProof, ServiceError> {
        let mut hashes = Vec::new();
        for range in siblings(index, self.tree_size) {
            hashes.push(Bytes::copy_from_slice(&self.hash_of(range).await?));
        }
        Ok(InclusionProof {
            log_index: index,
            tree_size: self.tree_size,
            root_hash,
            hashes,
            checkpoint,
        })
    }

    /// The hash over a range: of complete subtrees, which stand in tiles, from the right to the left.
    async fn hash_of(&mut self, range: Range) -> Result<Hash, ServiceError> {
        let mut whole = None;
        for (level, index) in complete_subtrees(range).into_iter().rev() {
            let left = self.node(level, index).await?;
            whole = Some(match whole {
                None => left,
                Some(right) => parent(&left, &right),
            });
        }
        whole.ok_or_else(|| self.malformed("a proof over no leaves"))
    }

    /// The hash of a complete subtree of `2^level` leaves.
    async fn node(&mut self, level: u32, index: u64) -> Result<Hash, ServiceError> {
        let tile_level = level / TILE_HEIGHT;
        // Hashes of the tile's lowest row that are below the node; at most 128.
        let count = 1_u64 << (level % TILE_HEIGHT);
        let first = index * count;
        let tile = self.tile(tile_level, first / TILE_WIDTH).await?;
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let mut row: Vec<Hash> = tile
            .chunks_exact(HASH_BYTES)
            .skip(start)
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .filter_map(|hash| hash.try_into().ok())
            .collect();
        if row.len() as u64 != count {
            return Err(self.malformed("a tile is too short"));
        }
        while row.len() > 1 {
            row = row
                .chunks_exact(2)
                .filter_map(|pair| match pair {
                    [left, right] => Some(parent(left, right)),
                    _ => None,
                })
                .collect();
        }
        row.first()
            .copied()
            .ok_or_else(|| self.malformed("a tile is empty"))
    }

    async fn tile(&mut self, level: u32, index: u64) -> Result<Bytes, ServiceError> {
        if let Some(tile) = self.read.get(&(level, index)) {
            return Ok(tile.clone());
        }
        let hashes = self
            .tree_size
            .checked_shr(level * TILE_HEIGHT)
            .unwrap_or_default();
        let cap = TILE_WIDTH * HASH_BYTES as u64;
        let tile = self.fetch(&level.to_string(), index, hashes, cap).await?;
        self.read.insert((level, index), tile.clone());
        Ok(tile)
    }

    /// Reads tile `index` of a row of `count` elements. A part of a tile may be gone once the whole one is there.
    async fn fetch(
        &self,
        row: &str,
        index: u64,
        count: u64,
        cap: u64,
    ) -> Result<Bytes, ServiceError> {
        let whole = format!("api/v2/tile/{row}/{}", tile_path(index));
        let mut paths = vec![whole.clone()];
        if index == count / TILE_WIDTH {
            paths.insert(0, format!("{whole}.p/{}", count % TILE_WIDTH));
        }
        let mut refusal = None;
        for path in paths {
            let url = http::below(self.base, &path);
            let call = Call::get(self.service, url, cap, "tile");
            let reply = self.operation.ask(&call).await?;
            if reply.status.is_success() {
                return Ok(reply.body);
            }
            refusal = Some(reply.refusal(self.service, &[]));
        }
        Err(refusal.unwrap_or_else(|| self.malformed("a tile is missing")))
    }

    fn malformed(&self, detail: &str) -> ServiceError {
        ServiceError::malformed(self.service, WHAT, detail)
    }
}

/// Groups of three digits, all but the last after an `x`: 1234067 is `x001/x234/067`.
fn tile_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// The ranges beside the way from a leaf to the root, the lowest first; the leaf is below the size.
fn siblings(index: u64, size: u64) -> Vec<Range> {
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    siblings.reverse();
    siblings
}

/// The complete subtrees that a range consists of, the largest and leftmost first, as level and index.
fn complete_subtrees((mut start, end): Range) -> Vec<(u32, u64)> {
    let mut subtrees = Vec::new();
    while start < end {
        let level = (end - start).ilog2();
        subtrees.push((level, start >> level));
        start += 1 << level;
    }
    subtrees
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// RFC 6962 §2.1: the prefix keeps an inner node from passing for a leaf.
fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Hasher::new(HashAlgorithm::Sha256);
    hasher.update(&[1]);
    hasher.update(left);
    hasher.update(right);
    let mut hash = Hash::default();
    for (to, from) in hash.iter_mut().zip(hasher.finish().as_bytes()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::{complete_subtrees, siblings, split_entry, tile_path};

    #[test]
    fn addresses_of_tiles_are_in_groups_of_three_digits() {
        assert_eq!(tile_path(0), "000");
        assert_eq!(tile_path(999), "999");
        assert_eq!(tile_path(1000), "x001/000");
        assert_eq!(tile_path(1_234_067), "x001/x234/067");
    }

    #[test]
    fn the_ranges_beside_a_leaf_and_the_leaf_are_the_whole_tree() {
        for size in 1..70_u64 {
            for index in 0..size {
                let mut leaves: Vec<u64> = siblings(index, size)
                    .into_iter()
                    .flat_map(|(start, end)| start..end)
                    .chain([index])
                    .collect();
                leaves.sort_unstable();
                assert!(leaves.into_iter().eq(0..size), "{index} of {size}");
            }
        }
        assert_eq!(siblings(4, 7), [(5, 6), (6, 7), (0, 4)]);
        assert_eq!(siblings(6, 7), [(4, 6), (0, 4)]);
    }

    #[test]
    fn subtrees_of_a_range_lie_on_their_own_borders() {
        assert_eq!(complete_subtrees((0, 7)), [(2, 0), (1, 2), (0, 6)]);
        assert_eq!(complete_subtrees((4, 7)), [(1, 2), (0, 6)]);
        assert_eq!(complete_subtrees((256, 512)), [(8, 1)]);
    }

    #[test]
    fn entries_are_split_at_their_lengths() {
        let (first, rest) = split_entry(b"\x00\x02ab\x00\x01c").unwrap();
        assert_eq!(
            (first, split_entry(rest).unwrap().0),
            (&b"ab"[..], &b"c"[..])
        );
        assert!(split_entry(b"\x00").is_none());
        assert!(split_entry(b"\x00\x02a").is_none());
    }
}
