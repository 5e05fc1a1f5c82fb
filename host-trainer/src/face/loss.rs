//! The loss of a face net's maps.

use super::targets::Targets;
use burn::tensor::{Device, Tensor, TensorData, activation};
use emotion_models::OUTPUTS;

/// Powers of the focal loss: of what the net misses, and of how near a centre is (Zhou et al. 2019, with the values of Law and
/// Deng 2018).
const FOCUS: f32 = 2.0;
const NEARNESS: i32 = 4;
/// How much a box counts beside its centre.
const BOXES: f32 = 1.0;

/// Focal loss of the centres for each face, and the mean distance of offsets and logarithms of sizes; a tensor of one value.
///
/// `maps` are `[N, 5 * cells]`.
pub fn loss(maps: Tensor<2>, targets: &Targets, device: &Device) -> Tensor<1> {
    let batch = maps.dims()[0];
    let cells = maps.dims()[1] / OUTPUTS;
    let tensor =
        |values: Vec<f32>, width: usize| Tensor::<2>::from_data(TensorData::new(values, [batch, width]), device);
    let faces = targets.centres.iter().sum::<f32>().max(1.0);
    let logits = maps.clone().slice([0..batch, 0..cells]);
    let score = activation::sigmoid(logits.clone());
    // Weights of the logarithms, ready to be summed.
    let rest = |index: usize| {
        (1.0 - targets.centres[index]) * (1.0 - targets.heat[index]).powi(NEARNESS) * targets.counts[index]
    };
    let negative: Vec<f32> = (0..targets.heat.len()).map(|index| -rest(index) / faces).collect();
    let positive: Vec<f32> = targets.centres.iter().map(|centre| -centre / faces).collect();
    let found = activation::log_sigmoid(logits.clone()) * (score.clone().neg() + 1.0).powf_scalar(FOCUS);
    let quiet = activation::log_sigmoid(logits.neg()) * score.powf_scalar(FOCUS);
    let centres = (found * tensor(positive, cells) + quiet * tensor(negative, cells)).sum();

    let weight = targets.weights.iter().sum::<f32>().max(1.0);
    let weights: Vec<f32> = targets
        .weights
        .chunks_exact(cells)
        .flat_map(|weights| std::iter::repeat_n(weights, OUTPUTS - 1).flatten())
        .map(|value| value * BOXES / weight)
        .collect();
    let boxes = maps.slice([0..batch, cells..OUTPUTS * cells]);
    let width = (OUTPUTS - 1) * cells;
    let away = (boxes - tensor(targets.boxes.clone(), width)).abs() * tensor(weights, width);
    centres + away.sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::scene::SceneFace;

    #[test]
    fn the_right_answer_costs_least() {
        let device = Device::flex();
        let mut targets = Targets::default();
        targets.push(&[SceneFace { place: [20.0, 30.0, 24.0, 32.0], ignored: false, rough: false }], [20, 15]);
        let value = |sharpness: f32, moved: f32| {
            let logits = targets.heat.iter().map(|&heat| if heat == 1.0 { sharpness } else { -sharpness });
            let maps: Vec<f32> = logits.chain(targets.boxes.iter().map(|value| value + moved)).collect();
            let maps = Tensor::<2>::from_data(TensorData::new(maps, [1, 1500]), &device);
            loss(maps, &targets, &device).into_data().try_to_vec::<f32>().unwrap()[0]
        };
        assert!(value(6.0, 0.0) < 0.05, "{}", value(6.0, 0.0));
        assert!(value(2.0, 0.0) > value(4.0, 0.0));
        assert!(value(-3.0, 0.0) > 1.0);
        assert!((value(6.0, 0.5) - value(6.0, 0.0) - 2.0).abs() < 1e-3);
    }
}
