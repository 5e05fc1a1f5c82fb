//! A graph as far as it has been read, and its limits: what every operator needs.

use crate::card::Precision;
use crate::limits::{MAX_MACS, MAX_NUMBERS};
use crate::pb::tensor_proto::DataType;
use crate::pb::{NodeProto, TensorProto};
use std::collections::BTreeMap;
use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::math;

/// A graph that is being read.
pub(super) struct Reader {
    pub(super) model: TypedModel,
    /// The graph's values by name.
    pub(super) values: BTreeMap<String, OutletId>,
    pub(super) precision: Precision,
    /// Numbers of all values so far.
    pub(super) numbers: u64,
    /// Multiply-accumulates so far.
    pub(super) macs: u64,
}

impl Reader {
    /// The value of one of a node's inputs.
    pub(super) fn input(&self, node: &NodeProto, index: usize) -> TractResult<OutletId> {
        let name = node.input.get(index).filter(|name| !name.is_empty());
        let name = name.with_context(|| format!("it lacks its input {index}"))?;
        self.values.get(name).copied().with_context(|| format!("nothing before it computes `{name}`"))
    }

    pub(super) fn shape(&self, outlet: OutletId) -> TractResult<Vec<usize>> {
        let shape = self.model.outlet_fact(outlet)?.shape.as_concrete();
        Ok(shape.context("a shape that is not fixed")?.to_vec())
    }

    pub(super) fn wire(
        &mut self,
        name: &str,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> TractResult<OutletId> {
        let outlet = self.model.wire_node(name, op, inputs)?[0];
        self.check_size(outlet)
    }

    /// Refuses a value that takes more memory than any model of use: a file of a few bytes can ask for it.
    pub(super) fn check_size(&mut self, outlet: OutletId) -> TractResult<OutletId> {
        let shape = self.shape(outlet)?;
        let count = shape.iter().fold(1u64, |count, &dim| count.saturating_mul(dim as u64));
        self.numbers = self.numbers.saturating_add(count);
        ensure!(
            self.numbers <= MAX_NUMBERS,
            "with its output of {shape:?} the graph has more than {MAX_NUMBERS} numbers"
        );
        Ok(outlet)
    }

    /// Refuses a layer that would take for ever: each of its outputs sums up `terms` products.
    pub(super) fn check_macs(&mut self, outlet: OutletId, terms: usize) -> TractResult<OutletId> {
        let outputs = self.shape(outlet)?.iter().fold(1u64, |count, &dim| count.saturating_mul(dim as u64));
        self.macs = self.macs.saturating_add(outputs.saturating_mul(terms as u64));
        ensure!(self.macs <= MAX_MACS, "with it the graph has more than {MAX_MACS} multiply-accumulates");
        Ok(outlet)
    }

    /// An operator on two values, the one of lower rank repeated as ONNX has it.
    pub(super) fn broadcast(&mut self, name: &str, op: TypedBinOp, inputs: &[OutletId]) -> TractResult<OutletId> {
        let outlet = wire_with_rank_broadcast(name, &mut self.model, op, inputs)?[0];
        self.check_size(outlet)
    }

    /// `max(x, 0)`.
    pub(super) fn cut_off(&mut self, name: &str, input: OutletId) -> TractResult<OutletId> {
        let zero = self.model.add_const(format!("{name}.zero"), tensor0(0f32))?;
        self.broadcast(name, math::max(), &[input, zero])
    }
}

/// A tensor of float32, i8 or i32 numbers that lies in the file itself.
pub(super) fn constant(tensor: &TensorProto) -> TractResult<Tensor> {
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
