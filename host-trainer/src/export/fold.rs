//! From a trained net to the layers that run on the device: normalisations folded away, dropout gone.
//!
//! At inference a normalisation is one multiplication and one addition a channel. On its own it would read and write the whole map once
//! more, and an 8-bit convolution could not end in 8 bits; folded into weights and bias it costs nothing.
//! A normalisation that directly follows a convolution or dense layer folds into that layer. Elsewhere (in `lenet` it follows
//! the ReLU and precedes the max-pooling) it is carried on as a per-channel scale and shift and folds into the *next*
//! convolution or dense layer. Max-pooling commutes with the scale only where that is not negative; a negative scale's sign
//! stays behind as a multiplication. In a quantised net the roundings stay where they are, and such a sign gets one of its own.

use crate::nets::weights::Weights;
use crate::nets::{Net, Node, Op};
use emotion_models::QuantParams;

/// One layer of the exported graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// The input tensor.
    Input,
    /// Convolution with weights `[O, C, K, K]` and bias `[O]`.
    Conv {
        /// `[O, C, K, K]`, row-major.
        weight: Vec<f32>,
        /// `[O]`.
        bias: Vec<f32>,
        /// Shape of the weights.
        shape: [usize; 4],
        /// Step, both axes.
        stride: usize,
        /// Zeros on each side.
        padding: usize,
    },
    /// `max(x, 0)`.
    Relu,
    /// Per channel `scale * x + shift`; the shift is left out when all zero.
    Affine {
        /// Per channel.
        scale: Vec<f32>,
        /// Per channel.
        shift: Vec<f32>,
    },
    /// Values rounded to those of an 8-bit grid.
    Quantize(QuantParams),
    /// Largest value of each whole `size x size` window.
    MaxPool {
        /// Rows, columns and step.
        size: usize,
    },
    /// Sum of two inputs.
    Add,
    /// Mean over rows and columns, flat.
    GlobalAveragePool,
    /// To one axis.
    Flatten,
    /// Fully connected: weights `[inputs, outputs]` and bias `[outputs]`.
    Dense {
        /// `[inputs, outputs]`, row-major.
        weight: Vec<f32>,
        /// `[outputs]`.
        bias: Vec<f32>,
    },
}

/// A layer, what it reads, and its output shape without the batch axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Name of the layer it came from.
    pub name: String,
    /// The work.
    pub layer: Layer,
    /// Indices of the steps it reads.
    pub inputs: Vec<usize>,
    /// `[C, H, W]` or `[features]`.
    pub shape: Vec<usize>,
}

/// Scale and shift per channel that still have to be applied to a step's output.
#[derive(Clone)]
struct Pending {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

struct Folder<'a> {
    net: &'a Net,
    weights: &'a Weights,
    steps: Vec<Step>,
    /// For each node: the step that computes it, and what is still to be applied to that.
    done: Vec<(usize, Option<Pending>)>,
}

/// Folds a net; `outputs` picks the logits (rows of the last dense layer) to keep, in that order.
///
/// The graph computes what the net computes at inference, up to rounding. Softmax is not part of it.
pub fn fold(net: &Net, weights: &Weights, outputs: &[usize]) -> Vec<Step> {
    let mut folder = Folder { net, weights, steps: vec![], done: vec![] };
    for index in 0..net.nodes.len() {
        folder.node(index);
    }
    let mut steps = folder.steps;
    if let Some(Step { layer: Layer::Dense { weight, bias }, shape, .. }) = steps.last_mut() {
        let all = bias.len();
        *weight = weight.chunks_exact(all).flat_map(|row| outputs.iter().map(|&o| row[o])).collect();
        *bias = outputs.iter().map(|&o| bias[o]).collect();
        *shape = vec![outputs.len()];
    }
    steps
}

