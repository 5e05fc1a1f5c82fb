//! One optimisation step: forward, loss, backward, update.

use super::backward::{self, Gradients};
use super::ema;
use super::prefetch::Batch;
use super::stopwatch::Stage;
use super::trainer::Trainer;
use crate::failure::{Kind, failure};
use crate::nets::forward::{self, Training};
use crate::nets::tensors::Tensors;
use crate::random::{Purpose, stream};
use crate::task::Task;
use anyhow::Result;
use burn::tensor::{Tensor, TensorData};

impl<T: Task> Trainer<T> {
    /// Learns from one batch and returns its loss, penalties included.
    pub(crate) fn step(
        &mut self,
        epoch: usize,
        step: usize,
        batch: &Batch<T::Targets>,
        learning_rate: f64,
    ) -> Result<f64> {
        let (found, seen) = self.gradients(epoch, step, batch);
        let run = &self.config.run;
        let loss = found.loss + run.optimizer.penalty(&self.state.weights);
        if !loss.is_finite() {
            let (epoch, step) = (epoch + 1, step + 1);
            let advice = "try a smaller learning rate (--learning-rate)";
            return Err(failure(
                Kind::Training,
                format!("the loss became {loss} in epoch {epoch}, step {step}; {advice}"),
            ));
        }
        let state = &mut self.state;
        run.optimizer.begin_step(&mut state.moments);
        for (name, gradient) in &found.by_parameter {
            let Some(weights) = state.weights.0.get_mut(name) else { continue };
            let gradient = gradient.as_slice::<f32>().unwrap_or_default();
            run.optimizer.update(&mut state.moments, name, weights, gradient, learning_rate);
        }
        backward::follow(&self.net, &mut state.weights, &found, state.moments.steps, run.quantize.is_some());
        if let Some(ema) = &mut state.ema {
            ema::update(ema, &state.weights, run.ema, state.moments.steps);
        }
        self.task.sum(&mut state.running.sums, batch, loss, &seen);
        self.stopwatch.lap(Stage::Update);
        Ok(loss)
    }

    /// One pass forward and back. Everything is read back at once: on a graphics card each reading waits for all work so far.
    fn gradients(&mut self, epoch: usize, step: usize, batch: &Batch<T::Targets>) -> (Gradients, Vec<f32>) {
        let device = self.engine.learning();
        let frozen_stages = self.config.run.freeze;
        let tensors = Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), frozen_stages);
        let [_, channels, height, width] = self.config.input().shape();
        let pixels = TensorData::new(batch.pixels.clone(), [batch.len, channels, height, width]);
        let input = Tensor::<4>::from_data(pixels, &device);
        self.stopwatch.lap(Stage::Upload);

        let run = &self.config.run;
        let mut random = stream(Purpose::Dropout, run.seed, epoch as u64, step as u64);
        let frozen_statistics = run.quantize.as_ref().is_some_and(|quantize| epoch >= quantize.freeze_ranges_after);
        let training = Training { random: &mut random, frozen_stages, frozen_statistics };
        let forward::Pass { logits, statistics, ranges } = forward::forward(&self.net, &tensors, input, Some(training));
        let (loss, seen) = self.task.loss(logits, &batch.targets, &device);
        self.stopwatch.lap(Stage::Forward);

        let tape = loss.backward();
        self.stopwatch.lap(Stage::Backward);
        let found = backward::download(&self.net, &tensors, &tape, loss.inner(), seen, statistics, ranges);
        self.stopwatch.lap(Stage::Download);
        found
    }
}
