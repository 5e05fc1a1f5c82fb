//! Writes the layers that compute on 8-bit integers: `QLinearConv` and max-pooling on numbers, sums and signs on the real values
//! they stand for, and a `DequantizeLinear` where the float layers begin.
//!
//! A ReLU is no node: the numbers behind it begin at its zero, so that saturation does its work.

use super::fold::{Layer, Step};
use super::onnx::{self, INPUT, Scalar, node, tensor};
use crate::nets::fake_quantize::{MAX_WEIGHT, MIN_UNIT};
use crate::nets::weights::Array;
use emotion_models::QuantParams;
use emotion_models::pb::{GraphProto, NodeProto, TensorProto};

/// Largest bias in units of its sum: half of what an i32 holds, the other half being the products'.
const MAX_BIAS: f64 = (1u32 << 30) as f64;

/// 8-bit numbers: the value that holds them, and what they stand for.
#[derive(Clone, Debug)]
struct Numbers {
    value: String,
    params: QuantParams,
    /// Names of the stored scale and zero point.
    stored: [String; 2],
}

/// A graph under way, and what its steps have put out so far.
pub struct Writer<'a> {
    steps: &'a [Step],
    graph: &'a mut GraphProto,
    /// By step, where its output is 8-bit numbers.
    numbers: Vec<Option<Numbers>>,
}

/// A convolution's weights and biases as integers.
pub struct Rounded {
    /// `[O, C, K, K]`, -127 to 127.
    pub weight: Vec<i8>,
    /// Unit of each output channel's weights.
    pub units: Vec<f32>,
    /// `[O]`, in units of the input's scale times the channel's.
    pub bias: Vec<i32>,
}

/// Rounds a convolution of numbers whose scale is `scale`.
pub fn round(weight: &[f32], bias: &[f32], scale: f32) -> Rounded {
    let volume = weight.len() / bias.len();
    let mut rounded = Rounded { weight: Vec::with_capacity(weight.len()), units: vec![], bias: vec![] };
    for (kernel, &bias) in weight.chunks_exact(volume).zip(bias) {
        let largest = kernel.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
        // A channel of next to no weight gets a unit in which its bias can still be said.
        let sayable = (f64::from(bias.abs()) / (f64::from(scale) * MAX_BIAS)) as f32;
        let unit = (largest / MAX_WEIGHT).max(MIN_UNIT).max(sayable);
        rounded.weight.extend(kernel.iter().map(|w| (w / unit).round_ties_even() as i8));
        rounded.bias.push((f64::from(bias) / (f64::from(scale) * f64::from(unit))).round_ties_even() as i32);
        rounded.units.push(unit);
    }
    rounded
}

/// Weights and biases of a `QLinearConv`, with their names, as the real numbers that they stand for; `None` where something is
/// missing or contradicts itself.
pub fn real_parameters(node: &NodeProto, stored: &[TensorProto]) -> Option<[(String, Array); 2]> {
    let find = |at: usize| stored.iter().find(|tensor| Some(&tensor.name) == node.input.get(at));
    let [scale, weight, units, bias] = [find(1)?, find(3)?, find(4)?, find(8)?];
    let (scale, units) = (onnx::array(scale)?.values, onnx::array(units)?.values);
    let shape: Vec<usize> = weight.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<_>>()?;
    let volume = shape.get(1..)?.iter().try_fold(1usize, |volume, &dim| volume.checked_mul(dim)).filter(|&v| v > 0)?;
    let numbers = weight.raw_data.iter().map(|byte| f32::from(i8::from_le_bytes([*byte])));
    let biases = bias.raw_data.as_chunks::<4>().0.iter().map(|bytes| f64::from(i32::from_le_bytes(*bytes)));
    let whole = units.len().checked_mul(volume) == Some(weight.raw_data.len());
    if !whole || shape[0] != units.len() || bias.raw_data.len() != 4 * units.len() || scale.len() != 1 {
        return None;
    }
    let weights = numbers.enumerate().map(|(at, number)| number * units[at / volume]).collect();
    let unit = |unit: &f32| f64::from(scale[0]) * f64::from(*unit);
    let biases = biases.zip(&units).map(|(bias, of)| (bias * unit(of)) as f32).collect();
    let bias_shape = vec![units.len()];
    Some([
        (weight.name.clone(), Array { shape, values: weights }),
        (bias.name.clone(), Array { shape: bias_shape, values: biases }),
    ])
}

impl<'a> Writer<'a> {
    /// Begins to write `steps`.
    pub fn new(steps: &'a [Step], graph: &'a mut GraphProto) -> Self {
        Writer { steps, graph, numbers: vec![None; steps.len()] }
    }

