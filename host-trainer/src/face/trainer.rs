//! Training a face net: scenes in, checkpoints and a history out.

use super::batches::{Batch, Plan, batches};
use super::checkpoint::{self, Epoch, State};
use super::config::FaceConfig;
use super::inference::{self, NetInput};
use super::loss;
use super::photos::Photos;
use super::scenes::compose::HardNegative;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::forward::{self, Training};
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::output::say;
use crate::progress::Progress;
use crate::random::{Purpose, stream};
use crate::run::checkpoint::Identity;
use crate::train::init::{self, TransferReport};
use crate::train::{End, backward, ema};
use anyhow::Result;
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A centre's logit before anything is learned: one cell in fifty holds a face (Lin et al. 2017, section 4.1).
const RARE: f32 = -4.0;

/// A face run under way.
pub struct Trainer {
    config: FaceConfig,
    net: Net,
    run: PathBuf,
    identity: Identity,
    train: Arc<Photos>,
    val: Arc<Photos>,
    /// Validation photos as the net sees them.
    val_inputs: Vec<NetInput>,
    /// Training photos without faces, as the net sees them.
    faceless_inputs: Vec<Option<NetInput>>,
    engine: Engine,
    hard_negatives: Arc<Vec<HardNegative>>,
    /// Where it stands.
    pub state: State,
}

impl Trainer {
    /// A run that goes on from `state`.
    pub fn new(
        config: FaceConfig,
        train: Arc<Photos>,
        val: Arc<Photos>,
        engine: Engine,
        run: &Path,
        identity: Identity,
        state: State,
    ) -> Self {
        let net = config.build_net();
        let val_inputs = val.photos.iter().filter_map(|photo| inference::letterbox(photo, &config)).collect();
        let empty =
            |photo: &super::photos::Photo| photo.faces.is_empty().then(|| inference::letterbox(photo, &config))?;
        let faceless_inputs = train.photos.iter().map(empty).collect();
        let mut trainer = Trainer {
            net,
            run: run.into(),
            identity,
            val_inputs,
            faceless_inputs,
            engine,
            hard_negatives: Arc::default(),
            config,
            train,
            val,
            state,
        };
        trainer.find_hard_negatives();
        trainer
    }

    /// The state in which a run starts.
    pub fn start(config: &FaceConfig, net: &Net) -> State {
        let mut weights = Weights::initial(net, config.seed);
        if let Some(bias) = weights.0.get_mut("maps.bias").and_then(|bias| bias.values.first_mut()) {
            *bias = RARE;
        }
        State { average: (config.ema > 0.0).then(|| weights.clone()), weights, ..State::default() }
    }

    /// Begins with weights `taken` from another net, which later epochs have to be better than.
    ///
    /// # Errors
    /// When a checkpoint cannot be written.
    pub fn initialise_from(&mut self, taken: &TransferReport) -> Result<()> {
        let began = Instant::now();
        let device = self.engine.scoring();
        let input = self.config.input();
        let shape = [self.config.batch_size, 1, input.height as usize, input.width as usize];
        for batch in batches(Plan { steps: 1, ..self.plan(0) }, 0) {
            let pixels = Tensor::from_data(TensorData::new(batch.pixels, shape), &device);
            init::recalibrate_batch_norm(&self.net, &mut self.state.weights, taken, &pixels, self.engine.fast());
        }
        self.state.average = self.state.average.take().map(|_| self.state.weights.clone());
        // A quantised run is judged when it knows its ranges.
        if self.net.is_quantized() {
            return Ok(());
        }
        self.over(Epoch::default(), began)?;
        checkpoint::save(&self.run, &self.state, &self.identity)
    }

