//! What a node of the engine's graph is, in the terms of a plan.

use crate::kernels::{Map, Window};
use tract_core::internal::*;
use tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PaddingSpec};
use tract_core::ops::nn::DataFormat;

/// Window and padding at the end of a convolution that a kernel can do.
pub(super) fn convolution(model: &TypedModel, node: &TypedNode) -> Option<(Window, [usize; 2])> {
    let op = node.op_as::<Conv>()?;
    let spec = &op.pool_spec;
    let known = spec.data_format == DataFormat::NCHW
        && op.kernel_fmt == KernelFormat::OIHW
        && op.group == 1
        && op.q_params.is_none()
        && spec.dilations.as_ref().is_none_or(|dilations| dilations.iter().all(|&step| step == 1));
    let [begin, end] = padding(&spec.padding)?;
    let weights = constant(model, node.inputs[1])?;
    let floats = weights.datum_type() == f32::datum_type()
        && model.outlet_fact(node.inputs[0]).is_ok_and(|fact| fact.datum_type == f32::datum_type());
    let whole = node.inputs.iter().skip(2).all(|&bias| {
        constant(model, bias)
            .is_some_and(|bias| bias.len() == spec.output_channels && bias.datum_type() == f32::datum_type())
    });
    let kernel = pair(&spec.kernel_shape)?;
    let stride = spec.strides.as_ref().map_or(Some([1, 1]), |strides| pair(strides))?;
    (known && floats && whole).then_some((Window { kernel, stride, pad: begin, pool: false }, end))
}

/// Padding at the beginning and the end of rows and columns, where it is given in numbers.
fn padding(spec: &PaddingSpec) -> Option<[[usize; 2]; 2]> {
    match spec {
        PaddingSpec::Valid => Some([[0, 0], [0, 0]]),
        PaddingSpec::Explicit(begin, end) | PaddingSpec::ExplicitOnnxPool(begin, end, _) => {
            Some([pair(begin)?, pair(end)?])
        }
        _ => None,
    }
}

fn pair(values: &[usize]) -> Option<[usize; 2]> {
    values.try_into().ok()
}

/// A value of axes `[1, C, H, W]` as a map without border.
pub(super) fn map(model: &TypedModel, outlet: OutletId) -> Option<Map> {
    let shape = model.outlet_fact(outlet).ok()?.shape.as_concrete()?;
    let &[1, channels, height, width] = shape else { return None };
    Some(Map { height, width, channels, border: 0 })
}

/// The operands of a binary operator of one kind.
pub(super) fn binary<B: BinMiniOp>(node: &TypedNode) -> Option<[OutletId; 2]> {
    let op = node.op_as::<TypedBinOp>()?;
    (op.0.is::<B>() && op.1.is_none()).then_some(())?;
    node.inputs.as_slice().try_into().ok()
}

/// A value known when the graph is loaded, resolved through casts to its own type.
pub(super) fn constant(model: &TypedModel, outlet: OutletId) -> Option<Arc<Tensor>> {
    let fact = model.outlet_fact(outlet).ok()?;
    if let Some(value) = &fact.konst {
        return Some(Arc::clone(value));
    }
    let node = model.node(outlet.node);
    let cast = node.op_as::<tract_core::ops::cast::Cast>()?;
    let value = constant(model, node.inputs[0])?;
    (cast.to == value.datum_type()).then_some(value)
}

/// Whether a value is one number, zero.
pub(super) fn zero(model: &TypedModel, outlet: OutletId) -> bool {
    let value = constant(model, outlet);
    value.is_some_and(|value| value.len() == 1 && value.cast_to_scalar::<f32>().is_ok_and(|number| number == 0.0))
}

/// The value that a node pools, if it keeps the largest of each whole 2x2.
pub(super) fn halving(node: &TypedNode) -> Option<OutletId> {
    let op = node.op_as::<MaxPool>()?;
    let spec = &op.pool_spec;
    let plain = op.with_index_outputs.is_none()
        && spec.data_format == DataFormat::NCHW
        && spec.kernel_shape.as_slice() == [2, 2]
        && spec.strides.as_deref() == Some(&[2, 2])
        && spec.dilations.as_ref().is_none_or(|dilations| dilations.iter().all(|&step| step == 1))
        && padding(&spec.padding) == Some([[0, 0], [0, 0]]);
    plain.then(|| node.inputs[0])
}
