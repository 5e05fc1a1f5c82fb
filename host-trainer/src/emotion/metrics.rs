//! How good predictions are.

use super::ece::calibrate;
use super::readout::top;
use serde::{Deserialize, Serialize};

/// Probabilities below this count as this in the negative log-likelihood.
const LEAST: f64 = 1e-7;

/// Figures over a set of pictures; rates lie between 0 and 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pictures measured.
    pub count: usize,
    /// Share of pictures whose label is the most probable.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy.
    pub interval95: (f64, f64),
    /// Share of pictures whose label is among the two most probable.
    pub top2: f64,
    /// Mean over labels that occur or are predicted, as the other macro figures.
    pub macro_precision: f64,
    /// See [`Scores::macro_precision`].
    pub macro_recall: f64,
    /// See [`Scores::macro_precision`].
    pub macro_f1: f64,
    /// One entry per label.
    pub per_class: Vec<ClassScores>,
    /// Pictures by true label (rows) and predicted label (columns).
    pub confusion: Vec<Vec<usize>>,
    /// Mean negative log-likelihood, in nats.
    pub loss: f64,
    /// Expected calibration error over 15 bins of equal mass.
    pub ece: f64,
    /// 95th percentile of the calibration error that a perfectly calibrated model of the same confidences would show.
    pub ece_p95: f64,
}

/// Figures of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Of the pictures predicted so, the share that are so; 0 when none is predicted so.
    pub precision: f64,
    /// Of the pictures that are so, the share predicted so; 0 when there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Pictures with this label.
    pub support: usize,
}

/// Scores `probabilities` `[N, classes]` against the true labels `targets` `[N]`, each below `classes`.
/// Of equally probable labels the first counts as predicted.
pub fn score(probabilities: &[f32], targets: &[usize], classes: usize) -> Scores {
    let count = targets.len();
    if count == 0 || classes == 0 {
        return Scores::default();
    }
    let mut confusion = vec![vec![0usize; classes]; classes];
    let (mut in_top2, mut loss) = (0usize, 0.0);
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        confusion[target][top(row)] += 1;
        in_top2 += usize::from(rank(row, target) < 2);
        loss -= f64::from(row[target]).max(LEAST).ln();
    }
    let correct: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let predicted: Vec<usize> = (0..classes).map(|class| confusion.iter().map(|row| row[class]).sum()).collect();
    let counts: Vec<LabelCounts> = (0..classes)
        .map(|class| LabelCounts {
            right: confusion[class][class],
            given: predicted[class],
            support: confusion[class].iter().sum(),
        })
        .collect();
    let of_label = |label: &LabelCounts| ClassScores {
        precision: ratio(label.right, label.given),
        recall: ratio(label.right, label.support),
        f1: label.f1(),
        support: label.support,
    };
    let per_class: Vec<ClassScores> = counts.iter().map(of_label).collect();
    let concerned: Vec<usize> = (0..classes).filter(|&class| per_class[class].support + predicted[class] > 0).collect();
    let mean = |figure: fn(&ClassScores) -> f64| {
        concerned.iter().map(|&class| figure(&per_class[class])).sum::<f64>() / concerned.len().max(1) as f64
    };
    let calibration = calibrate(probabilities, targets, classes);
    Scores {
        count,
        accuracy: ratio(correct, count),
        interval95: wilson(correct, count),
        top2: ratio(in_top2, count),
        macro_precision: mean(|class| class.precision),
        macro_recall: mean(|class| class.recall),
        macro_f1: macro_f1(&counts),
        per_class,
        confusion,
        loss: loss / count as f64,
        ece: calibration.error,
        ece_p95: calibration.p95,
    }
}

/// Pictures that a label's F1 is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Predicted so, and rightly.
    pub right: usize,
    /// Predicted so.
    pub given: usize,
    /// With this label.
    pub support: usize,
}

impl LabelCounts {
    /// Harmonic mean of precision and recall, 0 to 1; 0 where the label neither occurs nor is predicted.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.right, self.given + self.support)
    }
}

