//! Exponential moving average of weights (Polyak averaging): steadier than any single step's weights.

use crate::nets::weights::Weights;
use rayon::prelude::*;

/// Moves `average` towards `weights` by `1 - decay`, where the decay grows to its full value over the first steps so that
/// the random start is forgotten: `min(decay, (1 + step) / (10 + step))`.
pub fn update(average: &mut Weights, weights: &Weights, decay: f64, step: u64) {
    let step = step as f64;
    let part = (1.0 - decay.min((1.0 + step) / (10.0 + step))) as f32;
    for (name, target) in &mut average.0 {
        let source = weights.values(name);
        target.values.par_chunks_mut(1 << 16).zip(source.par_chunks(1 << 16)).for_each(|(target, source)| {
            for (t, s) in target.iter_mut().zip(source) {
                *t += part * (s - *t);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::weights::Array;

    #[test]
    fn settles_on_constant_weights() {
        let weights = |v: f32| Weights([("w".to_string(), Array { shape: vec![1], values: vec![v] })].into());
        let mut average = weights(0.0);
        for step in 0..200 {
            update(&mut average, &weights(3.0), 0.9, step);
        }
        assert!((average.values("w")[0] - 3.0).abs() < 1e-3);
    }
}
