//! How far figures might lie from what other pictures of the same kind would give: intervals by the bootstrap (Efron 1979).

use super::lights::{Lights, LitShares, Outcome};
use super::metrics::{LabelCounts, macro_f1};
use crate::random::{Purpose, stream};
use rand::Rng;
use rayon::prelude::*;
use serde::Serialize;

/// Sets of pictures that are drawn, with replacement, each as large as the whole.
pub const RESAMPLES: u64 = 1000;

/// The share of the drawn sets that lies outside an interval, at either end.
const OUTSIDE: f64 = 0.025;

/// An interval's ends, each 0 to 1.
pub type Interval = (f64, f64);

/// 95 % intervals of rates, by percentile; `None` where no picture is asked about.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// Of the share of pictures whose label is the most probable.
    pub accuracy: Option<Interval>,
    /// Of the mean F1 over labels.
    pub macro_f1: Option<Interval>,
    /// Of the share of pictures with a light's label that light it.
    pub rightly_lit: Option<Interval>,
    /// Of the share of calm pictures that light anything.
    pub calm_lit: Option<Interval>,
}

/// The intervals for what became of pictures of `labels` labels. The draws are seeded, so the same pictures give the same
/// intervals, on any number of threads.
pub fn intervals(pictures: &[Outcome], lights: &Lights, labels: usize) -> Intervals {
    let drawn: Vec<[Option<f64>; 4]> = match pictures.is_empty() {
        true => vec![],
        false => (0..RESAMPLES).into_par_iter().map(|draw| figures_of_draw(pictures, lights, labels, draw)).collect(),
    };
    let [accuracy, macro_f1, rightly_lit, calm_lit] =
        std::array::from_fn(|figure| middle(drawn.iter().filter_map(|figures| figures[figure]).collect()));
    Intervals { accuracy, macro_f1, rightly_lit, calm_lit }
}

/// Accuracy, macro F1, rightly lit and calm lit of one drawn set.
fn figures_of_draw(pictures: &[Outcome], lights: &Lights, labels: usize, draw: u64) -> [Option<f64>; 4] {
    let mut random = stream(Purpose::Bootstrap, 0, 0, draw);
    let mut counts = vec![LabelCounts::default(); labels];
    let mut lit = LitShares::default();
    for _ in 0..pictures.len() {
        let picture = &pictures[random.random_range(0..pictures.len())];
        counts[picture.target].support += 1;
        counts[picture.predicted].given += 1;
        counts[picture.target].right += usize::from(picture.predicted == picture.target);
        lit.add(picture, lights);
    }
    let right: usize = counts.iter().map(|label| label.right).sum();
    let accuracy = right as f64 / pictures.len() as f64;
    [Some(accuracy), Some(macro_f1(&counts)), lit.rightly.rate(), lit.calm.rate()]
}

/// The values between which all but [`OUTSIDE`] at either end lie.
fn middle(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    Some((at(OUTSIDE), at(1.0 - OUTSIDE)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lights() -> Lights {
        let labels = ["happy", "neutral", "sad"].map(str::to_owned);
        Lights::new(&labels, &[0.5; 3], &[]).unwrap()
    }

    #[test]
    fn the_middle_leaves_the_fortieth_part_out_at_either_end() {
        assert_eq!(middle((0..=1000).map(f64::from).collect()), Some((25.0, 975.0)));
        assert_eq!(middle(vec![0.5]), Some((0.5, 0.5)));
        assert_eq!(middle(vec![]), None);
    }

    #[test]
    fn intervals_are_as_wide_as_the_binomial_distribution_says() {
        // 300 of 400 right: the standard deviation is sqrt(0.75 * 0.25 / 400) = 0.0217.
        let picture = |index: usize| match index % 4 {
            0 => Outcome { target: 2, predicted: 0, lit: None },
            _ => Outcome { target: 0, predicted: 0, lit: Some(0) },
        };
        let pictures: Vec<Outcome> = (0..400).map(picture).collect();
        let found = intervals(&pictures, &lights(), 3);
        let (low, high) = found.accuracy.unwrap();
        assert!((low - 0.7075).abs() < 0.01 && (high - 0.7925).abs() < 0.01, "{low} {high}");
        assert_eq!(found.rightly_lit, found.accuracy, "each picture's label has a light, and the right ones are lit");
        assert_eq!(found.calm_lit, None);
        // F1 of happy is 2 * 300 / (400 + 300) = 0.857, of sad 0: the mean is 0.429.
        let (low, high) = found.macro_f1.unwrap();
        assert!(low < 0.4286 && 0.4286 < high && high - low < 0.05, "{low} {high}");
        assert_eq!(found, intervals(&pictures, &lights(), 3));
    }

    #[test]
    fn what_never_varies_has_no_width() {
        let calm = Outcome { target: 1, predicted: 1, lit: None };
        let found = intervals(&[calm; 9], &lights(), 3);
        assert_eq!((found.accuracy, found.calm_lit, found.rightly_lit), (Some((1.0, 1.0)), Some((0.0, 0.0)), None));
        assert_eq!(intervals(&[], &lights(), 3), Intervals::default());
    }
}