impl Layer {
    /// Folds `scale` and `shift` per output channel into weights and bias; false where the layer has none.
    fn scale_and_shift(&mut self, scale: &[f32], shift: &[f32]) -> bool {
        let bias = match self {
            Layer::Conv { weight, bias, shape, .. } => {
                let taps = shape[1] * shape[2] * shape[3];
                for (row, scale) in weight.chunks_exact_mut(taps).zip(scale) {
                    row.iter_mut().for_each(|w| *w *= scale);
                }
                bias
            }
            Layer::Dense { weight, bias } => {
                for row in weight.chunks_exact_mut(scale.len()) {
                    row.iter_mut().zip(scale).for_each(|(w, scale)| *w *= scale);
                }
                bias
            }
            _ => return false,
        };
        bias.iter_mut().zip(scale.iter().zip(shift)).for_each(|(b, (scale, shift))| *b = *b * scale + shift);
        true
    }
}

impl Folder<'_> {
    fn values(&self, node: &Node, what: &str) -> Vec<f32> {
        self.weights.values(&format!("{}.{what}", node.name)).to_vec()
    }

    fn push(&mut self, name: &str, layer: Layer, inputs: Vec<usize>, shape: &[usize]) -> usize {
        self.steps.push(Step { name: name.into(), layer, inputs, shape: shape.to_vec() });
        self.steps.len() - 1
    }

    /// The step whose output is the node's value, with anything pending applied there and then.
    fn settled(&mut self, node: usize) -> usize {
        let (step, pending) = self.done[node].clone();
        let Some(Pending { scale, shift }) = pending else { return step };
        let shape = self.steps[step].shape.clone();
        let name = format!("{}.affine", self.net.nodes[node].name);
        let affine = self.push(&name, Layer::Affine { scale, shift }, vec![step], &shape);
        self.done[node] = (affine, None);
        affine
    }

    fn node(&mut self, index: usize) {
        let net = self.net;
        let node = &net.nodes[index];
        let done = match &node.op {
            Op::Input => self.settling(node, Layer::Input),
            Op::Conv { stride, padding, .. } => (self.conv(index, *stride, *padding), None),
            Op::Dense { out } => (self.dense(index, *out), None),
            Op::BatchNorm { epsilon, .. } => self.norm(index, *epsilon),
            Op::Dropout(_) => self.done[node.inputs[0]].clone(),
            Op::MaxPool { size } => self.carrying(node, Layer::MaxPool { size: *size }),
            Op::Flatten => {
                let (step, pending) = self.carrying(node, Layer::Flatten);
                let spread = |values: Vec<f32>| -> Vec<f32> {
                    let positions = node.shape[0] / values.len();
                    values.into_iter().flat_map(|value| std::iter::repeat_n(value, positions)).collect()
                };
                (step, pending.map(|p| Pending { scale: spread(p.scale), shift: spread(p.shift) }))
            }
            Op::GlobalAveragePool => self.carrying(node, Layer::GlobalAveragePool),
            Op::Relu => self.settling(node, Layer::Relu),
            Op::Quantize(source) => {
                let params = self.weights.quant_params(node, *source);
                self.settling(node, Layer::Quantize(params))
            }
            Op::Add => self.settling(node, Layer::Add),
        };
        self.done.push(done);
    }

    /// A layer that commutes with what is pending, which stays so.
    fn carrying(&mut self, node: &Node, layer: Layer) -> (usize, Option<Pending>) {
        let (step, pending) = self.done[node.inputs[0]].clone();
        (self.push(&node.name, layer, vec![step], &node.shape), pending)
    }

    /// A layer before which anything pending is applied.
    fn settling(&mut self, node: &Node, layer: Layer) -> (usize, Option<Pending>) {
        let inputs = node.inputs.iter().map(|&input| self.settled(input)).collect();
        (self.push(&node.name, layer, inputs, &node.shape), None)
    }

    fn conv(&mut self, index: usize, stride: usize, padding: usize) -> usize {
        let node = &self.net.nodes[index];
        let input = node.inputs[0];
        // Padding zeros are zeros of the normalised value: a shift cannot move past them.
        let shifts = self.done[input].1.as_ref().is_some_and(|p| padding > 0 && p.shift.iter().any(|&s| s != 0.0));
        if shifts {
            self.settled(input);
        }
        let (step, pending) = self.done[input].clone();
        let out = node.shape[0];
        let parameters = self.net.parameters_of(node);
        let shape = [out, parameters[0].shape[1], parameters[0].shape[2], parameters[0].shape[3]];
        let mut weight = self.values(node, "weight");
        let mut bias = self.values(node, "bias");
        bias.resize(out, 0.0);
        if let Some(Pending { scale, shift }) = pending {
            let taps = shape[2] * shape[3];
            for (row, bias) in weight.chunks_exact_mut(shape[1] * taps).zip(&mut bias) {
                let mut moved = 0.0f64;
                for (kernel, (scale, shift)) in row.chunks_exact_mut(taps).zip(scale.iter().zip(&shift)) {
                    moved += kernel.iter().map(|w| f64::from(*w)).sum::<f64>() * f64::from(*shift);
                    kernel.iter_mut().for_each(|w| *w *= scale);
                }
                *bias += moved as f32;
            }
        }
        let layer = Layer::Conv { weight, bias, shape, stride, padding };
        self.push(&node.name, layer, vec![step], &node.shape)
    }

    fn dense(&mut self, index: usize, out: usize) -> usize {
        let node = &self.net.nodes[index];
        let (step, pending) = self.done[node.inputs[0]].clone();
        let mut weight = self.values(node, "weight");
        let mut bias = self.values(node, "bias");
        if let Some(Pending { scale, shift }) = pending {
            let mut moved: Vec<f64> = vec![0.0; out];
            for (row, (scale, shift)) in weight.chunks_exact_mut(out).zip(scale.iter().zip(&shift)) {
                for (w, moved) in row.iter_mut().zip(&mut moved) {
                    *moved += f64::from(*w) * f64::from(*shift);
                    *w *= scale;
                }
            }
            bias.iter_mut().zip(&moved).for_each(|(bias, moved)| *bias += *moved as f32);
        }
        self.push(&node.name, Layer::Dense { weight, bias }, vec![step], &node.shape)
    }

    fn norm(&mut self, index: usize, epsilon: f32) -> (usize, Option<Pending>) {
        let node = &self.net.nodes[index];
        let input = node.inputs[0];
        let (gamma, beta) = (self.values(node, "gamma"), self.values(node, "beta"));
        let (mean, variance) = (self.values(node, "mean"), self.values(node, "variance"));
        let scale: Vec<f32> =
            gamma.iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
        let shift: Vec<f32> =
            beta.iter().zip(mean.iter().zip(&scale)).map(|(beta, (mean, scale))| beta - mean * scale).collect();
        let readers = self.net.nodes.iter().filter(|other| other.inputs.contains(&input)).count();
        let (step, pending) = (self.done[input].0, self.done[input].1.is_some());
        if readers == 1 && !pending && self.steps[step].layer.scale_and_shift(&scale, &shift) {
            return (step, None);
        }
        let mut step = self.settled(input);
        if scale.iter().any(|&scale| scale < 0.0) {
            let signs = scale.iter().map(|scale| 1f32.copysign(*scale)).collect();
            let name = format!("{}.sign", node.name);
            let layer = Layer::Affine { scale: signs, shift: vec![0.0; scale.len()] };
            let params = match self.steps[step].layer {
                Layer::Quantize(params) => Some(params.symmetric()),
                _ => None,
            };
            step = self.push(&name, layer, vec![step], &node.shape);
            if let Some(params) = params {
                step = self.push(&format!("{name}.quantized"), Layer::Quantize(params), vec![step], &node.shape);
            }
        }
        (step, Some(Pending { scale: scale.iter().map(|scale| scale.abs()).collect(), shift }))
    }
}
