//! Training: pictures in, checkpoints and a history out.

pub mod backward;
mod calibrate;
pub mod early_stopping;
pub mod ema;
pub mod init;
pub mod optimizer;
mod progress;
pub mod schedule;
pub(crate) mod session;
mod step;
pub mod stopwatch;

use crate::device::Engine;
use crate::emotion::augment::Augment;
use crate::emotion::batches::{BatchSpec, Batches, batches};
use crate::emotion::dataset::{Dataset, Split};
use crate::emotion::metrics::{Scores, score};
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::nets::{Net, forward};
use crate::run::checkpoint::{self, Identity, Running, State};
use crate::run::config::Config;
use crate::run::history::{self, Epoch, Figures};
use anyhow::{Result, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use progress::Progress;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use stopwatch::{Stage, Stopwatch};

/// A run under way.
pub struct Trainer {
    config: Config,
    net: Net,
    run: PathBuf,
    identity: Identity,
    train: Arc<Split>,
    val: Arc<Split>,
    class_weights: Vec<f32>,
    /// Labels of each data source; empty unless absent labels are masked.
    present: Vec<Vec<bool>>,
    engine: Engine,
    state: State,
    stopwatch: Stopwatch,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All epochs are done.
    Finished,
    /// Early stopping's patience ran out.
    Stopped,
    /// Ctrl-C; the state is saved.
    Interrupted,
}

impl Trainer {
    /// A run that starts from `weights`, or goes on from `state`.
    pub fn new(
        config: Config,
        net: Net,
        data: &Dataset,
        engine: Engine,
        run: &Path,
        identity: Identity,
        state: State,
    ) -> Self {
        let mut counts = vec![0; data.labels.len()];
        for index in data.train.order() {
            counts[data.train.items[index as usize].label] += 1;
        }
        let sources = data.sources.len();
        let present = if config.mask_absent { (0..sources).map(|s| data.present_labels(s)).collect() } else { vec![] };
        Trainer {
            class_weights: config.class_weights.weights(&counts),
            train: data.train.clone(),
            val: data.val.clone(),
            net,
            run: run.into(),
            identity,
            present,
            engine,
            state,
            stopwatch: Stopwatch::default(),
            config,
        }
    }

    /// The state in which a run starts.
    pub fn start(config: &Config, weights: Weights) -> State {
        let average = (config.ema > 0.0).then(|| weights.clone());
        State { weights, average, ..State::default() }
    }

    /// Trains until the last epoch, early stopping, or `interrupted`.
    ///
    /// # Errors
    /// When the loss is no longer a number, or a checkpoint cannot be written.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<End> {
        // A run killed between checkpoint and history would otherwise lack a line until its next epoch.
        self.write_history()?;
        if self.wants_calibration() {
            self.calibrate()?;
        }
        while self.state.epochs_done < self.config.epochs {
            if self.state.stopping.exhausted(self.config.patience) {
                return Ok(End::Stopped);
            }
            if !self.epoch(interrupted)? {
                self.save()?;
                return Ok(End::Interrupted);
            }
            self.save()?;
        }
        Ok(End::Finished)
    }

    /// The epochs so far.
    pub fn history(&self) -> &[Epoch] {
        &self.state.history
    }

    /// The best epoch so far, counted from 1, and the figure it is judged by.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.state.stopping.best
    }

    /// One epoch from wherever it stands; false when interrupted.
    fn epoch(&mut self, interrupted: &AtomicBool) -> Result<bool> {
        let epoch = self.state.epochs_done;
        let steps = self.train.order().len() / self.config.batch_size;
        // `commands::train` has seen to it; without a step an epoch would learn nothing and go on for ever.
        ensure!(steps > 0, "an epoch without a step");
        let progress = Progress::new(epoch + 1, self.config.epochs, steps, self.config.batch_size);
        let began = Instant::now();
        let before = self.state.running.seconds;
        let mut learning_rate = 0.0;
        let done = self.state.running.steps;
        self.stopwatch.start();
        for (step, batch) in self.batches(epoch).enumerate().skip(done) {
            self.stopwatch.lap(Stage::Wait);
            let multiplier = {
                let passed = epoch as f64 + step as f64 / steps as f64;
                self.config.schedule.multiplier(&self.state.schedule, passed, self.config.epochs)
            };
            learning_rate = self.config.optimizer.learning_rate * multiplier;
            let loss = self.step(epoch, step, &batch, learning_rate)?;
            self.state.running.steps = step + 1;
            progress.step(step + 1, loss);
            if interrupted.load(Ordering::Relaxed) && step + 1 < steps {
                self.state.running.seconds = before + began.elapsed().as_secs_f64();
                return Ok(false);
            }
        }
        let training = before + began.elapsed().as_secs_f64();
        progress.validating();
        let val = self.validate();
        let running = std::mem::take(&mut self.state.running);
        let seconds = before + began.elapsed().as_secs_f64();
        let entry = self.entry(epoch + 1, &running, &val, learning_rate, training, seconds);
        progress.finish(&entry);
        self.epoch_over(entry, &val)?;
        Ok(!interrupted.load(Ordering::Relaxed))
    }

    /// The batches of an epoch, counted from 0.
    pub(crate) fn batches(&self, epoch: usize) -> Batches {
        self.batches_with(epoch, self.config.augment.clone())
    }

    fn batches_with(&self, epoch: usize, augment: Augment) -> Batches {
        let input = self.config.input();
        let spec = BatchSpec {
            batch_size: self.config.batch_size,
            seed: self.config.seed,
            epoch,
            shuffle: true,
            augment,
            pixel_map: input.pixel_map,
            shape: (input.colour.channels(), input.height as usize, input.width as usize),
            classes: self.net.classes(),
            drop_last: true,
        };
        batches(self.train.clone(), spec)
    }

    /// Where the steps' time went.
    pub(crate) fn stopwatch_mut(&mut self) -> &mut Stopwatch {
        &mut self.stopwatch
    }

    fn entry(
        &self,
        epoch: usize,
        running: &Running,
        val: &Scores,
        learning_rate: f64,
        training: f64,
        seconds: f64,
    ) -> Epoch {
        let pictures = running.targets.len();
        let train = score(&running.probabilities, &running.targets, self.net.classes());
        Epoch {
            epoch,
            train: Figures::new(&train, running.loss / pictures.max(1) as f64),
            val: Figures::new(val, val.loss),
            learning_rate,
            images_per_second: pictures as f64 / training,
            seconds,
        }
    }

    fn epoch_over(&mut self, entry: Epoch, val: &Scores) -> Result<()> {
        let state = &mut self.state;
        state.history.push(entry);
        state.epochs_done += 1;
        self.config.schedule.epoch_over(&mut state.schedule, entry.val.loss);
        let figure = self.config.monitor.of(val);
        if state.stopping.epoch_over(self.config.monitor, entry.epoch, figure) {
            let weights = state.average.as_ref().unwrap_or(&state.weights);
            checkpoint::save_best(&self.run, weights, &self.identity)?;
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        checkpoint::save(&self.run, &self.state, &self.identity)?;
        self.write_history()
    }

    fn write_history(&self) -> Result<()> {
        let history = history::csv(&self.state.history);
        Ok(crate::files::write_whole(&self.run.join("history.csv"), history.as_bytes())?)
    }

    fn validate(&self) -> Scores {
        let weights = self.state.average.as_ref().unwrap_or(&self.state.weights);
        let probabilities = probabilities(&self.net, weights, &self.val, &self.config, &self.engine);
        let targets: Vec<usize> = self.val.items.iter().map(|item| item.label).collect();
        score(&probabilities, &targets, self.net.classes())
    }
}

