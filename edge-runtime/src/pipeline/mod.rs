//! The frame path: frame, crop, classifier, mood, lights; and, in `run.rs`, the loop that runs it.

mod run;

pub use run::{HANG_TIMEOUT, Observer, Outcome, RunPlan, run};

use crate::event::{FaceInView, FacesInView};
use crate::frame::Frame;
use crate::lights::{Lights, LightsError};
use crate::mood::{FaceObservation, MoodAggregator, MoodSet, MoodState, TrackObservation};
use crate::track::{FaceLocator, MAX_TRACKS, RejectReason, TrackedFace, Visibility, WhichFaces};
use embedded_hal::digital::OutputPin;
use emotion_models::{Classifier, CropBox, FrameView, ModelError, Probabilities};
use std::time::{Duration, Instant};

/// How long each stage of one frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Finding the faces.
    pub locate: Duration,
    /// Crop to tensor, for each face that is classified.
    pub preprocess: Duration,
    /// The engine.
    pub inference: Duration,
    /// The mood filter.
    pub filter: Duration,
    /// Driving the lights.
    pub light: Duration,
    /// All of it.
    pub frame: Duration,
}

/// The result of one frame.
#[derive(Clone, Debug)]
pub struct FrameResult {
    /// The state from now on.
    pub state: MoodState,
    /// The probabilities in this frame alone, of the first face, or, where their mean counts, of all.
    pub probabilities: Option<Probabilities>,
    /// The faces in view.
    pub faces: FacesInView,
    /// The part of the frame that was classified for the first of them.
    pub crop: Option<CropBox>,
    /// Where the time went.
    pub timings: Timings,
}

/// The stages from a frame to the lights.
pub struct Pipeline<P> {
    /// Finds the faces.
    pub locator: Box<dyn FaceLocator>,
    /// Classifies them.
    pub classifier: Classifier,
    /// Steadies their moods.
    pub moods: MoodAggregator,
    /// Shows it.
    pub lights: Lights<P>,
}

/// Why a frame was not classified.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The engine failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A pin failed.
    #[error(transparent)]
    Lights(#[from] LightsError),
    /// The bytes make no frame.
    #[error(transparent)]
    Frame(#[from] emotion_models::FrameError),
}

impl<P: OutputPin + Send + 'static> Pipeline<P> {
    /// Runs all stages for one frame. `now` is the clock of the blinking; smoothing uses the frame's own time.
    ///
    /// # Errors
    /// The stage that failed. The lights are left as they were.
    pub fn frame(&mut self, frame: &Frame, now: Duration) -> Result<FrameResult, StepError> {
        let start = Instant::now();
        let view = frame.view()?;
        let detects = self.locator.detects();
        let tracked = self.locator.locate(&view, frame.time)?.clone();
        let located = Instant::now();
        let mut timings = Timings { locate: located - start, ..Timings::default() };
        let (mut faces, mut tracks) = (FacesInView::new(), heapless::Vec::<TrackObservation, MAX_TRACKS>::new());
        let mut crop = None;
        for (index, track) in tracked.iter().enumerate() {
            let wanted = index == 0 || self.moods.which() != WhichFaces::Largest;
            let (observed, rejected) = self.classify(track, wanted, detects, &view, &mut crop, &mut timings)?;
            let _ = tracks.push(TrackObservation { id: track.id, face: observed });
            if track.visibility != Visibility::Lost {
                let probabilities = match observed {
                    FaceObservation::Classified(probabilities) => Some(probabilities),
                    _ => None,
                };
                let (id, face) = (track.id, track.face);
                let _ = faces.push(FaceInView { id, face, probabilities, rejected, state: None });
            }
        }
        let classified = Instant::now();
        let state = self.moods.observe(frame.time, &tracks);
        let probabilities = match self.moods.which() {
            WhichFaces::Average => self.moods.mean(&tracks),
            _ => faces.first().and_then(|face| face.probabilities),
        };
        for face in &mut faces {
            face.state = self.moods.state_of(face.id);
        }
        let filtered = Instant::now();
        self.lights.show_all(state, self.moods.lit(), true, now)?;
        let lit = Instant::now();
        timings.filter = filtered - classified;
        timings.light = lit - filtered;
        timings.frame = lit - start;
        Ok(FrameResult { state, probabilities, faces, crop, timings })
    }

    /// The moods that are lit.
    fn lit(&self) -> MoodSet {
        self.moods.lit().without(self.lights.dark_moods())
    }

    /// Runs the emotion model on a track's face, if that is `wanted` and nothing rejects the face. The first classified
    /// crop is left in `crop`.
    fn classify(
        &mut self,
        track: &TrackedFace,
        wanted: bool,
        detects: bool,
        view: &FrameView<'_>,
        crop: &mut Option<CropBox>,
        timings: &mut Timings,
    ) -> Result<(FaceObservation, Option<RejectReason>), ModelError> {
        match track.visibility {
            Visibility::Visible => {}
            Visibility::NotSearched => return Ok((FaceObservation::NotClassified, None)),
            Visibility::Lost => return Ok((FaceObservation::Lost, None)),
        }
        let (face, card) = (&track.face, self.classifier.card());
        let rejected = detects.then(|| RejectReason::of(face, &card.limits, view.width(), view.height())).flatten();
        if rejected.is_some() {
            return Ok((FaceObservation::Rejected, rejected));
        }
        if !wanted {
            return Ok((FaceObservation::NotClassified, None));
        }
        let margin = if detects { card.crop_margin } else { 0.0 };
        let own = face.crop(margin);
        let start = Instant::now();
        self.classifier.preprocess(view, own);
        let preprocessed = Instant::now();
        let probabilities = self.classifier.infer()?;
        timings.preprocess += preprocessed - start;
        timings.inference += preprocessed.elapsed();
        crop.get_or_insert(own);
        Ok((FaceObservation::Classified(probabilities), None))
    }

    /// Shows at time `now` that nothing can be known.
    fn fault(&mut self, now: Duration) -> Result<MoodState, LightsError> {
        self.locator.reset();
        let state = self.moods.fault(now);
        self.lights.show(state, false, now)?;
        Ok(state)
    }
}
