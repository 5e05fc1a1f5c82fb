//! Tracks the people in view and the boxes of their faces.

mod one_euro;
#[cfg(test)]
mod tests;
mod tracker;

use emotion_models::{CropBox, Face, FaceLimits, FrameView, ModelError, Rect};
use std::time::Duration;
pub use tracker::Tracker;
pub(crate) use tracker::confirmed_from;

/// Most faces that are tracked at once.
pub const MAX_TRACKS: usize = 6;

/// Whose mood the lights show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WhichFaces {
    /// The largest face near the middle, until another is clearly larger.
    #[default]
    Largest,
    /// The mean of all faces.
    Average,
    /// Every face: each mood that somebody shows is lit.
    All,
}

/// A face that is tracked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedFace {
    /// The same for the same person, for as long as they are tracked.
    pub id: u32,
    /// Its box, smoothed over time, in pixels of the frame.
    pub face: Face,
    /// Whether it is seen in this frame.
    pub visibility: Visibility,
}

/// Whether a tracked face is seen in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// It was detected.
    Visible,
    /// The part of the frame where it was last seen, less than a second ago, was not searched.
    NotSearched,
    /// It is not where it was; it may be back soon.
    Lost,
}

/// Tracked faces, the main one first.
pub type TrackedFaces = heapless::Vec<TrackedFace, MAX_TRACKS>;

/// Finds and tracks the faces in a run's frames.
pub trait FaceLocator: Send {
    /// The tracked faces after the frame of time `at`. Times that go back count as no time passed.
    ///
    /// # Errors
    /// When the engine fails.
    fn locate(&mut self, frame: &FrameView<'_>, at: Duration) -> Result<&TrackedFaces, ModelError>;

    /// Whether boxes are detected, so that the model card's margin and limits apply to them; else each is a crop as it is.
    fn detects(&self) -> bool {
        true
    }

    /// Ends all tracks: the camera failed.
    fn reset(&mut self) {}
}

/// Takes the centred square of every frame for the face, without detection.
#[derive(Clone, Debug, Default)]
pub struct CentredSquare(TrackedFaces);

impl FaceLocator for CentredSquare {
    fn locate(&mut self, frame: &FrameView<'_>, _at: Duration) -> Result<&TrackedFaces, ModelError> {
        let CropBox { x, y, width, height } = CropBox::centred_square(frame.width(), frame.height());
        let rect = Rect::new(x as f32, y as f32, width as f32, height as f32);
        self.0.clear();
        let _ = self.0.push(TrackedFace { id: 0, face: Face { rect, score: 1.0 }, visibility: Visibility::Visible });
        Ok(&self.0)
    }

    fn detects(&self) -> bool {
        false
    }
}

/// Why the emotion model does not run on a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// It has too few pixels.
    TooSmall,
    /// Too much of it lies outside the frame.
    CutOff,
    /// It is turned away: its box is too narrow for a frontal face.
    TurnedAway,
}

impl RejectReason {
    /// Why the emotion model's card rejects a face in a frame of `width` x `height` pixels.
    pub fn of(face: &Face, limits: &FaceLimits, width: u32, height: u32) -> Option<Self> {
        if face.rect.mean_side() < limits.smallest_face {
            Some(Self::TooSmall)
        } else if face.rect.inside(width, height) < limits.least_inside {
            Some(Self::CutOff)
        } else if face.rect.width < limits.narrowest_face * face.rect.height {
            Some(Self::TurnedAway)
        } else {
            None
        }
    }

    /// The reason, for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::TooSmall => "the face is too small",
            Self::CutOff => "the face is cut off",
            Self::TurnedAway => "the face is turned away",
        }
    }
}
