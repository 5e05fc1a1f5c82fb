//! What a model said of labelled pictures, and every figure that comes of it.

use super::bootstrap::{Interval, Intervals, RESAMPLES, intervals};
use super::lights::{Lights, LitShares, Outcome};
use super::metrics::{Scores, score};
use super::readout::top;

/// Heads of the columns of [`Evaluated::row`].
pub const COLUMNS: [&str; 7] = ["pictures", "accuracy", "macro F1", "ECE", "rightly lit", "wrongly lit", "calm lit"];

/// What a model said of a number of pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// `[pictures, labels]`, at the card's temperature.
    pub probabilities: Vec<f32>,
    /// `[pictures]`, each below `labels`.
    pub targets: Vec<usize>,
    /// How often it is right, and how sure of it.
    pub scores: Scores,
    /// What the pictures light.
    pub lit: LitShares,
    /// 95 % intervals.
    pub intervals: Intervals,
}

impl Evaluated {
    /// Scores `probabilities` `[pictures, labels]` against `targets` `[pictures]`.
    pub fn new(probabilities: Vec<f32>, targets: Vec<usize>, lights: &Lights) -> Self {
        let labels = lights.thresholds().len();
        let pair = |(row, &target): (&[f32], &usize)| Outcome { target, predicted: top(row), lit: lights.lit(row) };
        let outcomes: Vec<Outcome> = probabilities.chunks_exact(labels).zip(&targets).map(pair).collect();
        Evaluated {
            scores: score(&probabilities, &targets, labels),
            lit: LitShares::of(&outcomes, lights),
            intervals: intervals(&outcomes, lights, labels),
            probabilities,
            targets,
        }
    }

    /// The pictures with these indices alone.
    pub fn part(&self, indices: &[usize], lights: &Lights) -> Self {
        let labels = lights.thresholds().len();
        let probabilities = indices.iter().flat_map(|&index| &self.probabilities[index * labels..][..labels]);
        let targets = indices.iter().map(|&index| self.targets[index]);
        Evaluated::new(probabilities.copied().collect(), targets.collect(), lights)
    }

    /// The figures as cells of a table whose columns are [`COLUMNS`]; a dash where no picture is asked about.
    pub fn row(&self) -> Vec<String> {
        let Evaluated { scores, lit, intervals, .. } = self;
        vec![
            scores.count.to_string(),
            with_interval(Some(scores.accuracy), intervals.accuracy),
            with_interval(Some(scores.macro_f1), intervals.macro_f1),
            format!("{:.3}", scores.ece),
            with_interval(lit.rightly.rate(), intervals.rightly_lit),
            with_interval(lit.wrongly.rate(), None),
            with_interval(lit.calm.rate(), intervals.calm_lit),
        ]
    }
}

/// A rate with its interval, as `0.812 (0.750 to 0.861)`.
fn with_interval(rate: Option<f64>, interval: Option<Interval>) -> String {
    match (rate, interval) {
        (Some(rate), Some((low, high))) => format!("{rate:.3} ({low:.3} to {high:.3})"),
        (Some(rate), None) => format!("{rate:.3}"),
        (None, _) => "-".to_owned(),
    }
}

/// What the columns mean, for `labels` with `lights`.
pub fn legend(labels: &[String], lights: &Lights) -> String {
    let lit = labels.iter().zip(lights.thresholds());
    let lit: Vec<String> = lit.filter_map(|(label, least)| Some(format!("{label} {}", (*least)?))).collect();
    format!(
        "lit: the most probable label, where it has a light and reaches its threshold ({})\n\
         rightly lit: of the pictures whose label has a light, those that light it\n\
         wrongly lit: of the pictures that are not calm, those that light another label\n\
         calm lit: of the pictures labelled neutral or calm, those that light anything\n\
         ECE: expected calibration error; in brackets 95 % intervals from {RESAMPLES} bootstrap samples of the pictures",
        lit.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_row_and_a_part_agree_with_hand_calculation() {
        let labels = ["happy", "neutral"].map(str::to_owned);
        let lights = Lights::new(&labels, &[0.6, 0.5], &[]).unwrap();
        let probabilities = vec![0.9, 0.1, 0.55, 0.45, 0.7, 0.3, 0.2, 0.8];
        let all = Evaluated::new(probabilities, vec![0, 0, 1, 1], &lights);
        let row = all.row();
        assert_eq!(row.len(), COLUMNS.len());
        assert!(row[1].starts_with("0.750 (") && row[4].starts_with("0.500 (") && row[6].starts_with("0.500 ("));
        assert_eq!((row[0].as_str(), row[5].as_str()), ("4", "0.000"));
        let calm = all.part(&[3, 2], &lights);
        assert_eq!((calm.targets.as_slice(), calm.scores.accuracy), (&[1, 1][..], 0.5));
        assert_eq!(calm.probabilities, [0.2, 0.8, 0.7, 0.3]);
        assert_eq!((calm.row()[4].as_str(), calm.row()[5].as_str()), ("-", "-"));
        let legend = legend(&labels, &lights);
        assert!(legend.contains("(happy 0.6)\nrightly lit: ") && legend.lines().count() == 5, "{legend}");
    }
}
