//! Fake-quantised convolutions: on real numbers that stand for 8-bit ones, with gradients that pass straight through the rounding
//! (Bengio et al. 2013; Jacob et al. 2018).
//!
//! Weights are rounded per output channel to whole numbers from -127 to 127, the largest among them to one of the ends: none
//! is saturated, so every weight's gradient passes. Multiplying a channel by the factor of a normalisation multiplies its unit
//! alike and leaves the numbers as they are. While a normalisation takes its statistics from the batch, rounding the weights
//! as they are is therefore the same as rounding them folded and taking the factor out again (Krishnamoorthi 2018, section
//! 3.2.2); once the statistics stand still, the folded convolution is computed, which is what will be exported.

use super::tensors::Tensors;
use super::{Net, Node, Op};
use crate::operators::{self, Convolution, reference};
use burn::tensor::{Tensor, TensorData};
use emotion_models::QuantParams;

/// Largest whole number that stands for a weight.
pub const MAX_WEIGHT: f32 = 127.0;

/// Unit of a channel whose weights are all zero.
pub const MIN_UNIT: f32 = 1e-12;

/// A normalisation behind a ReLU, whose sign alone has been applied: what is still to come, per channel.
#[derive(Clone)]
pub(super) struct Pending {
    /// Not negative, `[C]`.
    pub scale: Tensor<1>,
    /// `[C]`.
    pub shift: Tensor<1>,
}

impl Pending {
    /// Applies it to `[N, C, H, W]`.
    pub fn settle(self, x: Tensor<4>) -> Tensor<4> {
        let channels = self.scale.dims()[0];
        x * self.scale.reshape([1, channels, 1, 1]) + self.shift.reshape([1, channels, 1, 1])
    }
}

/// The value `to` in the forward pass, the gradient of `from` in the backward pass.
fn straight_through<const D: usize>(from: Tensor<D>, to: Tensor<D>) -> Tensor<D> {
    if from.device().is_autodiff() { from.clone() + (to - from).detach() } else { to }
}

/// Weights `[O, C, K, K]` on their grids, and the unit of each output channel, `[O]`.
fn round_weights(weight: Tensor<4>) -> (Tensor<4>, Tensor<1>) {
    let [out, channels, rows, columns] = weight.dims();
    let flat = weight.clone().detach().reshape([out, channels * rows * columns]);
    let unit = (flat.abs().max_dim(1) / MAX_WEIGHT).clamp_min(MIN_UNIT);
    let by = unit.clone().reshape([out, 1, 1, 1]);
    let rounded = (weight.clone().detach() / by.clone()).round() * by;
    (straight_through(weight, rounded), unit.reshape([out]))
}

/// Scale and shift of a normalisation by its running statistics.
fn affine(tensors: &Tensors, norm: &Node, epsilon: f32) -> (Tensor<1>, Tensor<1>) {
    let [gamma, beta, mean, variance] = ["gamma", "beta", "mean", "variance"].map(|what| tensors.flat(norm, what));
    let scale = gamma / (variance + epsilon).sqrt();
    (scale.clone(), beta - mean * scale)
}

/// A convolution of `[N, C, H, W]` on the grid `input`. `norm` is the normalisation to fold into it, `relu` whether one follows.
pub(super) fn convolution(
    net: &Net,
    tensors: &Tensors,
    index: usize,
    x: Tensor<4>,
    norm: Option<usize>,
    pending: Option<Pending>,
    relu: bool,
) -> Tensor<4> {
    let node = &net.nodes[index];
    let Op::Conv { out, kernel, stride, padding, bias } = node.op else { return x };
    let channels = x.dims()[1];
    let mut weight = tensors.flat(node, "weight").reshape([out, channels, kernel, kernel]);
    let mut offset = if bias { tensors.flat(node, "bias") } else { Tensor::zeros([out], &weight.device()) };
    if let Some(Pending { scale, shift }) = pending {
        let moved = (weight.clone() * shift.reshape([1, channels, 1, 1])).reshape([out, channels * kernel * kernel]);
        offset = offset + moved.sum_dim(1).reshape([out]);
        weight = weight * scale.reshape([1, channels, 1, 1]);
    }
    if let Some(norm) = norm
        && let Op::BatchNorm { epsilon, .. } = net.nodes[norm].op
    {
        let (scale, shift) = affine(tensors, &net.nodes[norm], epsilon);
        weight = weight * scale.clone().reshape([out, 1, 1, 1]);
        offset = offset * scale + shift;
    }
    let (weight, unit) = round_weights(weight);
    if let Some(params) = net.quantize_before(index).and_then(|before| tensors.quant_params(&net.nodes[before])) {
        let unit = unit * params.scale;
        let rounded = (offset.clone().detach() / unit.clone()).round() * unit;
        offset = straight_through(offset, rounded);
    }
    let how = Convolution { stride, padding, relu };
    if tensors.fast { operators::conv2d(x, weight, offset, how) } else { reference::conv2d(x, weight, offset, how) }
}

/// A normalisation of values on the grid `from`, by running statistics: only its signs are applied, where one is negative,
/// and the values rounded to a grid that has both; the rest folds into the convolution behind it.
pub(super) fn signed(
    tensors: &Tensors,
    norm: &Node,
    epsilon: f32,
    from: QuantParams,
    x: Tensor<4>,
) -> (Tensor<4>, Pending) {
    let (scale, shift) = affine(tensors, norm, epsilon);
    let signs: Vec<f32> = scale
        .clone()
        .detach()
        .into_data()
        .try_to_vec::<f32>()
        .unwrap_or_default()
        .into_iter()
        .map(|scale| 1f32.copysign(scale))
        .collect();
    if signs.iter().all(|&sign| sign > 0.0) {
        return (x, Pending { scale, shift });
    }
    let channels = signs.len();
    let signs = Tensor::<1>::from_data(TensorData::new(signs, [channels]), &x.device());
    let x = tensors.fake_quantize(x * signs.clone().reshape([1, channels, 1, 1]), from.symmetric());
    (x, Pending { scale: scale * signs, shift })
}
