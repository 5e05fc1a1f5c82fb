//! What steadies a mood: smoothing, thresholds, hold time.

use emotion_models::MAX_LABELS;
use std::time::Duration;

/// Longest hold time. A fault waits for the end of a hold like any other change, and must show within two seconds of
/// the last good frame.
pub const MAX_HOLD: Duration = Duration::from_millis(1500);

/// Why filter settings make no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// No labels, or more than a model may have.
    #[error("{0} labels: a filter takes 1 to {MAX_LABELS}, with as many thresholds")]
    Labels(usize),
    /// The hold time is too long for a fault to show in time.
    #[error("a hold time of {0:?}: at most {MAX_HOLD:?}, since a fault must show within two seconds")]
    Hold(Duration),
    /// A threshold cannot be reached, or would never be left.
    #[error(
        "label {label}: enter threshold {enter}, leave threshold {leave}: enter must be above 0 and at most 1, \
         leave at least 0 and at most enter"
    )]
    Threshold {
        /// Index of the label.
        label: usize,
        /// Smoothed probability that enters the mood.
        enter: f32,
        /// Smoothed probability below which the mood is left.
        leave: f32,
    },
}

/// Settings of a `MoodFilter`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterSettings {
    time_constant: Duration,
    hold: Duration,
    enter: heapless::Vec<f32, MAX_LABELS>,
    leave: heapless::Vec<f32, MAX_LABELS>,
}

impl FilterSettings {
    /// Settings for as many labels as there are thresholds.
    ///
    /// `time_constant`: the time after which 63 % of a step has come through; zero smooths nothing. `hold`: the least
    /// time between two changes of state. `enter` and `leave`: smoothed probabilities per label.
    ///
    /// # Errors
    /// Counts that differ or exceed [`MAX_LABELS`], a hold above [`MAX_HOLD`], impossible thresholds.
    pub fn new(time_constant: Duration, hold: Duration, enter: &[f32], leave: &[f32]) -> Result<Self, FilterError> {
        let count = FilterError::Labels(enter.len());
        if enter.is_empty() || enter.len() != leave.len() {
            return Err(count);
        }
        if hold > MAX_HOLD {
            return Err(FilterError::Hold(hold));
        }
        for (label, (&enter, &leave)) in enter.iter().zip(leave).enumerate() {
            let reachable = enter > 0.0 && enter <= 1.0;
            if !reachable || !(0.0..=enter).contains(&leave) {
                return Err(FilterError::Threshold { label, enter, leave });
            }
        }
        let list = |values: &[f32]| heapless::Vec::from_slice(values).map_err(|_| count.clone());
        Ok(Self { time_constant, hold, enter: list(enter)?, leave: list(leave)? })
    }

    /// Number of labels.
    pub fn labels(&self) -> usize {
        self.enter.len()
    }

    /// Least time between two changes of state.
    pub fn hold(&self) -> Duration {
        self.hold
    }

    /// Smoothed probability that enters the mood of `label`.
    pub fn enter(&self, label: usize) -> f32 {
        self.enter[label]
    }

    /// Smoothed probability below which the mood of `label` is left.
    pub fn leave(&self, label: usize) -> f32 {
        self.leave[label]
    }

    /// The share, 0 to 1, of the smoothed value that is left after an observation lasting `time`.
    pub(super) fn kept_after(&self, time: Duration) -> f32 {
        if self.time_constant.is_zero() {
            return 0.0;
        }
        (-time.as_secs_f64() / self.time_constant.as_secs_f64()).exp() as f32
    }
}
