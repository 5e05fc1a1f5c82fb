//! The output of a classifier: one probability per label.

use crate::card::MAX_LABELS;
use std::fmt;
use std::ops::Deref;

/// Probabilities in the card's label order. `Copy` and of fixed capacity, so that the frame path allocates nothing.
#[derive(Clone, Copy, PartialEq)]
pub struct Probabilities {
    values: [f32; MAX_LABELS],
    len: usize,
}

impl Probabilities {
    /// Copies up to [`MAX_LABELS`] probabilities; `None` when there are none or more than that.
    pub fn from_slice(values: &[f32]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut copy = [0.0; MAX_LABELS];
        copy.get_mut(..values.len())?.copy_from_slice(values);
        Some(Self { values: copy, len: values.len() })
    }

    /// Index of the most probable label, and its probability. Of equals the first; NaN never wins over a number.
    pub fn top(&self) -> (usize, f32) {
        let mut best = (0, self[0]);
        for (index, &value) in self.iter().enumerate() {
            if value > best.1 || best.1.is_nan() {
                best = (index, value);
            }
        }
        best
    }
}

impl Deref for Probabilities {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.len]
    }
}

impl fmt::Debug for Probabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Probabilities at temperature `temperature` (above 0) from those at 1: `softmax(ln(max(p, 1e-7)) / T)`.
///
/// Above 1 makes the model less sure of itself, below 1 surer; the most probable label stays the same. See Guo et al.,
/// "On Calibration of Modern Neural Networks", ICML 2017.
pub fn apply_temperature(probabilities: &Probabilities, temperature: f32) -> Probabilities {
    let mut scaled = *probabilities;
    let values = &mut scaled.values[..scaled.len];
    for value in values.iter_mut() {
        *value = value.max(1e-7).ln() / temperature;
    }
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in values.iter_mut() {
        *value /= sum;
    }
    scaled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn capacity() {
        assert!(Probabilities::from_slice(&[]).is_none());
        assert!(Probabilities::from_slice(&[0.1; MAX_LABELS + 1]).is_none());
        assert_eq!(Probabilities::from_slice(&[0.25; 4]).unwrap().len(), 4);
    }

    #[test]
    fn top_takes_the_first_of_equals_and_no_nan() {
        assert_eq!(Probabilities::from_slice(&[0.2, 0.4, 0.4]).unwrap().top(), (1, 0.4));
        assert_eq!(Probabilities::from_slice(&[f32::NAN, 0.3, 0.1]).unwrap().top(), (1, 0.3));
    }

    #[test]
    fn a_known_value() {
        // Squaring 0.8 and 0.2 (T = 1/2) and normalising: 0.64 / 0.68.
        let sharper = apply_temperature(&Probabilities::from_slice(&[0.8, 0.2]).unwrap(), 0.5);
        assert!((sharper[0] - 0.64 / 0.68).abs() < 1e-6, "{sharper:?}");
    }

    proptest! {
        #[test]
        fn temperature_keeps_order_and_sum(raw in prop::collection::vec(0.0f32..1.0, 2..=MAX_LABELS), t in 0.05f32..20.0) {
            let sum: f32 = raw.iter().sum::<f32>() + 1e-3;
            let p: Vec<f32> = raw.iter().map(|value| value / sum).collect();
            let p = Probabilities::from_slice(&p).unwrap();
            let scaled = apply_temperature(&p, t);
            prop_assert!((scaled.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            prop_assert!(scaled.iter().all(|value| (0.0..=1.0).contains(value)));
            let top = p.top().0;
            prop_assert!(scaled.iter().all(|&value| value <= scaled[top]));
        }
    }
}