/// The trainer's own probabilities `[N, labels]` (softmax at temperature 1) for a split's pictures, unaugmented, in order.
pub fn probabilities(net: &Net, weights: &Weights, split: &Arc<Split>, config: &Config, engine: &Engine) -> Vec<f32> {
    let device = engine.scoring();
    let tensors = Tensors::new(net, weights, &device, engine.fast(), 0);
    let input = config.input();
    let (channels, height, width) = (input.colour.channels(), input.height as usize, input.width as usize);
    let map = input.pixel_map;
    let mut all = Vec::with_capacity(split.items.len() * net.classes());
    let indices: Vec<usize> = (0..split.slots.len()).collect();
    for some in indices.chunks(128) {
        let bytes = some.iter().flat_map(|&index| split.picture(index));
        let mut real = Vec::with_capacity(some.len() * channels * height * width);
        real.extend(bytes.map(|&byte| (f32::from(byte) - map.offset) * map.scale));
        let shape = [some.len(), channels, height, width];
        let input = Tensor::<4>::from_data(TensorData::new(real, shape), &device);
        let logits = forward::forward(net, &tensors, input, None).logits;
        let softmax = burn::tensor::activation::softmax(logits, 1).into_data();
        all.extend_from_slice(softmax.as_slice::<f32>().unwrap_or_default());
    }
    all
}

/// Refuses to go on from a state that belongs to other data or another configuration.
///
/// # Errors
/// Says what differs.
pub fn check_identity(saved: &Identity, now: &Identity, run: &Path) -> Result<()> {
    let run = run.display();
    if saved.labels != now.labels {
        let (before, after) = (saved.labels.join(", "), now.labels.join(", "));
        bail!("{run} was trained on the labels {before}; the data now has {after}");
    }
    ensure!(
        saved.data_fingerprint == now.data_fingerprint,
        "the pictures have changed since {run} was started; start a new run, with --init {run} to keep what it learned"
    );
    Ok(())
}
