//! Calibration: temperature and thresholds, chosen on validation pictures; test pictures take no part.
//!
//! A net that was trained with label smoothing and CutMix is not as sure as it is right. Dividing all logits by one temperature keeps
//! their order, and so every label, and makes probabilities mean what they say.
//!
//! A light that shows a wrong mood is worse than one that stays as it was, and labels differ in how often they are mistaken. So each
//! has its own threshold: from there on nine of ten pictures were right. A model that knows calm faces has a stricter aim for the
//! moods that have a light: of calm faces few may light anything, and then as many moods as can be are lit rightly. Bounds keep a
//! handful of lucky or unlucky pictures from moving a threshold to an end.

use emotion_models::{Probabilities, apply_temperature};

/// Temperatures searched.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.2..=5.0;
/// A mood lights when its probability reaches the point above which this share of validation pictures was right ...
const TARGET_PRECISION: f64 = 0.9;
/// ... but never below or above these.
const THRESHOLDS: std::ops::RangeInclusive<f32> = 0.5..=0.8;
/// At most this share of calm validation faces may light anything.
pub const MOST_CALM_LIT: f64 = 0.04;
/// Bounds of thresholds that calm faces choose.
const LIT_THRESHOLDS: std::ops::RangeInclusive<f32> = 0.3..=0.95;
/// What a calm face is labelled.
pub const CALM: [&str; 2] = ["neutral", "calm"];

/// Validation pictures that choose temperature and thresholds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// The model's answers.
    pub probabilities: Vec<Probabilities>,
    /// Their labels.
    pub targets: Vec<usize>,
    /// How much each picture counts: every source as much as any other.
    pub weights: Vec<f64>,
}

impl Examples {
    /// The same at another temperature.
    pub fn at(&self, temperature: f32) -> Self {
        let probabilities = self.probabilities.iter().map(|p| apply_temperature(p, temperature)).collect();
        Examples { probabilities, ..self.clone() }
    }

    fn each(&self) -> impl Iterator<Item = (&Probabilities, usize, f64)> {
        let pictures = self.probabilities.iter().zip(&self.targets).zip(&self.weights);
        pictures.map(|((p, &target), &weight)| (p, target, weight))
    }
}

/// The temperature with the least negative log-likelihood (Guo et al. 2017), by golden-section search.
pub fn temperature(examples: &Examples) -> f32 {
    let loss = |ln_temperature: f64| -> f64 {
        let temperature = ln_temperature.exp() as f32;
        let likelihood = |(p, target, weight): (&Probabilities, usize, f64)| {
            weight * f64::from(apply_temperature(p, temperature)[target].max(1e-7)).ln()
        };
        -examples.each().map(likelihood).sum::<f64>()
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

/// A threshold for each of `labels`; the moods `lit` have lights. `examples` are at the card's temperature.
pub fn thresholds(examples: &Examples, labels: &[String], lit: &[usize]) -> Vec<f32> {
    let calm = labels.iter().position(|label| CALM.contains(&label.as_str()));
    let mut thresholds = precise(examples, labels.len());
    if let Some(calm) = calm.filter(|calm| examples.targets.contains(calm)) {
        let lit: Vec<usize> = lit.iter().copied().filter(|&label| label != calm).collect();
        for (label, threshold) in lit.iter().zip(dark_before_calm(examples, &lit, calm)) {
            thresholds[*label] = threshold;
        }
    }
    thresholds.iter().map(|threshold| (threshold * 100.0).round() / 100.0).collect()
}

/// Per label, the lowest probability from which on at least nine of ten pictures given that label bear it.
fn precise(examples: &Examples, labels: usize) -> Vec<f32> {
    let one = |label: usize| {
        let mut given: Vec<(f32, bool, f64)> = examples
            .each()
            .filter(|(p, ..)| p.top().0 == label)
            .map(|(p, target, weight)| (p[label], target == label, weight))
            .collect();
        given.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut right, mut all, mut lowest) = (0.0, 0.0, *THRESHOLDS.end());
        for (probability, correct, weight) in &given {
            all += weight;
            right += if *correct { *weight } else { 0.0 };
            if right >= TARGET_PRECISION * all {
                lowest = *probability;
            }
        }
        lowest.clamp(*THRESHOLDS.start(), *THRESHOLDS.end())
    };
    (0..labels).map(one).collect()
}

/// For each label with a light, the threshold at which most moods are lit rightly and fewest wrongly, while of the calm faces no
/// more than [`MOST_CALM_LIT`] light anything.
///
/// A picture lights the label it is given or none, so labels add up: at a price for a lit calm face each label's best threshold is
/// its own, and the price is raised until few enough calm faces are lit. What then is left of the share goes to one label after the
/// other.
fn dark_before_calm(examples: &Examples, lit: &[usize], calm: usize) -> Vec<f32> {
    let of_calm: f64 = examples.each().filter(|(_, target, _)| *target == calm).map(|(.., weight)| weight).sum();
    // Per label its pictures, the surest first: probability, what lighting it gains, what of the calm faces it lights.
    let given: Vec<Vec<(f32, f64, f64)>> = lit
        .iter()
        .map(|&label| {
            let mut given: Vec<_> = examples
                .each()
                .filter(|(p, ..)| p.top().0 == label)
                .map(|(p, target, weight)| match target {
                    _ if target == calm => (p[label], 0.0, weight / of_calm),
                    _ if target == label => (p[label], weight, 0.0),
                    _ => (p[label], -weight, 0.0),
                })
                .collect();
            given.sort_by(|a, b| b.0.total_cmp(&a.0));
            given
        })
        .collect();
    let scale: f64 = examples.weights.iter().sum();
    let at_price = |price: f64| -> Vec<(f32, f64)> {
        given.iter().map(|given| best(given, price * scale, f64::INFINITY)).collect()
    };
    let calm = |chosen: &[(f32, f64)]| chosen.iter().map(|(_, calm)| calm).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if calm(&at_price(middle)) <= MOST_CALM_LIT { high = middle } else { low = middle }
    }
    let mut chosen = at_price(high);
    for (label, given) in given.iter().enumerate() {
        let left = MOST_CALM_LIT - calm(&chosen) + chosen[label].1;
        chosen[label] = best(given, 0.0, left);
    }
    chosen.into_iter().map(|(threshold, _)| threshold).collect()
}

