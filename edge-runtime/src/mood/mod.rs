//! From flickering probabilities to a steady mood: smoothing, hysteresis and hold time.

mod aggregate;
mod filter;
mod settings;
#[cfg(test)]
mod tests;
mod words;

pub use aggregate::{FaceObservation, MoodAggregator, MoodSet, TrackObservation};
pub use filter::{MoodFilter, Observation};
pub use settings::{FilterError, FilterSettings, MAX_HOLD};
pub use words::{is_dark_by_default, mood_word};

/// What the lights show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MoodState {
    /// A steady mood: the index of its label in the model's card.
    Mood(usize),
    /// A face, but no mood that is sure enough.
    #[default]
    Unsure,
    /// Nobody in view.
    NoFace,
    /// Nothing can be known: the camera, or the model, fails.
    Fault,
}
