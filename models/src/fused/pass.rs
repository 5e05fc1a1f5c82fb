//! Finds runs of convolutions in a graph and puts a [`Fused`] operator in the place of each.

use super::op::Fused;
use super::plan::{Entry, Exit, FusionPlan, FusionStep, NO_EPILOGUE, REAL};
use super::program::{Packer, Threads};
use super::qlinear::{Dequantize, IntegerConvolution, Quantize};
use super::recognise::{binary, constant, convolution, halving, map, zero};
use crate::kernels::{Map, QuantParams, ResidualAdd};
use std::collections::{BTreeMap, BTreeSet};
use tract_core::internal::*;
use tract_core::ops::math::{Add, Max};

/// Replaces every run of convolutions in `model`, a graph as it is before decluttering. What does not fit stays as it is.
///
/// # Errors
/// A graph that contradicts itself.
pub(crate) fn fuse(mut model: TypedModel, pack: Packer, threads: Threads) -> TractResult<TypedModel> {
    let mut passed = BTreeSet::new();
    while let Some(start) = first_convolution(&model, &passed)? {
        passed.insert(model.node(start).name.clone());
        let Some(found) = Region::around(&model, start)? else { continue };
        let Some(program) = pack(&found.plan, threads)? else { continue };
        let name = format!("{}.fused", model.node(start).name);
        let mut patch = TypedModelPatch::new("fused convolutions");
        let input = patch.tap_model(&model, found.entry)?;
        let output = patch.wire_node(name, Fused::new(found.plan, program), &[input])?[0];
        patch.shunt_outside(&model, found.exit, output)?;
        patch.apply(&mut model)?;
        model.compact()?;
    }
    Ok(model)
}

fn first_convolution(model: &TypedModel, passed: &BTreeSet<String>) -> TractResult<Option<usize>> {
    let fits = |node: &usize| {
        let node = model.node(*node);
        let one = node.op_is::<IntegerConvolution>() || convolution(model, node).is_some();
        one && !passed.contains(&node.name)
    };
    Ok(model.eval_order()?.into_iter().find(fits))
}

/// A run of convolutions that could leave at one place.
#[derive(Clone)]
struct Found {
    plan: FusionPlan,
    entry: OutletId,
    exit: OutletId,
}

/// Where a value of the graph lies in the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    /// A map's numbers; real ones in a float plan.
    Map(usize),
    /// The real values that a map's numbers stand for.
    Real(usize),
    /// Their sum, before it is quantised: the output of a step, and the map that is added.
    Sum { step: usize, addend: usize },
}

/// A run of convolutions as it grows.
struct Region<'a> {
    model: &'a TypedModel,
    plan: FusionPlan,
    /// Where the graph's values lie, as far as the run has come.
    values: BTreeMap<OutletId, Value>,
    /// Nodes that are part of the run.
    nodes: BTreeSet<usize>,
}

impl<'a> Region<'a> {
    /// The longest run from the convolution `start` on that has one input and one output.
    fn around(model: &'a TypedModel, start: usize) -> TractResult<Option<Found>> {
        let first = model.node(start).inputs[0];
        let Some(input) = map(model, first) else { return Ok(None) };
        let mut region = Region {
            model,
            plan: FusionPlan {
                maps: vec![input],
                quant_params: vec![REAL],
                steps: Vec::new(),
                output: 0,
                entry: Entry::Reals,
                exit: Exit::Reals,
            },
            values: BTreeMap::from([(first, Value::Map(0))]),
            nodes: BTreeSet::new(),
        };
        let mut entry = first;
        if let Some(convolution) = model.node(start).op_as::<IntegerConvolution>() {
            (region.plan.entry, region.plan.quant_params[0]) = (Entry::Numbers, convolution.input);
            let before = model.node(first.node);
            let only = before.outputs[0].successors.len() == 1;
            if before.op_as::<Quantize>().is_some_and(|op| only && op.0 == convolution.input) {
                region.plan.entry = Entry::Quantize;
                region.nodes.insert(first.node);
                entry = before.inputs[0];
            }
        }
        let mut best = None;
        for node in model.eval_order()? {
            if !region.nodes.contains(&node) && region.absorb(node) {
                region.nodes.insert(node);
                best = region.exit(first).map(|exit| Found { plan: region.leaving(exit), entry, exit }).or(best);
            }
        }
        Ok(best)
    }

