//! From an ONNX graph to the engine's, operator by operator: those that the trainer writes, and no others.
//!
//! tract's own reader knows some two hundred operators, and every one of them becomes part of a program that is linked with
//! it: 3.6 MB on a Raspberry Pi. Weights that lie in other files are not read either: a model is one file.

mod attributes;
mod quantized;

use crate::card::Precision;
use crate::input::PixelMap;
use crate::pb::tensor_proto::DataType;
use crate::pb::tensor_shape_proto::dimension::Value;
use crate::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};
use attributes::Attributes;
use std::collections::BTreeMap;
use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::math;
use tract_core::ops::nn::{Reduce, Reducer, Softmax, SoftmaxKind};

/// The operators that a graph may have.
const OPERATORS: &str = "Add, Conv, DequantizeLinear, Flatten, Gemm, GlobalAveragePool, MaxPool, Mul, QLinearConv, \
                         QuantizeLinear, Relu and Softmax";

/// Most numbers that all values of a graph may have together: 256 MiB of float32. The largest net of ours has 3 million.
pub(crate) const MOST_NUMBERS: u64 = 1 << 26;

/// Most multiply-accumulates of a graph's convolutions and dense layers: some seconds' work. The largest net of ours has 30 million.
const MOST_WORK: u64 = 1 << 32;

/// Most nodes of a graph. The largest of ours has some sixty.
const MOST_NODES: usize = 4096;

/// The attributes of a convolution.
const CONVOLUTION: &[&str] = &["kernel_shape", "strides", "pads", "dilations", "group", "auto_pad"];

/// How a graph is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The arithmetic of an integer graph; a float graph is read as it is.
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
    let mut reader = Reader { model, values: BTreeMap::new(), precision, numbers: 0, work: 0 };
    for tensor in &graph.initializer {
        let constant = constant(tensor).with_context(|| format!("in the tensor `{}`", tensor.name))?;
        let outlet = reader.model.add_const(tensor.name.clone(), constant)?;
        reader.values.insert(tensor.name.clone(), outlet);
    }
    ensure!(graph.node.len() <= MOST_NODES, "{} nodes, of at most {MOST_NODES}", graph.node.len());
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

/// A tensor of float32, i8 or i32 numbers that lies in the file itself.
fn constant(tensor: &TensorProto) -> TractResult<Tensor> {
    ensure!(tensor.external_data.is_empty(), "its numbers lie in another file");
    let shape: Vec<usize> = tensor.dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<_, _>>()?;
    let raw = &tensor.raw_data;
    let words = || raw.as_chunks::<4>().0.iter();
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) if raw.is_empty() => shaped(&shape, &tensor.float_data),
        Ok(DataType::Float) => shaped(&shape, &words().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<_>>()),
        Ok(DataType::Int32) if raw.is_empty() => shaped(&shape, &tensor.int32_data),
        Ok(DataType::Int32) => shaped(&shape, &words().map(|bytes| i32::from_le_bytes(*bytes)).collect::<Vec<_>>()),
        Ok(DataType::Int8) if raw.is_empty() => {
            let numbers: Vec<i8> =
                tensor.int32_data.iter().map(|&value| i8::try_from(value)).collect::<Result<_, _>>()?;
            shaped(&shape, &numbers)
        }
        Ok(DataType::Int8) => shaped(&shape, &raw.iter().map(|&byte| byte as i8).collect::<Vec<_>>()),
        _ => bail!("it is neither float32, int8 nor int32"),
    }
}

fn shaped<T: Datum + Copy>(shape: &[usize], values: &[T]) -> TractResult<Tensor> {
    let len = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim));
    ensure!(len == Some(values.len()), "it has {} numbers for a shape of {shape:?}", values.len());
    Tensor::from_shape(shape, values)
}

struct Reader {
    model: TypedModel,
    /// The graph's values by name.
    values: BTreeMap<String, OutletId>,
    precision: Precision,
    /// Numbers of all values so far.
    numbers: u64,
    /// Multiply-accumulates so far.
    work: u64,
}

