//! Calibration: temperature and thresholds, chosen on validation pictures; test pictures take no part.
//!
//! A net that was trained with label smoothing and CutMix is not as sure as it is right. Dividing all logits by one temperature keeps
//! their order, and so every label, and makes probabilities mean what they say. A light that shows a wrong mood is worse than one that
//! stays as it was, and labels differ in how often they are mistaken: each has its own threshold, from which on nine of ten
//! pictures were right. Bounds keep a handful of lucky or unlucky pictures from moving it to an end.

use emotion_models::{Probabilities, apply_temperature};

/// Temperatures searched.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.2..=5.0;
/// A mood lights when its probability reaches the point above which this share of validation pictures was right ...
const TARGET_PRECISION: f64 = 0.9;
/// ... but never below or above these.
const THRESHOLDS: std::ops::RangeInclusive<f32> = 0.5..=0.8;

/// The temperature with the least negative log-likelihood (Guo et al. 2017), by golden-section search.
pub fn temperature(probabilities: &[Probabilities], targets: &[usize]) -> f32 {
    let loss = |ln_temperature: f64| -> f64 {
        let temperature = ln_temperature.exp() as f32;
        let likelihood = |(p, &target): (&Probabilities, &usize)| {
            f64::from(apply_temperature(p, temperature)[target].max(1e-7)).ln()
        };
        -probabilities.iter().zip(targets).map(likelihood).sum::<f64>()
    };
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (TEMPERATURES.start().ln(), TEMPERATURES.end().ln());
    while high - low > 1e-4 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    (((low + high) / 2.0).exp() * 1000.0).round() as f32 / 1000.0
}

/// Per label, the lowest probability from which on at least nine of ten pictures given that label bear it.
///
/// `probabilities` are at the card's temperature.
pub fn thresholds(probabilities: &[Probabilities], targets: &[usize], labels: usize) -> Vec<f32> {
    (0..labels)
        .map(|label| {
            let mut given: Vec<(f32, bool)> = probabilities
                .iter()
                .zip(targets)
                .filter(|(p, _)| p.top().0 == label)
                .map(|(p, &target)| (p[label], target == label))
                .collect();
            given.sort_by(|a, b| b.0.total_cmp(&a.0));
            let (mut right, mut lowest) = (0usize, *THRESHOLDS.end());
            for (index, (probability, correct)) in given.iter().enumerate() {
                right += usize::from(*correct);
                if right as f64 >= TARGET_PRECISION * (index + 1) as f64 {
                    lowest = *probability;
                }
            }
            (lowest.clamp(*THRESHOLDS.start(), *THRESHOLDS.end()) * 100.0).round() / 100.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn finds_the_temperature_that_was_applied() {
        // Right three times in four, but as sure as 0.9: the honest temperature flattens 0.9 to 0.75.
        let p = Probabilities::from_slice(&[0.9, 0.1]).unwrap();
        let found = temperature(&[p; 4], &[0, 0, 0, 1]);
        let flat = apply_temperature(&p, found);
        assert!((flat[0] - 0.75).abs() < 0.01, "{found} gives {}", flat[0]);
    }

    #[test]
    fn thresholds_rise_with_mistakes() {
        let sure = Probabilities::from_slice(&[0.95, 0.05]).unwrap();
        let unsure = Probabilities::from_slice(&[0.6, 0.4]).unwrap();
        let right = thresholds(&[sure, unsure], &[0, 0], 2);
        let wrong = thresholds(&[sure, unsure], &[0, 1], 2);
        assert!(right[0] < wrong[0], "{right:?} {wrong:?}");
    }
}
