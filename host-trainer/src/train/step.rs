//! One optimisation step: forward, loss, backward, update.

use super::backward::{self, Gradients};
use super::stopwatch::Stage;
use super::{Trainer, ema};
use crate::emotion::batches::Batch;
use crate::emotion::loss;
use crate::failure::{Kind, failure};
use crate::nets::forward::{self, Training};
use crate::nets::tensors::Tensors;
use crate::random::{Purpose, stream};
use anyhow::Result;
use burn::tensor::{Tensor, TensorData, activation};

impl Trainer {
    /// Learns from one batch and returns its loss, penalties included.
    pub(crate) fn step(&mut self, epoch: usize, step: usize, batch: &Batch, learning_rate: f64) -> Result<f64> {
        let (results, probabilities) = self.gradients(epoch, step, batch);
        let value = results.loss + self.config.optimizer.penalty(&self.state.weights);
        if !value.is_finite() {
            let (epoch, step) = (epoch + 1, step + 1);
            let advice = "try a smaller learning rate (--learning-rate)";
            let message = format!("the loss became {value} in epoch {epoch}, step {step}; {advice}");
            return Err(failure(Kind::Training, message));
        }
        let state = &mut self.state;
        self.config.optimizer.begin_step(&mut state.moments);
        for (name, gradient) in &results.by_parameter {
            let Some(weights) = state.weights.0.get_mut(name) else { continue };
            let gradient = gradient.as_slice::<f32>().unwrap_or_default();
            self.config.optimizer.update(&mut state.moments, name, weights, gradient, learning_rate);
        }
        let quantized = self.config.quantize.is_some();
        backward::follow(&self.net, &mut state.weights, &results, state.moments.steps, quantized);
        if let Some(averaged) = &mut state.average {
            ema::update(averaged, &state.weights, self.config.ema, state.moments.steps);
        }
        self.note(&probabilities, batch, value);
        self.stopwatch.lap(Stage::Update);
        Ok(value)
    }

    /// One pass forward and back. Everything is read back at once: on a graphics card each reading waits for all work so far.
    fn gradients(&mut self, epoch: usize, step: usize, batch: &Batch) -> (Gradients, Vec<f32>) {
        let device = self.engine.learning();
        let tensors = Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), self.config.freeze);
        let [channels, height, width] = {
            let input = self.config.input();
            [input.colour.channels(), input.height as usize, input.width as usize]
        };
        let pixels = TensorData::new(batch.pixels.clone(), [batch.len, channels, height, width]);
        let input = Tensor::<4>::from_data(pixels, &device);
        self.stopwatch.lap(Stage::Upload);

        let mut random = stream(Purpose::Dropout, self.config.seed, epoch as u64, step as u64);
        let frozen_statistics =
            self.config.quantize.as_ref().is_some_and(|quantization| epoch >= quantization.freeze_ranges_after);
        let training = Training { random: &mut random, frozen_stages: self.config.freeze, frozen_statistics };
        let forward::Pass { logits, statistics, ranges } = forward::forward(&self.net, &tensors, input, Some(training));
        let present = self.present_in(batch);
        let targets = loss::Targets::new(&batch.targets, &self.class_weights, self.config.label_smoothing, &present);
        let loss = loss::cross_entropy(logits.clone(), &targets, &device);
        self.stopwatch.lap(Stage::Forward);

        let gradients = loss.backward();
        self.stopwatch.lap(Stage::Backward);
        let softmax = activation::softmax(logits.inner(), 1);
        let found = backward::download(
            &self.net,
            &tensors,
            &gradients,
            [loss.inner(), softmax.flatten(0, 1)],
            statistics,
            ranges,
        );
        self.stopwatch.lap(Stage::Download);
        found
    }

    /// The labels of each picture's data set, of both sets where CutMix joined two; empty unless absent labels are masked.
    fn present_in(&self, batch: &Batch) -> Vec<Vec<bool>> {
        if self.present.is_empty() {
            return vec![];
        }
        let either = |(&own, &partner): (&usize, &usize)| -> Vec<bool> {
            self.present[own].iter().zip(&self.present[partner]).map(|(own, partner)| *own || *partner).collect()
        };
        batch.sources.iter().zip(&batch.partner_sources).map(either).collect()
    }

    /// Keeps what the epoch's training figures are made of.
    fn note(&mut self, probabilities: &[f32], batch: &Batch, loss: f64) {
        let running = &mut self.state.running;
        running.probabilities.extend_from_slice(probabilities);
        running.loss += loss * batch.len as f64;
        running.targets.extend(batch.targets.chunks_exact(self.net.classes()).map(dominant));
    }
}

/// The label with the largest share.
fn dominant(target: &[f32]) -> usize {
    (0..target.len()).max_by(|&a, &b| target[a].total_cmp(&target[b])).unwrap_or(0)
}
