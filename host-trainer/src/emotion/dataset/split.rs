//! Splitting a validation part off training pictures.

use crate::random::{Purpose, stream};
use rand::seq::SliceRandom;
use std::collections::HashMap;

/// A picture as the split sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its label.
    pub label: usize,
    /// Its data source.
    pub source: usize,
    /// Where it must stay, or `None` for one that may go to either subset.
    pub subset: Option<Subset>,
}

/// A subset of the training pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// Weights are fitted to it.
    Train,
    /// It chooses epochs.
    Val,
}

/// The subset of each picture: about `fraction` of each label of each source goes to validation, and each group of
/// near-duplicates stays whole.
///
/// A group with a picture that is bound to one subset follows it (to training where it is bound to both). The rest is drawn by
/// `seed` such that no label gets more validation pictures than its share, and at least one where it has two groups.
pub fn split_validation(candidates: &[Candidate], groups: &[Vec<usize>], fraction: f32, seed: u64) -> Vec<Subset> {
    let mut subsets: Vec<Subset> =
        candidates.iter().map(|candidate| candidate.subset.unwrap_or(Subset::Train)).collect();
    let mut shares = Shares::new(candidates, fraction);
    let mut free = Vec::new();
    for group in groups {
        let bound = |subset| group.iter().any(|&index| candidates[index].subset == Some(subset));
        if bound(Subset::Train) {
            continue;
        }
        let movable = || group.iter().copied().filter(|&index| candidates[index].subset.is_none());
        if bound(Subset::Val) {
            shares.take(movable().map(|index| candidates[index]));
            movable().for_each(|index| subsets[index] = Subset::Val);
        } else {
            free.push(group);
        }
    }
    free.shuffle(&mut stream(Purpose::Split, seed, 0, 0));
    let members = |group: &[usize]| group.iter().map(|&index| candidates[index]).collect::<Vec<_>>();
    let mut left = Vec::new();
    for group in free {
        if shares.fits(&members(group)) {
            shares.take(members(group).into_iter());
            group.iter().for_each(|&index| subsets[index] = Subset::Val);
        } else {
            left.push(group);
        }
    }
    // A label whose groups are all larger than its share still needs validation pictures: its smallest group goes there,
    // as long as another stays for training.
    left.sort_by_key(|group| group.len());
    let mut staying: HashMap<Stratum, usize> = HashMap::new();
    let strata = |group: &[usize]| {
        let mut strata: Vec<Stratum> = members(group).iter().map(stratum).collect();
        strata.sort_unstable();
        strata.dedup();
        strata
    };
    left.iter().flat_map(|group| strata(group)).for_each(|stratum| *staying.entry(stratum).or_default() += 1);
    for group in left {
        let strata = strata(group);
        let needed = strata.iter().any(|stratum| shares.taken(*stratum) == 0);
        if needed && strata.iter().all(|stratum| staying[stratum] > 1) {
            for stratum in strata {
                *staying.entry(stratum).or_default() -= 1;
            }
            shares.take(members(group).into_iter());
            group.iter().for_each(|&index| subsets[index] = Subset::Val);
        }
    }
    subsets
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
        for candidate in candidates.iter().filter(|candidate| candidate.subset.is_none()) {
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
    use crate::emotion::dataset::near_duplicates::near_duplicate_groups;
    use proptest::prelude::*;

    fn free(label: usize) -> Candidate {
        Candidate { label, source: 0, subset: None }
    }

    fn alone(count: usize) -> Vec<Vec<usize>> {
        near_duplicate_groups(count, std::iter::empty())
    }

    #[test]
    fn each_label_gives_its_share() {
        let candidates: Vec<_> = (0..300).map(|index| free(usize::from(index >= 100))).collect();
        let subsets = split_validation(&candidates, &alone(300), 0.15, 3);
        let count =
            |range: std::ops::Range<usize>| subsets[range].iter().filter(|&&subset| subset == Subset::Val).count();
        assert_eq!((count(0..100), count(100..300)), (15, 30));
        assert_eq!(subsets, split_validation(&candidates, &alone(300), 0.15, 3));
        assert_ne!(subsets, split_validation(&candidates, &alone(300), 0.15, 4));
    }

    #[test]
    fn big_groups_still_leave_both_subsets_something() {
        let candidates = vec![free(0); 10];
        let pairs = (0..9).filter(|index| *index != 5).map(|index| (index, index + 1));
        let subsets = split_validation(&candidates, &near_duplicate_groups(10, pairs), 0.15, 1);
        assert_eq!(subsets.iter().filter(|&&subset| subset == Subset::Val).count(), 4);
    }

    #[test]
    fn copies_of_bound_pictures_follow_them() {
        let mut candidates = vec![free(0); 6];
        candidates[0].subset = Some(Subset::Val);
        candidates[1].subset = Some(Subset::Train);
        let subsets = split_validation(&candidates, &near_duplicate_groups(6, [(0, 2), (1, 3)].into_iter()), 0.5, 1);
        assert_eq!((subsets[2], subsets[3]), (Subset::Val, Subset::Train));
    }

    proptest! {
        #[test]
        fn groups_stay_whole_and_shares_are_kept(
            labels in prop::collection::vec((0usize..4, 0usize..2), 2..200),
            pairs in prop::collection::vec((0usize..200, 0usize..200), 0..60),
            fraction in 0.05f32..0.5,
            seed: u64,
        ) {
            let candidates: Vec<_> =
                labels.iter().map(|&(label, source)| Candidate { label, source, subset: None }).collect();
            let count = candidates.len();
            let groups = near_duplicate_groups(count, pairs.into_iter().filter(|&(a, b)| a < count && b < count));
            let subsets = split_validation(&candidates, &groups, fraction, seed);
            for group in &groups {
                prop_assert!(group.iter().all(|&index| subsets[index] == subsets[group[0]]));
            }
            let largest = groups.iter().map(Vec::len).max().unwrap_or(1);
            for stratum in labels {
                let members = || (0..count).filter(|&index| (candidates[index].label, candidates[index].source) == stratum);
                let val = members().filter(|&index| subsets[index] == Subset::Val).count();
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
