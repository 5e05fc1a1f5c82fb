//! The learning rate over time.

use serde::{Deserialize, Serialize};

/// How the learning rate moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", deny_unknown_fields)]
pub enum Schedule {
    /// Linear rise over the first epochs, then half a cosine down to zero at the last one.
    Cosine {
        /// Epochs of the rise.
        #[serde(default = "one_epoch")]
        warmup_epochs: f64,
    },
    /// Multiplied by `factor` whenever the validation loss has not improved for `patience` epochs (Keras' ReduceLROnPlateau).
    Plateau {
        /// Multiplier at each reduction.
        #[serde(default = "half")]
        factor: f64,
        /// Epochs without improvement before a reduction.
        #[serde(default = "three_epochs")]
        patience: usize,
    },
}

fn one_epoch() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn three_epochs() -> usize {
    3
}

/// What the schedule remembers between epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Product of the reductions so far.
    pub multiplier: f64,
    /// Best validation loss so far; absent before the first epoch's.
    pub best: Option<f64>,
    /// Epochs since then.
    pub waited: usize,
}

impl Default for ScheduleState {
    fn default() -> Self {
        ScheduleState { multiplier: 1.0, best: None, waited: 0 }
    }
}

/// Keras' `min_delta` of ReduceLROnPlateau.
const MIN_DELTA: f64 = 1e-4;

impl Schedule {
    /// The multiplier of the learning rate for the step that begins when `done` of `total` epochs are over.
    pub fn multiplier(&self, state: &ScheduleState, done: f64, total: usize) -> f64 {
        match self {
            Schedule::Plateau { .. } => state.multiplier,
            Schedule::Cosine { warmup_epochs } if done < *warmup_epochs => (done + 1e-3) / warmup_epochs,
            Schedule::Cosine { warmup_epochs } => {
                let progress = (done - warmup_epochs) / (total as f64 - warmup_epochs).max(1e-9);
                0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos())
            }
        }
    }

    /// Takes note of an epoch's validation loss.
    pub fn epoch_over(&self, state: &mut ScheduleState, validation_loss: f64) {
        let Schedule::Plateau { factor, patience } = self else { return };
        if state.best.is_none_or(|best| validation_loss < best - MIN_DELTA) {
            state.best = Some(validation_loss);
            state.waited = 0;
            return;
        }
        state.waited += 1;
        if state.waited >= *patience {
            state.multiplier *= factor;
            state.waited = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_rises_falls_and_ends_at_zero() {
        let (schedule, state) = (Schedule::Cosine { warmup_epochs: 2.0 }, ScheduleState::default());
        let at = |done| schedule.multiplier(&state, done, 10);
        assert!(at(0.0) < 0.01 && (at(2.0) - 1.0).abs() < 1e-9 && (at(6.0) - 0.5).abs() < 1e-9 && at(10.0) < 1e-9);
    }

    #[test]
    fn plateau_halves_after_its_patience() {
        let schedule = Schedule::Plateau { factor: 0.5, patience: 3 };
        let mut state = ScheduleState::default();
        for loss in [1.0, 0.9, 0.9, 0.95, 0.9] {
            schedule.epoch_over(&mut state, loss);
        }
        assert_eq!(state.multiplier, 0.5);
    }
}
