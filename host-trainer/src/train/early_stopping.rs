//! When to stop, and which epoch was the best.

use crate::emotion::metrics::Scores;
use serde::{Deserialize, Serialize};

/// What an epoch is judged by; always on the validation part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Validation loss, the lower the better.
    Loss,
    /// Validation accuracy, the higher the better.
    Accuracy,
    /// Validation macro F1, the higher the better.
    MacroF1,
}

impl Monitor {
    /// Its figure among others.
    pub fn of(self, scores: &Scores) -> f64 {
        match self {
            Monitor::Loss => scores.loss,
            Monitor::Accuracy => scores.accuracy,
            Monitor::MacroF1 => scores.macro_f1,
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
            Monitor::MacroF1 => "macro F1",
        }
    }
}

/// Early stopping's memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoppingState {
    /// The best epoch so far, counted from 1, and its figure; epoch 0 is a quantised run before its first one.
    pub best: Option<(usize, f64)>,
    /// Epochs since then.
    pub waited: usize,
}

impl StoppingState {
    /// Takes note of an epoch (counted from 1); true when it is the best so far.
    pub fn epoch_over(&mut self, monitor: Monitor, epoch: usize, figure: f64) -> bool {
        let better = self.best.is_none_or(|(_, best)| match monitor {
            Monitor::Loss => figure < best,
            Monitor::Accuracy | Monitor::MacroF1 => figure > best,
        });
        if better && figure.is_finite() {
            self.best = Some((epoch, figure));
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
            state.epoch_over(Monitor::Loss, epoch + 1, loss);
        }
        assert!(state.exhausted(3));
        assert_eq!(state.best, Some((2, 0.5)));
    }
}
