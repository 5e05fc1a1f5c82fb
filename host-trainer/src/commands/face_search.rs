//! The face that a whole photo is about.

use anyhow::Result;
use clap::Args;
use emotion_models::{CropBox, Detector, Face, FaceDetector, FrameView, ModelError, main_face, shipped};
use std::path::PathBuf;

/// How commands that take photos find the face in them.
#[derive(Clone, Debug, Default, Args)]
pub struct SearchArgs {
    /// The pictures are face crops: take each whole.
    #[arg(long, conflicts_with = "face_model")]
    pub no_face_search: bool,
    /// Model that finds the faces; the one inside this program by default.
    #[arg(long, value_name = "FACE.onnx")]
    pub face_model: Option<PathBuf>,
}

/// What is taken of photos.
#[derive(Clone)]
pub enum Search {
    /// All of it.
    Whole,
    /// The square about the largest face near the middle.
    Face {
        /// Finds it.
        finder: Box<FaceDetector>,
        /// By which fraction of the face's mean side the square is larger than it.
        margin: f32,
    },
}

impl Search {
    /// What the arguments ask for; `margin` is the emotion model's.
    ///
    /// # Errors
    /// When the face model cannot be used.
    pub fn open(args: &SearchArgs, margin: f32) -> Result<Self, ModelError> {
        if args.no_face_search {
            return Ok(Search::Whole);
        }
        let finder = match &args.face_model {
            Some(path) => FaceDetector::from_file(path)?,
            None => FaceDetector::from_bytes(shipped::FACE, "the shipped face model")?,
        };
        Ok(Search::Face { finder: Box::new(finder), margin })
    }

    /// The part of a photo to take, with the face it is about; `None` where no face is found.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn crop(&mut self, frame: &FrameView<'_>) -> Result<Option<(CropBox, Option<Face>)>, ModelError> {
        let (width, height) = (frame.width(), frame.height());
        let whole = CropBox::full(width, height);
        match self {
            Search::Whole => Ok(Some((whole, None))),
            Search::Face { finder, margin } => {
                let faces = finder.detect_in_photo(frame, finder.threshold())?;
                let face = main_face(&faces, width, height);
                Ok(face.map(|face| (face.crop(*margin).clamp_to(width, height), Some(*face))))
            }
        }
    }
}
