//! Accuracy on pictures as they are and perturbed.

use super::robustness::Perturbation;
use serde::Serialize;

/// Accuracies on the same pictures, each 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// On the pictures as they are.
    pub plain: f64,
    /// On the perturbed ones, in the order of [`Perturbation::ALL`].
    pub perturbed: Vec<Perturbed>,
    /// Mean of the first [`Perturbation::IN_MEAN`] drops.
    pub mean_drop: f64,
}

/// Accuracy on the pictures changed in one way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Perturbed {
    /// What was done to them.
    pub name: &'static str,
    /// Share predicted right, 0 to 1.
    pub accuracy: f64,
    /// By how much that is less than on the pictures as they are; below 0 where it is more.
    pub drop: f64,
}

impl Robustness {
    /// From the accuracy `plain`, the pictures' labels `[pictures]` and, for each picture, what it was predicted to be under each of
    /// [`Perturbation::ALL`].
    pub fn new(plain: f64, targets: &[usize], predicted: &[Vec<usize>]) -> Self {
        let one = |(index, perturbation): (usize, &Perturbation)| {
            let right = targets.iter().zip(predicted).filter(|(target, seen)| seen[index] == **target).count();
            let accuracy = right as f64 / targets.len().max(1) as f64;
            Perturbed { name: perturbation.name(), accuracy, drop: plain - accuracy }
        };
        let perturbed: Vec<Perturbed> = Perturbation::ALL.iter().enumerate().map(one).collect();
        let drops = perturbed.iter().take(Perturbation::IN_MEAN).map(|one| one.drop);
        Robustness { plain, mean_drop: drops.sum::<f64>() / Perturbation::IN_MEAN as f64, perturbed }
    }

    /// The accuracies as rows of a table, each with its name: as they are, each perturbation with its drop, and the mean drop.
    pub fn rows(&self) -> Vec<(String, String)> {
        let one = |one: &Perturbed| (one.name.to_owned(), format!("{:.3} ({:+.3})", one.accuracy, 0.0 - one.drop));
        let mean = format!("mean change of the first {}", Perturbation::IN_MEAN);
        let plain = ("as they are".to_owned(), format!("{:.3}", self.plain));
        let last = (mean, format!("{:+.3}", 0.0 - self.mean_drop));
        [plain].into_iter().chain(self.perturbed.iter().map(one)).chain([last]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_agree_with_hand_calculation() {
        // Of four pictures three are right as they are; two of them under the first way, none under the seventh, all under the last.
        let mut predicted = vec![vec![0; 10], vec![1; 10], vec![0; 10], vec![0; 10]];
        predicted[0][0] = 1;
        for (seen, wrong) in predicted.iter_mut().zip([1, 0, 1, 0]) {
            seen[6] = wrong;
        }
        predicted[3][9] = 1;
        let found = Robustness::new(0.75, &[0, 1, 0, 1], &predicted);
        let accuracies: Vec<f64> = found.perturbed.iter().map(|one| one.accuracy).collect();
        assert_eq!(accuracies, [0.5, 0.75, 0.75, 0.75, 0.75, 0.75, 0.0, 0.75, 0.75, 1.0]);
        assert_eq!((found.perturbed[0].drop, found.perturbed[9].drop), (0.25, -0.25));
        assert!((found.mean_drop - 1.0 / 7.0).abs() < 1e-12);
        let rows = found.rows();
        assert_eq!((rows.len(), rows[2].1.as_str()), (12, "0.750 (+0.000)"));
        assert_eq!(
            (rows[1].1.as_str(), rows[10].1.as_str(), rows[11].1.as_str()),
            ("0.500 (-0.250)", "1.000 (+0.250)", "-0.143")
        );
    }
}
