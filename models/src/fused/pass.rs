//! Finds runs of convolutions in a graph and puts a [`Fused`] operator in the place of each.

use super::op::Fused;
use super::plan::{AS_IT_IS, Plan, Step};
use super::program::Program;
use crate::kernels::{Map, Window};
use std::collections::{BTreeMap, BTreeSet};
use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PaddingSpec};
use tract_core::ops::math::{Add, Max};
use tract_core::ops::nn::DataFormat;

/// Packs a plan for a kernel.
pub(crate) type Packer = fn(&Plan) -> TractResult<Box<dyn Program>>;

/// Replaces every run of float convolutions in `model`, a graph as it is before decluttering. What does not fit stays as
/// it is.
///
/// # Errors
/// A graph that contradicts itself.
pub(crate) fn fuse(mut model: TypedModel, pack: Packer) -> TractResult<TypedModel> {
    let mut passed = BTreeSet::new();
    while let Some(start) = first_convolution(&model, &passed)? {
        passed.insert(model.node(start).name.clone());
        if let Some(found) = Region::around(&model, start)? {
            let program = pack(&found.plan)?;
            let name = format!("{}.fused", model.node(start).name);
            let mut patch = TypedModelPatch::new("fused convolutions");
            let input = patch.tap_model(&model, found.entry)?;
            let output = patch.wire_node(name, Fused::new(found.plan, program), &[input])?[0];
            patch.shunt_outside(&model, found.exit, output)?;
            patch.apply(&mut model)?;
            model.compact()?;
        }
    }
    Ok(model)
}

fn first_convolution(model: &TypedModel, passed: &BTreeSet<String>) -> TractResult<Option<usize>> {
    let fits = |node: &usize| {
        let node = model.node(*node);
        !passed.contains(&node.name) && convolution(model, node).is_some()
    };
    Ok(model.eval_order()?.into_iter().find(fits))
}

/// A run of convolutions that could leave at one place.
#[derive(Clone)]
struct Found {
    plan: Plan,
    entry: OutletId,
    exit: OutletId,
}

/// A run of convolutions as it grows.
struct Region<'a> {
    model: &'a TypedModel,
    plan: Plan,
    /// Which map a value of the graph lies in, as far as the run has come.
    values: BTreeMap<OutletId, usize>,
    /// Nodes that are part of the run.
    nodes: BTreeSet<usize>,
}

impl<'a> Region<'a> {
    /// The longest run from the convolution `start` on that has one input and one output.
    fn around(model: &'a TypedModel, start: usize) -> TractResult<Option<Found>> {
        let entry = model.node(start).inputs[0];
        let Some(input) = map(model, entry) else { return Ok(None) };
        let plan = Plan { maps: vec![input], steps: Vec::new(), output: 0 };
        let mut region = Region { model, plan, values: BTreeMap::from([(entry, 0)]), nodes: BTreeSet::new() };
        let mut best = None;
        for node in model.eval_order()? {
            if !region.nodes.contains(&node) && region.absorb(node) {
                region.nodes.insert(node);
                if let Some(exit) = region.exit(entry) {
                    let mut plan = region.plan.clone();
                    plan.output = region.values[&exit];
                    plan.set_borders();
                    best = Some(Found { plan, entry, exit });
                }
            }
        }
        Ok(best)
    }

    /// The one value that others than the run itself read, if there is only one.
    fn exit(&self, entry: OutletId) -> Option<OutletId> {
        let outside = |outlet: &OutletId| {
            let readers = &self.model.node(outlet.node).outputs[outlet.slot].successors;
            readers.iter().any(|reader| !self.nodes.contains(&reader.node)) || self.model.outputs.contains(outlet)
        };
        let mut leaving = self.values.keys().filter(|&outlet| *outlet != entry && outside(outlet));
        let exit = *leaving.next()?;
        leaving.next().is_none().then_some(exit)
    }

    /// Makes a node part of the run, if it can be.
    fn absorb(&mut self, node: usize) -> bool {
        let node = self.model.node(node);
        let done = self.convolve(node).or_else(|| self.clamp(node)).or_else(|| self.pool(node)).or_else(|| self.add(node));
        match done {
            Some(map) => self.values.insert(node.id.into(), map).is_none(),
            None => false,
        }
    }

    fn convolve(&mut self, node: &TypedNode) -> Option<usize> {
        let input = *self.values.get(node.inputs.first()?)?;
        let (window, pad_end) = convolution(self.model, node)?;
        let output = map(self.model, node.id.into())?;
        let from = &self.plan.maps[input];
        (window.output([from.height, from.width], pad_end)? == [output.height, output.width]).then_some(())?;
        self.plan.maps.push(output);
        self.plan.steps.push(Step {
            name: node.name.clone(),
            input,
            addend: None,
            output: self.plan.maps.len() - 1,
            window,
            pad_end,
            weights: constant(self.model, node.inputs[1])?,
            biases: node.inputs.get(2).map(|&bias| constant(self.model, bias)).map_or(Some(None), |bias| bias.map(Some))?,
            finish: AS_IT_IS,
        });
        Some(self.plan.maps.len() - 1)
    }

