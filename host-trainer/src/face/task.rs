//! Face as a task: whole frames in, maps of where the faces are out.

use super::batches::SceneMaker;
use super::data::FacePhotos;
use super::figures::FaceFigures;
use super::inference::{self, FaceNet, NetInput};
use super::loss::loss;
use super::metrics::Scores;
use super::options::FaceConfig;
use super::photos::{Photo, Photos};
use super::scenes::compose::HardNegative;
use super::targets::Targets;
use crate::device::Engine;
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::run::config::Config;
use crate::task::Task;
use crate::train::early_stopping::Verdict;
use crate::train::prefetch::Batch;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A centre's logit before anything is learned: one cell in fifty holds a face (Lin et al. 2017, section 4.1).
const RARE: f32 = -4.0;
/// Scenes an epoch for each photo, where the configuration names no number.
const SCENES_PER_PHOTO: usize = 4;
/// The epoch whose scenes calibrate a quantised run: one that no training reaches.
const CALIBRATION_EPOCH: usize = usize::MAX / 2;

/// A face run's task.
pub struct FaceTask {
    config: Config<FaceConfig>,
    train: Arc<Photos>,
    val: Arc<Photos>,
    /// Validation photos as the net sees them.
    val_inputs: Vec<NetInput>,
    /// Training photos without faces, as the net sees them.
    faceless_inputs: Vec<Option<NetInput>>,
    hard_negatives: Arc<Vec<HardNegative>>,
}

/// What the epoch's training figures are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaceSums {
    /// Sum of the steps' losses.
    loss: f64,
}

impl Task for FaceTask {
    type Config = FaceConfig;
    type Data = FacePhotos;
    type Targets = Targets;
    type Batches = SceneMaker;
    type Sums = FaceSums;
    type Scores = Scores;
    type Figures = FaceFigures;

    const EXAMPLES: &'static str = "scenes";
    const HISTORY_HAS_START: bool = true;

    fn initial_weights(net: &Net, seed: u64) -> Weights {
        let mut weights = Weights::initial(net, seed);
        if let Some(bias) = weights.0.get_mut("maps.bias").and_then(|bias| bias.values.first_mut()) {
            *bias = RARE;
        }
        weights
    }

    fn new(config: &Config<FaceConfig>, _net: &Net, data: &FacePhotos) -> Self {
        let letterbox = |photo: &Photo| inference::letterbox(photo, &config.task);
        let faceless = |photo: &Photo| photo.faces.is_empty().then(|| letterbox(photo))?;
        FaceTask {
            val_inputs: data.val.photos.iter().filter_map(letterbox).collect(),
            faceless_inputs: data.train.photos.iter().map(faceless).collect(),
            train: Arc::clone(&data.train),
            val: Arc::clone(&data.val),
            hard_negatives: Arc::default(),
            config: config.clone(),
        }
    }

    fn batches(&self, epoch: usize) -> SceneMaker {
        let scenes = match self.config.task.scenes_per_epoch {
            0 => SCENES_PER_PHOTO * self.train.photos.len(),
            scenes => scenes,
        };
        self.scenes(epoch, scenes / self.config.run.batch_size)
    }

    fn calibration_batches(&self, examples: usize) -> SceneMaker {
        self.scenes(CALIBRATION_EPOCH, examples.div_ceil(self.config.run.batch_size))
    }

    fn loss(&self, maps: Tensor<2>, targets: &Targets, device: &Device) -> (Tensor<1>, Option<Tensor<1>>) {
        (loss(maps, targets, device), None)
    }

    fn sum(&self, sums: &mut FaceSums, _batch: &Batch<Targets>, loss: f64, _seen: &[f32]) {
        sums.loss += loss;
    }

    fn evaluate(&self, net: &Net, weights: &Weights, engine: &Engine) -> Scores {
        let net = FaceNet { net, weights, config: &self.config.task, engine };
        let found = net.evaluate(&self.val, &self.val_inputs);
        found.at(found.threshold(), &self.val.classes)
    }

