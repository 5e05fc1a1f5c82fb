//! What some runs do before their first step: quantised ones look for the ranges of their activations, those that begin with
//! another net's weights see to its normalisations.

use super::Trainer;
use super::init::{self, TransferReport};
use crate::emotion::augment::Augment;
use crate::nets::forward;
use crate::nets::tensors::Tensors;
use crate::output::say;
use crate::run::checkpoint;
use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

impl Trainer {
    /// Whether this is a quantised run that has not looked for its ranges yet.
    pub(super) fn wants_calibration(&self) -> bool {
        let state = &self.state;
        self.net.is_quantized() && state.epochs_done == 0 && state.running.steps == 0 && state.stopping.best.is_none()
    }

    /// Takes as each activation's range the mean of the ranges of some batches of training pictures, seen as they are by the
    /// float net; a mean, so that a single picture's largest value coarsens nobody else's grid. The result, post-training
    /// quantisation, is what later epochs have to be better than.
    pub(super) fn calibrate(&mut self) -> Result<()> {
        let wanted = self.config.quantize.as_ref().map_or(0, |quantization| quantization.calibration_images);
        let device = self.engine.scoring();
        let float =
            Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), 0).without_fake_quantize();
        let (mut sums, mut batches, mut pictures) = (BTreeMap::<String, [f64; 2]>::new(), 0usize, 0usize);
        for batch in self.batches_with(0, Augment::none()) {
            let shape = self.config.input().shape();
            let pixels = TensorData::new(batch.pixels, [batch.len, shape[1], shape[2], shape[3]]);
            let pass = forward::forward(&self.net, &float, Tensor::from_data(pixels, &device), None);
            for (name, range) in pass.ranges {
                let range = range.into_data().try_to_vec::<f32>().unwrap_or_default();
                let sum = sums.entry(name).or_default();
                sum.iter_mut().zip(range).for_each(|(sum, end)| *sum += f64::from(end));
            }
            batches += 1;
            pictures += batch.len;
            if pictures >= wanted {
                break;
            }
        }
        ensure!(batches > 0, "no batch to look for ranges in");
        for (name, sum) in sums {
            for weights in [Some(&mut self.state.weights), self.state.average.as_mut()].into_iter().flatten() {
                if let Some(range) = weights.0.get_mut(&format!("{name}.range")) {
                    range.values = sum.map(|sum| (sum / batches as f64) as f32).to_vec();
                }
            }
        }
        self.judge_start(&format!("ranges from {pictures} training pictures"))
    }

    /// Begins with weights `taken` from another net, which later epochs have to be better than.
    ///
    /// # Errors
    /// When a checkpoint cannot be written.
    pub fn initialise_from(&mut self, taken: &TransferReport) -> Result<()> {
        let device = self.engine.scoring();
        let shape = self.config.input().shape();
        if let Some(batch) = self.batches(0).next() {
            let pixels = TensorData::new(batch.pixels, [batch.len, shape[1], shape[2], shape[3]]);
            let pixels = Tensor::from_data(pixels, &device);
            init::recalibrate_batch_norm(&self.net, &mut self.state.weights, taken, &pixels, self.engine.fast());
        }
        self.state.average = self.state.average.take().map(|_| self.state.weights.clone());
        // A quantised run is judged when it knows its ranges.
        if self.net.is_quantized() { Ok(()) } else { self.judge_start("before the first epoch") }
    }

    /// Measures what there is before the first epoch, and keeps it as what is to be beaten.
    fn judge_start(&mut self, what: &str) -> Result<()> {
        let found = self.validate();
        let figure = self.config.monitor.of(&found);
        self.state.stopping.epoch_over(self.config.monitor, 0, figure);
        checkpoint::save_best(&self.run, &self.state.weights, &self.identity)?;
        self.save()?;
        say!(
            "{what}: val loss {:.4} acc {:.3} top2 {:.3} f1 {:.3}",
            found.loss,
            found.accuracy,
            found.top2,
            found.macro_f1
        )
    }
}
