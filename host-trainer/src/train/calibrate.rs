//! Calibration before the first step: quantised runs calibrate the ranges of their activations, and runs that begin
//! with another net's weights recalibrate its normalisations.

use super::init::{self, TransferReport};
use super::prefetch::{Batch, MakeBatch, prefetch};
use super::trainer::Trainer;
use crate::nets::forward;
use crate::nets::tensors::Tensors;
use crate::task::Task;
use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

impl<T: Task> Trainer<T> {
    /// Whether this is a quantised run that has not calibrated its ranges yet.
    pub(super) fn wants_calibration(&self) -> bool {
        let state = &self.state;
        self.net.is_quantized() && state.epochs_done == 0 && state.running.steps == 0 && state.stopping.best.is_none()
    }

    /// Sets each activation's range to the mean of its ranges over some batches, as the float net gives them. With a
    /// mean, the largest value of one picture does not coarsen the grid of all others. Of the last batch only as many
    /// examples are seen, and count, as are wanted. The result is post-training quantisation, which later epochs have to
    /// improve on.
    pub(super) fn calibrate(&mut self) -> Result<()> {
        let wanted = self.config.run.quantize.as_ref().map_or(0, |quantize| quantize.calibration_images);
        let device = self.engine.scoring();
        let float =
            Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), 0).without_fake_quantize();
        let (mut sums, mut examples) = (BTreeMap::<String, [f64; 2]>::new(), 0usize);
        for batch in prefetch(self.task.calibration_batches(wanted), 0) {
            let batch = first_of(batch?, wanted - examples);
            let len = batch.len;
            examples += len;
            for (name, range) in forward::forward(&self.net, &float, self.pixels(batch), None).ranges {
                let range = range.into_data().try_to_vec::<f32>().unwrap_or_default();
                let sum = sums.entry(name).or_default();
                sum.iter_mut().zip(range).for_each(|(sum, end)| *sum += len as f64 * f64::from(end));
            }
            if examples >= wanted {
                break;
            }
        }
        ensure!(examples > 0, "no batch to look for ranges in");
        for (name, sum) in sums {
            for weights in [Some(&mut self.state.weights), self.state.ema.as_mut()].into_iter().flatten() {
                if let Some(range) = weights.0.get_mut(&format!("{name}.range")) {
                    range.values = sum.map(|sum| (sum / examples as f64) as f32).to_vec();
                }
            }
        }
        self.judge_start(&format!("ranges from {examples} training {}", T::EXAMPLES))
    }

    /// Begins with weights `taken` from another net, which later epochs have to be better than.
    ///
    /// # Errors
    /// When a batch cannot be made or a checkpoint cannot be written.
    pub fn initialise_from(&mut self, taken: &TransferReport) -> Result<()> {
        let pixels = self.pixels(self.task.batches(0).make(0)?);
        init::recalibrate_batch_norm(&self.net, &mut self.state.weights, taken, &pixels, self.engine.fast());
        self.state.ema = self.state.ema.take().map(|_| self.state.weights.clone());
        // A quantised run is judged when it knows its ranges.
        if self.net.is_quantized() { Ok(()) } else { self.judge_start("before the first epoch") }
    }

    fn pixels(&self, batch: Batch<T::Targets>) -> Tensor<4> {
        let [_, channels, height, width] = self.config.input().shape();
        let pixels = TensorData::new(batch.pixels, [batch.len, channels, height, width]);
        Tensor::from_data(pixels, &self.engine.scoring())
    }
}

/// At most `wanted` inputs of a batch. Its targets stay whole: nothing is learned from them here.
fn first_of<T>(mut batch: Batch<T>, wanted: usize) -> Batch<T> {
    let each = batch.pixels.len() / batch.len.max(1);
    batch.len = batch.len.min(wanted);
    batch.pixels.truncate(batch.len * each);
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_inputs_are_taken_than_are_wanted() {
        let batch = Batch { pixels: vec![1.0, 1.5, 2.0, 2.5, 3.0, 3.5], len: 3, targets: () };
        let two = Batch { pixels: vec![1.0, 1.5, 2.0, 2.5], len: 2, targets: () };
        assert_eq!(first_of(batch.clone(), 2), two);
        assert_eq!(first_of(batch.clone(), 64), batch);
    }
}