    fn figures(&self, sums: &FaceSums, steps: usize, scores: &Scores) -> FaceFigures {
        let loss = sums.loss / steps.max(1) as f64;
        FaceFigures { loss, val: scores.clone(), hard_negatives: self.hard_negatives.len() }
    }

    fn judge(_config: &FaceConfig, figures: &FaceFigures) -> Verdict {
        let figure = figures.val.average_precision;
        Verdict { figure, higher_is_better: true, loss: 1.0 - figure }
    }

    fn mines_after(&self, epoch: usize) -> bool {
        let every = self.config.task.hard_negatives_every;
        every > 0 && epoch.is_multiple_of(every)
    }

    fn mine(&mut self, net: &Net, weights: &Weights, engine: &Engine) {
        let net = FaceNet { net, weights, config: &self.config.task, engine };
        self.hard_negatives = Arc::new(net.find_hard_negatives(&self.train, &self.faceless_inputs));
    }
}

impl FaceTask {
    fn scenes(&self, epoch: usize, steps: usize) -> SceneMaker {
        let input = self.config.input();
        SceneMaker {
            photos: Arc::clone(&self.train),
            scenes: self.config.task.scenes.clone(),
            hard_negatives: Arc::clone(&self.hard_negatives),
            size: [input.width as usize, input.height as usize],
            cells: self.config.task.cells(),
            pixel_map: input.pixel_map,
            seed: self.config.run.seed,
            epoch,
            batch_size: self.config.run.batch_size,
            steps: steps.max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::checkpoint::{self, Identity, StateOf, TrainingState};
    use crate::train::trainer::{End, Trainer};
    use std::sync::atomic::AtomicBool;

    const TINY: &str = "
        task = 'face'
        width = 64
        height = 48
        epochs = 2
        scenes_per_epoch = 12
        batch_size = 4
        hard_negatives_every = 1
        net = { widths = [4, 4, 4], blocks = 1 }";

    #[test]
    fn resuming_equals_going_through_and_a_complete_run_is_not_interrupted() {
        let mut photos = Photos::default();
        photos.add_synthetic(8, 50_000);
        let photos = Arc::new(photos);
        let data = FacePhotos { train: photos.clone(), val: photos, fingerprint: "0".into(), described: String::new() };
        let config = Config::<FaceConfig>::parse(TINY, toml::Table::new()).unwrap();
        let net = config.build_net(1).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let train = |name: &str, state: StateOf<FaceTask>, interrupted: bool| {
            let run = folder.path().join(name);
            let identity =
                Identity { labels: vec![], data_fingerprint: String::new(), command: String::new(), config: None };
            std::fs::create_dir_all(&run).unwrap();
            Trainer::<FaceTask>::new(config.clone(), net.clone(), &data, Engine::cpu(), &run, identity, state)
                .train(&AtomicBool::new(interrupted))
                .unwrap()
        };
        let start = || TrainingState::start(FaceTask::initial_weights(&net, 1), true);
        let load = |name: &str| checkpoint::load::<FaceTask>(&folder.path().join(name), &config.task).unwrap().0;
        assert_eq!(train("through", start(), false), End::Finished);
        let mut ends = vec![train("halted", start(), true)];
        while ends.last() == Some(&End::Interrupted) {
            ends.push(train("halted", load("halted"), true));
        }
        assert_eq!(ends.len(), 6, "one step each; the signal in the last validation comes too late");
        assert_eq!(ends.last(), Some(&End::Finished));
        let [through, halted] = ["through", "halted"].map(load);
        assert_eq!(through.weights, halted.weights);
        assert_eq!(through.ema, halted.ema);
        assert_eq!(through.mined, halted.mined);
        assert_eq!(through.stopping, halted.stopping);
    }
}
