//! The float operators of a graph.

use super::attributes::{Attributes, CONVOLUTION};
use super::reader::Reader;
use crate::pb::NodeProto;
use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::math;
use tract_core::ops::nn::{Reduce, Reducer, Softmax, SoftmaxKind};

impl Reader {
    pub(super) fn binary(&mut self, node: &NodeProto, op: TypedBinOp) -> TractResult<OutletId> {
        let inputs = [self.input(node, 0)?, self.input(node, 1)?];
        self.broadcast(&node.name, op, &inputs)
    }

    pub(super) fn convolution(&mut self, node: &NodeProto) -> TractResult<OutletId> {
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
        self.check_macs(outlet, channels * rows * columns)
    }

    pub(super) fn max_pool(&mut self, node: &NodeProto) -> TractResult<OutletId> {
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

    pub(super) fn relu(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let input = self.input(node, 0)?;
        self.cut_off(&node.name, input)
    }

    pub(super) fn global_average_pool(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let input = self.input(node, 0)?;
        let shape = self.shape(input)?;
        ensure!(shape.len() > 2, "an input of the shape {shape:?}, which has no rows and columns");
        let axes: TVec<usize> = (2..shape.len()).collect();
        let count: usize = shape[2..].iter().product();
        let sum = self.wire(&format!("{}.sum", node.name), Reduce { axes, reducer: Reducer::Sum }, &[input])?;
        let count = self.model.add_const(format!("{}.count", node.name), tensor0(count as f32))?;
        self.broadcast(&node.name, math::div(), &[sum, count])
    }

    pub(super) fn flatten(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let attributes = Attributes::of(node, &["axis"])?;
        ensure!(attributes.int("axis", 1)? == 1, "another axis than 1 is not known here");
        let input = self.input(node, 0)?;
        let shape = self.shape(input)?;
        ensure!(shape.len() > 1, "an input of the shape {shape:?}");
        let from: TVec<TDim> = shape[1..].iter().map(|dim| dim.to_dim()).collect();
        let to = tvec![shape[1..].iter().product::<usize>().to_dim()];
        self.wire(&node.name, AxisOp::Reshape(1, from, to), &[input])
    }

    pub(super) fn gemm(&mut self, node: &NodeProto) -> TractResult<OutletId> {
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
        self.check_macs(product, features)?;
        if !biased {
            return Ok(product);
        }
        let bias = self.input(node, 2)?;
        self.broadcast(&node.name, math::add(), &[product, bias])
    }

    pub(super) fn softmax(&mut self, node: &NodeProto) -> TractResult<OutletId> {
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
