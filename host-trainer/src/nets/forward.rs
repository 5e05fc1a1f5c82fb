//! The forward pass: runs a net on burn tensors, for training and for scoring.
//!
//! Deferred rescaling: where a normalisation follows a ReLU, as in `lenet`, the exported net has no such layer. Its scale and shift are
//! folded into the next convolution, whose input is then the ReLU's 8-bit output as it is. Quantisation-aware training must compute
//! the same: rescaling at once would leave the 8-bit grid, and round the wrong weights. So the pass applies signs only, carries scale and
//! shift along as `Pending`, through max-pooling and dropout, which commute with a scale that is not negative, and has the next
//! convolution fold them into its weights before these are rounded. A dense layer stays float: it gets its input rescaled.

use super::QuantParamsSource;
use super::fake_quantize::{self, Pending};
use super::tensors::Tensors;
use super::{Net, Node, Op};
use crate::operators::norm::Statistics;
use crate::operators::{self, Convolution, Normalization, reference};
use burn::tensor::{Tensor, TensorData, activation};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A training step's pass: where dropout draws from, and what stands still.
pub struct Training<'a> {
    /// Source of dropout's choices.
    pub random: &'a mut ChaCha8Rng,
    /// These first stages behave as at inference.
    pub frozen_stages: usize,
    /// Whether running statistics, through which no gradient flows, and ranges are frozen.
    pub frozen_statistics: bool,
}

/// What a pass gives.
pub struct Pass {
    /// `[N, labels]`, before softmax; of a face net its maps, `[N, maps * rows * columns]`.
    pub logits: Tensor<2>,
    /// Batch statistics by the name of their normalisation, with the number of values per channel; empty at inference.
    pub statistics: Vec<(String, BatchStatistics, usize)>,
    /// Smallest and largest value, `[2]`, that reached each observer, a [`Op::Quantize`] layer; empty at inference and
    /// once statistics are frozen.
    pub ranges: Vec<(String, Tensor<1>)>,
}

/// Mean and biased variance of a batch, where the operator left them.
pub enum BatchStatistics {
    /// In this process.
    Here(Arc<Statistics>),
    /// On the device: mean and variance, `[C]`.
    There(Box<[Tensor<1>; 2]>),
}

impl BatchStatistics {
    /// Mean and variance.
    pub fn read(self) -> [Vec<f32>; 2] {
        match self {
            BatchStatistics::Here(of_batch) => [of_batch.mean.clone(), of_batch.variance.clone()],
            BatchStatistics::There(both) => both.map(|one| one.into_data().try_to_vec().unwrap_or_default()),
        }
    }
}

