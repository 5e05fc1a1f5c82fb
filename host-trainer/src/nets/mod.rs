//! Networks as data: one list of layers that is summarised, trained, folded and exported by walking over it.

mod architecture;
mod compact;
mod face;
pub mod fake_quantize;
pub mod forward;
mod lenet;
mod quantized;
pub mod summary;
pub mod tensors;
pub mod weights;

pub use architecture::Architecture;
pub use compact::compact;
pub use face::{FaceOptions, face};
pub use lenet::lenet;

use emotion_models::{InputSpec, QuantParams};
use serde::{Deserialize, Serialize};

/// What may be varied within an architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Channels of the four stages of `compact`.
    pub widths: [usize; 4],
    /// Probability with which dropout silences a value.
    pub dropout: f32,
}

impl Default for Options {
    fn default() -> Self {
        Options { widths: [32, 56, 104, 192], dropout: 0.0 }
    }
}

/// One layer's work.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The picture, `[channels, height, width]`.
    Input,
    /// Convolution with square kernel; `[O, C, K, K]` weights and optionally a bias `[O]`.
    Conv {
        /// Output channels.
        out: usize,
        /// Kernel rows and columns.
        kernel: usize,
        /// Step on both axes.
        stride: usize,
        /// Zeros on each side.
        padding: usize,
        /// Whether a bias is learned.
        bias: bool,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
        /// Share of the running statistics kept at each step.
        momentum: f32,
    },
    /// `max(x, 0)`.
    Relu,
    /// Largest value of each whole window.
    MaxPool {
        /// Rows and columns of a window, and its step.
        size: usize,
    },
    /// Silences values with this probability while training, scaling the rest up.
    Dropout(f32),
    /// Sum of two inputs.
    Add,
    /// Each value becomes the nearest of those that an 8-bit integer can stand for.
    Quantize(QuantParamsSource),
    /// Mean over rows and columns.
    GlobalAveragePool,
    /// `[C, H, W]` to `[C * H * W]`.
    Flatten,
    /// Fully connected; weights `[inputs, out]` and a bias `[out]`.
    Dense {
        /// Outputs.
        out: usize,
    },
}

/// Where the scale and zero point of an [`Op::Quantize`] layer come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QuantParamsSource {
    /// They are given.
    Given(QuantParams),
    /// An observer finds the range in training: the layer's parameter `range`: smallest and largest value.
    Observed,
}

/// A layer: its work, where its inputs come from, and the shape it puts out.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique within the net; parameters are named `NAME.weight` and so on.
    pub name: String,
    /// The work.
    pub op: Op,
    /// Indices of the nodes it reads.
    pub inputs: Vec<usize>,
    /// Output shape without the batch axis: `[C, H, W]` or `[features]`.
    pub shape: Vec<usize>,
    /// Whether it belongs to the first stages that `--freeze` counts: 1, 2, ...; the classifier is the last.
    pub stage: usize,
}

/// A network: nodes in order of computation; the last one gives the logits, or a face net's maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// In order of computation.
    pub nodes: Vec<Node>,
}

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Normal with variance `2 / fan_in` (He et al. 2015).
    He {
        /// Inputs of one output value.
        fan_in: usize,
    },
    /// Uniform within `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010), Keras' default.
    Glorot {
        /// Inputs of one output value.
        fan_in: usize,
        /// Outputs that one input value feeds.
        fan_out: usize,
    },
    /// All the same.
    Constant(f32),
}

/// One parameter tensor of a net.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `LAYER.weight`, `LAYER.bias`, `LAYER.gamma`, `LAYER.beta`, `LAYER.mean`, `LAYER.variance`, `LAYER.range`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// How it starts.
    pub start: Start,
    /// Whether the optimizer changes it; running statistics and ranges are not trained.
    pub trainable: bool,
    /// Stage of its layer.
    pub stage: usize,
}

impl Parameter {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether weight decay and L2 apply: to kernels, not to biases and normalisation.
    pub fn decays(&self) -> bool {
        self.name.ends_with(".weight")
    }
}

impl Net {
    /// A net that so far only takes pictures.
    pub fn new(input: &InputSpec) -> Self {
        let shape = vec![input.colour.channels(), input.height as usize, input.width as usize];
        Net { nodes: vec![Node { name: "real".into(), op: Op::Input, inputs: vec![], shape, stage: 0 }] }
    }

