//! A face in view, as outputs hear of it.

use crate::mood::State;
use crate::track::{Doubt, MOST_FOLLOWED};
use emotion_models::{Face, Probabilities};

/// A face in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceInView {
    /// The same for the same person, for as long as they are followed.
    pub id: u32,
    /// Its box, in pixels of the frame.
    pub face: Face,
    /// What the model says of it in this frame.
    pub probabilities: Option<Probabilities>,
    /// Why no mood can be told from it.
    pub doubt: Option<Doubt>,
    /// Its own state, as far as it is kept apart.
    pub state: Option<State>,
}

/// The faces in view, the one that the lights are about first.
pub type FacesInView = heapless::Vec<FaceInView, MOST_FOLLOWED>;