    /// Writes a step, or keeps it for the rounding that ends its layer.
    pub fn step(&mut self, index: usize) {
        let steps = self.steps;
        let step = &steps[index];
        let of_input = step.inputs.first().and_then(|&input| self.numbers[input].clone());
        match (&step.layer, of_input) {
            (Layer::Input, _) => {}
            (Layer::Quantize(params), _) => self.layer(index, *params),
            (Layer::MaxPool { .. }, Some(numbers)) => {
                onnx::write(self.graph, step, vec![numbers.value.clone()]);
                self.numbers[index] = Some(Numbers { value: step.name.clone(), ..numbers });
            }
            _ if self.is_rounded(index) => {}
            _ => {
                let inputs = step.inputs.iter().map(|&input| self.real(input)).collect();
                onnx::write(self.graph, step, inputs);
            }
        }
    }

    /// Whether a rounding ends this step's layer: at once, or behind its ReLU.
    fn is_rounded(&self, index: usize) -> bool {
        let readers = || self.steps.iter().enumerate().filter(|(_, step)| step.inputs.contains(&index));
        readers().any(|(at, step)| match step.layer {
            Layer::Quantize(_) => true,
            Layer::Relu => self.is_rounded(at),
            _ => false,
        })
    }

    /// The name of a step's output as real numbers.
    fn real(&mut self, index: usize) -> String {
        let Some(numbers) = self.numbers[index].clone() else {
            return onnx::value_of(&self.steps[index]);
        };
        let real = format!("{}.real", numbers.value);
        if !self.graph.node.iter().any(|node| node.name == real) {
            let [scale, zero] = numbers.stored;
            let inputs = vec![numbers.value, scale, zero];
            self.graph.node.push(node("DequantizeLinear", &real, inputs, real.clone(), vec![]));
        }
        real
    }

    /// Writes the layer that ends in the rounding at `index`.
    fn layer(&mut self, index: usize, params: QuantParams) {
        let steps = self.steps;
        let (name, mut at) = (&steps[index].name, steps[index].inputs[0]);
        if steps[at].layer == Layer::Relu {
            at = steps[at].inputs[0];
        }
        let stored = [format!("{name}.scale"), format!("{name}.zero_point")];
        self.graph.initializer.push(Scalar::Float(params.scale).tensor(&stored[0]));
        self.graph.initializer.push(Scalar::Int8(params.zero_point as i8).tensor(&stored[1]));
        let numbers = Numbers { value: name.clone(), params, stored };
        let before = &steps[at];
        let from = before.inputs.first().and_then(|&input| self.numbers[input].clone());
        match (&before.layer, from) {
            (Layer::Conv { .. }, Some(from)) => self.convolution(before, &from, &numbers),
            (Layer::Input, _) => self.rounding(INPUT.into(), &numbers),
            _ => {
                let inputs = before.inputs.iter().map(|&input| self.real(input)).collect();
                onnx::write(self.graph, before, inputs);
                self.rounding(before.name.clone(), &numbers);
            }
        }
        self.numbers[index] = Some(numbers);
    }

    fn rounding(&mut self, value: String, to: &Numbers) {
        let [scale, zero] = to.stored.clone();
        self.graph.node.push(node("QuantizeLinear", &to.value, vec![value, scale, zero], to.value.clone(), vec![]));
    }

    fn convolution(&mut self, step: &Step, from: &Numbers, to: &Numbers) {
        let Layer::Conv { weight, bias, shape, stride, padding } = &step.layer else { return };
        let Rounded { weight, units, bias } = round(weight, bias, from.params.scale);
        let name = &step.name;
        let named = |what: &str| format!("{name}.{what}");
        let bytes = |weights: &[i8]| weights.iter().map(|weight| weight.to_le_bytes()[0]).collect();
        let biases = bias.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        self.graph.initializer.extend([
            onnx::stored(&named("weight"), shape, onnx::DataType::Int8, bytes(&weight)),
            tensor(&named("weight_scale"), &shape[..1], &units),
            Scalar::Int8(0).tensor(&named("weight_zero_point")),
            onnx::stored(&named("bias"), &shape[..1], onnx::DataType::Int32, biases),
        ]);
        let mut inputs = vec![from.value.clone()];
        inputs.extend(from.stored.clone());
        inputs.extend(["weight", "weight_scale", "weight_zero_point"].map(named));
        inputs.extend(to.stored.clone());
        inputs.push(named("bias"));
        let attributes = onnx::convolution(*stride, *padding, shape[2]);
        self.graph.node.push(node("QLinearConv", name, inputs, to.value.clone(), attributes));
    }
}
