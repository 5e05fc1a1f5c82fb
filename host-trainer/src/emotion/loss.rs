//! Cross-entropy on soft targets, with class weights, label smoothing and absent labels.

use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

/// How much each label counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All the same.
    None,
    /// Inverse to its frequency: `pictures / (labels * pictures of the label)`, scikit-learn's "balanced".
    Balanced,
    /// Square root of the former, scaled so that the mean over pictures is 1.
    Sqrt,
}

impl ClassWeights {
    /// A weight per label, from the number of training pictures per label.
    pub fn weights(self, counts: &[usize]) -> Vec<f32> {
        let total: usize = counts.iter().sum();
        let balanced = |&count: &usize| total as f32 / (counts.len() * count.max(1)) as f32;
        match self {
            ClassWeights::None => vec![1.0; counts.len()],
            ClassWeights::Balanced => counts.iter().map(balanced).collect(),
            ClassWeights::Sqrt => {
                let roots: Vec<f32> = counts.iter().map(|count| balanced(count).sqrt()).collect();
                let sum: f32 = roots.iter().zip(counts).map(|(root, &count)| root * count as f32).sum();
                roots.iter().map(|root| root * total as f32 / sum).collect()
            }
        }
    }
}

/// The targets of a batch, ready for the loss.
pub struct Targets {
    /// `[N, labels]`: smoothed target times class weight, divided by N.
    pub weighted: Vec<f32>,
    /// `[N, labels]`: 0 for a label that counts, a large negative number for an absent one; empty when none is absent.
    pub offsets: Vec<f32>,
}

/// Added to the logit of an absent label: after softmax its probability is zero.
const ABSENT: f32 = -1e4;

impl Targets {
    /// Smooths over the labels present in each picture's own data set: `(1 - smoothing) * target + smoothing / present`.
    ///
    /// `targets` is `[N, labels]` with rows summing to 1, `weights` `[N]`; `present` names the labels of each picture's data set,
    /// or is empty.
    pub fn new(targets: &[f32], weights: &[f32], class_weights: &[f32], smoothing: f32, present: &[Vec<bool>]) -> Self {
        let labels = class_weights.len();
        let batch = (targets.len() / labels) as f32;
        let mut weighted = Vec::with_capacity(targets.len());
        let mut offsets = Vec::new();
        for (row, (target, own)) in targets.chunks_exact(labels).zip(weights).enumerate() {
            let counts = |label: usize| present.get(row).is_none_or(|present| present[label]);
            let among = (0..labels).filter(|&label| counts(label)).count() as f32;
            for (label, (target, weight)) in target.iter().zip(class_weights).enumerate() {
                let smooth = if counts(label) { (1.0 - smoothing) * target + smoothing / among } else { 0.0 };
                weighted.push(smooth * weight * own / batch);
                if !present.is_empty() {
                    offsets.push(if counts(label) { 0.0 } else { ABSENT });
                }
            }
        }
        Targets { weighted, offsets }
    }
}

/// Mean over the batch of the weighted cross-entropy; a tensor of one value.
pub fn cross_entropy(logits: Tensor<2>, targets: &Targets, device: &Device) -> Tensor<1> {
    let shape = logits.dims();
    let tensor = |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), device);
    let logits = if targets.offsets.is_empty() { logits } else { logits + tensor(&targets.offsets) };
    (activation::log_softmax(logits, 1) * tensor(&targets.weighted)).sum().neg()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn balanced_weights_average_to_one_over_pictures() {
        for kind in [ClassWeights::Balanced, ClassWeights::Sqrt, ClassWeights::None] {
            let counts = [10, 30, 60];
            let sum: f32 = kind.weights(&counts).iter().zip(counts).map(|(w, c)| w * c as f32).sum();
            assert!((sum / 100.0 - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn absent_labels_neither_cost_nor_gain() {
        let device = Device::flex();
        let logits = |last: f32| Tensor::<2>::from_data([[1.0, 2.0, last]], &device);
        let present = [vec![true, true, false]];
        let targets = Targets::new(&[0.0, 1.0, 0.0], &[1.0], &[1.0; 3], 0.1, &present);
        let loss =
            |last: f32| cross_entropy(logits(last), &targets, &device).into_data().try_to_vec::<f32>().unwrap()[0];
        assert_eq!(loss(0.0), loss(9.0));
        let expected =
            -(0.95 * (2.0f32 - (1f32.exp() + 2f32.exp()).ln()) + 0.05 * (1.0 - (1f32.exp() + 2f32.exp()).ln()));
        assert!((loss(0.0) - expected).abs() < 1e-5);
    }
}
