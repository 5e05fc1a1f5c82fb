//! The nodes, attributes and tensors of an ONNX graph.

use super::fold::{Layer, Step};
use crate::nets::weights::Array;
use emotion_models::pb::attribute_proto::AttributeType;
pub(super) use emotion_models::pb::tensor_proto::DataType;
use emotion_models::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Name of the input, `[1, C, H, W]` float32 real values.
pub const INPUT: &str = "real";

/// A float32 tensor's values; `None` when it holds something else, or its shape contradicts its size.
pub(super) fn array(tensor: &TensorProto) -> Option<Array> {
    let shape: Vec<usize> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<_>>()?;
    let values: Vec<f32> = match tensor.raw_data.is_empty() {
        true => tensor.float_data.clone(),
        false => tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    };
    let len = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim))?;
    (tensor.data_type == DataType::Float as i32 && values.len() == len).then_some(Array { shape, values })
}

/// Name of the value that a float step puts out.
pub(super) fn value_of(step: &Step) -> String {
    if step.layer == Layer::Input { INPUT.to_string() } else { step.name.clone() }
}

/// Attributes of a convolution.
pub(super) fn convolution(stride: usize, padding: usize, kernel: usize) -> Vec<AttributeProto> {
    let [stride, padding, kernel] = [stride as i64, padding as i64, kernel as i64];
    vec![ints("kernel_shape", &[kernel, kernel]), ints("strides", &[stride, stride]), ints("pads", &[padding; 4])]
}

/// Writes a step that computes in floating point on the values named `inputs`.
pub(super) fn write(graph: &mut GraphProto, step: &Step, mut inputs: Vec<String>) {
    let name = step.name.as_str();
    let output = name.to_string();
    let mut parameter = |what: &str, dims: &[usize], values: &[f32]| {
        let name = format!("{name}.{what}");
        graph.initializer.push(tensor(&name, dims, values));
        name
    };
    match &step.layer {
        Layer::Input | Layer::Quantize(_) => {}
        Layer::Conv { weight, bias, shape, stride, padding } => {
            inputs.push(parameter("weight", shape, weight));
            inputs.push(parameter("bias", &shape[..1], bias));
            let attributes = convolution(*stride, *padding, shape[2]);
            graph.node.push(node("Conv", name, inputs, output, attributes));
        }
        Layer::Relu => graph.node.push(node("Relu", name, inputs, output, vec![])),
        Layer::Affine { scale, shift } => {
            let mut dims = vec![scale.len()];
            dims.extend(step.shape[1..].iter().map(|_| 1));
            inputs.push(parameter("scale", &dims, scale));
            if shift.iter().all(|&shift| shift == 0.0) {
                graph.node.push(node("Mul", name, inputs, output, vec![]));
            } else {
                let scaled = format!("{name}.scaled");
                let shift = parameter("shift", &dims, shift);
                graph.node.push(node("Mul", &scaled, inputs, scaled.clone(), vec![]));
                graph.node.push(node("Add", name, vec![scaled, shift], output, vec![]));
            }
        }
        Layer::MaxPool { size } => {
            let size = [*size as i64; 2];
            let attributes = vec![ints("kernel_shape", &size), ints("strides", &size)];
            graph.node.push(node("MaxPool", name, inputs, output, attributes));
        }
        Layer::Add => graph.node.push(node("Add", name, inputs, output, vec![])),
        Layer::GlobalAveragePool => {
            let pooled = format!("{name}.pooled");
            graph.node.push(node("GlobalAveragePool", &pooled, inputs, pooled.clone(), vec![]));
            graph.node.push(node("Flatten", name, vec![pooled], output, vec![int("axis", 1)]));
        }
        Layer::Flatten => graph.node.push(node("Flatten", name, inputs, output, vec![int("axis", 1)])),
        Layer::Dense { weight, bias } => {
            inputs.push(parameter("weight", &[weight.len() / bias.len(), bias.len()], weight));
            inputs.push(parameter("bias", &[bias.len()], bias));
            graph.node.push(node("Gemm", name, inputs, output, vec![]));
        }
    }
}

pub(super) fn node(
    op: &str,
    name: &str,
    input: Vec<String>,
    output: String,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto { op_type: op.into(), name: name.into(), input, output: vec![output], attribute, ..Default::default() }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..Default::default() }
}

pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..Default::default()
    }
}

/// A stored number.
pub(super) enum Scalar {
    Float(f32),
    Int8(i8),
}

impl Scalar {
    /// The number as a tensor without axes.
    pub(super) fn tensor(self, name: &str) -> TensorProto {
        match self {
            Scalar::Float(value) => tensor(name, &[], &[value]),
            Scalar::Int8(value) => stored(name, &[], DataType::Int8, value.to_le_bytes().to_vec()),
        }
    }
}

/// A stored tensor, given as little-endian bytes.
pub(super) fn stored(name: &str, dims: &[usize], kind: DataType, raw_data: Vec<u8>) -> TensorProto {
    let dims = dims.iter().map(|&dim| dim as i64).collect();
    TensorProto { name: name.into(), dims, data_type: kind as i32, raw_data, ..Default::default() }
}

pub(super) fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    stored(name, dims, DataType::Float, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}