    /// Trains until the last epoch or `interrupted`.
    ///
    /// # Errors
    /// When the loss is no longer a number, or a checkpoint cannot be written.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<End> {
        self.write_history()?;
        if self.net.is_quantized() && self.state.history.is_empty() && self.state.done == (0, 0) {
            self.calibrate()?;
        }
        while self.state.done.0 < self.config.epochs {
            let finished = self.epoch(interrupted)?;
            checkpoint::save(&self.run, &self.state, &self.identity)?;
            self.write_history()?;
            if !finished || (interrupted.load(Ordering::Relaxed) && self.state.done.0 < self.config.epochs) {
                return Ok(End::Interrupted);
            }
        }
        Ok(End::Finished)
    }

    /// Scenes an epoch, in whole batches.
    fn steps(&self) -> usize {
        let scenes = match self.config.scenes_per_epoch {
            0 => 4 * self.train.photos.len(),
            scenes => scenes,
        };
        (scenes / self.config.batch_size).max(1)
    }

    fn plan(&self, epoch: usize) -> Plan {
        let input = self.config.input();
        Plan {
            photos: Arc::clone(&self.train),
            scenes: self.config.scenes.clone(),
            hard_negatives: Arc::clone(&self.hard_negatives),
            size: [input.width as usize, input.height as usize],
            cells: self.config.cells(),
            pixel_map: input.pixel_map,
            seed: self.config.seed,
            epoch,
            batch_size: self.config.batch_size,
            steps: self.steps(),
        }
    }

    /// One epoch from wherever it stands; false when interrupted within it.
    fn epoch(&mut self, interrupted: &AtomicBool) -> Result<bool> {
        let (epoch, first) = self.state.done;
        let steps = self.steps();
        let title = if self.net.is_quantized() { "learning, in integers" } else { "learning" };
        let progress = Progress::new(title, steps, true);
        let began = Instant::now();
        let mut learning_rate = 0.0;
        for (step, batch) in (first..steps).zip(batches(self.plan(epoch), first)) {
            let passed = epoch as f64 + step as f64 / steps as f64;
            let multiplier = self.config.schedule.multiplier(&Default::default(), passed, self.config.epochs);
            learning_rate = self.config.optimizer.learning_rate * multiplier;
            self.state.loss += self.step(epoch, step, &batch, learning_rate)?;
            self.state.done.1 = step + 1;
            progress.advance();
            if interrupted.load(Ordering::Relaxed) && step + 1 < steps {
                return Ok(false);
            }
        }
        drop(progress);
        let taken = (steps - first) * self.config.batch_size;
        let images_per_second = taken as f64 / began.elapsed().as_secs_f64();
        let loss = std::mem::take(&mut self.state.loss) / steps as f64;
        self.state.done = (epoch + 1, 0);
        if self.config.hard_negatives_every > 0 && (epoch + 1).is_multiple_of(self.config.hard_negatives_every) {
            self.state.mined = Some(self.judged().clone());
            self.find_hard_negatives();
        }
        let entry = Epoch { epoch: epoch + 1, loss, learning_rate, images_per_second, ..Epoch::default() };
        self.over(entry, began)?;
        Ok(true)
    }

    /// Measures on validation, and keeps the weights if they are the best so far.
    fn over(&mut self, mut entry: Epoch, began: Instant) -> Result<()> {
        let findings =
            inference::evaluate(&self.net, self.judged(), &self.config, &self.engine, &self.val, &self.val_inputs);
        entry.val = findings.at(findings.threshold(), &self.val.classes);
        entry.mistakes = self.hard_negatives.len();
        entry.seconds = began.elapsed().as_secs_f64();
        let val = format!(
            "val AP {:.4}, recall {:.3} at precision {:.3} (score {:.2}), {} false positives",
            entry.val.average_precision,
            entry.val.recall.rate(),
            entry.val.precision,
            entry.val.threshold,
            entry.val.false_positives
        );
        match entry.epoch {
            0 => say!("before the first epoch: {val}")?,
            epoch => say!(
                "epoch {epoch}/{}: loss {:.4}, {val}; {} hard negatives, {:.0} scenes/s, {:.0} s",
                self.config.epochs,
                entry.loss,
                entry.mistakes,
                entry.images_per_second,
                entry.seconds
            )?,
        }
        let better = self.state.best().is_none_or(|(_, best)| entry.val.average_precision > best);
        self.state.history.push(entry);
        if better {
            checkpoint::save_best(&self.run, self.judged(), &self.identity)?;
        }
        Ok(())
    }

    /// The weights that are judged and exported.
    fn judged(&self) -> &Weights {
        self.state.average.as_ref().unwrap_or(&self.state.weights)
    }

    fn find_hard_negatives(&mut self) {
        let Some(weights) = &self.state.mined else { return };
        let found = inference::find_hard_negatives(
            &self.net,
            weights,
            &self.config,
            &self.engine,
            &self.train,
            &self.faceless_inputs,
        );
        self.hard_negatives = Arc::new(found);
    }

    fn write_history(&self) -> Result<()> {
        let history = checkpoint::csv(&self.state.history);
        Ok(crate::files::write_whole(&self.run.join("history.csv"), history.as_bytes())?)
    }

    /// Learns from one batch and returns its loss.
    fn step(&mut self, epoch: usize, step: usize, batch: &Batch, learning_rate: f64) -> Result<f64> {
        let device = self.engine.learning();
        let tensors = Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), 0);
        let input = self.config.input();
        let shape = [self.config.batch_size, 1, input.height as usize, input.width as usize];
        let pixels = Tensor::<4>::from_data(TensorData::new(batch.pixels.clone(), shape), &device);
        let mut random = stream(Purpose::Dropout, self.config.seed, epoch as u64, step as u64);
        let frozen_statistics =
            self.config.quantize.as_ref().is_some_and(|quantize| epoch >= quantize.freeze_ranges_after);
        let training = Training { random: &mut random, frozen_stages: 0, frozen_statistics };
        let forward::Pass { logits, statistics, ranges } =
            forward::forward(&self.net, &tensors, pixels, Some(training));
        let loss = loss::loss(logits, &batch.targets, &device);
        let tape = loss.backward();
        let value = loss.inner();
        let nothing = value.clone();
        let (found, _) = backward::download(&self.net, &tensors, &tape, [value, nothing], statistics, ranges);
        if !found.loss.is_finite() {
            let (epoch, step) = (epoch + 1, step + 1);
            let advice = "try a smaller learning rate (--learning-rate)";
            let message = format!("the loss became {} in epoch {epoch}, step {step}; {advice}", found.loss);
            return Err(failure(Kind::Training, message));
        }
        let state = &mut self.state;
        self.config.optimizer.begin_step(&mut state.moments);
        for (name, gradient) in &found.by_parameter {
            let Some(weights) = state.weights.0.get_mut(name) else { continue };
            let gradient = gradient.as_slice::<f32>().unwrap_or_default();
            self.config.optimizer.update(&mut state.moments, name, weights, gradient, learning_rate);
        }
        let quantized = self.config.quantize.is_some();
        backward::follow(&self.net, &mut state.weights, &found, state.moments.steps, quantized);
        if let Some(averaged) = &mut state.average {
            ema::update(averaged, &state.weights, self.config.ema, state.moments.steps);
        }
        Ok(found.loss)
    }

    /// Takes as each activation's range the mean of the ranges of some batches of scenes, seen by the float net. The result,
    /// post-training quantisation, is what later epochs have to be better than.
    fn calibrate(&mut self) -> Result<()> {
        let began = Instant::now();
        let wanted = self.config.quantize.as_ref().map_or(0, |quantize| quantize.calibration_images);
        let device = self.engine.scoring();
        let float =
            Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), 0).without_fake_quantize();
        let input = self.config.input();
        let plan = Plan { steps: wanted.div_ceil(self.config.batch_size).max(1), ..self.plan(usize::MAX / 2) };
        let count = plan.steps;
        let mut sums = BTreeMap::<String, [f64; 2]>::new();
        for batch in batches(plan, 0) {
            let shape = [self.config.batch_size, 1, input.height as usize, input.width as usize];
            let pixels = Tensor::from_data(TensorData::new(batch.pixels, shape), &device);
            for (name, range) in forward::forward(&self.net, &float, pixels, None).ranges {
                let range = range.into_data().try_to_vec::<f32>().unwrap_or_default();
                let sum = sums.entry(name).or_default();
                sum.iter_mut().zip(range).for_each(|(sum, end)| *sum += f64::from(end));
            }
        }
        for (name, sum) in sums {
            for weights in [Some(&mut self.state.weights), self.state.average.as_mut()].into_iter().flatten() {
                if let Some(range) = weights.0.get_mut(&format!("{name}.range")) {
                    range.values = sum.map(|sum| (sum / count as f64) as f32).to_vec();
                }
            }
        }
        say!("ranges from {} scenes", count * self.config.batch_size)?;
        self.over(Epoch::default(), began)?;
        checkpoint::save(&self.run, &self.state, &self.identity)
    }
}
