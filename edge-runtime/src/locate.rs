//! Which part of a frame is the face.

use emotion_models::{CropBox, FrameView};

/// Finds the face in a frame.
pub trait FaceLocator: Send {
    /// The crop to classify, which may reach outside the frame; `None` when there is no face.
    ///
    /// `margin` is the crop margin of the emotion model's card, to be added to a face's box.
    fn locate(&mut self, frame: &FrameView<'_>, margin: f32) -> Option<CropBox>;
}

/// Takes the centred square of every frame for the face: whoever is to be seen stands before the camera.
///
/// The card's crop margin says how much wider than a face's box the training crops were; no box was measured here, so it
/// does not apply.
#[derive(Clone, Copy, Debug, Default)]
pub struct CentredSquare;

impl FaceLocator for CentredSquare {
    fn locate(&mut self, frame: &FrameView<'_>, _margin: f32) -> Option<CropBox> {
        Some(CropBox::centred_square(frame.width(), frame.height()))
    }
}
