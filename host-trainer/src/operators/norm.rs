//! Batch normalisation over the channels of NCHW slices (Ioffe and Szegedy 2015), with an optional ReLU fused behind it.

use super::mask::passes;
use rayon::prelude::*;
use std::sync::Arc;

/// Shape of a batch: `[batch, channels, positions]`, positions being rows times columns (1 for a vector).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormShape {
    /// Pictures.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Rows times columns.
    pub positions: usize,
}

/// Mean and biased variance of each channel over batch and positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Per channel.
    pub mean: Vec<f32>,
    /// Per channel, biased (divided by the count).
    pub variance: Vec<f32>,
}

/// What a batch normalisation needs besides its tensors.
#[derive(Clone, Debug)]
pub struct Normalization {
    /// Statistics of the very batch that is normalised; the gradient flows through them.
    pub statistics: Arc<Statistics>,
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether a ReLU follows at once.
    pub relu: bool,
}

/// Gradients with respect to input, gamma and beta.
pub type Gradients = (Vec<f32>, Vec<f32>, Vec<f32>);

impl NormShape {
    fn picture(&self) -> usize {
        self.channels * self.positions
    }

    /// The run of `positions` values of `channel` in each picture.
    fn runs<'a>(&self, data: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (from, len) = (channel * self.positions, self.positions);
        data.chunks_exact(self.picture()).map(move |picture| &picture[from..from + len])
    }

    fn count(&self) -> f32 {
        (self.batch * self.positions) as f32
    }

    /// Pictures one task takes, so that each thread gets a few.
    fn pictures_per_task(&self) -> usize {
        self.batch.div_ceil(rayon::current_num_threads() * 4).max(1)
    }
}

/// Sums that are kept side by side, so that they need not wait for each other and fit vector registers.
const LANES: usize = 16;

/// Sum of `f` over a run.
fn sum(run: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    for chunk in run.chunks(LANES) {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += f(*x);
        }
    }
    sums.iter().sum()
}

/// Sums of both results of `f` over two runs of one length.
fn sum_pairs(run: &[f32], other: &[f32], f: impl Fn(f32, f32) -> (f32, f32)) -> (f32, f32) {
    let (mut first, mut second) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (chunk, other) in run.chunks(LANES).zip(other.chunks(LANES)) {
        for (((first, second), x), y) in first.iter_mut().zip(&mut second).zip(chunk).zip(other) {
            let (a, b) = f(*x, *y);
            *first += a;
            *second += b;
        }
    }
    (first.iter().sum(), second.iter().sum())
}

/// Batch statistics of `[N, C, positions]`.
pub fn statistics(input: &[f32], shape: NormShape) -> Statistics {
    let (mean, variance) = (0..shape.channels)
        .into_par_iter()
        .map(|channel| {
            let mean_of = |f: &dyn Fn(&[f32]) -> f32| {
                let total: f64 = shape.runs(input, channel).map(|run| f64::from(f(run))).sum();
                (total / f64::from(shape.count())) as f32
            };
            let mean = mean_of(&|run| sum(run, |x| x));
            (mean, mean_of(&|run| sum(run, |x| (x - mean) * (x - mean))))
        })
        .unzip();
    Statistics { mean, variance }
}

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` as one multiply and one add per channel.
fn affine(gamma: &[f32], beta: &[f32], how: &Normalization) -> Vec<(f32, f32)> {
    let Normalization { statistics, epsilon, .. } = how;
    gamma
        .iter()
        .zip(beta)
        .zip(statistics.mean.iter().zip(&statistics.variance))
        .map(|((gamma, beta), (mean, variance))| {
            let scale = gamma / (variance + epsilon).sqrt();
            (scale, beta - mean * scale)
        })
        .collect()
}

/// Normalises `[N, C, positions]`; with `relu`, negative results become zero.
pub fn forward(input: &[f32], gamma: &[f32], beta: &[f32], how: &Normalization, shape: NormShape) -> Vec<f32> {
    let affine = affine(gamma, beta, how);
    let floor = if how.relu { 0.0 } else { f32::NEG_INFINITY };
    let mut output = vec![0.0; input.len()];
    let task = shape.pictures_per_task() * shape.picture();
    output.par_chunks_mut(task).zip(input.par_chunks(task)).for_each(|(output, input)| {
        let runs = output.chunks_exact_mut(shape.positions).zip(input.chunks_exact(shape.positions));
        for ((out, run), &(scale, shift)) in runs.zip(affine.iter().cycle()) {
            for (o, x) in out.iter_mut().zip(run) {
                *o = (x * scale + shift).max(floor);
            }
        }
    });
    output
}

/// Gradients of [`forward`] when the statistics are those of `input` itself.
pub fn backward(
    input: &[f32],
    gamma: &[f32],
    beta: &[f32],
    how: &Normalization,
    output_gradient: &[f32],
    shape: NormShape,
) -> Gradients {
    let Normalization { statistics, epsilon, relu } = how;
    let affine = affine(gamma, beta, how);
    let floor = if *relu { 0.0 } else { f32::NEG_INFINITY };
    let (gamma_gradient, beta_gradient): (Vec<f32>, Vec<f32>) = (0..shape.channels)
        .into_par_iter()
        .map(|channel| {
            let (scale, shift) = affine[channel];
            let mean = statistics.mean[channel];
            let deviation = (statistics.variance[channel] + epsilon).sqrt();
            let (mut products, mut sums) = (0.0f64, 0.0f64);
            for (run, gradient) in shape.runs(input, channel).zip(shape.runs(output_gradient, channel)) {
                let (sum, product) = sum_pairs(run, gradient, |x, g| {
                    let passed = passes(x * scale + shift > floor, g);
                    (passed, passed * (x - mean))
                });
                sums += f64::from(sum);
                products += f64::from(product);
            }
            ((products / f64::from(deviation)) as f32, sums as f32)
        })
        .unzip();

    let mut input_gradient = vec![0.0; input.len()];
    let count = shape.count();
    let coefficients: Vec<(f32, f32)> = (0..shape.channels)
        .map(|channel| {
            let deviation = (statistics.variance[channel] + epsilon).sqrt();
            (gamma_gradient[channel] / (count * deviation), beta_gradient[channel] / count)
        })
        .collect();
    let task = shape.pictures_per_task() * shape.picture();
    input_gradient.par_chunks_mut(task).zip(input.par_chunks(task)).zip(output_gradient.par_chunks(task)).for_each(
        |((target, input), gradient)| {
            let positions = shape.positions;
            let runs = target
                .chunks_exact_mut(positions)
                .zip(input.chunks_exact(positions).zip(gradient.chunks_exact(positions)));
            for (index, (target, (input, gradient))) in runs.enumerate() {
                let channel = index % shape.channels;
                let (scale, shift) = affine[channel];
                let (along, constant) = coefficients[channel];
                let mean = statistics.mean[channel];
                for ((t, x), g) in target.iter_mut().zip(input).zip(gradient) {
                    let passed = passes(x * scale + shift > floor, *g);
                    *t = scale * (passed - constant - (x - mean) * along);
                }
            }
        },
    );
    (input_gradient, gamma_gradient, beta_gradient)
}
