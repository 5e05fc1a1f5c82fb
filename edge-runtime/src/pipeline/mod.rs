//! The frame path: frame, crop, classifier, mood, lights; and, in `run.rs`, the loop that runs it.

mod run;

pub use run::{HUNG, Observer, Outcome, RunPlan, run};

use crate::event::{FaceInView, FacesInView};
use crate::frame::Frame;
use crate::lights::{Lights, LightsError};
use crate::mood::{Look, Moods, Person, State};
use crate::track::{Doubt, FaceLocator, Followed, MOST_FOLLOWED, Sight, WhichFaces};
use embedded_hal::digital::OutputPin;
use emotion_models::{Classifier, CropBox, FrameView, ModelError, Probabilities};
use std::time::{Duration, Instant};

/// How long each stage of one frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Finding the faces.
    pub locate: Duration,
    /// Crop to tensor, for each face that is judged.
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

/// What one frame came to.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The state from now on.
    pub state: State,
    /// What this frame alone says of the first face, or, where their mean counts, of all.
    pub probabilities: Option<Probabilities>,
    /// The faces in view.
    pub faces: FacesInView,
    /// The part of the frame that was judged for the first of them.
    pub crop: Option<CropBox>,
    /// Where the time went.
    pub timings: Timings,
}

/// The stages from a frame to the lights.
pub struct Pipeline<P> {
    /// Finds the faces.
    pub locator: Box<dyn FaceLocator>,
    /// Judges them.
    pub classifier: Classifier,
    /// Steadies the judgement.
    pub moods: Moods,
    /// Shows it.
    pub lights: Lights<P>,
}

/// Why a frame was not judged.
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
    /// All stages for one frame. `now` is what the blinking follows; smoothing follows the frame's own time.
    ///
    /// # Errors
    /// The stage that failed. The lights are left as they were.
    pub fn frame(&mut self, frame: &Frame, now: Duration) -> Result<Judged, StepError> {
        let start = Instant::now();
        let view = frame.view()?;
        let measured = self.locator.measures();
        let following = self.locator.locate(&view, frame.time)?.clone();
        let located = Instant::now();
        let mut timings = Timings { locate: located - start, ..Timings::default() };
        let (mut faces, mut people) = (FacesInView::new(), heapless::Vec::<Person, MOST_FOLLOWED>::new());
        let mut crop = None;
        for (index, followed) in following.iter().enumerate() {
            let wanted = index == 0 || self.moods.which() != WhichFaces::Largest;
            let (look, doubt) = self.look(followed, wanted, measured, &view, &mut crop, &mut timings)?;
            let _ = people.push(Person { id: followed.id, look });
            if followed.sight != Sight::Lost {
                let probabilities = match look {
                    Look::Clear(probabilities) => Some(probabilities),
                    _ => None,
                };
                let (id, face) = (followed.id, followed.face);
                let _ = faces.push(FaceInView { id, face, probabilities, doubt, state: None });
            }
        }
        let judged = Instant::now();
        let state = self.moods.observe(frame.time, &people);
        let probabilities = match self.moods.which() {
            WhichFaces::Average => self.moods.mean(&people),
            _ => faces.first().and_then(|face| face.probabilities),
        };
        for face in &mut faces {
            face.state = self.moods.state_of(face.id);
        }
        let filtered = Instant::now();
        self.lights.show_all(state, self.moods.lit(), true, now)?;
        let lit = Instant::now();
        timings.filter = filtered - judged;
        timings.light = lit - filtered;
        timings.frame = lit - start;
        Ok(Judged { state, probabilities, faces, crop, timings })
    }

    /// How somebody looks, and why no mood can be told where that is so, asked of the model where it is `wanted`. The first crop that
    /// is judged is left in `crop`.
    fn look(
        &mut self,
        followed: &Followed,
        wanted: bool,
        measured: bool,
        view: &FrameView<'_>,
        crop: &mut Option<CropBox>,
        timings: &mut Timings,
    ) -> Result<(Look, Option<Doubt>), ModelError> {
        let Followed { face, sight, .. } = followed;
        if *sight != Sight::Seen {
            return Ok((if *sight == Sight::Lost { Look::Gone } else { Look::None }, None));
        }
        let card = self.classifier.card();
        let doubt = measured.then(|| Doubt::of(face, &card.limits, view.width(), view.height())).flatten();
        if doubt.is_some() || !wanted {
            return Ok((if doubt.is_some() { Look::Unclear } else { Look::None }, doubt));
        }
        let margin = if measured { card.crop_margin } else { 0.0 };
        let own = face.crop(margin);
        let start = Instant::now();
        self.classifier.preprocess(view, own);
        let preprocessed = Instant::now();
        let probabilities = self.classifier.infer()?;
        timings.preprocess += preprocessed - start;
        timings.inference += preprocessed.elapsed();
        crop.get_or_insert(own);
        Ok((Look::Clear(probabilities), None))
    }

    /// Shows at time `now` that nothing can be known.
    fn fault(&mut self, now: Duration) -> Result<State, LightsError> {
        self.locator.forget();
        let state = self.moods.fault(now);
        self.lights.show(state, false, now)?;
        Ok(state)
    }
}
