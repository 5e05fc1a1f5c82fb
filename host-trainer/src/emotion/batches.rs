//! Batches, made ahead of the step that uses them. Every random number comes from (seed, epoch, place), so the batches are
//! the same whatever the number of threads.

use super::augment::Augment;
use super::cutmix;
use super::dataset::Split;
use crate::random::{Purpose, stream};
use emotion_models::PixelMap;
use rand::Rng;
use rand::seq::SliceRandom;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Threads that make batches.
const WORKERS: usize = 2;
/// Batches each of them makes ahead.
const AHEAD: usize = 2;

/// How an epoch's batches are made.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSpec {
    /// Pictures per batch, at least 1.
    pub batch_size: usize,
    /// Every random number derives from it.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: usize,
    /// Whether the pictures come in random order.
    pub shuffle: bool,
    /// Changes made to the pictures.
    pub augment: Augment,
    /// From bytes to real numbers.
    pub pixel_map: PixelMap,
    /// Channels, height and width of the split's pictures.
    pub shape: (usize, usize, usize),
    /// Number of labels.
    pub classes: usize,
    /// Whether the last batch is left out when it is not full.
    pub drop_last: bool,
}

/// Some pictures with their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[N, C, H, W]`, after the pixel map.
    pub pixels: Vec<f32>,
    /// `[N, K]`, each row sums to one; one-hot unless CutMix mixed two pictures. Without label smoothing.
    pub targets: Vec<f32>,
    /// The data source of each picture.
    pub sources: Vec<usize>,
    /// The data source of what CutMix put into each picture; the picture's own where nothing was mixed.
    pub partner_sources: Vec<usize>,
    /// N.
    pub len: usize,
}

/// The batches of one epoch. Threads start with the first batch that is asked for; skipped batches are not made.
pub struct Batches {
    maker: Arc<Maker>,
    next: usize,
    workers: Vec<Receiver<Batch>>,
    threads: usize,
}

/// The batches of one epoch of `split`: each picture as often as [`Split::order`] says.
pub fn batches(split: Arc<Split>, spec: BatchSpec) -> Batches {
    Batches { maker: Arc::new(Maker::new(split, spec)), next: 0, workers: Vec::new(), threads: WORKERS }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next >= self.maker.count() {
            return None;
        }
        if self.workers.is_empty() {
            self.start();
        }
        let worker = self.next % self.workers.len();
        self.next += 1;
        self.workers[worker].recv().ok()
    }

    fn nth(&mut self, skipped: usize) -> Option<Batch> {
        if self.workers.is_empty() {
            self.next = self.next.saturating_add(skipped);
        } else {
            for _ in 0..skipped {
                self.next()?;
            }
        }
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.maker.count().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

impl Batches {
    /// Worker `w` of `n` makes the batches whose number leaves the remainder `w`, so their order needs no sorting.
    fn start(&mut self) {
        let threads = self.threads;
        for worker in 0..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            let maker = self.maker.clone();
            let first = self.next + (worker + threads - self.next % threads) % threads;
            thread::spawn(move || {
                for number in (first..maker.count()).step_by(threads) {
                    // The receiver is gone when the epoch was left early.
                    if sender.send(maker.make(number)).is_err() {
                        return;
                    }
                }
            });
            self.workers.push(receiver);
        }
    }
}

/// Makes any batch of an epoch by its number.
struct Maker {
    split: Arc<Split>,
    spec: BatchSpec,
    order: Vec<u32>,
}

impl Maker {
    fn new(split: Arc<Split>, spec: BatchSpec) -> Self {
        let mut order = split.order();
        if spec.shuffle {
            order.shuffle(&mut stream(Purpose::Order, spec.seed, spec.epoch as u64, 0));
        }
        Self { split, spec, order }
    }

    fn count(&self) -> usize {
        if self.spec.drop_last {
            self.order.len() / self.spec.batch_size.max(1)
        } else {
            self.order.len().div_ceil(self.spec.batch_size.max(1))
        }
    }

