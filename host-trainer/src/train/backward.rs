//! What every task's step shares: gradients from the device, and statistics that follow the batches.

use crate::nets::forward::BatchStatistics;
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::nets::{Net, Op};
use burn::tensor::{Gradients as Tape, Tensor, TensorData, Transaction};

/// What comes back from the device after a step.
pub struct Gradients {
    /// Without penalties.
    pub loss: f64,
    /// By parameter; those without one are frozen.
    pub by_parameter: Vec<(String, TensorData)>,
    /// Mean and biased variance by normalisation, with the number of values per channel.
    statistics: Vec<(String, [Vec<f32>; 2], usize)>,
    /// Smallest and largest value by the layer that rounds them.
    ranges: Vec<(String, TensorData)>,
}

/// Share of a quantised run's running statistics and ranges that each step keeps. Jacob et al. 2018 (section 3.1) ask for one
/// close to 1, so that ranges are smooth over many steps; 0.99 is PyTorch's (`MovingAverageMinMaxObserver`).
const KEPT_WHEN_QUANTIZED: f32 = 0.99;

/// Reads everything back at once: on a graphics card each reading waits for all work so far. `seen`, whatever else
/// of the pass is of interest, comes back as it is.
pub fn download(
    net: &Net,
    tensors: &Tensors,
    tape: &Tape,
    loss: Tensor<1>,
    seen: Option<Tensor<1>>,
    statistics: Vec<(String, BatchStatistics, usize)>,
    ranges: Vec<(String, Tensor<1>)>,
) -> (Gradients, Vec<f32>) {
    let sees = seen.is_some();
    let mut transaction = [loss].into_iter().chain(seen).fold(Transaction::default(), Transaction::register);
    let mut names = vec![];
    for parameter in net.parameters() {
        if let Some(gradient) = tensors.get(&parameter.name).and_then(|tensor| tensor.grad(tape)) {
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
    let seen = if sees { next().try_to_vec().unwrap_or_default() } else { vec![] };
    let found = Gradients {
        loss: f64::from(loss.as_slice::<f32>().ok().and_then(|values| values.first().copied()).unwrap_or(f32::NAN)),
        by_parameter: names.into_iter().map(|name| (name, next())).collect(),
        statistics: statistics
            .into_iter()
            .map(|(name, of_batch, count)| match of_batch {
                BatchStatistics::Here(of_batch) => (name, [of_batch.mean.clone(), of_batch.variance.clone()], count),
                BatchStatistics::There(_) => {
                    (name, [next(), next()].map(|data| data.try_to_vec().unwrap_or_default()), count)
                }
            })
            .collect(),
        ranges: ranges.into_iter().map(|(name, _)| (name, next())).collect(),
    };
    (found, seen)
}

/// Moves each normalisation's running mean and unbiased variance, and each activation's range, towards the batch's. The first of
/// the `steps` average all batches alike, so that the values they start with do not linger; a quantised run starts with good ones.
pub fn follow(net: &Net, weights: &mut Weights, found: &Gradients, steps: u64, quantized: bool) {
    let steps = steps.max(1) as f32;
    for (name, [mean, variance], count) in &found.statistics {
        let node = net.nodes.iter().find(|node| node.name == *name);
        let Some(Op::BatchNorm { momentum, .. }) = node.map(|node| &node.op) else { continue };
        let momentum = if quantized { KEPT_WHEN_QUANTIZED } else { momentum.min((steps - 1.0) / steps) };
        let unbiased = *count as f32 / (*count as f32 - 1.0).max(1.0);
        for (what, values, factor) in [("mean", mean, 1.0), ("variance", variance, unbiased)] {
            if let Some(running) = weights.0.get_mut(&format!("{name}.{what}")) {
                for (running, value) in running.values.iter_mut().zip(values) {
                    *running = momentum * *running + (1.0 - momentum) * factor * value;
                }
            }
        }
    }
    for (name, range) in &found.ranges {
        let Some(running) = weights.0.get_mut(&format!("{name}.range")) else { continue };
        for (running, end) in running.values.iter_mut().zip(range.as_slice::<f32>().unwrap_or_default()) {
            *running = KEPT_WHEN_QUANTIZED * *running + (1.0 - KEPT_WHEN_QUANTIZED) * end;
        }
    }
}