    /// `max(x, 0)` becomes a bound of the convolution before it.
    fn clamp(&mut self, node: &TypedNode) -> Option<usize> {
        let operands = binary::<Max>(node)?;
        let (value, _) = operands.into_iter().zip([operands[1], operands[0]]).find(|&(_, other)| zero(self.model, other))?;
        let step = self.step_before(value)?;
        self.plan.steps[step].finish.bounds.0 = self.plan.steps[step].finish.bounds.0.max(0.0);
        Some(self.plan.steps[step].output)
    }

    /// Max-pooling of 2x2 becomes part of the convolution before it.
    fn pool(&mut self, node: &TypedNode) -> Option<usize> {
        let op = node.op_as::<MaxPool>()?;
        let spec = &op.pool_spec;
        let plain = op.with_index_outputs.is_none()
            && spec.data_format == DataFormat::NCHW
            && spec.kernel_shape.as_slice() == [2, 2]
            && spec.strides.as_deref() == Some(&[2, 2])
            && spec.dilations.as_ref().is_none_or(|dilations| dilations.iter().all(|&step| step == 1))
            && padding(&spec.padding) == Some([[0, 0], [0, 0]]);
        let step = self.step_before(node.inputs[0])?;
        let pooled = map(self.model, node.id.into())?;
        let map = &mut self.plan.maps[self.plan.steps[step].output];
        let whole = (pooled.height, pooled.width) == (map.height / 2, map.width / 2);
        if !plain || !whole || self.plan.steps[step].window.pool || self.plan.steps[step].addend.is_some() {
            return None;
        }
        (map.height, map.width) = (pooled.height, pooled.width);
        self.plan.steps[step].window.pool = true;
        Some(self.plan.steps[step].output)
    }

    /// The sum of two maps becomes part of the later of the convolutions before it.
    fn add(&mut self, node: &TypedNode) -> Option<usize> {
        let [a, b] = binary::<Add>(node)?;
        let of = |outlet| self.values.get(&outlet).copied();
        let (first, second) = (of(a)?, of(b)?);
        let same_shape = map(self.model, a)? == map(self.model, b)?;
        let later = |value, other: usize| {
            let step = self.step_before(value)?;
            let step_of = |map| self.plan.steps.iter().position(|step| step.output == map);
            let plain = self.plan.steps[step].finish == AS_IT_IS
                && !self.plan.steps[step].window.pool
                && self.plan.steps[step].addend.is_none();
            (same_shape && plain && first != second && step_of(other).is_none_or(|other| other < step)).then_some((step, other))
        };
        let (step, addend) = later(a, second).or_else(|| later(b, first))?;
        self.plan.steps[step].addend = Some(addend);
        Some(self.plan.steps[step].output)
    }

    /// The step that computes `value`, if nobody but one node reads it.
    fn step_before(&self, value: OutletId) -> Option<usize> {
        let map = *self.values.get(&value)?;
        let alone = self.model.node(value.node).outputs[value.slot].successors.len() == 1
            && !self.model.outputs.contains(&value);
        let step = self.plan.steps.iter().position(|step| step.output == map)?;
        alone.then_some(step)
    }
}

/// Window and padding at the end of a convolution that a kernel can do.
fn convolution(model: &TypedModel, node: &TypedNode) -> Option<(Window, [usize; 2])> {
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
        constant(model, bias).is_some_and(|bias| bias.len() == spec.output_channels && bias.datum_type() == f32::datum_type())
    });
    let kernel = pair(&spec.kernel_shape)?;
    let stride = spec.strides.as_ref().map_or(Some([1, 1]), |strides| pair(strides))?;
    (known && floats && whole).then_some((Window { kernel, stride, pad: begin, pool: false }, end))
}

/// Padding at the beginning and the end of rows and columns, where it is given in numbers.
fn padding(spec: &PaddingSpec) -> Option<[[usize; 2]; 2]> {
    match spec {
        PaddingSpec::Valid => Some([[0, 0], [0, 0]]),
        PaddingSpec::Explicit(begin, end) | PaddingSpec::ExplicitOnnxPool(begin, end, _) => Some([pair(begin)?, pair(end)?]),
        _ => None,
    }
}

fn pair(values: &[usize]) -> Option<[usize; 2]> {
    values.try_into().ok()
}

/// A value of axes `[1, C, H, W]` as a map without border.
fn map(model: &TypedModel, outlet: OutletId) -> Option<Map> {
    let shape = model.outlet_fact(outlet).ok()?.shape.as_concrete()?;
    let &[1, channels, height, width] = shape else { return None };
    Some(Map { height, width, channels, border: 0 })
}

/// The operands of a binary operator of one kind.
fn binary<B: tract_core::ops::binary::BinMiniOp>(node: &TypedNode) -> Option<[OutletId; 2]> {
    let op = node.op_as::<TypedBinOp>()?;
    (op.0.is::<B>() && op.1.is_none()).then_some(())?;
    node.inputs.as_slice().try_into().ok()
}

/// A value known when the graph is loaded, looked up through casts to its own type.
fn constant(model: &TypedModel, outlet: OutletId) -> Option<Arc<Tensor>> {
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
fn zero(model: &TypedModel, outlet: OutletId) -> bool {
    let value = constant(model, outlet);
    value.is_some_and(|value| value.len() == 1 && value.cast_to_scalar::<f32>().is_ok_and(|number| number == 0.0))
}
