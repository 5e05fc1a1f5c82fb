//! A packed plan as an operator of tract.

use super::plan::{Exit, FusionPlan};
use super::program::{Buffers, Program};
use std::fmt;
use std::sync::Arc;
use tract_core::internal::*;

/// A run of convolutions in one operator: `[1, C, H, W]` in and out.
#[derive(Clone)]
pub(crate) struct Fused {
    plan: Arc<FusionPlan>,
    program: Arc<dyn Program>,
}

impl Fused {
    pub(crate) fn new(plan: FusionPlan, program: Box<dyn Program>) -> Self {
        Self { plan: Arc::new(plan), program: program.into() }
    }

    pub(crate) fn plan(&self) -> &FusionPlan {
        &self.plan
    }

    pub(crate) fn program(&self) -> &dyn Program {
        &*self.program
    }
}

impl fmt::Debug for Fused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.plan.steps.iter().map(|step| step.name.as_str()).collect();
        f.debug_tuple("Fused").field(&names).finish()
    }
}

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

impl Eq for Fused {}

impl Op for Fused {
    fn name(&self) -> StaticName {
        "FusedConvolutions".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(self.plan.steps.iter().map(|step| format!("{}: {} MACs", step.name, step.macs(&self.plan.maps))).collect())
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    not_out_of_plan!();

    fn state(&self, _ctx: &EvalContext<'_>) -> TractResult<Option<Box<dyn OpState>>> {
        let output = Arc::new(self.program.output()?);
        Ok(Some(Box::new(FusedState { op: self.clone(), buffers: self.program.buffers(), output })))
    }
}

impl TypedOp for Fused {
    as_op!();

    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let map = &self.plan.maps[self.plan.output];
        let shape = [1, map.channels, map.height, map.width];
        Ok(tvec![if self.plan.exit == Exit::Numbers { i8::fact(shape) } else { f32::fact(shape) }])
    }
}

/// The buffers of one run at a time.
struct FusedState {
    op: Fused,
    buffers: Buffers,
    /// The output, lent to the graph: the engine wants a tensor that it may keep. The next run overwrites it where nobody has kept
    /// it, and a copy where somebody has.
    output: Arc<Tensor>,
}

impl Clone for FusedState {
    fn clone(&self) -> Self {
        Self { op: self.op.clone(), buffers: self.op.program.buffers(), output: Arc::new((*self.output).clone()) }
    }
}

impl fmt::Debug for FusedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.op.fmt(f)
    }
}

impl OpState for FusedState {
    fn eval(&mut self, _ctx: &EvalContext<'_>, _op: &dyn Op, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.op.program.run(&mut self.buffers, &inputs[0], Arc::make_mut(&mut self.output))?;
        Ok(tvec![TValue::from_const(Arc::clone(&self.output))])
    }

    fn reset_lanes(&mut self, _lanes: &[LaneId]) -> TractResult<()> {
        // Nothing lasts from one run to the next.
        Ok(())
    }
}