impl Reader {
    fn node(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        match node.op_type.as_str() {
            "Add" => self.binary(node, math::add()),
            "Mul" => self.binary(node, math::mul()),
            "Conv" => self.convolution(node),
            "DequantizeLinear" => self.dequantize(node),
            "Flatten" => self.flatten(node),
            "Gemm" => self.dense(node),
            "GlobalAveragePool" => self.average(node),
            "MaxPool" => self.max_pool(node),
            "QLinearConv" => self.integer_convolution(node),
            "QuantizeLinear" => self.quantize(node),
            "Relu" => self.relu(node),
            "Softmax" => self.softmax(node),
            other => bail!("the operator {other} is not among those this program runs: {OPERATORS}"),
        }
    }

    /// The value of one of a node's inputs.
    fn input(&self, node: &NodeProto, index: usize) -> TractResult<OutletId> {
        let name = node.input.get(index).filter(|name| !name.is_empty());
        let name = name.with_context(|| format!("it lacks its input {index}"))?;
        self.values.get(name).copied().with_context(|| format!("nothing before it computes `{name}`"))
    }

    fn shape(&self, outlet: OutletId) -> TractResult<Vec<usize>> {
        let shape = self.model.outlet_fact(outlet)?.shape.as_concrete();
        Ok(shape.context("a shape that is not fixed")?.to_vec())
    }

    fn wire(&mut self, name: &str, op: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> TractResult<OutletId> {
        let outlet = self.model.wire_node(name, op, inputs)?[0];
        self.bounded(outlet)
    }

    /// Refuses a value that takes more memory than any model of use: a file of a few bytes can ask for it.
    fn bounded(&mut self, outlet: OutletId) -> TractResult<OutletId> {
        let shape = self.shape(outlet)?;
        let count = shape.iter().fold(1u64, |count, &dim| count.saturating_mul(dim as u64));
        self.numbers = self.numbers.saturating_add(count);
        ensure!(
            self.numbers <= MOST_NUMBERS,
            "with its output of {shape:?} the graph has more than {MOST_NUMBERS} numbers"
        );
        Ok(outlet)
    }

    /// Refuses a layer that would take for ever: each of its outputs sums up `terms` products.
    fn affordable(&mut self, outlet: OutletId, terms: usize) -> TractResult<OutletId> {
        let outputs = self.shape(outlet)?.iter().fold(1u64, |count, &dim| count.saturating_mul(dim as u64));
        self.work = self.work.saturating_add(outputs.saturating_mul(terms as u64));
        ensure!(self.work <= MOST_WORK, "with it the graph has more than {MOST_WORK} multiply-accumulates");
        Ok(outlet)
    }

    /// An operator on two values, the one of lower rank repeated as ONNX has it.
    fn broadcast(&mut self, name: &str, op: TypedBinOp, inputs: &[OutletId]) -> TractResult<OutletId> {
        let outlet = wire_with_rank_broadcast(name, &mut self.model, op, inputs)?[0];
        self.bounded(outlet)
    }

    fn binary(&mut self, node: &NodeProto, op: TypedBinOp) -> TractResult<OutletId> {
        let inputs = [self.input(node, 0)?, self.input(node, 1)?];
        self.broadcast(&node.name, op, &inputs)
    }

    fn convolution(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, CONVOLUTION)?;
        ensure!(attributes.int("group", 1)? == 1, "groups are not known here");
        let (input, weight) = (self.input(node, 0)?, self.input(node, 1)?);
        let weights = self.shape(weight)?;
        let &[out, channels, rows, columns] = weights.as_slice() else {
            bail!("weights of the shape {weights:?}, not [out, in, rows, columns]")
        };
        let kernel = attributes.pair("kernel_shape", [rows, columns])?;
        ensure!(kernel == [rows, columns], "a kernel_shape that contradicts the weights");
        let bias = match node.input.len() {
            3.. => self.input(node, 2)?,
            _ => self.model.add_const(format!("{}.no_bias", node.name), Tensor::zero::<f32>(&[out])?)?,
        };
        let pool_spec = attributes.pool_spec(kernel, [1, 1], channels, out, false)?;
        let op = Conv { pool_spec, kernel_fmt: KernelFormat::OIHW, group: 1, q_params: None };
        let outlet = self.wire(&node.name, op, &[input, weight, bias])?;
        self.affordable(outlet, channels * rows * columns)
    }

