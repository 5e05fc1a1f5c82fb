//! A run of convolutions, before any kernel is chosen: which map each reads, adds and writes.

use crate::kernels::{Epilogue, Map, QuantParams, Window};
use std::sync::Arc;
use tract_core::prelude::Tensor;

/// Convolutions in the order they run, from one map to one map.
#[derive(Clone, Debug)]
pub(crate) struct FusionPlan {
    /// The maps; the first is the input.
    pub maps: Vec<Map>,
    /// How each map's numbers stand for real ones; [`REAL`] in a float plan.
    pub quant_params: Vec<QuantParams>,
    /// The convolutions.
    pub steps: Vec<FusionStep>,
    /// The map that leaves.
    pub output: usize,
    /// What comes in.
    pub entry: Entry,
    /// What leaves.
    pub exit: Exit,
}

/// What a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Float32 real values, for a float plan.
    Reals,
    /// Float32 real values to be quantised as the first map is, or pixels as bytes, which are its numbers plus 128.
    Quantize,
    /// Whole numbers, i8.
    Numbers,
}

/// What a run gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Float32 real values of a float plan.
    Reals,
    /// Float32 real values that the last map's numbers stand for.
    Dequantize,
    /// Whole numbers, i8.
    Numbers,
}

/// The quantisation of numbers that are real ones.
pub(crate) const REAL: QuantParams = QuantParams { scale: 1.0, zero_point: 0 };

/// One convolution with what is fused into it. Maps are named by their index in [`FusionPlan::maps`].
#[derive(Clone, Debug)]
pub(crate) struct FusionStep {
    /// Name of the convolution in the graph.
    pub name: String,
    /// The map it reads.
    pub input: usize,
    /// The map that is added to its output.
    pub addend: Option<usize>,
    /// The map it writes.
    pub output: usize,
    /// How it goes over its input.
    pub window: Window,
    /// Rows below and columns to the right that lie outside the input.
    pub pad_end: [usize; 2],
    /// Weights `[out, in, rows, columns]`, float32 or i8.
    pub weights: Arc<Tensor>,
    /// Real size of a step of i8 weights, for each output channel, float32.
    pub weight_scales: Option<Arc<Tensor>>,
    /// A bias for each output channel, float32 or i32; none is zero.
    pub biases: Option<Arc<Tensor>>,
    /// How the convolution's own output stands for real numbers, before anything is added.
    pub own: QuantParams,
    /// What becomes of each sum.
    pub epilogue: Epilogue,
}

impl FusionStep {
    /// Multiply-accumulates of the convolution, given the maps it goes between.
    pub fn macs(&self, maps: &[Map]) -> usize {
        let (input, output) = (&maps[self.input], &maps[self.output]);
        let pooled = if self.window.pool { 4 } else { 1 };
        output.height
            * output.width
            * output.channels
            * input.channels
            * self.window.kernel.iter().product::<usize>()
            * pooled
    }
}

impl FusionPlan {
    /// Whether it calculates with whole numbers.
    pub fn is_integer(&self) -> bool {
        self.entry != Entry::Reals
    }

    /// Gives every map the border that the windows over it need.
    pub fn set_borders(&mut self) {
        for step in &self.steps {
            let need = step.window.pad.into_iter().chain(step.pad_end).max().unwrap_or(0);
            let border = &mut self.maps[step.input].border;
            *border = need.max(*border);
        }
    }
}

/// What a float convolution does with its sums before anything is fused into it.
pub(crate) const NO_EPILOGUE: Epilogue =
    Epilogue { bounds: (f32::NEG_INFINITY, f32::INFINITY), zero_point: 0, residual: None };
