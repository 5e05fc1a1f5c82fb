//! Batches of scenes.

use super::options::Scenes;
use super::photos::Photos;
use super::scenes::compose::{Composer, HardNegative};
use super::targets::Targets;
use crate::train::prefetch::{Batch, MakeBatch};
use anyhow::Result;
use emotion_models::PixelMap;
use std::sync::Arc;

/// Makes the batches of one epoch. A scene depends on the seed, the epoch and its place alone.
pub struct SceneMaker {
    /// The photos.
    pub photos: Arc<Photos>,
    /// How scenes are composed.
    pub scenes: Scenes,
    /// Where the net saw faces that are none.
    pub hard_negatives: Arc<Vec<HardNegative>>,
    /// Columns and rows of a scene.
    pub size: [usize; 2],
    /// Columns and rows of the maps.
    pub cells: [usize; 2],
    /// From bytes to real values.
    pub pixel_map: PixelMap,
    /// The run's seed.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: usize,
    /// Scenes per batch.
    pub batch_size: usize,
    /// Batches.
    pub steps: usize,
}

impl MakeBatch for SceneMaker {
    type Targets = Targets;

    fn count(&self) -> usize {
        self.steps
    }

    fn make(&self, number: usize) -> Result<Batch<Targets>> {
        let composer = Composer::new(&self.photos, &self.scenes, &self.hard_negatives, self.size);
        let (mut pixels, mut targets) = (vec![], Targets::default());
        for index in number * self.batch_size..(number + 1) * self.batch_size {
            let scene = composer.scene(self.seed, self.epoch, index);
            pixels.extend(scene.pixels.iter().map(|&byte| self.pixel_map.real(f32::from(byte))));
            targets.push(&scene.faces, self.cells);
        }
        Ok(Batch { pixels, len: self.batch_size, targets })
    }
}
