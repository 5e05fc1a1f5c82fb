//! Batches of scenes, made ahead by threads of their own while the net learns.

use super::config::Scenes;
use super::photos::Photos;
use super::scenes::compose::{Composer, HardNegative};
use super::targets::Targets;
use emotion_models::PixelMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Batches that wait, for each worker.
const AHEAD: usize = 2;

/// Scenes ready for a step.
pub struct Batch {
    /// Real values `[N, 1, height, width]`.
    pub pixels: Vec<f32>,
    /// What the net is to answer.
    pub targets: Targets,
}

/// What an epoch's batches are made of.
#[derive(Clone)]
pub struct Plan {
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

impl Plan {
    /// Batch number `step` of the epoch.
    pub fn make(&self, step: usize) -> Batch {
        let composer = Composer::new(&self.photos, &self.scenes, &self.hard_negatives, self.size);
        let mut batch = Batch { pixels: vec![], targets: Targets::default() };
        for index in step * self.batch_size..(step + 1) * self.batch_size {
            let scene = composer.scene(self.seed, self.epoch, index);
            batch.pixels.extend(scene.pixels.iter().map(|&byte| self.pixel_map.real(f32::from(byte))));
            batch.targets.push(&scene.faces, self.cells);
        }
        batch
    }
}

/// The batches of an epoch from number `first` on, in order: the same however many threads make them.
pub fn batches(plan: Plan, first: usize) -> impl Iterator<Item = Batch> {
    let plan = Arc::new(plan);
    // Beside a graphics card all cores have nothing else to do.
    let workers = rayon::current_num_threads().max(2);
    let start = |worker: usize| -> Receiver<Batch> {
        let (sender, receiver) = sync_channel(AHEAD);
        let plan = Arc::clone(&plan);
        thread::spawn(move || {
            for step in (first + worker..plan.steps).step_by(workers) {
                // The receiver is gone when the epoch was left early.
                if sender.send(plan.make(step)).is_err() {
                    return;
                }
            }
        });
        receiver
    };
    let queues: Vec<_> = (0..workers).map(start).collect();
    (0..plan.steps.saturating_sub(first)).map_while(move |step| queues[step % workers].recv().ok())
}
