//! Copies among pictures: equal files, near-duplicates, and the groups that they form.
//!
//! Face data sets are full of frames of one clip and of pictures saved twice. A validation picture with a near-duplicate in training is
//! answered from memory: it flatters every figure, and picks the epoch that memorised best. So a group goes to one subset as a whole.
//! Pairs chain into groups (union-find), because the copy of a copy may no longer resemble the first. Signatures are compared in two
//! stages: hashes first, which takes nanoseconds a pair, then thumbnails of the few near ones, since all aligned faces have similar hashes.

use super::signature::{HASH_DISTANCE, Resemblance, Signature, hash_distance};
use rayon::prelude::*;
use std::collections::HashMap;

/// Thumbnails that correlate more than this are taken to show one picture.
pub const SAME_PICTURE: f32 = 0.975;

/// Two near-duplicates, by index, `first < second`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearDuplicate {
    /// The earlier picture.
    pub first: usize,
    /// The later picture.
    pub second: usize,
    /// How much alike.
    pub resemblance: Resemblance,
}

/// Every pair of near-duplicates, in order of their indices.
///
/// All hashes are compared with all others, which for 35,000 pictures takes a second or two; only near ones are compared as
/// thumbnails, since aligned faces agree in many of the hash's bits.
pub fn near_duplicates(signatures: &[Signature]) -> Vec<NearDuplicate> {
    let hashes: Vec<u64> = signatures.iter().map(Signature::hash).collect();
    let compare = |first: usize| {
        let mut found = Vec::new();
        let mut distances = [0; BLOCK];
        for start in (first + 1..hashes.len()).step_by(BLOCK) {
            let block = &hashes[start..hashes.len().min(start + BLOCK)];
            for (distance, &hash) in distances.iter_mut().zip(block) {
                *distance = hash_distance(hashes[first], hash);
            }
            for (second, _) in (start..).zip(&distances[..block.len()]).filter(|&(_, &near)| near <= HASH_DISTANCE) {
                let resemblance = signatures[first].compare(&signatures[second]);
                if resemblance.correlation > SAME_PICTURE {
                    found.push(NearDuplicate { first, second, resemblance });
                }
            }
        }
        found
    };
    (0..signatures.len()).into_par_iter().flat_map_iter(compare).collect()
}

/// Hashes compared before the near ones are taken: without a branch in between, several are compared at once.
const BLOCK: usize = 256;

/// Groups of two or more indices whose `keys` are equal, in order of their first index.
pub fn equal_groups<K: std::hash::Hash + Eq>(keys: &[K]) -> Vec<Vec<usize>> {
    let mut groups: HashMap<&K, Vec<usize>> = HashMap::new();
    for (index, key) in keys.iter().enumerate() {
        groups.entry(key).or_default().push(index);
    }
    let mut groups: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// Joins `count` pictures into groups by pairs of near-duplicates; every picture belongs to one, alone or not. Groups and their members are
/// in ascending order.
pub fn near_duplicate_groups(count: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut parents: Vec<usize> = (0..count).collect();
    fn root(parents: &mut [usize], mut index: usize) -> usize {
        while parents[index] != index {
            parents[index] = parents[parents[index]];
            index = parents[index];
        }
        index
    }
    for (first, second) in pairs {
        let (a, b) = (root(&mut parents, first), root(&mut parents, second));
        parents[a.max(b)] = a.min(b);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for index in 0..count {
        members[root(&mut parents, index)].push(index);
    }
    members.retain(|group| !group.is_empty());
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_chain_into_groups() {
        let found = near_duplicate_groups(6, [(4, 5), (0, 2), (5, 2)].into_iter());
        assert_eq!(found, [vec![0, 2, 4, 5], vec![1], vec![3]]);
    }

    #[test]
    fn equal_keys_group() {
        assert_eq!(equal_groups(&["a", "b", "a", "c", "b"]), [vec![0, 2], vec![1, 4]]);
    }
}
