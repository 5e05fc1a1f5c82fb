//! One optimisation step: forward, loss, backward, update.

use super::clock::Stage;
use super::{Trainer, average, loss};
use crate::batches::Batch;
use crate::failure::{Kind, failure};
use crate::nets::Op;
use crate::nets::forward::{self, BatchStatistics, Pass, Tensors, Training};
use crate::random::{Purpose, stream};
use anyhow::Result;
use burn::tensor::{Tensor, TensorData, Transaction, activation};

/// What comes back from the device after a step.
struct Results {
    loss: f64,
    /// `[N, labels]`.
    probabilities: TensorData,
    /// By parameter; those without one are frozen.
    gradients: Vec<(String, TensorData)>,
    /// Mean and biased variance by normalisation, with the number of values per channel.
    statistics: Vec<(String, [Vec<f32>; 2], usize)>,
    /// Smallest and largest value by the layer that rounds them.
    ranges: Vec<(String, TensorData)>,
}

/// Share of a quantised run's running statistics and ranges that each step keeps. Jacob et al. 2018 (section 3.1) ask for one
/// close to 1, so that ranges are smooth over many steps; 0.99 is PyTorch's (`MovingAverageMinMaxObserver`).
const KEPT_WHEN_QUANTIZED: f32 = 0.99;

impl Trainer {
    /// Learns from one batch and returns its loss, penalties included.
    pub(crate) fn step(&mut self, epoch: usize, step: usize, batch: &Batch, learning_rate: f64) -> Result<f64> {
        let results = self.gradients(epoch, step, batch);
        let value = results.loss + self.config.optimizer.penalty(&self.state.weights);
        if !value.is_finite() {
            let (epoch, step) = (epoch + 1, step + 1);
            let advice = "try a smaller learning rate (--learning-rate)";
            let message = format!("the loss became {value} in epoch {epoch}, step {step}; {advice}");
            return Err(failure(Kind::Training, message));
        }
        let state = &mut self.state;
        self.config.optimizer.begin_step(&mut state.moments);
        for (name, gradient) in &results.gradients {
            let Some(weights) = state.weights.0.get_mut(name) else { continue };
            let gradient = gradient.as_slice::<f32>().unwrap_or_default();
            self.config.optimizer.update(&mut state.moments, name, weights, gradient, learning_rate);
        }
        self.update_running_statistics(&results);
        self.update_ranges(&results);
        let state = &mut self.state;
        if let Some(averaged) = &mut state.average {
            average::update(averaged, &state.weights, self.config.average, state.moments.steps);
        }
        self.note(&results, batch, value);
        self.clock.lap(Stage::Update);
        Ok(value)
    }

