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
/// A teacher's score from which on its box is learned from.
const SEEN: f32 = 0.2;

/// Focal loss of the centres for each face, the mean distance of offsets and logarithms of sizes, and what centres cost that lie
/// far off; with a teacher's maps, how far off those are in the same ways, too. A tensor of one value.
///
/// `maps` and `taught` are `[N, 5 * cells]`.
pub fn loss(maps: Tensor<2>, targets: &Targets, taught: Option<Vec<f32>>, device: &Device) -> Tensor<1> {
    let numbers = maps.dims()[1];
    let cells = numbers / OUTPUTS;
    let columns = |from: usize, to: usize| maps.clone().slice([0..maps.dims()[0], from..to]);
    let (logits, boxes) = (columns(0, cells), columns(cells, numbers));
    let faces = targets.centres.iter().sum::<f32>().max(1.0);
    let by_hand = centres(logits.clone(), targets, faces, device)
        + places(boxes.clone(), &targets.boxes, &targets.weights, device);
    let Some(taught) = taught else { return by_hand };
    let split = taught.chunks_exact(numbers).map(|maps| maps.split_at(cells));
    let (scores, shown): (Vec<_>, Vec<_>) = split.unzip();
    let scores: Vec<f32> = scores.concat().into_iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect();
    // Where it sees nothing, its boxes are anything.
    let weights: Vec<f32> = scores.iter().map(|&score| if score < SEEN { 0.0 } else { score }).collect();
    by_hand + alike(logits, scores, faces, device) + places(boxes, &shown.concat(), &weights, device)
}

/// Focal loss of the centres for each of so many faces.
fn centres(logits: Tensor<2>, targets: &Targets, faces: f32, device: &Device) -> Tensor<1> {
    let shape = logits.dims();
    let tensor = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, shape), device);
    let score = activation::sigmoid(logits.clone());
    // Weights of the logarithms, ready to be summed.
    let rest = |index: usize| {
        (1.0 - targets.centres[index]) * (1.0 - targets.heat[index]).powi(NEARNESS) * targets.counts[index]
    };
    let negative: Vec<f32> = (0..targets.heat.len()).map(|index| -rest(index) / faces).collect();
    let positive: Vec<f32> = targets.centres.iter().map(|centre| -centre / faces).collect();
    let found = activation::log_sigmoid(logits.clone()) * (score.clone().neg() + 1.0).powf_scalar(FOCUS);
    let quiet = activation::log_sigmoid(logits.neg()) * score.powf_scalar(FOCUS);
    (found * tensor(positive) + quiet * tensor(negative)).sum()
}

/// Cross entropy between scores and a teacher's, by the square of their difference (Li et al. 2020, quality focal loss), for each
/// of so many faces.
fn alike(logits: Tensor<2>, scores: Vec<f32>, faces: f32, device: &Device) -> Tensor<1> {
    let scores = Tensor::<2>::from_data(TensorData::new(scores, logits.dims()), device);
    let apart = activation::sigmoid(logits.clone()) - scores.clone();
    let entropy = activation::log_sigmoid(logits.clone()) * scores.clone()
        + activation::log_sigmoid(logits.neg()) * (scores.neg() + 1.0);
    (apart.clone() * apart * entropy).sum() * (-1.0 / faces)
}

/// What boxes cost that are not where `told`, all `[N, 4, cells]`, cell by cell as `weights` say.
fn places(boxes: Tensor<2>, told: &[f32], weights: &[f32], device: &Device) -> Tensor<1> {
    let [batch, numbers] = boxes.dims();
    let cells = numbers / (OUTPUTS - 1);
    let tensor =
        |values: Vec<f32>, width: usize| Tensor::<2>::from_data(TensorData::new(values, [batch, width]), device);
    let sum = weights.iter().sum::<f32>().max(1.0);
    let weights = tensor(weights.iter().map(|weight| weight / sum).collect(), cells);
    // From cells to shares of the face's width.
    let widths = told.chunks_exact(numbers).flat_map(|maps| &maps[2 * cells..3 * cells]);
    let share = tensor(widths.map(|width| (-width).exp()).collect(), cells);
    let off = boxes - tensor(told.to_vec(), numbers);
    let map = |index: usize| off.clone().slice([0..batch, index * cells..(index + 1) * cells]);
    let (right, down) = (map(0), map(1));
    let place = (right.clone().abs() + down.clone().abs()) * weights.clone();
    let size = (map(2).abs() + map(3).abs()) * weights.clone();
    let square = |values: Tensor<2>| values.clone() * values;
    let off = (square(right * share.clone()) + square(down * share) + 1e-6).sqrt();
    let beyond = activation::relu(off - NEAR) / BEND;
    let far_off = ((square(beyond) + 1.0).sqrt() - 1.0) * (BEND * BEND) * weights;
    place.sum() * PLACE + size.sum() * SIZE + far_off.sum() * FAR_OFF
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
            loss(maps, &targets, None, &device).into_data().try_to_vec::<f32>().unwrap()[0]
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

    #[test]
    fn what_a_teacher_says_costs_as_far_as_it_is_not_said() {
        let device = Device::flex();
        let mut targets = Targets::default();
        targets.push(&[], [2, 1]);
        // Of two cells a face of one cell in the first.
        let face = |logit: f32, moved: f32| vec![logit, -9.0, moved, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let value = |said: Vec<f32>, taught: Option<Vec<f32>>| {
            let maps = Tensor::<2>::from_data(TensorData::new(said, [1, 10]), &device);
            loss(maps, &targets, taught, &device).into_data().try_to_vec::<f32>().unwrap()[0]
        };
        let beyond = |said: Vec<f32>, taught: Vec<f32>| value(said.clone(), Some(taught)) - value(said, None);
        assert!(beyond(face(1.0, 0.0), face(1.0, 0.0)).abs() < 1e-4, "the same is free");
        // Scores of 0.5 and 0.881: the square of their difference times ln 2, whatever the score that is taught.
        let (apart, entropy): (f32, f32) = (0.5 - 0.880_797, 2.0f32.ln());
        let expected = apart * apart * entropy;
        assert!((beyond(face(0.0, 0.0), face(2.0, 0.0)) - expected).abs() < 1e-4);
        assert!(beyond(face(2.0, 0.2), face(2.0, 0.0)) > 0.1, "a box that lies elsewhere");
        assert!(
            beyond(face(-9.0, 0.2), face(-9.0, 0.0)).abs() < 1e-4,
            "where a teacher sees nobody its boxes are nothing"
        );
    }
}
