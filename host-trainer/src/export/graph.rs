//! Folded layers as an ONNX graph: opset 13, float32 in and out, fixed batch of one, at the end softmax or a face net's maps.

use super::fold::{Layer, Step};
use super::onnx::{DataType, INPUT, array, int, node};
use super::qlinear::{self, Writer};
use crate::nets::weights::Weights;
use emotion_models::pb::tensor_shape_proto::{Dimension, dimension};
use emotion_models::pb::{
    GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use emotion_models::{ModelError, decode};

/// The operator set: the first in which Softmax works on one axis; every current runtime reads it.
const OPSET: i64 = 13;
/// The intermediate representation of ONNX 1.10 (2021), which allows operator sets up to 15.
const IR_VERSION: i64 = 8;
/// Name of the output, `[1, labels]` float32 probabilities.
pub const OUTPUT: &str = "probabilities";
/// Name of a face model's output, `[1, 5, H / 8, W / 8]` float32: see [`emotion_models::decode_faces`].
pub const MAPS: &str = "face";

/// The graph of folded layers, ending in softmax.
pub fn model(name: &str, steps: &[Step]) -> ModelProto {
    let mut graph = layers(name, steps);
    if let Some(last) = steps.last() {
        let softmax = node("Softmax", "softmax", vec![last.name.clone()], OUTPUT.into(), vec![int("axis", 1)]);
        graph.node.push(softmax);
        graph.output.push(value_info(OUTPUT, &last.shape));
    }
    whole(graph)
}

/// The graph of folded layers whose last one's maps are the output.
pub fn maps(name: &str, steps: &[Step]) -> ModelProto {
    let mut graph = layers(name, steps);
    if let (Some(last), Some(node)) = (steps.last(), graph.node.last_mut()) {
        node.output = vec![MAPS.into()];
        graph.output.push(value_info(MAPS, &last.shape));
    }
    whole(graph)
}

fn layers(name: &str, steps: &[Step]) -> GraphProto {
    let mut graph = GraphProto { name: name.into(), ..Default::default() };
    let inputs = steps.iter().filter(|step| step.layer == Layer::Input);
    graph.input.extend(inputs.map(|step| value_info(INPUT, &step.shape)));
    let mut writer = Writer::new(steps, &mut graph);
    (0..steps.len()).for_each(|index| writer.step(index));
    graph
}

fn whole(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "moodlight host-trainer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        ..Default::default()
    }
}

/// The parameters in an ONNX file's bytes, by name: what [`model`] wrote as `LAYER.weight` and so on, integers as the real
/// numbers they stand for.
///
/// # Errors
/// When the bytes are no ONNX model.
pub fn parameters(bytes: &[u8]) -> Result<Weights, ModelError> {
    let graph = decode(bytes)?.graph.unwrap_or_default();
    let floats = graph.initializer.iter().filter_map(|tensor| Some((tensor.name.clone(), array(tensor)?)));
    let mut weights = Weights(floats.collect());
    for node in graph.node.iter().filter(|node| node.op_type == "QLinearConv") {
        let real = qlinear::real_parameters(node, &graph.initializer);
        weights.0.extend(real.into_iter().flatten());
    }
    Ok(weights)
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
