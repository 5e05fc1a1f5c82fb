//! Runs a net on burn tensors, for training and for scoring.

use super::weights::Weights;
use super::{Net, Node, Op};
use crate::operators::norm::Statistics;
use crate::operators::{self, Convolution, Normalisation, burns};
use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A net's parameters on a device, each flattened to one axis; trainable ones collect gradients on an autodiff device.
pub struct Tensors {
    named: BTreeMap<String, Tensor<1>>,
    fast: bool,
}

impl Tensors {
    /// Copies weights to a device, where `fast` chooses our own operators; parameters of the first `frozen` stages take no part
    /// in training.
    pub fn new(net: &Net, weights: &Weights, device: &Device, fast: bool, frozen: usize) -> Self {
        let tensor = |name: &str| {
            let values = weights.values(name).to_vec();
            let len = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [len]), device)
        };
        let named = net
            .parameters()
            .into_iter()
            .map(|parameter| {
                let tensor = tensor(&parameter.name);
                let learns = device.is_autodiff() && parameter.trainable && parameter.stage > frozen;
                (parameter.name, if learns { tensor.require_grad() } else { tensor })
            })
            .collect();
        Tensors { named, fast }
    }

    /// The tensor of a parameter.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        self.named.get(name)
    }

    fn flat(&self, node: &Node, what: &str) -> Tensor<1> {
        self.named[&format!("{}.{what}", node.name)].clone()
    }
}

/// A training step's pass: where dropout draws from, and how many first stages are frozen.
pub struct Training<'a> {
    /// Source of dropout's choices.
    pub random: &'a mut ChaCha8Rng,
    /// These stages behave as at inference.
    pub frozen: usize,
}

/// What a pass gives.
pub struct Pass {
    /// `[N, labels]`, before softmax.
    pub logits: Tensor<2>,
    /// Batch statistics by the name of their normalisation, with the number of values per channel; empty at inference.
    pub statistics: Vec<(String, BatchStatistics, usize)>,
}

/// Mean and biased variance of a batch, where the operator left them.
pub enum BatchStatistics {
    /// In this process.
    Here(Arc<Statistics>),
    /// On the device: mean and variance, `[C]`.
    There(Box<[Tensor<1>; 2]>),
}

/// Runs `[N, C, H, W]` real-valued pictures through the net.
pub fn forward(net: &Net, tensors: &Tensors, input: Tensor<4>, mut training: Option<Training<'_>>) -> Pass {
    let (batch, fast) = (input.dims()[0], tensors.fast);
    let mut values: Vec<Option<Tensor<4>>> = vec![None; net.nodes.len()];
    let mut statistics = Vec::new();
    let mut input = Some(input);
    for (index, node) in net.nodes.iter().enumerate() {
        let take = |at: usize| values[node.inputs[at]].clone();
        let value = match (&node.op, node.inputs.first().and_then(|_| take(0))) {
            (Op::Input, _) => input.take(),
            (_, None) => None,
            (Op::Conv { stride, padding, bias, out, .. }, Some(x)) => {
                let kernel = net.parameters_of(node)[0].shape.clone();
                let weight = tensors.flat(node, "weight").reshape([kernel[0], kernel[1], kernel[2], kernel[3]]);
                let bias = if *bias { tensors.flat(node, "bias") } else { Tensor::zeros([*out], &weight.device()) };
                let how = Convolution { stride: *stride, padding: *padding, relu: relu_follows(net, index) };
                Some(if fast { operators::conv2d(x, weight, bias, how) } else { burns::conv2d(x, weight, bias, how) })
            }
            (Op::BatchNorm { epsilon, .. }, Some(x)) => {
                let (gamma, beta) = (tensors.flat(node, "gamma"), tensors.flat(node, "beta"));
                let relu = relu_follows(net, index);
                if training.as_ref().is_some_and(|training| node.stage > training.frozen) {
                    let [_, _, height, width] = x.dims();
                    let (y, of_batch) = if fast {
                        let (y, statistics) = operators::batch_norm(x, gamma, beta, *epsilon, relu);
                        (y, BatchStatistics::Here(statistics))
                    } else {
                        let (y, mean, variance) = burns::batch_norm(x, gamma, beta, *epsilon, relu);
                        (y, BatchStatistics::There(Box::new([mean, variance])))
                    };
                    statistics.push((node.name.clone(), of_batch, batch * height * width));
                    Some(y)
                } else {
                    let read =
                        |what: &str| tensors.flat(node, what).into_data().try_to_vec::<f32>().unwrap_or_default();
                    let running = Statistics { mean: read("mean"), variance: read("variance") };
                    Some(if fast {
                        let how = Normalisation { statistics: Arc::new(running), epsilon: *epsilon, relu };
                        operators::normalise(x, gamma, beta, how)
                    } else {
                        burns::normalise(x, gamma, beta, &running, *epsilon, relu)
                    })
                }
            }
            (Op::Relu, Some(x)) => Some(if relu_is_fused(net, index) { x } else { activation::relu(x) }),
            (Op::MaxPool { size }, Some(x)) if fast => Some(operators::max_pool(x, *size)),
            (Op::MaxPool { size }, Some(x)) => Some(burns::max_pool(x, *size)),
            (Op::Dropout(rate), Some(x)) => Some(match &mut training {
                Some(training) if *rate > 0.0 => dropout(x, *rate, training.random),
                _ => x,
            }),
            (Op::Add, Some(x)) => take(1).map(|y| x + y),
            (Op::GlobalAveragePool, Some(x)) => Some(x.mean_dim(3).mean_dim(2)),
            (Op::Flatten, Some(x)) => Some(x.reshape([batch, node.shape[0], 1, 1])),
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
    Pass { logits: logits.reshape([batch, classes]), statistics }
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
