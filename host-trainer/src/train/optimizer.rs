//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019) over named arrays, in one sweep per parameter.

use crate::nets::weights::{Array, Weights};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The optimizer's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// Largest learning rate of the schedule.
    pub learning_rate: f64,
    /// First moment's decay.
    pub beta1: f64,
    /// Second moment's decay.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// AdamW's decoupled decay of kernels, times the learning rate at each step.
    pub weight_decay: f64,
    /// L2 penalty `l2 * sum(w^2)` on kernels, through the gradient, as Keras' regulariser does.
    pub l2: f64,
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer { learning_rate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.05, l2: 0.0 }
    }
}

/// First and second moments of every trained parameter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Steps taken.
    pub steps: u64,
    /// Running mean of gradients.
    #[serde(skip)]
    pub first: Weights,
    /// Running mean of squared gradients.
    #[serde(skip)]
    pub second: Weights,
}

/// Values per task, so that large kernels are shared among threads.
const CHUNK: usize = 1 << 16;

impl Optimizer {
    /// The L2 penalty's part of the loss.
    pub fn penalty(&self, weights: &Weights) -> f64 {
        if self.l2 == 0.0 {
            return 0.0;
        }
        let kernels = weights.0.iter().filter(|(name, _)| name.ends_with(".weight"));
        let square = |array: &Array| -> f64 {
            let sums = array.values.par_chunks(CHUNK).map(|chunk| chunk.iter().map(|w| w * w).sum::<f32>());
            sums.collect::<Vec<_>>().into_iter().map(f64::from).sum()
        };
        self.l2 * kernels.map(|(_, array)| square(array)).sum::<f64>()
    }

    /// Counts a step; the parameters' [`update`](Self::update)s of that step follow.
    pub fn begin_step(&self, moments: &mut Moments) {
        moments.steps += 1;
    }

    /// Changes one parameter by its gradient.
    pub fn update(&self, moments: &mut Moments, name: &str, weights: &mut Array, gradient: &[f32], learning_rate: f64) {
        let zeros = || Array { shape: weights.shape.clone(), values: vec![0.0; weights.values.len()] };
        let first = moments.first.0.entry(name.to_string()).or_insert_with(zeros);
        let second = moments.second.0.entry(name.to_string()).or_insert_with(zeros);
        let kernel = name.ends_with(".weight");
        let step = moments.steps.min(i32::MAX as u64) as i32;
        let correction1 = 1.0 - self.beta1.powi(step);
        let correction2 = 1.0 - self.beta2.powi(step);
        let rate = (learning_rate / correction1) as f32;
        let root = (1.0 / correction2.sqrt()) as f32;
        let keep = if kernel { (1.0 - learning_rate * self.weight_decay) as f32 } else { 1.0 };
        let pull = if kernel { (2.0 * self.l2) as f32 } else { 0.0 };
        let (beta1, beta2, epsilon) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        weights
            .values
            .par_chunks_mut(CHUNK)
            .zip(first.values.par_chunks_mut(CHUNK))
            .zip(second.values.par_chunks_mut(CHUNK))
            .zip(gradient.par_chunks(CHUNK))
            .for_each(|(((weights, first), second), gradient)| {
                for (((w, m), v), g) in weights.iter_mut().zip(first).zip(second).zip(gradient) {
                    let g = g + pull * *w;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    *w = *w * keep - rate * *m / (v.sqrt() * root + epsilon);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let optimizer =
            Optimizer { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, l2: 0.0 };
        let mut moments = Moments::default();
        let mut w = Array { shape: vec![2], values: vec![5.0, -3.0] };
        for _ in 0..400 {
            optimizer.begin_step(&mut moments);
            let gradient = [2.0 * (w.values[0] - 1.0), 2.0 * (w.values[1] + 2.0)];
            optimizer.update(&mut moments, "w.bias", &mut w, &gradient, 0.1);
        }
        assert!((w.values[0] - 1.0).abs() < 1e-2 && (w.values[1] + 2.0).abs() < 1e-2, "{w:?}");
    }

    #[test]
    fn first_step_has_the_learning_rates_size() {
        let optimizer =
            Optimizer { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, l2: 0.0 };
        let mut moments = Moments::default();
        let mut w = Array { shape: vec![1], values: vec![1.0] };
        optimizer.begin_step(&mut moments);
        optimizer.update(&mut moments, "w.weight", &mut w, &[1e-3], 0.1);
        assert!((w.values[0] - 0.9).abs() < 1e-4);
    }
}