    /// One pass forward and back. Everything is read back at once: on a graphics card each reading waits for all work so far.
    fn gradients(&mut self, epoch: usize, step: usize, batch: &Batch) -> Results {
        let device = self.engine.learning();
        let tensors = Tensors::new(&self.net, &self.state.weights, &device, self.engine.fast(), self.config.freeze);
        let [channels, height, width] = {
            let input = self.config.input();
            [input.colour.channels(), input.height as usize, input.width as usize]
        };
        let pixels = TensorData::new(batch.pixels.clone(), [batch.len, channels, height, width]);
        let input = Tensor::<4>::from_data(pixels, &device);
        self.clock.lap(Stage::Upload);

        let mut random = stream(Purpose::Dropout, self.config.seed, epoch as u64, step as u64);
        let settled = self.config.quantize.as_ref().is_some_and(|quantization| epoch >= quantization.settle_after);
        let training = Training { random: &mut random, frozen: self.config.freeze, settled };
        let Pass { logits, statistics, ranges } = forward::forward(&self.net, &tensors, input, Some(training));
        let present = self.present_in(batch);
        let targets = loss::Targets::new(&batch.targets, &self.class_weights, self.config.label_smoothing, &present);
        let loss = loss::cross_entropy(logits.clone(), &targets, &device);
        self.clock.lap(Stage::Forward);

        let gradients = loss.backward();
        self.clock.lap(Stage::Backward);

        let mut transaction =
            Transaction::default().register(loss.inner()).register(activation::softmax(logits.inner(), 1));
        let mut names = vec![];
        for parameter in self.net.parameters() {
            if let Some(gradient) = tensors.get(&parameter.name).and_then(|tensor| tensor.grad(&gradients)) {
                transaction = transaction.register(gradient);
                names.push(parameter.name);
            }
        }
        for (_, of_batch, _) in &statistics {
            if let BatchStatistics::There(both) = of_batch {
                transaction = both.iter().map(|one| one.clone().inner()).fold(transaction, Transaction::register);
            }
        }
        transaction = ranges.iter().map(|(_, range)| range.clone().inner()).fold(transaction, Transaction::register);
        let mut read = transaction.execute().into_iter();
        let mut next = || read.next().unwrap_or_else(|| TensorData::new(Vec::<f32>::new(), [0]));
        let loss = next();
        let results = Results {
            loss: f64::from(loss.as_slice::<f32>().ok().and_then(|values| values.first().copied()).unwrap_or(f32::NAN)),
            probabilities: next(),
            gradients: names.into_iter().map(|name| (name, next())).collect(),
            statistics: statistics
                .into_iter()
                .map(|(name, of_batch, count)| match of_batch {
                    BatchStatistics::Here(of_batch) => {
                        (name, [of_batch.mean.clone(), of_batch.variance.clone()], count)
                    }
                    BatchStatistics::There(_) => {
                        (name, [next(), next()].map(|data| data.try_to_vec().unwrap_or_default()), count)
                    }
                })
                .collect(),
            ranges: ranges.into_iter().map(|(name, _)| (name, next())).collect(),
        };
        self.clock.lap(Stage::Download);
        results
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
    /// alike, so that the values they start with do not linger; a quantised run starts with good ones.
    fn update_running_statistics(&mut self, results: &Results) {
        let steps = self.state.moments.steps.max(1) as f32;
        for (name, [mean, variance], count) in &results.statistics {
            let node = self.net.nodes.iter().find(|node| node.name == *name);
            let Some(Op::BatchNorm { momentum, .. }) = node.map(|node| &node.op) else { continue };
            let momentum = match self.config.quantize {
                Some(_) => KEPT_WHEN_QUANTIZED,
                None => momentum.min((steps - 1.0) / steps),
            };
            let unbiased = *count as f32 / (*count as f32 - 1.0).max(1.0);
            for (what, values, factor) in [("mean", mean, 1.0), ("variance", variance, unbiased)] {
                if let Some(running) = self.state.weights.0.get_mut(&format!("{name}.{what}")) {
                    for (running, value) in running.values.iter_mut().zip(values) {
                        *running = momentum * *running + (1.0 - momentum) * factor * value;
                    }
                }
            }
        }
    }

    /// Moves each activation's range towards the batch's.
    fn update_ranges(&mut self, results: &Results) {
        for (name, range) in &results.ranges {
            let Some(running) = self.state.weights.0.get_mut(&format!("{name}.range")) else { continue };
            for (running, end) in running.values.iter_mut().zip(range.as_slice::<f32>().unwrap_or_default()) {
                *running = KEPT_WHEN_QUANTIZED * *running + (1.0 - KEPT_WHEN_QUANTIZED) * end;
            }
        }
    }

    /// Keeps what the epoch's training figures are made of.
    fn note(&mut self, results: &Results, batch: &Batch, loss: f64) {
        let running = &mut self.state.running;
        running.probabilities.extend_from_slice(results.probabilities.as_slice::<f32>().unwrap_or_default());
        running.loss += loss * batch.len as f64;
        running.targets.extend(batch.targets.chunks_exact(self.net.classes()).map(dominant));
    }
}

/// The label with the largest share.
fn dominant(target: &[f32]) -> usize {
    (0..target.len()).max_by(|&a, &b| target[a].total_cmp(&target[b])).unwrap_or(0)
}
