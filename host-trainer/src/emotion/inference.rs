//! The trainer's own pass over pictures as they are.

use super::dataset::Split;
use crate::device::Engine;
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::nets::{Net, forward};
use burn::tensor::{Tensor, TensorData};
use emotion_models::InputSpec;

/// Pictures that go through the net together.
const BATCH: usize = 128;

/// The trainer's own probabilities `[N, labels]` (softmax at temperature 1) for a split's pictures, unaugmented, in order.
pub fn probabilities(net: &Net, weights: &Weights, split: &Split, input: &InputSpec, engine: &Engine) -> Vec<f32> {
    let device = engine.scoring();
    let tensors = Tensors::new(net, weights, &device, engine.fast(), 0);
    let [_, channels, height, width] = input.shape();
    let mut all = Vec::with_capacity(split.items.len() * net.classes());
    let pictures: Vec<&[u8]> = split.pictures().collect();
    for some in pictures.chunks(BATCH) {
        let mut real = Vec::with_capacity(some.len() * channels * height * width);
        real.extend(some.iter().copied().flatten().map(|&byte| input.pixel_map.real(f32::from(byte))));
        let pixels = TensorData::new(real, [some.len(), channels, height, width]);
        let logits = forward::forward(net, &tensors, Tensor::<4>::from_data(pixels, &device), None).logits;
        let softmax = burn::tensor::activation::softmax(logits, 1).into_data();
        all.extend_from_slice(softmax.as_slice::<f32>().unwrap_or_default());
    }
    all
}
