//! Cutting a validation part from training pictures.

use crate::random::{Purpose, stream};
use rand::seq::SliceRandom;
use std::collections::HashMap;

/// A picture as the cut sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its label.
    pub label: usize,
    /// Its data source.
    pub source: usize,
    /// Where it must stay, or `None` for one that may go to either side.
    pub side: Option<Side>,
}

/// A side of the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Weights are fitted to it.
    Train,
    /// It chooses epochs.
    Val,
}

/// The side of each picture: about `fraction` of each label of each source goes to validation, and each cluster of
/// near-duplicates stays whole.
///
/// A cluster with a picture that is bound to one side follows it (to training where it is bound to both). The rest is drawn by
/// `seed` such that no label gets more validation pictures than its share, and at least one where it has two clusters.
pub fn cut(candidates: &[Candidate], clusters: &[Vec<usize>], fraction: f32, seed: u64) -> Vec<Side> {
    let mut sides: Vec<Side> = candidates.iter().map(|candidate| candidate.side.unwrap_or(Side::Train)).collect();
    let mut shares = Shares::new(candidates, fraction);
    let mut free = Vec::new();
    for cluster in clusters {
        let bound = |side| cluster.iter().any(|&index| candidates[index].side == Some(side));
        if bound(Side::Train) {
            continue;
        }
        let movable = || cluster.iter().copied().filter(|&index| candidates[index].side.is_none());
        if bound(Side::Val) {
            shares.take(movable().map(|index| candidates[index]));
            movable().for_each(|index| sides[index] = Side::Val);
        } else {
            free.push(cluster);
        }
    }
    free.shuffle(&mut stream(Purpose::Split, seed, 0, 0));
    let members = |cluster: &[usize]| cluster.iter().map(|&index| candidates[index]).collect::<Vec<_>>();
    let mut left = Vec::new();
    for cluster in free {
        if shares.fits(&members(cluster)) {
            shares.take(members(cluster).into_iter());
            cluster.iter().for_each(|&index| sides[index] = Side::Val);
        } else {
            left.push(cluster);
        }
    }
    // A label whose clusters are all larger than its share still needs validation pictures: its smallest cluster goes there,
    // as long as another stays for training.
    left.sort_by_key(|cluster| cluster.len());
    let mut staying: HashMap<Stratum, usize> = HashMap::new();
    let strata = |cluster: &[usize]| {
        let mut strata: Vec<Stratum> = members(cluster).iter().map(stratum).collect();
        strata.sort_unstable();
        strata.dedup();
        strata
    };
    left.iter().flat_map(|cluster| strata(cluster)).for_each(|stratum| *staying.entry(stratum).or_default() += 1);
    for cluster in left {
        let strata = strata(cluster);
        let needed = strata.iter().any(|stratum| shares.taken(*stratum) == 0);
        if needed && strata.iter().all(|stratum| staying[stratum] > 1) {
            for stratum in strata {
                *staying.entry(stratum).or_default() -= 1;
            }
            shares.take(members(cluster).into_iter());
            cluster.iter().for_each(|&index| sides[index] = Side::Val);
        }
    }
    sides
}

/// (source, label).
type Stratum = (usize, usize);

fn stratum(candidate: &Candidate) -> Stratum {
    (candidate.source, candidate.label)
}

/// How many validation pictures each stratum shall have, and has.
struct Shares(HashMap<Stratum, (usize, usize)>);

impl Shares {
    fn new(candidates: &[Candidate], fraction: f32) -> Self {
        let mut counts: HashMap<Stratum, usize> = HashMap::new();
        for candidate in candidates.iter().filter(|candidate| candidate.side.is_none()) {
            *counts.entry(stratum(candidate)).or_default() += 1;
        }
        let share = |count: usize| {
            ((count as f32 * fraction).round() as usize).clamp(usize::from(count > 1), count.saturating_sub(1))
        };
        Self(counts.into_iter().map(|(stratum, count)| (stratum, (share(count), 0))).collect())
    }

    fn fits(&self, members: &[Candidate]) -> bool {
        members.iter().all(|member| {
            let wanted = members.iter().filter(|other| stratum(other) == stratum(member)).count();
            self.0.get(&stratum(member)).is_some_and(|&(share, taken)| taken + wanted <= share)
        })
    }

    fn take(&mut self, members: impl Iterator<Item = Candidate>) {
        for member in members {
            self.0.entry(stratum(&member)).or_default().1 += 1;
        }
    }

    fn taken(&self, stratum: Stratum) -> usize {
        self.0.get(&stratum).map_or(0, |&(_, taken)| taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::dataset::copies::clusters;
    use proptest::prelude::*;

    fn free(label: usize) -> Candidate {
        Candidate { label, source: 0, side: None }
    }

    fn alone(count: usize) -> Vec<Vec<usize>> {
        clusters(count, std::iter::empty())
    }

    #[test]
    fn each_label_gives_its_share() {
        let candidates: Vec<_> = (0..300).map(|index| free(usize::from(index >= 100))).collect();
        let sides = cut(&candidates, &alone(300), 0.15, 3);
        let count = |range: std::ops::Range<usize>| sides[range].iter().filter(|&&side| side == Side::Val).count();
        assert_eq!((count(0..100), count(100..300)), (15, 30));
        assert_eq!(sides, cut(&candidates, &alone(300), 0.15, 3));
        assert_ne!(sides, cut(&candidates, &alone(300), 0.15, 4));
    }

    #[test]
    fn big_clusters_still_leave_both_sides_something() {
        let candidates = vec![free(0); 10];
        let pairs = (0..9).filter(|index| *index != 5).map(|index| (index, index + 1));
        let sides = cut(&candidates, &clusters(10, pairs), 0.15, 1);
        assert_eq!(sides.iter().filter(|&&side| side == Side::Val).count(), 4);
    }

    #[test]
    fn copies_of_bound_pictures_follow_them() {
        let mut candidates = vec![free(0); 6];
        candidates[0].side = Some(Side::Val);
        candidates[1].side = Some(Side::Train);
        let sides = cut(&candidates, &clusters(6, [(0, 2), (1, 3)].into_iter()), 0.5, 1);
        assert_eq!((sides[2], sides[3]), (Side::Val, Side::Train));
    }

    proptest! {
        #[test]
        fn clusters_stay_whole_and_shares_are_kept(
            labels in prop::collection::vec((0usize..4, 0usize..2), 2..200),
            pairs in prop::collection::vec((0usize..200, 0usize..200), 0..60),
            fraction in 0.05f32..0.5,
            seed: u64,
        ) {
            let candidates: Vec<_> =
                labels.iter().map(|&(label, source)| Candidate { label, source, side: None }).collect();
            let count = candidates.len();
            let clusters = clusters(count, pairs.into_iter().filter(|&(a, b)| a < count && b < count));
            let sides = cut(&candidates, &clusters, fraction, seed);
            for cluster in &clusters {
                prop_assert!(cluster.iter().all(|&index| sides[index] == sides[cluster[0]]));
            }
            let largest = clusters.iter().map(Vec::len).max().unwrap_or(1);
            for stratum in labels {
                let members = || (0..count).filter(|&index| (candidates[index].label, candidates[index].source) == stratum);
                let val = members().filter(|&index| sides[index] == Side::Val).count();
                let share = (members().count() as f32 * fraction).round().max(1.0) as usize;
                prop_assert!(val <= share + largest);
                prop_assert!(val < members().count());
                if largest == 1 && members().count() > 1 {
                    prop_assert_eq!(val, share.min(members().count() - 1));
                }
            }
        }
    }
}
