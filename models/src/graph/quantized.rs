//! The integer operators of a graph: read as they are, or as the float operators that they stand for.

use super::attributes::{Attributes, CONVOLUTION};
use super::reader::{Reader, constant};
use crate::card::Precision;
use crate::fused::{Dequantize, IntegerConvolution, Quantize};
use crate::input::PixelMap;
use crate::kernels::{QuantParams, Window};
use crate::pb::{GraphProto, NodeProto};
use std::sync::Arc;
use tract_core::internal::*;
use tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec};
use tract_core::ops::source::TypedSource;

/// Whether all that reads a graph's input is one `QuantizeLinear` that undoes `pixels`: a pixel's number is then its byte
/// minus 128.
pub(super) fn takes_bytes(graph: &GraphProto, input: &str, pixels: PixelMap) -> bool {
    let mut readers = graph.node.iter().filter(|node| node.input.iter().any(|name| name == input));
    let (Some(node), None) = (readers.next(), readers.next()) else { return false };
    let number = |index: usize| {
        let name = node.input.get(index)?;
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == *name)?;
        constant(tensor).ok().filter(|tensor| tensor.len() == 1)?.cast_to_scalar::<f32>().ok()
    };
    node.op_type == "QuantizeLinear" && number(1) == Some(pixels.scale) && number(2) == Some(pixels.offset - 128.0)
}

impl Reader {
    /// A node's input that is one of the file's tensors.
    fn tensor(&self, node: &NodeProto, index: usize) -> TractResult<Arc<Tensor>> {
        let outlet = self.input(node, index)?;
        let stored = self.model.outlet_fact(outlet)?.konst.clone();
        stored.with_context(|| format!("its input {index} is no tensor of the file"))
    }

    /// A scale and a zero point, which stand side by side among a node's inputs.
    fn quant_params(&self, node: &NodeProto, index: usize) -> TractResult<QuantParams> {
        let (scale, zero_point) = (self.tensor(node, index)?, self.tensor(node, index + 1)?);
        ensure!(
            scale.len() == 1 && zero_point.len() == 1,
            "its inputs {index} and {} are not single numbers",
            index + 1
        );
        ensure!(zero_point.datum_type() == DatumType::I8, "its zero point is not int8");
        let (scale, zero_point) = (scale.cast_to_scalar::<f32>()?, zero_point.cast_to_scalar::<i32>()?);
        ensure!(scale.is_normal() && scale > 0.0, "a scale of {scale}");
        Ok(QuantParams { scale, zero_point })
    }

    pub(super) fn quantize(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        Attributes::of(node, &[])?;
        let (input, to) = (self.input(node, 0)?, self.quant_params(node, 1)?);
        let fact = self.model.outlet_fact(input)?.datum_type;
        ensure!(fact == DatumType::F32 || fact == DatumType::U8, "its input is not float32");
        match self.precision {
            Precision::Int8 => self.wire(&node.name, Quantize(to), &[input]),
            // Pixels are not below 0 anyway.
            Precision::F32 if to.zero_point == -128 && !self.model.node(input.node).op_is::<TypedSource>() => {
                self.cut_off(&node.name, input)
            }
            Precision::F32 => Ok(input),
        }
    }

    pub(super) fn dequantize(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        Attributes::of(node, &[])?;
        let (input, from) = (self.input(node, 0)?, self.quant_params(node, 1)?);
        if self.precision == Precision::F32 {
            return Ok(input);
        }
        ensure!(self.model.outlet_fact(input)?.datum_type == DatumType::I8, "its input is not int8");
        self.wire(&node.name, Dequantize(from), &[input])
    }

