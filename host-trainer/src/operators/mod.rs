//! The operators training spends its time in, as burn operators with their own gradients.
//!
//! burn's CPU backend composes batch normalisation from many passes and builds a whole layer's im2col at once; these
//! work on tiles that stay in cache. Everything else (addition, matrix products, softmax) is burn's own, and on other
//! devices than the processor everything is: [`mod@reference`] has the same operators from burn's.

pub mod conv;
pub mod gemm;
mod mask;
pub mod norm;
pub mod pool;
pub mod quantize;
pub mod reference;
pub mod timing;

use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{Tensor, TensorData};
use conv::ConvShape;
use emotion_models::QuantParams;
pub use norm::Normalization;
use norm::{NormShape, Statistics};
use pool::PoolShape;
use std::sync::Arc;
use timing::{Part, timed};

/// What a convolution needs besides its tensors.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// Step between neighbouring outputs, both axes.
    pub stride: usize,
    /// Zeros around the input, each side.
    pub padding: usize,
    /// Whether a ReLU follows directly.
    pub relu: bool,
}

/// The operators, per backend.
#[backend_extension(Flex, Autodiff)]
pub trait FastOperators: Backend {
    /// `[N, C, H, W]` with weights `[O, C, K, K]` and bias `[O]`.
    fn fast_conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        how: Convolution,
    ) -> FloatTensor<Self>;
    /// `[N, C, H, W]` with gamma and beta `[C]`.
    fn fast_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        how: Normalization,
    ) -> FloatTensor<Self>;
    /// `[N, C, H, W]`, windows of `size x size`.
    fn fast_max_pool(input: FloatTensor<Self>, size: usize) -> FloatTensor<Self>;
    /// `[N, C, H, W]`, each value to the nearest of the grid's.
    fn fast_fake_quantize(input: FloatTensor<Self>, params: QuantParams) -> FloatTensor<Self>;
}

/// Convolution: `[N, C, H, W]` by `[O, C, K, K]` plus bias `[O]`, zero padding.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, how: Convolution) -> Tensor<4> {
    let (weight, bias) = (weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::fast_conv(input.into_dispatch(), weight, bias, how))
}

/// Normalization by given statistics, as at inference; no gradient flows through them.
pub fn normalize(input: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, how: Normalization) -> Tensor<4> {
    let (gamma, beta) = (gamma.into_dispatch(), beta.into_dispatch());
    Tensor::from_dispatch(Dispatch::fast_norm(input.into_dispatch(), gamma, beta, how))
}

/// Batch normalisation by the batch's own statistics, which are returned beside the output.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    relu: bool,
) -> (Tensor<4>, Arc<Statistics>) {
    let [batch, channels, height, width] = input.dims();
    let shape = NormShape { batch, channels, positions: height * width };
    let of_batch = |values: &[f32]| timed(Part::NormForward, || norm::statistics(values, shape));
    let statistics = Arc::new(floats_of(input.clone(), of_batch));
    let how = Normalization { statistics: statistics.clone(), epsilon, relu };
    (normalize(input, gamma, beta, how), statistics)
}

/// Max-pooling over whole windows of `size x size`.
pub fn max_pool(input: Tensor<4>, size: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::fast_max_pool(input.into_dispatch(), size))
}

/// Fake quantisation: rounds to the values of an 8-bit grid; the gradient passes where nothing is saturated.
pub fn fake_quantize(input: Tensor<4>, params: QuantParams) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::fast_fake_quantize(input.into_dispatch(), params))
}

/// Smallest and largest value.
pub fn range(input: Tensor<4>) -> [f32; 2] {
    floats_of(input, |values| timed(Part::QuantizeForward, || quantize::range(values)))
}

/// Calls `work` with a tensor's values in row-major order; without a copy where they already lie so in this process.
fn floats_of<const D: usize, R>(tensor: Tensor<D>, work: impl FnOnce(&[f32]) -> R) -> R {
    let tensor = if tensor.device().is_autodiff() { tensor.inner() } else { tensor };
    match tensor.clone().try_into_primitive::<Flex>() {
        Ok(primitive) => work(contiguous(&primitive).as_slice::<f32>().unwrap_or_default()),
        Err(_) => {
            let data = tensor.into_data();
            work(data.as_slice::<f32>().unwrap_or_default())
        }
    }
}

type FlexTensor = FloatTensor<Flex>;

fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.layout().shape().dims()
}

fn conv_shape(input: &FlexTensor, weight: &FlexTensor, how: Convolution) -> ConvShape {
    let [batch, channels, height, width] = dims(input);
    let [out_channels, _, kernel, _] = dims(weight);
    let Convolution { stride, padding, .. } = how;
    ConvShape { batch, channels, height, width, out_channels, kernel, stride, padding }
}

fn norm_shape(input: &FlexTensor) -> NormShape {
    let [batch, channels, height, width] = dims(input);
    NormShape { batch, channels, positions: height * width }
}

fn pool_shape(input: &FlexTensor, size: usize) -> PoolShape {
    let [batch, channels, height, width] = dims(input);
    PoolShape { planes: batch * channels, height, width, size }
}

fn pooled(input: &FlexTensor, values: Vec<f32>, shape: PoolShape) -> FlexTensor {
    let [batch, channels, ..] = dims::<4>(input);
    tensor(values, [batch, channels, shape.out_height(), shape.out_width()])
}

impl FastOperators for Flex {
    fn fast_conv(input: FlexTensor, weight: FlexTensor, bias: FlexTensor, how: Convolution) -> FlexTensor {
        let (input, weight, bias) = (contiguous(&input), contiguous(&weight), contiguous(&bias));
        let shape = conv_shape(&input, &weight, how);
        let output = timed(Part::ConvForward, || {
            conv::forward(floats(&input), floats(&weight), floats(&bias), how.relu, &shape)
        });
        tensor(output, [shape.batch, shape.out_channels, shape.out_height(), shape.out_width()])
    }

