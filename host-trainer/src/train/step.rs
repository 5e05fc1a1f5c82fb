//! One optimisation step: forward, loss, backward, update.

use super::{Trainer, average, loss};
use crate::batches::Batch;
use crate::failure::{Kind, failure};
use crate::nets::Op;
use crate::nets::forward::{self, Pass, Tensors, Training};
use crate::random::{Purpose, stream};
use anyhow::Result;
use burn::tensor::{Tensor, TensorData, activation};

impl Trainer {
    /// Learns from one batch and returns its loss, penalties included.
    pub(super) fn step(&mut self, epoch: usize, step: usize, batch: &Batch, learning_rate: f64) -> Result<f64> {
        let tensors = Tensors::new(&self.net, &self.state.weights, &self.device, self.config.freeze);
        let [channels, height, width] = {
            let input = self.config.input();
            [input.colour.channels(), input.height as usize, input.width as usize]
        };
        let pixels = TensorData::new(batch.pixels.clone(), [batch.len, channels, height, width]);
        let input = Tensor::<4>::from_data(pixels, &self.device);
        let mut random = stream(Purpose::Dropout, self.config.seed, epoch as u64, step as u64);
        let training = Training { random: &mut random, frozen: self.config.freeze };
        let pass = forward::forward(&self.net, &tensors, input, Some(training));

        let present = self.present_in(batch);
        let targets = loss::Targets::new(&batch.targets, &self.class_weights, self.config.label_smoothing, &present);
        let loss = loss::cross_entropy(pass.logits.clone(), &targets, &self.device);
        let data = loss.clone().into_data();
        let value = f64::from(data.as_slice::<f32>().map_or(f32::NAN, |values| values[0]));
        let value = value + self.config.optimizer.penalty(&self.state.weights);
        if !value.is_finite() {
            let (epoch, step) = (epoch + 1, step + 1);
            let advice = "try a smaller learning rate (--learning-rate)";
            let message = format!("the loss became {value} in epoch {epoch}, step {step}; {advice}");
            return Err(failure(Kind::Training, message));
        }
        let gradients = loss.backward();

        let state = &mut self.state;
        self.config.optimizer.begin_step(&mut state.moments);
        for parameter in self.net.parameters() {
            let Some(gradient) = tensors.get(&parameter.name).and_then(|tensor| tensor.grad(&gradients)) else {
                continue;
            };
            let gradient = gradient.into_data();
            let Some(weights) = state.weights.0.get_mut(&parameter.name) else { continue };
            let gradient = gradient.as_slice::<f32>().unwrap_or_default();
            self.config.optimizer.update(&mut state.moments, &parameter.name, weights, gradient, learning_rate);
        }
        self.update_running_statistics(&pass);
        let state = &mut self.state;
        if let Some(averaged) = &mut state.average {
            average::update(averaged, &state.weights, self.config.average, state.moments.steps);
        }
        self.note(&pass, batch, value);
        Ok(value)
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

    /// Moves each normalisation's running mean and unbiased variance towards the batch's. The first steps average all batches
    /// alike: with Keras' momentum of 0.99 the start values would else weigh for hundreds of steps, and validation, which sees
    /// them, would call the first epochs a plateau.
    fn update_running_statistics(&mut self, pass: &Pass) {
        let steps = self.state.moments.steps.max(1) as f32;
        for (name, statistics, count) in &pass.statistics {
            let node = self.net.nodes.iter().find(|node| node.name == *name);
            let Some(Op::BatchNorm { momentum, .. }) = node.map(|node| &node.op) else { continue };
            let momentum = momentum.min((steps - 1.0) / steps);
            let unbiased = *count as f32 / (*count as f32 - 1.0).max(1.0);
            for (what, values, factor) in
                [("mean", &statistics.mean, 1.0), ("variance", &statistics.variance, unbiased)]
            {
                if let Some(running) = self.state.weights.0.get_mut(&format!("{name}.{what}")) {
                    for (running, value) in running.values.iter_mut().zip(values) {
                        *running = momentum * *running + (1.0 - momentum) * factor * value;
                    }
                }
            }
        }
    }

    /// Keeps what the epoch's training figures are made of.
    fn note(&mut self, pass: &Pass, batch: &Batch, loss: f64) {
        let probabilities = activation::softmax(pass.logits.clone(), 1).into_data();
        let running = &mut self.state.running;
        running.probabilities.extend_from_slice(probabilities.as_slice::<f32>().unwrap_or_default());
        running.loss += loss * batch.len as f64;
        running.targets.extend(batch.targets.chunks_exact(self.net.classes()).map(dominant));
    }
}

/// The label with the largest share.
fn dominant(target: &[f32]) -> usize {
    (0..target.len()).max_by(|&a, &b| target[a].total_cmp(&target[b])).unwrap_or(0)
}
