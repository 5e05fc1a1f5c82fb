//! Writes folded layers as an ONNX graph: opset 13, float32, fixed batch of one, softmax at the end.

use super::fold::{Layer, Step};
use crate::nets::weights::{Array, Weights};
use emotion_models::pb::attribute_proto::AttributeType;
use emotion_models::pb::tensor_proto::DataType;
use emotion_models::pb::tensor_shape_proto::{Dimension, dimension};
use emotion_models::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use emotion_models::{ModelError, decode};

/// The operator set: the first in which Softmax works on one axis; every current runtime reads it.
const OPSET: i64 = 13;
/// The intermediate representation of ONNX 1.10 (2021), which allows operator sets up to 15.
const IR_VERSION: i64 = 8;
/// Name of the input, `[1, C, H, W]` float32 real values.
pub const INPUT: &str = "real";
/// Name of the output, `[1, labels]` float32 probabilities.
pub const OUTPUT: &str = "probabilities";

/// The graph of folded layers, ending in softmax.
pub fn model(name: &str, steps: &[Step]) -> ModelProto {
    let mut graph = GraphProto { name: name.into(), ..Default::default() };
    for (index, step) in steps.iter().enumerate() {
        if step.layer == Layer::Input {
            graph.input.push(value_info(INPUT, &step.shape));
        } else {
            write(&mut graph, steps, index);
        }
    }
    if let Some(last) = steps.last() {
        let softmax = node("Softmax", "softmax", vec![last.name.clone()], OUTPUT.into(), vec![int("axis", 1)]);
        graph.node.push(softmax);
        graph.output.push(value_info(OUTPUT, &last.shape));
    }
    ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "moodlight host-trainer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        ..Default::default()
    }
}

/// The parameters in an ONNX file's bytes, by name: what [`model`] wrote as `LAYER.weight` and so on.
///
/// # Errors
/// When the bytes are no ONNX model.
pub fn parameters(bytes: &[u8]) -> Result<Weights, ModelError> {
    let tensors = decode(bytes)?.graph.map(|graph| graph.initializer).unwrap_or_default();
    Ok(Weights(tensors.iter().filter_map(|tensor| Some((tensor.name.clone(), array(tensor)?))).collect()))
}

/// A float32 tensor's values; `None` when it holds something else, or its shape contradicts its size.
fn array(tensor: &TensorProto) -> Option<Array> {
    let shape: Vec<usize> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<_>>()?;
    let values: Vec<f32> = match tensor.raw_data.is_empty() {
        true => tensor.float_data.clone(),
        false => tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    };
    let len = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim))?;
    (tensor.data_type == DataType::Float as i32 && values.len() == len).then_some(Array { shape, values })
}

fn write(graph: &mut GraphProto, steps: &[Step], index: usize) {
    let step = &steps[index];
    let name = step.name.as_str();
    let value_of = |input: usize| {
        if steps[input].layer == Layer::Input { INPUT.to_string() } else { steps[input].name.clone() }
    };
    let mut inputs: Vec<String> = step.inputs.iter().map(|&input| value_of(input)).collect();
    let output = name.to_string();
    let mut parameter = |what: &str, dims: &[usize], values: &[f32]| {
        let name = format!("{name}.{what}");
        graph.initializer.push(tensor(&name, dims, values));
        name
    };
    match &step.layer {
        Layer::Input => {}
        Layer::Conv { weight, bias, shape, stride, padding } => {
            inputs.push(parameter("weight", shape, weight));
            inputs.push(parameter("bias", &shape[..1], bias));
            let [stride, padding, kernel] = [*stride as i64, *padding as i64, shape[2] as i64];
            let attributes = vec![
                ints("kernel_shape", &[kernel, kernel]),
                ints("strides", &[stride, stride]),
                ints("pads", &[padding; 4]),
            ];
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

fn node(op: &str, name: &str, input: Vec<String>, output: String, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto { op_type: op.into(), name: name.into(), input, output: vec![output], attribute, ..Default::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..Default::default()
    }
}

fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: DataType::Float as i32,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// A float32 value of batch one.
fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dims = std::iter::once(1).chain(shape.iter().map(|&dim| dim as i64));
    let dim =
        dims.map(|dim| Dimension { value: Some(dimension::Value::DimValue(dim)), ..Default::default() }).collect();
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { value, ..Default::default() }), ..Default::default() }
}
