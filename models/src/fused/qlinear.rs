//! `QuantizeLinear`, `QLinearConv` and `DequantizeLinear`, one by one, as an ONNX graph has them. A fused run takes their place; an
//! operator that is left over runs as it is.

use super::plan::{Entry, Exit, FusionPlan, FusionStep};
use super::program::{Threads, pack};
use crate::kernels::{Epilogue, Map, PortableInt, QuantParams, Window};
use std::sync::Arc;
use tract_core::internal::*;

/// From real numbers to whole ones; from bytes, 0 to 255, to those minus 128.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quantize(pub QuantParams);

/// From whole numbers to real ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dequantize(pub QuantParams);

/// An integer convolution, `[1, C, H, W]` to `[1, O, H', W']`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntegerConvolution {
    /// How it goes over its input; without pooling.
    pub window: Window,
    /// Rows below and columns to the right that lie outside the input.
    pub pad_end: [usize; 2],
    /// `[out, in, rows, columns]`, i8.
    pub weights: Arc<Tensor>,
    /// Real size of one step of the weights, for each output channel, f32.
    pub weight_scales: Arc<Tensor>,
    /// For each output channel, i32, in steps of the input's scale times the weights'.
    pub biases: Arc<Tensor>,
    /// How the input stands for real numbers.
    pub input: QuantParams,
    /// How the output does.
    pub output: QuantParams,
}

impl Op for Quantize {
    fn name(&self) -> StaticName {
        "QuantizeLinear".into()
    }
    op_as_typed_op!();
}

impl EvalOp for Quantize {
    op_out_of_plan!();
    fn eval(&self, _ctx: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs[0].try_as_plain_ram()?;
        let numbers: Vec<i8> = match inputs[0].datum_type() {
            DatumType::U8 => input.as_slice::<u8>()?.iter().map(|&byte| (byte ^ 0x80) as i8).collect(),
            _ => input.as_slice::<f32>()?.iter().map(|&real| self.0.quantize(real) as i8).collect(),
        };
        Ok(tvec![Tensor::from_shape(inputs[0].shape(), &numbers)?.into_tvalue()])
    }
}

impl TypedOp for Quantize {
    as_op!();
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec![i8::fact(inputs[0].shape.clone())])
    }
}

impl Op for Dequantize {
    fn name(&self) -> StaticName {
        "DequantizeLinear".into()
    }
    op_as_typed_op!();
}

impl EvalOp for Dequantize {
    op_out_of_plan!();
    fn eval(&self, _ctx: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let numbers = inputs[0].try_as_plain_ram()?;
        let reals: Vec<f32> =
            numbers.as_slice::<i8>()?.iter().map(|&number| self.0.dequantize(f32::from(number))).collect();
        Ok(tvec![Tensor::from_shape(inputs[0].shape(), &reals)?.into_tvalue()])
    }
}

impl TypedOp for Dequantize {
    as_op!();
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec![f32::fact(inputs[0].shape.clone())])
    }
}

impl IntegerConvolution {
    /// The map that comes out of an input of `[1, C, H, W]`.
    fn output_map(&self, input: &[usize]) -> TractResult<Map> {
        let (&[1, _, height, width], &[out, ..]) = (input, self.weights.shape()) else {
            bail!("an input of the shape {input:?}, not [1, channels, rows, columns]")
        };
        let size = self.window.output([height, width], self.pad_end).context("a kernel larger than its input")?;
        Ok(Map { height: size[0], width: size[1], channels: out, border: 0 })
    }

    /// The step that a plan makes of it.
    pub fn step(&self, name: &str, input: usize, output: usize) -> FusionStep {
        FusionStep {
            name: name.to_owned(),
            input,
            addend: None,
            output,
            window: self.window,
            pad_end: self.pad_end,
            weights: Arc::clone(&self.weights),
            weight_scales: Some(Arc::clone(&self.weight_scales)),
            biases: Some(Arc::clone(&self.biases)),
            own: self.output,
            epilogue: Epilogue { bounds: self.output.bounds(), zero_point: self.output.zero_point, residual: None },
        }
    }
}

impl Op for IntegerConvolution {
    fn name(&self) -> StaticName {
        "QLinearConv".into()
    }
    op_as_typed_op!();
}

impl EvalOp for IntegerConvolution {
    op_out_of_plan!();
    fn eval(&self, _ctx: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let &[_, channels, height, width] = inputs[0].shape() else { bail!("not [1, channels, rows, columns]") };
        let output = self.output_map(inputs[0].shape())?;
        let mut plan = FusionPlan {
            maps: vec![Map { height, width, channels, border: 0 }, output],
            quant_params: vec![self.input, self.output],
            steps: vec![self.step("", 0, 1)],
            output: 1,
            entry: Entry::Numbers,
            exit: Exit::Numbers,
        };
        plan.set_borders();
        let program = pack::<PortableInt>(&plan, Threads::new(1))?;
        let mut numbers = program.output()?;
        program.run(&mut program.buffers(), &inputs[0], &mut numbers)?;
        Ok(tvec![numbers.into_tvalue()])
    }
}

impl TypedOp for IntegerConvolution {
    as_op!();
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = inputs[0].shape.as_concrete().context("a shape that is not fixed")?;
        let map = self.output_map(shape)?;
        Ok(tvec![i8::fact([1, map.channels, map.height, map.width])])
    }
}