    /// The one value that others than the run itself read, if there is only one and it can leave.
    fn exit(&self, first: OutletId) -> Option<OutletId> {
        let outside = |outlet: &OutletId| {
            let readers = &self.model.node(outlet.node).outputs[outlet.slot].successors;
            readers.iter().any(|reader| !self.nodes.contains(&reader.node)) || self.model.outputs.contains(outlet)
        };
        let mut leaving = self.values.keys().filter(|&outlet| *outlet != first && outside(outlet));
        let exit = *leaving.next()?;
        let one = leaving.next().is_none() && !matches!(self.values[&exit], Value::Sum { .. });
        one.then_some(exit)
    }

    /// The plan as it is if it ends in the value `exit`.
    fn leaving(&self, exit: OutletId) -> FusionPlan {
        let mut plan = self.plan.clone();
        (plan.output, plan.exit) = match self.values[&exit] {
            Value::Real(map) => (map, Exit::Dequantize),
            Value::Map(map) | Value::Sum { addend: map, .. } if plan.is_integer() => (map, Exit::Numbers),
            Value::Map(map) | Value::Sum { addend: map, .. } => (map, Exit::Reals),
        };
        plan.set_borders();
        plan
    }

    /// Makes a node part of the run, if it can be.
    fn absorb(&mut self, node: usize) -> bool {
        let node = self.model.node(node);
        let done = if self.plan.is_integer() {
            self.convolve_numbers(node)
                .or_else(|| self.pool(node))
                .or_else(|| self.dequantize(node))
                .or_else(|| self.sum(node))
                .or_else(|| self.quantize_sum(node))
        } else {
            self.convolve(node).or_else(|| self.clamp(node)).or_else(|| self.pool(node)).or_else(|| self.add(node))
        };
        match done {
            Some(value) => self.values.insert(node.id.into(), value).is_none(),
            None => false,
        }
    }

    fn map_of(&self, outlet: OutletId) -> Option<usize> {
        match self.values.get(&outlet)? {
            Value::Map(map) => Some(*map),
            _ => None,
        }
    }

    /// The map whose real values a value is.
    fn real_of(&self, outlet: OutletId) -> Option<usize> {
        match self.values.get(&outlet)? {
            Value::Real(map) => Some(*map),
            _ => None,
        }
    }

    fn new_map(&mut self, map: Map, quant_params: QuantParams) -> usize {
        self.plan.maps.push(map);
        self.plan.quant_params.push(quant_params);
        self.plan.maps.len() - 1
    }

    fn convolve(&mut self, node: &TypedNode) -> Option<Value> {
        let input = self.map_of(*node.inputs.first()?)?;
        let (window, pad_end) = convolution(self.model, node)?;
        let output = map(self.model, node.id.into())?;
        let from = &self.plan.maps[input];
        (window.output([from.height, from.width], pad_end)? == [output.height, output.width]).then_some(())?;
        let weights = constant(self.model, node.inputs[1])?;
        let biases = match node.inputs.get(2) {
            Some(&bias) => Some(constant(self.model, bias)?),
            None => None,
        };
        let output = self.new_map(output, REAL);
        let (name, epilogue) = (node.name.clone(), NO_EPILOGUE);
        let step = FusionStep {
            name,
            input,
            addend: None,
            output,
            window,
            pad_end,
            weights,
            weight_scales: None,
            biases,
            own: REAL,
            epilogue,
        };
        self.plan.steps.push(step);
        Some(Value::Map(output))
    }

    fn convolve_numbers(&mut self, node: &TypedNode) -> Option<Value> {
        let op = node.op_as::<IntegerConvolution>()?;
        let input = self.map_of(node.inputs[0])?;
        // A map that was dequantised and quantised again would have other numbers.
        (self.plan.quant_params[input] == op.input).then_some(())?;
        let output = self.new_map(map(self.model, node.id.into())?, op.output);
        self.plan.steps.push(op.step(&node.name, input, output));
        Some(Value::Map(output))
    }

    /// `max(x, 0)` becomes a bound of the convolution before it.
    fn clamp(&mut self, node: &TypedNode) -> Option<Value> {
        let operands = binary::<Max>(node)?;
        let (value, _) =
            operands.into_iter().zip([operands[1], operands[0]]).find(|&(_, other)| zero(self.model, other))?;
        let step = self.step_before(value)?;
        let step = &mut self.plan.steps[step];
        step.epilogue.bounds.0 = step.epilogue.bounds.0.max(0.0);
        Some(Value::Map(step.output))
    }

