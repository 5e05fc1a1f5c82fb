//! Batches of face pictures. Every random number comes from (seed, epoch, place), so a batch is the same whichever thread makes it.

use super::augment::Augment;
use super::cutmix;
use super::dataset::Split;
use super::teacher::{Teachers, spread};
use crate::random::{Purpose, stream};
use crate::train::prefetch::{Batch, MakeBatch};
use anyhow::Result;
use emotion_models::{InputSpec, PixelMap};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// How an epoch's batches are made.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSpec {
    /// Pictures per batch, at least 1.
    pub batch_size: usize,
    /// Every random number derives from it.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: usize,
    /// Changes made to the pictures.
    pub augment: Augment,
    /// What the net sees.
    pub input: InputSpec,
    /// Number of labels.
    pub classes: usize,
    /// How often a picture of each label is seen, against once; empty for all alike.
    pub rates: Vec<f32>,
    /// Factor of the loss of each source's pictures, and the share of the target that their labels have.
    pub worth: Vec<(f32, f32)>,
}

/// The training targets of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftLabels {
    /// `[N, K]`, each row sums to one; one-hot unless people voted or CutMix mixed two pictures. Without label smoothing.
    pub shares: Vec<f32>,
    /// Factor of each picture's loss.
    pub weights: Vec<f32>,
    /// The data source of each picture.
    pub sources: Vec<usize>,
    /// The data source of what CutMix put into each picture; the picture's own where nothing was mixed.
    pub partner_sources: Vec<usize>,
}

/// Makes the batches of one epoch: each picture as often as [`Split::order`] says, in random order. Pictures that do not fill a
/// last batch wait for another epoch.
pub struct BatchMaker {
    split: Arc<Split>,
    spec: BatchSpec,
    order: Vec<u32>,
    teachers: Option<Arc<Teachers>>,
}

impl BatchMaker {
    /// For one epoch of `split`.
    pub fn new(split: Arc<Split>, spec: BatchSpec) -> Self {
        let mut random = stream(Purpose::Order, spec.seed, spec.epoch as u64, 0);
        let mut order = match spec.rates.is_empty() {
            true => split.order(),
            false => balanced(&split, &spec, &mut random),
        };
        order.shuffle(&mut random);
        Self { split, spec, order, teachers: None }
    }

    /// Mixes the teachers' answers to the pictures into what the net is to answer.
    pub fn taught_by(self, teachers: Option<Arc<Teachers>>) -> Self {
        Self { teachers, ..self }
    }
}

/// An epoch's pictures with rare labels seen more often: each picture as often as its labels' rates say, rounded at random.
fn balanced(split: &Split, spec: &BatchSpec, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut often = vec![];
    for index in split.order() {
        let shares = split.shares(index as usize, spec.classes);
        let rate: f32 = shares.iter().zip(&spec.rates).map(|(share, rate)| share * rate).sum();
        let times = rate as usize + usize::from(random.random::<f32>() < rate.fract());
        often.extend(std::iter::repeat_n(index, times));
    }
    often
}

impl MakeBatch for BatchMaker {
    type Targets = SoftLabels;

    fn count(&self) -> usize {
        self.order.len() / self.spec.batch_size.max(1)
    }

