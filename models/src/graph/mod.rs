//! From an ONNX graph to the engine's, operator by operator: those that the trainer writes, and no others.
//!
//! tract's own reader knows some two hundred operators, and every one of them becomes part of a program that is linked with
//! it: 3.6 MB on a Raspberry Pi. Weights that lie in other files are not read either: a model is one file.

mod attributes;
mod float;
mod quantized;
mod reader;

use crate::card::Precision;
use crate::input::PixelMap;
use crate::limits::MAX_NODES;
use crate::pb::tensor_proto::DataType;
use crate::pb::tensor_shape_proto::dimension::Value;
use crate::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto, type_proto};
use reader::{Reader, constant};
use std::collections::BTreeMap;
use tract_core::internal::*;
use tract_core::ops::math;

/// The operators that a graph may have.
const OPERATORS: &str = "Add, Conv, DequantizeLinear, Flatten, Gemm, GlobalAveragePool, MaxPool, Mul, QLinearConv, \
                         QuantizeLinear, Relu and Softmax";

/// How a graph is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The precision of an integer graph; a float graph is read as it is.
    pub precision: Precision,
    /// From the frame's bytes to the graph's real input.
    pub pixels: PixelMap,
}

/// The graph of `model`, ready to be optimised: one input of a fixed shape, one output. The input is float32; bytes `[1, C, H, W]`
/// where the graph begins by turning its real input back into them.
///
/// Read with [`Precision::F32`], an integer graph becomes a float one: weights as the real numbers that they stand for,
/// activations not rounded, and cut off at 0 where a zero point of -128 does that.
///
/// # Errors
/// An operator, attribute or shape that is not known here; named with its node.
pub(crate) fn typed(model: &ModelProto, reading: Reading) -> TractResult<TypedModel> {
    let graph = model.graph.as_ref().context("the file holds no graph")?;
    let (model, precision) = (TypedModel::default(), reading.precision);
    let mut reader = Reader { model, values: BTreeMap::new(), precision, numbers: 0, macs: 0 };
    for tensor in &graph.initializer {
        let constant = constant(tensor).with_context(|| format!("in the tensor `{}`", tensor.name))?;
        let outlet = reader.model.add_const(tensor.name.clone(), constant)?;
        reader.values.insert(tensor.name.clone(), outlet);
    }
    ensure!(graph.node.len() <= MAX_NODES, "{} nodes, of at most {MAX_NODES}", graph.node.len());
    let input = input(graph)?;
    let shape = shape(input).with_context(|| format!("the input `{}` has no fixed shape", input.name))?;
    let bytes = reading.precision == Precision::Int8 && quantized::takes_bytes(graph, &input.name, reading.pixels);
    let fact = if bytes { u8::fact(&shape) } else { f32::fact(&shape) };
    let outlet = reader.model.add_source(input.name.clone(), fact)?;
    reader.values.insert(input.name.clone(), outlet);
    for node in &graph.node {
        let wired = reader.node(node).with_context(|| format!("in the node `{}` ({})", node.name, node.op_type))?;
        let output = node.output.first().context("a node without output")?;
        reader.values.insert(output.clone(), wired);
    }
    let output = graph.output.first().context("the graph has no output")?;
    let outlet = *reader.values.get(&output.name).with_context(|| format!("nothing computes `{}`", output.name))?;
    reader.model.select_output_outlets(&[outlet])?;
    Ok(reader.model)
}

/// The one input that is no initializer.
fn input(graph: &GraphProto) -> TractResult<&ValueInfoProto> {
    let stored = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let mut inputs = graph.input.iter().filter(|input| !stored(&input.name));
    let input = inputs.next().context("the graph has no input")?;
    ensure!(inputs.next().is_none(), "the graph has more than one input");
    Ok(input)
}

fn shape(value: &ValueInfoProto) -> Option<Vec<usize>> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    (tensor.elem_type == DataType::Float as i32).then_some(())?;
    let size = |dim: &Option<Value>| match dim {
        Some(Value::DimValue(size)) => usize::try_from(*size).ok().filter(|&size| size > 0),
        _ => None,
    };
    tensor.shape.as_ref()?.dim.iter().map(|dim| size(&dim.value)).collect()
}

impl Reader {
    fn node(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        match node.op_type.as_str() {
            "Add" => self.binary(node, math::add()),
            "Mul" => self.binary(node, math::mul()),
            "Conv" => self.convolution(node),
            "DequantizeLinear" => self.dequantize(node),
            "Flatten" => self.flatten(node),
            "Gemm" => self.gemm(node),
            "GlobalAveragePool" => self.global_average_pool(node),
            "MaxPool" => self.max_pool(node),
            "QLinearConv" => self.integer_convolution(node),
            "QuantizeLinear" => self.quantize(node),
            "Relu" => self.relu(node),
            "Softmax" => self.softmax(node),
            other => bail!("the operator {other} is not among those this program runs: {OPERATORS}"),
        }
    }
}
