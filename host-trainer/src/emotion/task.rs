//! Emotion as a task: pictures of faces in, the probability of each label out.

use super::augment::Augment;
use super::batches::{BatchMaker, BatchSpec, SoftLabels};
use super::dataset::{Dataset, PictureName, Split};
use super::figures::{EmotionFigures, PartFigures};
use super::inference::probabilities;
use super::loss::{Targets, cross_entropy};
use super::metrics::{Scores, score};
use super::options::{EmotionConfig, Monitor};
use super::teacher::Teachers;
use crate::device::Engine;
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::run::config::{Config, RunConfig};
use crate::task::Task;
use crate::train::early_stopping::Verdict;
use crate::train::prefetch::Batch;
use anyhow::Result;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An emotion run's task.
pub struct EmotionTask {
    config: Config<EmotionConfig>,
    classes: usize,
    train: Arc<Split>,
    val: Arc<Split>,
    class_weights: Vec<f32>,
    /// How often pictures of each label are seen, against once; empty where all are seen alike.
    rates: Vec<f32>,
    /// Each source's weight and trust.
    worth: Vec<(f32, f32)>,
    labels: Vec<String>,
    teachers: Option<Arc<Teachers>>,
    /// Labels of each data source; empty unless absent labels are masked.
    present: Vec<Vec<bool>>,
}

/// What the epoch's training figures are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EmotionSums {
    /// Sum of loss times pictures.
    loss: f64,
    /// Probabilities of the pictures seen, `[N, labels]`.
    probabilities: Vec<f32>,
    /// Their (dominant) labels.
    targets: Vec<usize>,
}

impl Task for EmotionTask {
    type Config = EmotionConfig;
    type Data = Dataset;
    type Targets = SoftLabels;
    type Batches = BatchMaker;
    type Sums = EmotionSums;
    type Scores = Scores;
    type Figures = EmotionFigures;

    const EXAMPLES: &'static str = "pictures";
    const HISTORY_HAS_START: bool = false;

    fn new(config: &Config<EmotionConfig>, net: &Net, data: &Dataset) -> Self {
        let mut counts = vec![0; data.labels.len()];
        for index in data.train.order() {
            counts[data.train.items[index as usize].label] += 1;
        }
        let masked = if config.task.mask_absent { data.sources.len() } else { 0 };
        EmotionTask {
            classes: net.classes(),
            train: data.train.clone(),
            val: data.val.clone(),
            class_weights: config.task.class_weights.weights(&counts),
            rates: rates(&data.train, data.labels.len(), config.task.balanced_sampling),
            worth: data.sources.iter().map(|source| (source.labelling.weight, source.labelling.trust)).collect(),
            labels: data.labels.clone(),
            teachers: None,
            present: (0..masked).map(|source| data.present_labels(source)).collect(),
            config: config.clone(),
        }
    }

    fn prepare(&mut self) -> Result<()> {
        let EmotionConfig { teachers, teacher_share, data, .. } = &self.config.task;
        let sources = data.sources.iter().map(|source| source.parse()).collect::<Result<Vec<_>, _>>()?;
        let pictures = PictureName::all(&self.train, &sources);
        let teachers = Teachers::open(teachers, *teacher_share, &self.labels, &self.config.input(), &pictures)?;
        self.teachers = teachers.map(Arc::new);
        Ok(())
    }

    fn batches(&self, epoch: usize) -> BatchMaker {
        self.batches_with(epoch, self.config.task.augment.clone()).taught_by(self.teachers.clone())
    }

    fn calibration_batches(&self, _examples: usize) -> BatchMaker {
        self.batches_with(0, Augment::none())
    }

    fn loss(&self, logits: Tensor<2>, targets: &SoftLabels, device: &Device) -> (Tensor<1>, Option<Tensor<1>>) {
        let present = self.present_in(targets);
        let smoothing = self.config.task.label_smoothing;
        let wanted = Targets::new(&targets.shares, &targets.weights, &self.class_weights, smoothing, &present);
        let loss = cross_entropy(logits.clone(), &wanted, device);
        (loss, Some(activation::softmax(logits.inner(), 1).flatten(0, 1)))
    }

    fn sum(&self, sums: &mut EmotionSums, batch: &Batch<SoftLabels>, loss: f64, probabilities: &[f32]) {
        sums.probabilities.extend_from_slice(probabilities);
        sums.loss += loss * batch.len as f64;
        sums.targets.extend(batch.targets.shares.chunks_exact(self.classes).map(dominant));
    }

    fn evaluate(&self, net: &Net, weights: &Weights, engine: &Engine) -> Scores {
        let found = probabilities(net, weights, &self.val, &self.config.input(), engine);
        score(&found, &self.val.targets(), self.classes)
    }

    fn figures(&self, sums: &EmotionSums, _steps: usize, scores: &Scores) -> EmotionFigures {
        let train = score(&sums.probabilities, &sums.targets, self.classes);
        let loss = sums.loss / sums.targets.len().max(1) as f64;
        EmotionFigures { train: PartFigures::new(&train, loss), val: PartFigures::new(scores, scores.loss) }
    }

    fn judge(config: &EmotionConfig, figures: &EmotionFigures) -> Verdict {
        let val = figures.val;
        let (figure, higher_is_better) = match config.monitor {
            Monitor::Loss => (val.loss, false),
            Monitor::Accuracy => (val.accuracy, true),
            Monitor::MacroF1 => (val.f1, true),
        };
        Verdict { figure, higher_is_better, loss: val.loss }
    }
}

impl EmotionTask {
    fn batches_with(&self, epoch: usize, augment: Augment) -> BatchMaker {
        let RunConfig { batch_size, seed, .. } = self.config.run;
        let spec = BatchSpec {
            batch_size,
            seed,
            epoch,
            augment,
            input: self.config.input(),
            classes: self.classes,
            rates: self.rates.clone(),
            worth: self.worth.clone(),
        };
        BatchMaker::new(self.train.clone(), spec)
    }

    /// The labels of each picture's data set, of both sets where CutMix joined two; empty unless absent labels are masked.
    fn present_in(&self, targets: &SoftLabels) -> Vec<Vec<bool>> {
        if self.present.is_empty() {
            return vec![];
        }
        let either = |(&own, &partner): (&usize, &usize)| -> Vec<bool> {
            self.present[own].iter().zip(&self.present[partner]).map(|(own, partner)| *own || *partner).collect()
        };
        targets.sources.iter().zip(&targets.partner_sources).map(either).collect()
    }
}

/// How often a picture of each label is to be seen: its frequency to the power of `-balance`, such that an epoch stays as long.
fn rates(split: &Split, labels: usize, balance: f32) -> Vec<f32> {
    if balance == 0.0 {
        return vec![];
    }
    let mut counts = vec![0f32; labels];
    for index in split.order() {
        counts.iter_mut().zip(split.shares(index as usize, labels)).for_each(|(count, share)| *count += share);
    }
    let often: Vec<f32> = counts.iter().map(|count| count.max(1.0).powf(-balance)).collect();
    let total: f32 = counts.iter().sum();
    let seen: f32 = counts.iter().zip(&often).map(|(count, often)| count * often).sum();
    often.iter().map(|often| often * total / seen).collect()
}

/// The label with the largest share.
fn dominant(target: &[f32]) -> usize {
    (0..target.len()).max_by(|&a, &b| target[a].total_cmp(&target[b])).unwrap_or(0)
}