    fn make(&self, number: usize) -> Batch {
        let spec = &self.spec;
        let first = number * spec.batch_size;
        let members = &self.order[first..self.order.len().min(first + spec.batch_size)];
        let stride = self.split.stride;
        let mut pixels = vec![0.0; members.len() * stride];
        let mut targets = vec![0.0; members.len() * spec.classes];
        let mut sources = Vec::with_capacity(members.len());
        for (place, (&member, target)) in members.iter().zip(pixels.chunks_exact_mut(stride)).enumerate() {
            let member = member as usize;
            let mut random = stream(Purpose::Augment, spec.seed, spec.epoch as u64, (first + place) as u64);
            spec.augment.apply(self.split.picture(member), target, spec.shape, &mut random);
            targets[place * spec.classes + self.split.items[member].label] = 1.0;
            sources.push(self.split.items[member].source);
        }
        let mut partner_sources = sources.clone();
        let mut random = stream(Purpose::Mix, spec.seed, spec.epoch as u64, number as u64);
        if spec.augment.cutmix > 0.0 && random.random::<f32>() < spec.augment.cutmix {
            let partners = cutmix::mix(&mut pixels, &mut targets, spec.shape, &mut random);
            partner_sources = partners.iter().map(|&partner| sources[partner]).collect();
        }
        let PixelMap { offset, scale } = spec.pixel_map;
        pixels.iter_mut().for_each(|pixel| *pixel = (*pixel - offset) * scale);
        Batch { pixels, targets, sources, partner_sources, len: members.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::dataset::Item;

    fn split(count: usize, repeats: Vec<usize>) -> Arc<Split> {
        let stride = 2 * 8 * 8;
        let item =
            |index: usize| Item { path: index.to_string().into(), label: index % 3, source: index % repeats.len() };
        let pixels = (0..count * stride).map(|index| (index * 37 % 251) as u8).collect();
        Arc::new(Split::alone((0..count).map(item).collect(), pixels, stride, repeats))
    }

    fn spec() -> BatchSpec {
        BatchSpec {
            batch_size: 4,
            seed: 5,
            epoch: 2,
            shuffle: true,
            augment: Augment { cutmix: 0.5, blur: 0.5, ..Augment::compact() },
            pixel_map: PixelMap { offset: 128.0, scale: 1.0 / 128.0 },
            shape: (2, 8, 8),
            classes: 3,
            drop_last: false,
        }
    }

    fn with_threads(threads: usize, spec: BatchSpec) -> Batches {
        Batches { threads, ..batches(split(23, vec![1]), spec) }
    }

    #[test]
    fn batches_do_not_depend_on_threads_and_repeat() {
        let reference: Vec<Batch> = with_threads(1, spec()).collect();
        assert_eq!(reference.len(), 6);
        assert_eq!(reference[5].len, 3);
        for threads in [2, 3, 8] {
            assert_eq!(with_threads(threads, spec()).collect::<Vec<_>>(), reference);
        }
        let other: Vec<Batch> = with_threads(2, BatchSpec { epoch: 3, ..spec() }).collect();
        assert_ne!(other, reference);
    }

    #[test]
    fn skipping_gives_the_batches_an_uninterrupted_epoch_has() {
        let reference: Vec<Batch> = with_threads(2, spec()).collect();
        for done in 0..7 {
            let rest: Vec<Batch> = with_threads(2, spec()).skip(done).collect();
            assert_eq!(rest, reference[done.min(6)..]);
        }
    }

    #[test]
    fn targets_sum_to_one_and_pixels_keep_the_range() {
        for batch in batches(split(23, vec![1]), spec()) {
            for target in batch.targets.chunks(3) {
                assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
            assert!(batch.pixels.iter().all(|pixel| (-1.0..=1.0).contains(pixel)));
        }
    }

    #[test]
    fn without_changes_every_picture_comes_as_often_as_its_source_repeats() {
        let split = split(10, vec![1, 3]);
        let plain = BatchSpec { augment: Augment::none(), ..spec() };
        let mut seen = vec![0; 10];
        for batch in batches(split.clone(), plain) {
            assert_eq!(batch.sources, batch.partner_sources);
            for pixels in batch.pixels.chunks(split.stride) {
                let bytes: Vec<u8> = pixels.iter().map(|pixel| (pixel * 128.0 + 128.0) as u8).collect();
                let found = (0..10).find(|&index| split.picture(index) == bytes);
                seen[found.expect("a picture of the split")] += 1;
            }
        }
        assert_eq!(seen, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    }

    #[test]
    fn the_last_batch_can_be_dropped() {
        let batches = batches(split(23, vec![1]), BatchSpec { drop_last: true, ..spec() });
        assert_eq!(batches.len(), 5);
        assert!(batches.into_iter().all(|batch| batch.len == 4));
    }
}
