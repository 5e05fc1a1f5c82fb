//! The attributes of an ONNX node.

use crate::pb::{AttributeProto, NodeProto};
use tract_core::internal::*;
use tract_core::ops::cnn::{PaddingSpec, PoolSpec};
use tract_core::ops::nn::DataFormat;

/// The attributes of a convolution.
pub(super) const CONVOLUTION: &[&str] = &["kernel_shape", "strides", "pads", "dilations", "group", "auto_pad"];

/// A node's attributes, all of them known.
pub(super) struct Attributes<'a>(&'a NodeProto);

impl<'a> Attributes<'a> {
    pub(super) fn of(node: &'a NodeProto, known: &[&str]) -> TractResult<Self> {
        match node.attribute.iter().find(|attribute| !known.contains(&attribute.name.as_str())) {
            Some(unknown) => bail!("its attribute {} is not known here", unknown.name),
            None => Ok(Self(node)),
        }
    }

    fn find(&self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> TractResult<i64> {
        Ok(self.find(name).map_or(default, |attribute| attribute.i))
    }

    pub(super) fn float(&self, name: &str, default: f32) -> TractResult<f32> {
        Ok(self.find(name).map_or(default, |attribute| attribute.f))
    }

    pub(super) fn numbers<const N: usize>(&self, name: &str, default: [usize; N]) -> TractResult<[usize; N]> {
        let Some(attribute) = self.find(name) else { return Ok(default) };
        let numbers: Vec<usize> =
            attribute.ints.iter().map(|&value| usize::try_from(value)).collect::<Result<_, _>>()?;
        let count = numbers.len();
        numbers.try_into().map_err(|_| format_err!("{name} has {count} numbers, not {N}"))
    }

    pub(super) fn pair(&self, name: &str, default: [usize; 2]) -> TractResult<[usize; 2]> {
        self.numbers(name, default)
    }

    /// Window, steps and padding over rows and columns.
    pub(super) fn pool_spec(
        &self,
        kernel: [usize; 2],
        step: [usize; 2],
        from: usize,
        to: usize,
        ceil: bool,
    ) -> TractResult<PoolSpec> {
        let padding = self.find("auto_pad").map_or(&b"NOTSET"[..], |attribute| &attribute.s);
        ensure!(padding == b"NOTSET", "automatic padding is not known here");
        ensure!(self.pair("dilations", [1, 1])? == [1, 1], "dilations are not known here");
        let strides = self.pair("strides", step)?;
        ensure!(strides[0] > 0 && strides[1] > 0, "a step of 0");
        let [top, left, bottom, right] = self.numbers("pads", [0; 4])?;
        ensure!(
            top < kernel[0] && bottom < kernel[0] && left < kernel[1] && right < kernel[1],
            "pads as large as the kernel"
        );
        let (begin, end) = (tvec![top, left], tvec![bottom, right]);
        let padding = match self.0.op_type.as_str() {
            "Conv" | "QLinearConv" => PaddingSpec::Explicit(begin, end),
            _ => PaddingSpec::ExplicitOnnxPool(begin, end, ceil),
        };
        let (kernel, strides) = (TVec::from_slice(&kernel), Some(TVec::from_slice(&strides)));
        Ok(PoolSpec::new(DataFormat::NCHW, kernel, padding, None, strides, from, to))
    }
}