    /// Adds a layer behind `inputs` and returns its index.
    pub fn push(&mut self, name: &str, op: Op, inputs: &[usize], stage: usize) -> usize {
        let from = &self.nodes[inputs[0]].shape;
        let shape = match op {
            Op::Conv { out, kernel, stride, padding, .. } => {
                let side = |size: usize| (size + 2 * padding).checked_sub(kernel).map_or(0, |rest| rest / stride + 1);
                vec![out, side(from[1]), side(from[2])]
            }
            Op::MaxPool { size } => vec![from[0], from[1] / size, from[2] / size],
            Op::GlobalAveragePool => vec![from[0]],
            Op::Flatten => vec![from.iter().product()],
            Op::Dense { out } => vec![out],
            Op::Input | Op::BatchNorm { .. } | Op::Relu | Op::Dropout(_) | Op::Add | Op::Quantize(_) => from.clone(),
        };
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), shape, stage });
        self.nodes.len() - 1
    }

    /// Adds a layer behind the last one.
    pub fn then(&mut self, name: &str, op: Op, stage: usize) -> usize {
        self.push(name, op, &[self.nodes.len() - 1], stage)
    }

    /// Labels of the classifier, or the numbers in a face net's maps.
    pub fn classes(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.shape.iter().product())
    }

    /// Whether a layer is the net's last: it stays float in a quantised net.
    pub fn is_last(&self, index: usize) -> bool {
        index + 1 == self.nodes.len()
    }

    /// Number of stages; the classifier is the last one.
    pub fn stages(&self) -> usize {
        self.nodes.iter().map(|node| node.stage).max().unwrap_or(0)
    }

    /// The parameters of one layer.
    pub fn parameters_of(&self, node: &Node) -> Vec<Parameter> {
        let named = |what: &str, shape: Vec<usize>, start: Start, trainable: bool| Parameter {
            name: format!("{}.{what}", node.name),
            shape,
            start,
            trainable,
            stage: node.stage,
        };
        let input = || &self.nodes[node.inputs[0]].shape;
        match node.op {
            Op::Conv { out, kernel, bias, .. } => {
                let (fan_in, fan_out) = (input()[0] * kernel * kernel, out * kernel * kernel);
                let start = if bias { Start::Glorot { fan_in, fan_out } } else { Start::He { fan_in } };
                let mut all = vec![named("weight", vec![out, input()[0], kernel, kernel], start, true)];
                if bias {
                    all.push(named("bias", vec![out], Start::Constant(0.0), true));
                }
                all
            }
            Op::Dense { out } => {
                let fan_in = input()[0];
                vec![
                    named("weight", vec![fan_in, out], Start::Glorot { fan_in, fan_out: out }, true),
                    named("bias", vec![out], Start::Constant(0.0), true),
                ]
            }
            Op::BatchNorm { .. } => {
                let channels = vec![input()[0]];
                vec![
                    named("gamma", channels.clone(), Start::Constant(1.0), true),
                    named("beta", channels.clone(), Start::Constant(0.0), true),
                    named("mean", channels.clone(), Start::Constant(0.0), false),
                    named("variance", channels, Start::Constant(1.0), false),
                ]
            }
            Op::Quantize(QuantParamsSource::Observed) => vec![named("range", vec![2], Start::Constant(0.0), false)],
            _ => vec![],
        }
    }

    /// All parameters, in order of computation.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.nodes.iter().flat_map(|node| self.parameters_of(node)).collect()
    }

    /// Multiply-accumulates of one layer for one picture.
    pub fn macs_of(&self, node: &Node) -> usize {
        match node.op {
            Op::Conv { kernel, .. } => {
                node.shape.iter().product::<usize>() * self.nodes[node.inputs[0]].shape[0] * kernel * kernel
            }
            Op::Dense { out } => self.nodes[node.inputs[0]].shape[0] * out,
            _ => 0,
        }
    }

    /// Multiply-accumulates for one picture.
    pub fn macs(&self) -> usize {
        self.nodes.iter().map(|node| self.macs_of(node)).sum()
    }
}
