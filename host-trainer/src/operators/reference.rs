//! The reference: the same operators from burn's own, for graphics cards and to test ours against.

use super::Convolution;
use super::norm::Statistics;
use burn::tensor::module::{self, BatchNormTrainOutput};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData, activation};
use emotion_models::QuantParams;

/// As [`super::conv2d`].
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, how: Convolution) -> Tensor<4> {
    let Convolution { stride, padding, relu } = how;
    let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
    rectified(module::conv2d(input, weight, Some(bias), options), relu)
}

/// As [`super::batch_norm`]; mean and biased variance `[C]` stay on the device.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    relu: bool,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let BatchNormTrainOutput { output, mean, variance } =
        module::batch_norm_train(input, gamma, beta, f64::from(epsilon));
    (rectified(output, relu), mean, variance)
}

/// As [`super::normalize`].
pub fn normalize(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    statistics: &Statistics,
    epsilon: f32,
    relu: bool,
) -> Tensor<4> {
    let channels = statistics.mean.len();
    let device = input.device();
    let constant = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::new(values, [channels]), &device);
    let scale = statistics.variance.iter().map(|variance| (variance + epsilon).sqrt().recip()).collect();
    let scale = gamma * constant(scale);
    let shift = beta - constant(statistics.mean.clone()) * scale.clone();
    let [scale, shift] = [scale, shift].map(|values| values.reshape([1, channels, 1, 1]));
    rectified(input * scale + shift, relu)
}

/// As [`super::max_pool`].
pub fn max_pool(input: Tensor<4>, size: usize) -> Tensor<4> {
    module::max_pool2d(input, MaxPoolOptions::new([size; 2]))
}

/// As [`super::fake_quantize`].
pub fn fake_quantize(input: Tensor<4>, params: QuantParams) -> Tensor<4> {
    let (low, high) = params.bounds();
    let number = (input.clone().detach() / params.scale).round();
    let saturated = number.clone().clamp(low, high);
    let rounded = saturated.clone() * params.scale;
    if !input.device().is_autodiff() {
        return rounded;
    }
    // No gradient passes where a value was filled in.
    let passing = input.mask_fill(number.not_equal(saturated), 0.0);
    passing.clone() + (rounded - passing).detach()
}

fn rectified(tensor: Tensor<4>, relu: bool) -> Tensor<4> {
    if relu { activation::relu(tensor) } else { tensor }
}