/// Mean F1 over the labels that occur or are predicted, 0 to 1; one entry per label.
pub fn macro_f1(counts: &[LabelCounts]) -> f64 {
    let concerned = || counts.iter().filter(|label| label.given + label.support > 0);
    concerned().map(LabelCounts::f1).sum::<f64>() / concerned().count().max(1) as f64
}

/// How many labels come before `target` by probability.
fn rank(row: &[f32], target: usize) -> usize {
    let before = |(label, &value): (usize, &f32)| value > row[target] || (value == row[target] && label < target);
    row.iter().enumerate().filter(|&entry| before(entry)).count()
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Wilson's 95 % interval for `hits` of `count` (E. B. Wilson 1927); all of 0 to 1 when nothing was counted.
pub fn wilson(hits: usize, count: usize) -> (f64, f64) {
    if count == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (count, rate) = (count as f64, ratio(hits, count));
    let centre = rate + Z * Z / (2.0 * count);
    let half = Z * (rate * (1.0 - rate) / count + Z * Z / (4.0 * count * count)).sqrt();
    let scale = 1.0 + Z * Z / count;
    // Rounding must not push an end past the rate itself.
    (((centre - half) / scale).clamp(0.0, rate), ((centre + half) / scale).clamp(rate, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn figures_agree_with_hand_calculation() {
        #[rustfmt::skip]
        let probabilities = [
            0.7, 0.2, 0.1,
            0.1, 0.6, 0.3,
            0.5, 0.4, 0.1,
            0.2, 0.2, 0.6,
        ];
        let scores = score(&probabilities, &[0, 1, 1, 0], 3);
        assert_eq!(scores.confusion, [vec![1, 0, 1], vec![1, 1, 0], vec![0, 0, 0]]);
        close(scores.accuracy, 0.5);
        // Row 3 ties labels 0 and 1 in second place; the first counts.
        close(scores.top2, 1.0);
        close(scores.per_class[0].precision, 0.5);
        close(scores.per_class[0].recall, 0.5);
        close(scores.per_class[1].precision, 1.0);
        close(scores.per_class[1].f1, 2.0 / 3.0);
        close(scores.per_class[2].f1, 0.0);
        close(scores.macro_precision, 0.5);
        close(scores.macro_recall, 1.0 / 3.0);
        close(scores.macro_f1, (0.5 + 2.0 / 3.0) / 3.0);
        let loss = -(0.7f64.ln() + 0.6f64.ln() + 0.4f64.ln() + 0.2f64.ln()) / 4.0;
        assert!((scores.loss - loss).abs() < 1e-6);
    }

    #[test]
    fn labels_that_neither_occur_nor_are_predicted_do_not_count() {
        let scores = score(&[0.9, 0.1, 0.0, 0.2, 0.8, 0.0], &[0, 1], 3);
        close(scores.macro_f1, 1.0);
        assert_eq!(scores.per_class[2], ClassScores::default());
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // R: binom::binom.confint(15, 20, methods = "wilson").
        let (low, high) = wilson(15, 20);
        assert!((low - 0.531_299).abs() < 1e-4 && (high - 0.888_138).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        close(wilson(10, 10).1, 1.0);
    }

    #[test]
    fn nothing_measured_gives_zeros() {
        assert_eq!(score(&[], &[], 3), Scores::default());
    }

    proptest! {
        #[test]
        fn figures_stay_in_range(rows in prop::collection::vec((prop::array::uniform4(0.0f32..1.0), 0usize..4), 1..60)) {
            let probabilities: Vec<f32> = rows
                .iter()
                .flat_map(|(row, _)| row.map(|value| value / row.iter().sum::<f32>().max(1e-6)))
                .collect();
            let targets: Vec<usize> = rows.iter().map(|&(_, target)| target).collect();
            let scores = score(&probabilities, &targets, 4);
            let rates = [scores.accuracy, scores.top2, scores.macro_precision, scores.macro_recall, scores.macro_f1, scores.ece];
            for rate in rates {
                prop_assert!((0.0..=1.0).contains(&rate));
            }
            prop_assert!(scores.accuracy <= scores.top2);
            prop_assert!(scores.interval95.0 <= scores.accuracy && scores.accuracy <= scores.interval95.1);
            prop_assert_eq!(scores.confusion.iter().flatten().sum::<usize>(), rows.len());
        }
    }
}
