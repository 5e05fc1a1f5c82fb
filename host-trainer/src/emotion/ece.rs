//! Calibration error: how far a model is from being as sure as it is right.

use super::readout::top;
use crate::random::{Purpose, stream};
use rand::Rng;

/// Bins of the calibration error; each holds as many pictures as the others, give or take one.
pub const BINS: usize = 15;

/// Simulated evaluations behind [`Calibration::p95`].
const DRAWS: u64 = 1000;

/// How far confidence and accuracy agree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Mean over pictures of the distance between confidence and accuracy of their bin.
    pub error: f64,
    /// 95th percentile of the error when every picture is right with exactly the probability the model states.
    pub p95: f64,
    /// By ascending confidence; empty bins are left out.
    pub bins: Vec<Bin>,
}

/// Pictures of similar confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Mean probability of the predicted label.
    pub confidence: f64,
    /// Share of pictures predicted right.
    pub accuracy: f64,
    /// Pictures.
    pub count: usize,
}

/// Calibration of the predicted label's probability; shapes as for [`super::metrics::score`]. The simulation is seeded, so the same
/// predictions give the same figures.
pub fn calibrate(probabilities: &[f32], targets: &[usize], classes: usize) -> Calibration {
    let mut pictures: Vec<(f64, bool)> = probabilities
        .chunks_exact(classes.max(1))
        .zip(targets)
        .map(|(row, &target)| {
            let label = top(row);
            (f64::from(row[label]), label == target)
        })
        .collect();
    pictures.sort_by(|a, b| a.0.total_cmp(&b.0));
    if pictures.is_empty() {
        return Calibration::default();
    }
    let bounds: Vec<usize> = (0..=BINS).map(|bin| bin * pictures.len() / BINS).collect();
    let ranges: Vec<&[(f64, bool)]> =
        bounds.windows(2).map(|pair| &pictures[pair[0]..pair[1]]).filter(|bin| !bin.is_empty()).collect();
    let stated: Vec<f64> = ranges.iter().map(|bin| bin.iter().map(|picture| picture.0).sum()).collect();
    let error = |right: &mut dyn FnMut(&(f64, bool)) -> bool| {
        let distance = |(bin, stated): (&&[(f64, bool)], &f64)| {
            (stated - bin.iter().filter(|picture| right(picture)).count() as f64).abs()
        };
        ranges.iter().zip(&stated).map(distance).sum::<f64>() / pictures.len() as f64
    };
    let mut simulated: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let mut random = stream(Purpose::Calibration, 0, 0, draw);
            error(&mut |picture| f64::from(random.random::<f32>()) < picture.0)
        })
        .collect();
    simulated.sort_by(f64::total_cmp);
    let bin = |(bin, stated): (&&[(f64, bool)], &f64)| Bin {
        confidence: stated / bin.len() as f64,
        accuracy: bin.iter().filter(|picture| picture.1).count() as f64 / bin.len() as f64,
        count: bin.len(),
    };
    Calibration {
        error: error(&mut |picture| picture.1),
        p95: simulated[(0.95 * DRAWS as f64) as usize],
        bins: ranges.iter().zip(&stated).map(bin).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of two labels; the first is always predicted, with `confidence`, and is right where `right` says.
    fn pictures(
        confidence: impl Fn(usize) -> f32,
        right: impl Fn(usize) -> bool,
        count: usize,
    ) -> (Vec<f32>, Vec<usize>) {
        let probabilities = (0..count).flat_map(|index| [confidence(index), 1.0 - confidence(index)]).collect();
        (probabilities, (0..count).map(|index| usize::from(!right(index))).collect())
    }

    #[test]
    fn the_error_is_the_gap_between_confidence_and_accuracy() {
        // Always 0.9 sure, right three times of four, evenly spread: 0.15 in every bin of 20.
        let (probabilities, targets) = pictures(|_| 0.9, |index| index % 4 != 0, 300);
        let found = calibrate(&probabilities, &targets, 2);
        assert!((found.error - 0.15).abs() < 1e-6, "{}", found.error);
        assert!(found.p95 < 0.1);
        assert_eq!(found.bins.len(), BINS);
        assert!(found.bins.iter().all(|bin| bin.count == 20 && (bin.accuracy - 0.75).abs() < 1e-9));
    }

    #[test]
    fn a_calibrated_model_mostly_stays_below_the_percentile() {
        let mut below = 0;
        for trial in 0..40 {
            let mut random = stream(Purpose::Sheet, 9, 9, trial);
            let drawn: Vec<(f32, bool)> = (0..400)
                .map(|_| {
                    let confidence = random.random_range(0.5f32..1.0);
                    (confidence, random.random::<f32>() < confidence)
                })
                .collect();
            let (probabilities, targets) = pictures(|index| drawn[index].0, |index| drawn[index].1, 400);
            let found = calibrate(&probabilities, &targets, 2);
            below += usize::from(found.error <= found.p95);
        }
        assert!(below >= 34, "{below} of 40");
    }

    #[test]
    fn few_pictures_leave_bins_out() {
        let (probabilities, targets) = pictures(|_| 0.8, |_| true, 4);
        assert_eq!(calibrate(&probabilities, &targets, 2).bins.len(), 4);
    }
}
