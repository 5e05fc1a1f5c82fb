//! Who is in view, and where their faces are.

mod one_euro;
#[cfg(test)]
mod tests;
mod tracker;

use emotion_models::{CropBox, Face, FaceLimits, FrameView, ModelError, Rect};
use std::fmt;
use std::time::Duration;
pub use tracker::Follower;

/// Most faces that are followed at once; of more, the largest.
pub const MOST_FOLLOWED: usize = 6;

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

impl fmt::Display for WhichFaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Largest => "largest",
            Self::Average => "average",
            Self::All => "all",
        })
    }
}

/// A face that is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// The same for the same person, for as long as they are followed.
    pub id: u32,
    /// Its box, smoothed over time, in pixels of the frame.
    pub face: Face,
    /// What this frame says of it.
    pub sight: Sight,
}

/// What a frame says of a face that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It is there.
    Seen,
    /// This frame was not searched where it was last seen, less than a second ago.
    NotLookedFor,
    /// It is not where it was; it may be back soon.
    Lost,
}

/// Faces, the one that the lights are about first.
pub type Following = heapless::Vec<Followed, MOST_FOLLOWED>;

/// Finds and follows the faces in a run's frames.
pub trait FaceLocator: Send {
    /// The faces in view in the frame of time `at`. Times that go back count as no time passed.
    ///
    /// # Errors
    /// When the engine fails.
    fn locate(&mut self, frame: &FrameView<'_>, at: Duration) -> Result<&Following, ModelError>;

    /// Whether boxes are measured, so that the model card's margin and limits apply to them; else each is a crop as it is.
    fn measures(&self) -> bool {
        true
    }

    /// Of what was followed nothing holds any more: the camera failed.
    fn forget(&mut self) {}
}

/// Takes the centred square of every frame for the face: whoever is to be seen stands before the camera.
#[derive(Clone, Debug, Default)]
pub struct CentredSquare(Following);

impl FaceLocator for CentredSquare {
    fn locate(&mut self, frame: &FrameView<'_>, _at: Duration) -> Result<&Following, ModelError> {
        let CropBox { x, y, width, height } = CropBox::centred_square(frame.width(), frame.height());
        let rect = Rect::new(x as f32, y as f32, width as f32, height as f32);
        self.0.clear();
        let _ = self.0.push(Followed { id: 0, face: Face { rect, score: 1.0 }, sight: Sight::Seen });
        Ok(&self.0)
    }

    fn measures(&self) -> bool {
        false
    }
}

/// Why no mood can be told from a face that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It has too few pixels.
    TooSmall,
    /// Too much of it lies outside the frame.
    CutOff,
    /// It is narrower than a face that looks this way.
    TurnedAway,
}

impl Doubt {
    /// What the emotion model's card says against a face in a frame of `width` x `height` pixels.
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

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooSmall => "the face is too small",
            Self::CutOff => "the face is cut off",
            Self::TurnedAway => "the face is turned away",
        }
    }
}