/// The threshold that gains most where a lit calm face costs `price`, and the share of calm faces that it lights: `most_calm` at most,
/// but for those above all thresholds.
fn best(given: &[(f32, f64, f64)], price: f64, most_calm: f64) -> (f32, f64) {
    let (mut gain, mut calm) = (0.0, 0.0);
    let (mut most, mut best) = (0.0, (*LIT_THRESHOLDS.end(), 0.0));
    for &(probability, gains, lit) in given {
        if probability < *LIT_THRESHOLDS.start() {
            break;
        }
        gain += gains - price * lit;
        calm += lit;
        // Rounded up, the card's threshold lets in no picture below.
        let threshold = (probability * 100.0).ceil() / 100.0;
        let above = probability >= *LIT_THRESHOLDS.end();
        if (gain > most && calm <= most_calm) || above {
            best = (threshold.min(*LIT_THRESHOLDS.end()), calm);
            most = gain;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn examples(pictures: &[(&[f32], usize)]) -> Examples {
        Examples {
            probabilities: pictures.iter().map(|(values, _)| Probabilities::from_slice(values).unwrap()).collect(),
            targets: pictures.iter().map(|&(_, target)| target).collect(),
            weights: vec![1.0; pictures.len()],
        }
    }

    fn names(labels: &[&str]) -> Vec<String> {
        labels.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_the_temperature_that_was_applied() {
        // Right three times in four, but as sure as 0.9: the honest temperature flattens 0.9 to 0.75.
        let p: &[f32] = &[0.9, 0.1];
        let found = temperature(&examples(&[(p, 0), (p, 0), (p, 0), (p, 1)]));
        let flat = apply_temperature(&Probabilities::from_slice(p).unwrap(), found);
        assert!((flat[0] - 0.75).abs() < 0.01, "{found} gives {}", flat[0]);
    }

    #[test]
    fn thresholds_rise_with_mistakes() {
        let (sure, unsure): (&[f32], &[f32]) = (&[0.95, 0.05], &[0.6, 0.4]);
        let labels = names(&["happy", "sad"]);
        let right = thresholds(&examples(&[(sure, 0), (unsure, 0)]), &labels, &[0, 1]);
        let wrong = thresholds(&examples(&[(sure, 0), (unsure, 1)]), &labels, &[0, 1]);
        assert!(right[0] < wrong[0], "{right:?} {wrong:?}");
    }

    #[test]
    fn few_calm_faces_light_anything() {
        let labels = names(&["happy", "neutral", "sad"]);
        let mut pictures: Vec<([f32; 3], usize)> = vec![];
        for index in 0..1000 {
            let sure = index as f32 / 1000.0;
            // Happy faces are surer than calm ones that look happy; sad ones are not.
            pictures.push(([0.5 + 0.5 * sure, 0.3 * (1.0 - sure), 0.2 * (1.0 - sure)], 0));
            pictures.push(([0.4 + 0.3 * sure, 0.2, 0.4 - 0.3 * sure], if index % 4 == 0 { 1 } else { 0 }));
            pictures.push(([0.1, 0.8, 0.1], 1));
            pictures.push(([0.1, 0.1, 0.8], if index % 2 == 0 { 1 } else { 2 }));
        }
        let pictures: Vec<(&[f32], usize)> = pictures.iter().map(|(p, target)| (p.as_slice(), *target)).collect();
        let examples = examples(&pictures);
        let found = thresholds(&examples, &labels, &[0, 2]);
        let lit = |p: &Probabilities| p.top().0 != 1 && p.top().1 >= found[p.top().0];
        let share = |target: usize| {
            let own: Vec<bool> = examples.each().filter(|(_, own, _)| *own == target).map(|(p, ..)| lit(p)).collect();
            own.iter().filter(|&&lit| lit).count() as f64 / own.len() as f64
        };
        assert!(share(1) <= MOST_CALM_LIT, "{found:?}: {}", share(1));
        assert!(share(0) > 0.5 && found[2] > 0.8, "{found:?}: {}", share(0));
        // Without calm faces precision alone decides.
        assert_eq!(thresholds(&examples, &names(&["happy", "other", "sad"]), &[0, 2])[2], 0.8);
    }
}