    /// Max-pooling of 2x2 becomes part of the convolution before it, and of what was added to that.
    fn pool(&mut self, node: &TypedNode) -> Option<Value> {
        let step = self.step_before(halving(node)?)?;
        let pooled = map(self.model, node.id.into())?;
        let map = &mut self.plan.maps[self.plan.steps[step].output];
        let whole = (pooled.height, pooled.width) == (map.height / 2, map.width / 2);
        if !whole || self.plan.steps[step].window.pool {
            return None;
        }
        (map.height, map.width) = (pooled.height, pooled.width);
        self.plan.steps[step].window.pool = true;
        Some(Value::Map(self.plan.steps[step].output))
    }

    /// The sum of two maps becomes part of the later of the convolutions before it.
    fn add(&mut self, node: &TypedNode) -> Option<Value> {
        let [a, b] = binary::<Add>(node)?;
        let (first, second) = (self.map_of(a)?, self.map_of(b)?);
        let same_shape = map(self.model, a)? == map(self.model, b)?;
        let of =
            |value, other| Some((self.step_before(value)?, other)).filter(|&(step, other)| self.takes(step, other));
        let (step, addend) = of(a, second).or_else(|| of(b, first)).filter(|_| same_shape)?;
        (self.plan.steps[step].epilogue == NO_EPILOGUE).then_some(())?;
        self.plan.steps[step].addend = Some(addend);
        Some(Value::Map(self.plan.steps[step].output))
    }

    /// Real values of a map's numbers, as they leave or before they are added.
    fn dequantize(&mut self, node: &TypedNode) -> Option<Value> {
        let op = node.op_as::<Dequantize>()?;
        let map = self.map_of(node.inputs[0])?;
        (self.plan.quant_params[map] == op.0).then_some(Value::Real(map))
    }

    /// The sum of two maps' real values, if one of them can take the other in.
    fn sum(&mut self, node: &TypedNode) -> Option<Value> {
        let [a, b] = binary::<Add>(node)?;
        let (first, second) = (self.real_of(a)?, self.real_of(b)?);
        let same_shape = map(self.model, a)? == map(self.model, b)?;
        let of = |value: OutletId, other| {
            let numbers = self.model.node(value.node).inputs[0];
            let step = self.step_before(numbers).filter(|_| self.read_once(value))?;
            Some((step, other)).filter(|&(step, other)| self.takes(step, other))
        };
        let (step, addend) = of(a, second).or_else(|| of(b, first)).filter(|_| same_shape)?;
        Some(Value::Sum { step, addend })
    }

    /// A quantised sum becomes part of the step that takes the other map in.
    fn quantize_sum(&mut self, node: &TypedNode) -> Option<Value> {
        let op = node.op_as::<Quantize>()?;
        let &Value::Sum { step, addend } = self.values.get(&node.inputs[0])? else { return None };
        self.read_once(node.inputs[0]).then_some(())?;
        let added = self.plan.quant_params[addend];
        let step = &mut self.plan.steps[step];
        step.addend = Some(addend);
        step.epilogue.residual = Some(ResidualAdd {
            own_bounds: step.epilogue.bounds,
            own_scale: step.own.scale,
            added_zero_point: added.zero_point,
            added_scale: added.scale,
            scale: op.0.scale,
        });
        (step.epilogue.bounds, step.epilogue.zero_point) = (op.0.bounds(), op.0.zero_point);
        self.plan.quant_params[step.output] = op.0;
        Some(Value::Map(step.output))
    }

    /// Whether a step could add `other`: a map that is there before it, added to nothing else.
    fn takes(&self, step: usize, other: usize) -> bool {
        let own = &self.plan.steps[step];
        let made = self.plan.steps.iter().position(|step| step.output == other);
        !own.window.pool && own.addend.is_none() && own.output != other && made.is_none_or(|made| made < step)
    }

    fn read_once(&self, value: OutletId) -> bool {
        let readers = &self.model.node(value.node).outputs[value.slot].successors;
        readers.len() == 1 && !self.model.outputs.contains(&value)
    }

    /// The step that computes `value`, if only one node reads it.
    fn step_before(&self, value: OutletId) -> Option<usize> {
        let map = self.map_of(value)?;
        let step = self.plan.steps.iter().position(|step| step.output == map)?;
        self.read_once(value).then_some(step)
    }
}
