//! What is gained by judging fewer pictures: risk against coverage, and moods lit rightly against calm faces lit.

use super::lights::{Lights, LitShares, Outcome};
use super::readout::top;

/// Points that a curve is drawn with at most, give or take a few.
const POINTS: usize = 400;

/// What a share of the pictures, the surest first, costs in errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Share of all pictures, above 0 and up to 1.
    pub coverage: f64,
    /// Share of them that is predicted wrong, 0 to 1.
    pub risk: f64,
}

/// Risk by coverage, for `probabilities` `[pictures, labels]` and `targets` `[pictures]` (El-Yaniv and Wiener 2010). Pictures of one
/// probability come together.
pub fn risk_by_coverage(probabilities: &[f32], targets: &[usize], labels: usize) -> Vec<Coverage> {
    let sure = |(row, &target): (&[f32], &usize)| (row[top(row)], top(row) != target);
    let mut pictures: Vec<(f32, bool)> = probabilities.chunks_exact(labels.max(1)).zip(targets).map(sure).collect();
    pictures.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut curve, mut errors) = (vec![], 0);
    for (index, (probability, wrong)) in pictures.iter().enumerate() {
        errors += usize::from(*wrong);
        if pictures.get(index + 1).is_none_or(|next| next.0 != *probability) {
            let covered = (index + 1) as f64;
            curve.push(Coverage { coverage: covered / pictures.len() as f64, risk: errors as f64 / covered });
        }
    }
    thin(curve)
}

/// What is lit where every threshold is multiplied by one factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operating {
    /// The factor; 1 is the card.
    pub factor: f32,
    /// What the pictures light.
    pub lit: LitShares,
}

/// The operating curve: from thresholds that let nothing through down to those that light every label that is given; shapes as for
/// [`risk_by_coverage`].
pub fn operating_curve(probabilities: &[f32], targets: &[usize], lights: &Lights) -> Vec<Operating> {
    let rows = probabilities.chunks_exact(lights.thresholds().len().max(1));
    let dark = |(row, &target): (&[f32], &usize)| Outcome { target, predicted: top(row), lit: None };
    let outcomes: Vec<Outcome> = rows.clone().zip(targets).map(dark).collect();
    let mut lit = LitShares::of(&outcomes, lights);
    let given = |(row, outcome): (&[f32], &Outcome)| {
        let (label, sureness) = lights.sureness(row)?;
        let one = LitShares::of(&[Outcome { lit: Some(label), ..*outcome }], lights);
        Some((sureness, one))
    };
    let mut pictures: Vec<(f32, LitShares)> = rows.zip(&outcomes).filter_map(given).collect();
    pictures.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut curve = vec![Operating { factor: f32::INFINITY, lit }];
    for (index, (sureness, one)) in pictures.iter().enumerate() {
        lit.rightly.lit += one.rightly.lit;
        lit.wrongly.lit += one.wrongly.lit;
        lit.calm.lit += one.calm.lit;
        if pictures.get(index + 1).is_none_or(|next| next.0 != *sureness) {
            curve.push(Operating { factor: *sureness, lit });
        }
    }
    thin(curve)
}

/// Fewer points, evenly chosen, both ends among them.
fn thin<T: Copy>(points: Vec<T>) -> Vec<T> {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .iter()
        .enumerate()
        .filter(|(index, _)| index % step == 0 || *index == last)
        .map(|(_, point)| *point)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::lights::Share;

    #[test]
    fn risk_agrees_with_hand_calculation() {
        // The surest is right, then two of one probability, one of them wrong, then one wrong.
        let probabilities = [0.9, 0.1, 0.7, 0.3, 0.3, 0.7, 0.6, 0.4];
        let curve = risk_by_coverage(&probabilities, &[0, 1, 1, 1], 2);
        let points: Vec<(f64, f64)> = curve.iter().map(|point| (point.coverage, point.risk)).collect();
        assert_eq!(points, [(0.25, 0.0), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
        assert!(risk_by_coverage(&[], &[], 2).is_empty());
    }

    #[test]
    fn the_operating_curve_goes_from_dark_to_all_and_through_the_card() {
        let labels = ["happy", "neutral", "sad"].map(str::to_owned);
        let lights = Lights::new(&labels, &[0.5, 0.5, 0.8], &[]).unwrap();
        #[rustfmt::skip]
        let probabilities = [
            0.9, 0.1, 0.0,
            0.6, 0.2, 0.2,
            0.1, 0.1, 0.8,
            0.0, 0.4, 0.6,
            0.1, 0.8, 0.1,
        ];
        let targets = [0, 1, 2, 0, 1];
        let curve = operating_curve(&probabilities, &targets, &lights);
        let points: Vec<_> =
            curve.iter().map(|point| (point.lit.rightly.lit, point.lit.wrongly.lit, point.lit.calm.lit)).collect();
        assert_eq!(points, [(0, 0, 0), (1, 0, 0), (1, 0, 1), (2, 0, 1), (2, 1, 1)]);
        assert_eq!((curve[0].lit.rightly.of, curve[0].lit.calm.of), (3, 2));
        assert_eq!((curve[1].factor, curve[3].factor), (1.8, 1.0));
        // The card's point is on it.
        let outcome = |(row, &target): (&[f32], &usize)| Outcome { target, predicted: 0, lit: lights.lit(row) };
        let outcomes: Vec<Outcome> = probabilities.chunks_exact(3).zip(&targets).map(outcome).collect();
        assert_eq!(LitShares::of(&outcomes, &lights), curve[3].lit);
        assert_eq!(curve[3].lit.calm, Share { lit: 1, of: 2 });
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        let few = thin((0..5000).collect());
        assert!(few.len() <= POINTS + 1 && few[0] == 0 && few.last() == Some(&4999), "{}", few.len());
    }
}