    fn fast_norm(input: FlexTensor, gamma: FlexTensor, beta: FlexTensor, how: Normalization) -> FlexTensor {
        let (input, gamma, beta) = (contiguous(&input), contiguous(&gamma), contiguous(&beta));
        let output = timed(Part::NormForward, || {
            norm::forward(floats(&input), floats(&gamma), floats(&beta), &how, norm_shape(&input))
        });
        tensor(output, dims::<4>(&input))
    }

    fn fast_max_pool(input: FlexTensor, size: usize) -> FlexTensor {
        let input = contiguous(&input);
        let shape = pool_shape(&input, size);
        pooled(&input, timed(Part::PoolForward, || pool::forward(floats(&input), shape)).0, shape)
    }

    fn fast_fake_quantize(input: FlexTensor, params: QuantParams) -> FlexTensor {
        let input = contiguous(&input);
        let output = timed(Part::QuantizeForward, || quantize::forward(floats(&input), params));
        tensor(output, dims::<4>(&input))
    }
}

#[derive(Debug)]
struct ConvBackward;

#[derive(Clone, Debug)]
struct ConvState {
    input: FlexTensor,
    weight: FlexTensor,
    rectified: Option<FlexTensor>,
    shape: ConvShape,
}

impl Backward<Flex, 3> for ConvBackward {
    type State = ConvState;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(&grads.consume::<Flex>(&ops.node));
        let ConvState { input, weight, rectified, shape } = &ops.state;
        let saved =
            conv::Saved { input: floats(input), weight: floats(weight), rectified: rectified.as_ref().map(floats) };
        let [input_node, weight_node, bias_node] = ops.parents;
        let wanted = input_node.is_some();
        let gradients = timed(Part::ConvBackward, || conv::backward(saved, floats(&gradient), shape, wanted));
        if let (Some(node), Some(values)) = (input_node, gradients.input) {
            grads.register::<Flex>(node.id, tensor(values, dims::<4>(input)));
        }
        if let Some(node) = weight_node {
            grads.register::<Flex>(node.id, tensor(gradients.weight, dims::<4>(weight)));
        }
        if let Some(node) = bias_node {
            grads.register::<Flex>(node.id, tensor(gradients.bias, [shape.out_channels]));
        }
    }
}

#[derive(Debug)]
struct NormBackward;

impl Backward<Flex, 3> for NormBackward {
    type State = (FlexTensor, FlexTensor, FlexTensor, Normalization);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(&grads.consume::<Flex>(&ops.node));
        let (input, gamma, beta, how) = &ops.state;
        let (input_gradient, gamma_gradient, beta_gradient) = timed(Part::NormBackward, || {
            norm::backward(floats(input), floats(gamma), floats(beta), how, floats(&gradient), norm_shape(input))
        });
        let channels = dims::<1>(gamma);
        let gradients = [
            tensor(input_gradient, dims::<4>(input)),
            tensor(gamma_gradient, channels),
            tensor(beta_gradient, channels),
        ];
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct PoolBackward;

impl Backward<Flex, 1> for PoolBackward {
    type State = (Arc<Vec<u8>>, [usize; 4], PoolShape);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (places, dims, shape) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let gradient = contiguous(&gradient);
            tensor(timed(Part::PoolBackward, || pool::backward(floats(&gradient), &places, shape)), dims)
        });
    }
}

#[derive(Debug)]
struct FakeQuantizeBackward;

impl Backward<Flex, 1> for FakeQuantizeBackward {
    type State = (FlexTensor, QuantParams);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (input, params) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let gradient = contiguous(&gradient);
            let backward = || quantize::backward(floats(&input), params, floats(&gradient));
            tensor(timed(Part::QuantizeBackward, backward), dims::<4>(&input))
        });
    }
}

impl<C: CheckpointStrategy> FastOperators for Autodiff<Flex, C> {
    fn fast_conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        how: Convolution,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let ((weight, weight_node), (bias, bias_node)) = (weight.into_parts(), bias.into_parts());
        let (input, weight) = (contiguous(&input), contiguous(&weight));
        let output = Flex::fast_conv(input.clone(), weight.clone(), bias, how);
        match ConvBackward.prepare::<C>([input_node, weight_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let shape = conv_shape(&input, &weight, how);
                let rectified = how.relu.then(|| output.clone());
                prep.finish(ConvState { input, weight, rectified, shape }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn fast_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        how: Normalization,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let ((gamma, gamma_node), (beta, beta_node)) = (gamma.into_parts(), beta.into_parts());
        let (input, gamma, beta) = (contiguous(&input), contiguous(&gamma), contiguous(&beta));
        let output = Flex::fast_norm(input.clone(), gamma.clone(), beta.clone(), how.clone());
        match NormBackward.prepare::<C>([input_node, gamma_node, beta_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((input, gamma, beta, how), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn fast_max_pool(input: FloatTensor<Self>, size: usize) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let input = contiguous(&input);
        let shape = pool_shape(&input, size);
        let (values, places) = timed(Part::PoolForward, || pool::forward(floats(&input), shape));
        let output = pooled(&input, values, shape);
        match PoolBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((Arc::new(places), dims(&input), shape), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn fast_fake_quantize(input: FloatTensor<Self>, params: QuantParams) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let input = contiguous(&input);
        let output = Flex::fast_fake_quantize(input.clone(), params);
        match FakeQuantizeBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((input, params), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

#[cfg(test)]
mod tests;
