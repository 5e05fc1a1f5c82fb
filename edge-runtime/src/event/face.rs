//! A face in view, as outputs receive it.

use crate::mood::MoodState;
use crate::track::{MAX_TRACKS, RejectReason};
use emotion_models::{Face, Probabilities};

/// A face in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceInView {
    /// The same for the same person, for as long as they are tracked.
    pub id: u32,
    /// Its box, in pixels of the frame.
    pub face: Face,
    /// The model's probabilities in this frame.
    pub probabilities: Option<Probabilities>,
    /// Why the model was not asked.
    pub rejected: Option<RejectReason>,
    /// Its own state, as far as it is kept apart.
    pub state: Option<MoodState>,
}

/// The faces in view, the main one first.
pub type FacesInView = heapless::Vec<FaceInView, MAX_TRACKS>;