/// Runs `[N, C, H, W]` real-valued pictures through the net.
pub fn forward(net: &Net, tensors: &Tensors, input: Tensor<4>, mut training: Option<Training<'_>>) -> Pass {
    let (batch, fast) = (input.dims()[0], tensors.fast);
    let observing = training.as_ref().map_or(tensors.quant_params.is_none(), |training| !training.frozen_statistics);
    let (mut pending, mut ranges): (Vec<Option<Pending>>, _) = (vec![None; net.nodes.len()], vec![]);
    let mut values: Vec<Option<Tensor<4>>> = vec![None; net.nodes.len()];
    let mut statistics = Vec::new();
    let mut input = Some(input);
    for (index, node) in net.nodes.iter().enumerate() {
        let take = |at: usize| values[node.inputs[at]].clone();
        let of_batch =
            |norm: &Node| training.as_ref().is_some_and(|t| !t.frozen_statistics && norm.stage > t.frozen_stages);
        let waiting = node.inputs.first().and_then(|&input| pending[input].clone());
        let value = match (&node.op, node.inputs.first().and_then(|_| take(0))) {
            (Op::Input, _) => input.take(),
            (_, None) => None,
            (Op::Conv { .. }, Some(x)) if tensors.quant_params.is_some() && !net.is_last(index) => {
                let folded = net.norm_behind(index).filter(|&norm| !of_batch(&net.nodes[norm]));
                let relu = relu_follows(net, folded.unwrap_or(index));
                Some(fake_quantize::convolution(net, tensors, index, x, folded, waiting, relu))
            }
            (Op::Conv { stride, padding, bias, out, .. }, Some(x)) => {
                let kernel = net.parameters_of(node)[0].shape.clone();
                let weight = tensors.flat(node, "weight").reshape([kernel[0], kernel[1], kernel[2], kernel[3]]);
                let bias = if *bias { tensors.flat(node, "bias") } else { Tensor::zeros([*out], &weight.device()) };
                let how = Convolution { stride: *stride, padding: *padding, relu: relu_follows(net, index) };
                Some(if fast {
                    operators::conv2d(x, weight, bias, how)
                } else {
                    reference::conv2d(x, weight, bias, how)
                })
            }
            (Op::BatchNorm { epsilon, .. }, Some(x)) => {
                let (gamma, beta) = (tensors.flat(node, "gamma"), tensors.flat(node, "beta"));
                let relu = relu_follows(net, index);
                let before = net.quantize_before(index).and_then(|before| tensors.quant_params(&net.nodes[before]));
                if let Some(params) = before {
                    let (x, rest) = fake_quantize::signed(tensors, node, *epsilon, params, x);
                    pending[index] = Some(rest);
                    Some(x)
                } else if of_batch(node) {
                    let [_, _, height, width] = x.dims();
                    let (y, of_batch) = if fast {
                        let (y, statistics) = operators::batch_norm(x, gamma, beta, *epsilon, relu);
                        (y, BatchStatistics::Here(statistics))
                    } else {
                        let (y, mean, variance) = reference::batch_norm(x, gamma, beta, *epsilon, relu);
                        (y, BatchStatistics::There(Box::new([mean, variance])))
                    };
                    statistics.push((node.name.clone(), of_batch, batch * height * width));
                    Some(y)
                } else if tensors.quant_params.is_some()
                    && net.norm_behind(node.inputs[0]) == Some(index)
                    && convolves(net, node)
                {
                    Some(x)
                } else {
                    let read =
                        |what: &str| tensors.flat(node, what).into_data().try_to_vec::<f32>().unwrap_or_default();
                    let running = Statistics { mean: read("mean"), variance: read("variance") };
                    // Our own normalisation's gradient is that of batch statistics.
                    Some(if fast && training.is_none() {
                        let how = Normalization { statistics: Arc::new(running), epsilon: *epsilon, relu };
                        operators::normalize(x, gamma, beta, how)
                    } else {
                        reference::normalize(x, gamma, beta, &running, *epsilon, relu)
                    })
                }
            }
            (Op::Relu, Some(x)) => Some(if relu_is_fused(net, index) { x } else { activation::relu(x) }),
            (Op::MaxPool { size }, Some(x)) => {
                pending[index] = waiting;
                Some(if fast { operators::max_pool(x, *size) } else { reference::max_pool(x, *size) })
            }
            (Op::Dropout(rate), Some(x)) => {
                pending[index] = waiting;
                Some(match &mut training {
                    Some(training) if *rate > 0.0 => dropout(x, *rate, training.random),
                    _ => x,
                })
            }
            (Op::Quantize(source), Some(x)) => {
                if observing && *source == QuantParamsSource::Observed {
                    ranges.push((node.name.clone(), range(&x, fast)));
                }
                Some(match tensors.quant_params(node) {
                    Some(params) => tensors.fake_quantize(x, params),
                    None => x,
                })
            }
            (Op::Add, Some(x)) => take(1).map(|y| x + y),
            (Op::GlobalAveragePool, Some(x)) => Some(x.mean_dim(3).mean_dim(2)),
            (Op::Flatten, Some(x)) => {
                let x = if let Some(rest) = waiting { rest.settle(x) } else { x };
                Some(x.reshape([batch, node.shape[0], 1, 1]))
            }
            (Op::Dense { out }, Some(x)) => {
                let features = net.nodes[node.inputs[0]].shape[0];
                let weight = tensors.flat(node, "weight").reshape([features, *out]);
                let bias = tensors.flat(node, "bias").reshape([1, *out]);
                let y = x.reshape([batch, features]).matmul(weight) + bias;
                Some(y.reshape([batch, *out, 1, 1]))
            }
        };
        values[index] = value;
        release(net, index, &mut values);
    }
    let classes = net.classes();
    let logits = values.pop().flatten().unwrap_or_else(|| Tensor::zeros([batch, classes, 1, 1], &Default::default()));
    Pass { logits: logits.reshape([batch, classes]), statistics, ranges }
}

/// Whether a normalisation directly follows a convolution.
fn convolves(net: &Net, norm: &Node) -> bool {
    matches!(net.nodes[norm.inputs[0]].op, Op::Conv { .. })
}

/// Smallest and largest value, `[2]`, without gradient.
fn range(x: &Tensor<4>, fast: bool) -> Tensor<1> {
    if fast {
        let device = x.device();
        return Tensor::from_data(operators::range(x.clone()), &device);
    }
    let x = x.clone().detach();
    Tensor::cat(vec![x.clone().min(), x.max()], 0)
}

/// Lets go of values that no later node reads, so that their memory is reused within the pass.
fn release(net: &Net, done: usize, values: &mut [Option<Tensor<4>>]) {
    for &input in &net.nodes[done].inputs {
        if !net.nodes[done + 1..].iter().any(|node| node.inputs.contains(&input)) {
            values[input] = None;
        }
    }
}

/// Whether the next node is this one's only reader and a ReLU, so that both run in one sweep.
fn relu_follows(net: &Net, index: usize) -> bool {
    let readers = net.nodes.iter().filter(|node| node.inputs.contains(&index)).count();
    readers == 1 && net.nodes.get(index + 1).is_some_and(|next| next.op == Op::Relu && next.inputs == [index])
}

fn relu_is_fused(net: &Net, index: usize) -> bool {
    let input = net.nodes[index].inputs[0];
    input + 1 == index
        && matches!(net.nodes[input].op, Op::Conv { .. } | Op::BatchNorm { .. })
        && relu_follows(net, input)
}

fn dropout(x: Tensor<4>, rate: f32, random: &mut ChaCha8Rng) -> Tensor<4> {
    let shape = x.dims();
    let kept = 1.0 / (1.0 - rate);
    let mask: Vec<f32> =
        (0..shape.iter().product()).map(|_| if random.random::<f32>() < rate { 0.0 } else { kept }).collect();
    let device = x.device();
    x * Tensor::<4>::from_data(TensorData::new(mask, shape), &device)
}