    pub(super) fn integer_convolution(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, CONVOLUTION)?;
        ensure!(attributes.int("group", 1)? == 1, "groups are not known here");
        let input = self.input(node, 0)?;
        let (from, to) = (self.quant_params(node, 1)?, self.quant_params(node, 6)?);
        let (weights, scales, zero) = (self.tensor(node, 3)?, self.tensor(node, 4)?, self.tensor(node, 5)?);
        let &[out, channels, rows, columns] = weights.shape() else {
            bail!("weights of the shape {:?}, not [out, in, rows, columns]", weights.shape())
        };
        ensure!(weights.datum_type() == DatumType::I8 && weights.len() > 0, "its weights are not int8");
        let zeros = zero.datum_type() == DatumType::I8
            && zero.try_as_plain_ram()?.as_slice::<i8>()?.iter().all(|&zero| zero == 0);
        ensure!(zeros, "the zero point of its weights is not 0");
        let scales = Arc::new(scales.cast_to::<f32>()?.into_owned());
        let scales = if scales.len() == 1 { repeated(&scales, out)? } else { scales };
        let plain = scales.try_as_plain_ram()?;
        let sane = plain.as_slice::<f32>()?.iter().all(|scale| scale.is_normal() && *scale > 0.0);
        ensure!(scales.len() == out && sane, "the scales of its weights");
        let biases = match node.input.get(8).filter(|name| !name.is_empty()) {
            Some(_) => self.tensor(node, 8)?,
            None => Arc::new(Tensor::zero::<i32>(&[out])?),
        };
        ensure!(
            biases.datum_type() == DatumType::I32 && biases.len() == out,
            "its bias is not int32, one for each channel"
        );
        let shape = self.shape(input)?;
        ensure!(shape.len() == 4 && shape[1] == channels, "an input of the shape {shape:?} for {channels} channels");
        let kernel = attributes.pair("kernel_shape", [rows, columns])?;
        ensure!(kernel == [rows, columns], "a kernel_shape that contradicts the weights");
        let pool_spec = attributes.pool_spec(kernel, [1, 1], channels, out, false)?;
        if self.precision == Precision::F32 {
            let op = Conv { pool_spec, kernel_fmt: KernelFormat::OIHW, group: 1, q_params: None };
            return self.float_convolution(node, op, input, [&weights, &scales, &biases], [from, to]);
        }
        ensure!(self.model.outlet_fact(input)?.datum_type == DatumType::I8, "its input is not int8");
        let PaddingSpec::Explicit(begin, end) = &pool_spec.padding else { bail!("padding of another kind") };
        let strides = pool_spec.strides();
        let op = IntegerConvolution {
            window: Window { kernel, stride: [strides[0], strides[1]], pad: [begin[0], begin[1]], pool: false },
            pad_end: [end[0], end[1]],
            weights,
            weight_scales: scales,
            biases,
            input: from,
            output: to,
        };
        let outlet = self.wire(&node.name, op, &[input])?;
        self.check_macs(outlet, channels * rows * columns)
    }

    /// An integer convolution with the real numbers that its weights and biases stand for.
    fn float_convolution(
        &mut self,
        node: &NodeProto,
        op: Conv,
        input: OutletId,
        [weights, scales, biases]: [&Tensor; 3],
        [from, to]: [QuantParams; 2],
    ) -> TractResult<OutletId> {
        let (scales, weights_plain, biases) =
            (scales.try_as_plain_ram()?, weights.try_as_plain_ram()?, biases.try_as_plain_ram()?);
        let scales = scales.as_slice::<f32>()?;
        let numbers = weights_plain.as_slice::<i8>()?;
        let volume = numbers.len() / scales.len();
        let of_channel =
            |(numbers, &scale): (&[i8], &f32)| numbers.iter().map(move |&n| f32::from(n) * scale).collect::<Vec<_>>();
        let real: Vec<f32> = numbers.chunks_exact(volume).zip(scales).flat_map(of_channel).collect();
        let bias = |(&bias, &scale): (&i32, &f32)| (f64::from(bias) * f64::from(from.scale) * f64::from(scale)) as f32;
        let bias: Vec<f32> = biases.as_slice::<i32>()?.iter().zip(scales).map(bias).collect();
        let name = &node.name;
        let weight =
            self.model.add_const(format!("{name}.real_weight"), Tensor::from_shape(weights.shape(), &real)?)?;
        let bias = self.model.add_const(format!("{name}.real_bias"), Tensor::from_shape(&[bias.len()], &bias)?)?;
        let sums = self.wire(name, op, &[input, weight, bias])?;
        self.check_macs(sums, volume)?;
        if to.zero_point == -128 { self.cut_off(&format!("{name}.cut_off"), sums) } else { Ok(sums) }
    }
}

/// One number, `count` times.
fn repeated(number: &Tensor, count: usize) -> TractResult<Arc<Tensor>> {
    Ok(Arc::new(Tensor::from_shape(&[count], &vec![number.cast_to_scalar::<f32>()?; count])?))
}