    fn make(&self, number: usize) -> Result<Batch<SoftLabels>> {
        let BatchSpec { batch_size, seed, epoch, augment, input, classes, worth, .. } = &self.spec;
        let (seed, epoch) = (*seed, *epoch as u64);
        let shape = (input.colour.channels(), input.height as usize, input.width as usize);
        let first = number * batch_size;
        let members = &self.order[first..first + batch_size];
        let stride = self.split.stride;
        let mut pixels = vec![0.0; members.len() * stride];
        let mut shares = Vec::with_capacity(members.len() * classes);
        let mut weights = Vec::with_capacity(members.len());
        let mut sources = Vec::with_capacity(members.len());
        for (place, (&member, target)) in members.iter().zip(pixels.chunks_exact_mut(stride)).enumerate() {
            let member = member as usize;
            let mut random = stream(Purpose::Augment, seed, epoch, (first + place) as u64);
            augment.apply(self.split.picture(member), target, shape, &mut random);
            let source = self.split.items[member].source;
            let (weight, trust) = worth.get(source).copied().unwrap_or((1.0, 1.0));
            let mut known = self.split.shares(member, *classes);
            match &self.teachers {
                Some(teachers) => teachers.mix(target, member, &mut known, trust)?,
                None => spread(&mut known, trust),
            }
            shares.append(&mut known);
            weights.push(weight);
            sources.push(source);
        }
        let mut partner_sources = sources.clone();
        let mut random = stream(Purpose::Mix, seed, epoch, number as u64);
        if augment.cutmix > 0.0 && random.random::<f32>() < augment.cutmix {
            let partners = cutmix::mix(&mut pixels, &mut shares, shape, &mut random);
            partner_sources = partners.iter().map(|&partner| sources[partner]).collect();
        }
        let PixelMap { offset, scale } = input.pixel_map;
        pixels.iter_mut().for_each(|pixel| *pixel = (*pixel - offset) * scale);
        Ok(Batch { pixels, len: members.len(), targets: SoftLabels { shares, weights, sources, partner_sources } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::dataset::Item;
    use emotion_models::Colour;

    fn split(count: usize, repeats: Vec<usize>) -> Arc<Split> {
        let stride = 3 * 8 * 8;
        let item = |index: usize| Item {
            path: index.to_string().into(),
            label: index % 3,
            votes: None,
            source: index % repeats.len(),
        };
        let pixels = (0..count * stride).map(|index| (index * 37 % 251) as u8).collect();
        Arc::new(Split::alone((0..count).map(item).collect(), pixels, stride, repeats))
    }

    fn spec() -> BatchSpec {
        BatchSpec {
            batch_size: 4,
            seed: 5,
            epoch: 2,
            augment: Augment { cutmix: 0.5, blur: 0.5, ..Augment::compact() },
            input: InputSpec { width: 8, height: 8, colour: Colour::Rgb, pixel_map: PixelMap::SIGNED },
            classes: 3,
            rates: vec![],
            worth: vec![],
        }
    }

    fn batches(split: Arc<Split>, spec: BatchSpec) -> Vec<Batch<SoftLabels>> {
        let maker = BatchMaker::new(split, spec);
        (0..maker.count()).map(|number| maker.make(number).expect("without teachers")).collect()
    }

    #[test]
    fn batches_repeat_by_epoch_and_a_last_one_that_is_not_full_is_left_out() {
        let reference = batches(split(23, vec![1]), spec());
        assert_eq!(reference.iter().map(|batch| batch.len).collect::<Vec<_>>(), [4; 5]);
        assert_eq!(batches(split(23, vec![1]), spec()), reference);
        assert_ne!(batches(split(23, vec![1]), BatchSpec { epoch: 3, ..spec() }), reference);
    }

    #[test]
    fn targets_sum_to_one_and_pixels_keep_the_range() {
        for batch in batches(split(23, vec![1]), spec()) {
            for shares in batch.targets.shares.chunks(3) {
                assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
            assert!(batch.pixels.iter().all(|pixel| (-1.0..=1.0).contains(pixel)));
        }
    }

    #[test]
    fn rare_labels_come_more_often_and_targets_are_what_is_known() {
        let mut split = (*split(300, vec![1])).clone();
        (0..300).for_each(|index| split.items[index].label = usize::from(index % 10 == 0));
        split.items[0].votes = Some([0.5, 0.25, 0.25].into());
        let spec =
            BatchSpec { augment: Augment::none(), rates: vec![0.5, 5.5, 1.0], worth: vec![(2.0, 0.7)], ..spec() };
        let mut counts = [0; 3];
        for batch in batches(split.into(), spec) {
            assert_eq!(batch.targets.weights, vec![2.0; batch.len]);
            for shares in batch.targets.shares.chunks(3) {
                let known = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.45, 0.275, 0.275]];
                let like = |known: &[f32; 3]| known.iter().zip(shares).all(|(a, b)| (a - b).abs() < 1e-6);
                counts[known.iter().position(like).expect("a known target")] += 1;
            }
        }
        // 270 pictures half the time, 29 some five times, and the voted one.
        assert!((115..155).contains(&counts[0]) && (150..170).contains(&counts[1]) && counts[2] > 0, "{counts:?}");
    }

    #[test]
    fn without_changes_every_picture_comes_as_often_as_its_source_repeats() {
        let split = split(10, vec![1, 3]);
        let mut seen = vec![0; 10];
        for batch in batches(split.clone(), BatchSpec { augment: Augment::none(), ..spec() }) {
            assert_eq!(batch.targets.sources, batch.targets.partner_sources);
            for pixels in batch.pixels.chunks(split.stride) {
                let bytes: Vec<u8> = pixels.iter().map(|pixel| (pixel * 128.0 + 128.0) as u8).collect();
                let found = (0..10).find(|&index| split.picture(index) == bytes);
                seen[found.expect("a picture of the split")] += 1;
            }
        }
        assert_eq!(seen, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    }
}
