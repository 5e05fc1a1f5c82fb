//! The loss of a face net's maps.

use super::targets::Targets;
use burn::tensor::{Device, Tensor, TensorData, activation};
use emotion_models::OUTPUTS;

/// Powers of the focal loss: of what the net misses, and of how near a centre is (Zhou et al. 2019, with the values of Law and
/// Deng 2018).
const FOCUS: f32 = 2.0;
const NEARNESS: i32 = 4;
/// How much a box's size counts, and how much where its centre lies, by the mean distance.
const SIZE: f32 = 1.0;
const PLACE: f32 = 0.3;
/// How much it counts that a centre lies far off: further than this share of the face's width, beyond which the cost rises first
/// with the square, and linearly from `BEND` on. Annotators place boxes differently by as much as `NEAR`, whole data sets among
/// them; a mean distance would follow the majority and leave the rest far off.
const FAR_OFF: f32 = 300.0;
const NEAR: f32 = 0.05;
const BEND: f32 = 0.1;

/// Focal loss of the centres for each face, the mean distance of offsets and logarithms of sizes, and what centres cost that lie
/// far off; a tensor of one value.
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

    let sum = targets.weights.iter().sum::<f32>().max(1.0);
    let weights = tensor(targets.weights.iter().map(|weight| weight / sum).collect(), cells);
    // From cells to shares of the face's width.
    let widths = targets.boxes.chunks_exact((OUTPUTS - 1) * cells).flat_map(|maps| &maps[2 * cells..3 * cells]);
    let share = tensor(widths.map(|width| (-width).exp()).collect(), cells);
    let boxes = maps.slice([0..batch, cells..OUTPUTS * cells]) - tensor(targets.boxes.clone(), (OUTPUTS - 1) * cells);
    let map = |index: usize| boxes.clone().slice([0..batch, index * cells..(index + 1) * cells]);
    let (right, down) = (map(0), map(1));
    let place = (right.clone().abs() + down.clone().abs()) * weights.clone();
    let size = (map(2).abs() + map(3).abs()) * weights.clone();
    let square = |values: Tensor<2>| values.clone() * values;
    let off = (square(right * share.clone()) + square(down * share) + 1e-6).sqrt();
    let beyond = activation::relu(off - NEAR) / BEND;
    let far_off = ((square(beyond) + 1.0).sqrt() - 1.0) * (BEND * BEND) * weights;
    centres + place.sum() * PLACE + size.sum() * SIZE + far_off.sum() * FAR_OFF
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::scenes::compose::SceneFace;
    use emotion_models::Rect;

    #[test]
    fn the_right_answer_costs_least() {
        let device = Device::flex();
        let mut targets = Targets::default();
        targets.push(&[SceneFace { rect: Rect::new(20.0, 30.0, 24.0, 32.0), ignored: false, noisy: false }], [20, 15]);
        let value = |sharpness: f32, moved: f32| {
            let logits = targets.heat.iter().map(|&heat| if heat == 1.0 { sharpness } else { -sharpness });
            let maps: Vec<f32> = logits.chain(targets.boxes.iter().map(|value| value + moved)).collect();
            let maps = Tensor::<2>::from_data(TensorData::new(maps, [1, 1500]), &device);
            loss(maps, &targets, &device).into_data().try_to_vec::<f32>().unwrap()[0]
        };
        assert!(value(6.0, 0.0) < 0.05, "{}", value(6.0, 0.0));
        assert!(value(2.0, 0.0) > value(4.0, 0.0));
        assert!(value(-3.0, 0.0) > 1.0);
        // Half a cell on each side of a face of three, 0.236 of its width.
        let beyond: f32 = (0.5f32.hypot(0.5) / 3.0 - NEAR) / BEND;
        let far_off = FAR_OFF * BEND * BEND * (beyond.hypot(1.0) - 1.0);
        let moved = PLACE + SIZE + far_off;
        assert!((value(6.0, 0.5) - value(6.0, 0.0) - moved).abs() < 1e-2, "{}", value(6.0, 0.5));
        // What lies about where it should costs its distance only.
        assert!((value(6.0, 0.1) - value(6.0, 0.0) - 0.2 * (PLACE + SIZE)).abs() < 1e-2);
    }
}
