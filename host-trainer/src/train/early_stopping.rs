//! When to stop, and which epoch was the best.

use serde::{Deserialize, Serialize};

/// How an epoch is judged, on the validation part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What the epoch is judged by: a loss, an accuracy or an average precision.
    pub figure: f64,
    /// Whether a higher figure is better.
    pub higher_is_better: bool,
    /// What a plateau of the learning rate's schedule is seen by: the lower, the better.
    pub loss: f64,
}

impl Verdict {
    fn beats(&self, best: f64) -> bool {
        if self.higher_is_better { self.figure > best } else { self.figure < best }
    }
}

/// Early stopping's memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoppingState {
    /// The best epoch so far, counted from 1, and its figure; epoch 0 is the run as it started.
    pub best: Option<(usize, f64)>,
    /// Epochs since then.
    pub waited: usize,
}

impl StoppingState {
    /// Takes note of an epoch (counted from 1); true when it is the best so far, of equals the first.
    pub fn epoch_over(&mut self, verdict: &Verdict, epoch: usize) -> bool {
        if verdict.figure.is_finite() && self.best.is_none_or(|(_, best)| verdict.beats(best)) {
            self.best = Some((epoch, verdict.figure));
            self.waited = 0;
            return true;
        }
        self.waited += 1;
        false
    }

    /// Whether `patience` epochs in a row brought nothing better; a patience of 0 never stops.
    pub fn exhausted(&self, patience: usize) -> bool {
        patience > 0 && self.waited >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_its_patience_and_remembers_the_best() {
        let mut state = StoppingState::default();
        for (epoch, loss) in [1.0, 0.5, 0.6, 0.7, f64::NAN].into_iter().enumerate() {
            assert!(!state.exhausted(3));
            state.epoch_over(&Verdict { figure: loss, higher_is_better: false, loss }, epoch + 1);
        }
        assert!(state.exhausted(3));
        assert_eq!(state.best, Some((2, 0.5)));
    }
}