    fn max_pool(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let known = ["kernel_shape", "strides", "pads", "dilations", "ceil_mode", "storage_order", "auto_pad"];
        let attributes = Attributes::of(node, &known)?;
        let input = self.input(node, 0)?;
        let shape = self.shape(input)?;
        ensure!(shape.len() == 4, "an input of the shape {shape:?}, not [1, channels, rows, columns]");
        let kernel = attributes.pair("kernel_shape", [0, 0])?;
        ensure!(kernel[0] > 0 && kernel[1] > 0, "no kernel_shape");
        let ceil = attributes.int("ceil_mode", 0)? != 0;
        let pool_spec = attributes.pool_spec(kernel, [1, 1], shape[1], shape[1], ceil)?;
        self.wire(&node.name, MaxPool { pool_spec, with_index_outputs: None }, &[input])
    }

    fn relu(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let input = self.input(node, 0)?;
        self.cut_off(&node.name, input)
    }

    /// `max(x, 0)`.
    fn cut_off(&mut self, name: &str, input: OutletId) -> TractResult<OutletId> {
        let zero = self.model.add_const(format!("{name}.zero"), tensor0(0f32))?;
        self.broadcast(name, math::max(), &[input, zero])
    }

    fn average(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let input = self.input(node, 0)?;
        let shape = self.shape(input)?;
        ensure!(shape.len() > 2, "an input of the shape {shape:?}, which has no rows and columns");
        let axes: TVec<usize> = (2..shape.len()).collect();
        let count: usize = shape[2..].iter().product();
        let sum = self.wire(&format!("{}.sum", node.name), Reduce { axes, reducer: Reducer::Sum }, &[input])?;
        let count = self.model.add_const(format!("{}.count", node.name), tensor0(count as f32))?;
        self.broadcast(&node.name, math::div(), &[sum, count])
    }

    fn flatten(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, &["axis"])?;
        ensure!(attributes.int("axis", 1)? == 1, "another axis than 1 is not known here");
        let input = self.input(node, 0)?;
        let shape = self.shape(input)?;
        ensure!(shape.len() > 1, "an input of the shape {shape:?}");
        let from: TVec<TDim> = shape[1..].iter().map(|dim| dim.to_dim()).collect();
        let to = tvec![shape[1..].iter().product::<usize>().to_dim()];
        self.wire(&node.name, AxisOp::Reshape(1, from, to), &[input])
    }

    fn dense(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, &["alpha", "beta", "transA", "transB"])?;
        ensure!(
            attributes.float("alpha", 1.0)? == 1.0 && attributes.float("beta", 1.0)? == 1.0,
            "alpha and beta must be 1"
        );
        ensure!(attributes.int("transA", 0)? == 0, "a transposed input is not known here");
        let axes: AxesMapping = if attributes.int("transB", 0)? == 0 { "mk,kn->mn" } else { "mk,nk->mn" }.parse()?;
        let inputs = [self.input(node, 0)?, self.input(node, 1)?];
        let product = EinSum::new(axes, f32::datum_type());
        let features = self.shape(inputs[0])?.last().copied().unwrap_or(0);
        let biased = node.input.len() > 2;
        let name = if biased { format!("{}.product", node.name) } else { node.name.clone() };
        let product = self.wire(&name, product, &inputs)?;
        self.affordable(product, features)?;
        if !biased {
            return Ok(product);
        }
        let bias = self.input(node, 2)?;
        self.broadcast(&node.name, math::add(), &[product, bias])
    }

    fn softmax(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, &["axis"])?;
        let input = self.input(node, 0)?;
        let rank = self.shape(input)?.len();
        let last = rank as i64 - 1;
        let axis = attributes.int("axis", last)?;
        ensure!(axis == last || axis == -1, "another axis than the last is not known here");
        let axes = tvec![rank - 1];
        self.wire(&node.name, Softmax { axes, quant_output_dt: None, kind: SoftmaxKind::Softmax }, &[input])
    }
}
