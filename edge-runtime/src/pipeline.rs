//! The frame path: frame, crop, classifier, mood, lights; and the loop that runs it.

use crate::event::Event;
use crate::exit::Failure;
use crate::frame::{Clock, Frame, Skipped};
use crate::lights::{Lights, LightsError};
use crate::locate::{Doubt, FaceLocator, Followed, MOST_FOLLOWED, Sight, WhichFaces};
use crate::mailbox::{Stop, Taken};
use crate::mood::{Look, Moods, Person, State};
use crate::source::{Capture, LONGEST_START, SourceError};
use crate::summary::Summary;
use embedded_hal::digital::OutputPin;
use emotion_models::{Classifier, CropBox, Face, FrameView, ModelError, Probabilities};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Without a frame for this long a live source that has begun has stalled. With the rest of a hold time, which began before the latest
/// frame at the latest, the fault shows within [`crate::mood::LONGEST_HOLD`] of that frame.
const STALL: Duration = Duration::from_millis(1200);
/// Longest wait for a frame before lights that blink are looked after.
const TICK: Duration = Duration::from_millis(50);

/// How long a camera may neither deliver a frame nor tell of trouble before its driver counts as hung: longer than any camera may
/// take, and than the pauses between attempts to open it.
pub const HUNG: Duration = Duration::from_secs(30);

/// How long a pipe's end may be heard before the signal that caused it.
const INTERRUPT: Duration = Duration::from_millis(100);

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

/// What one frame came to.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The state from now on.
    pub state: State,
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
        for face in &mut faces {
            face.state = self.moods.state_of(face.id);
        }
        let filtered = Instant::now();
        self.lights.show_all(state, self.moods.lit(), true, now)?;
        let lit = Instant::now();
        timings.filter = filtered - judged;
        timings.light = lit - filtered;
        timings.frame = lit - start;
        Ok(Judged { state, faces, crop, timings })
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

/// Who wants to know what happens. Neither method may block.
pub trait Observer {
    /// After each frame, and when a fault begins or shows. `frame` comes with the crop that was judged.
    fn event(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>);

    /// Each time the loop comes round, at time `now` of the run's clock: with every frame, and every 50 ms while none
    /// comes. A loop that hangs stays silent, and so does one whose camera hangs in its driver, where no retry reaches it.
    fn turn(&mut self, _now: Duration) {}
}

/// How a run goes.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// The run's clock, which capture times count on.
    pub clock: Clock,
    /// Ends the run.
    pub stop: Stop,
    /// Stop after this many frames.
    pub frames: Option<u64>,
    /// Every frame counts: time is the frames' own, and no pause is a stall.
    pub every_frame: bool,
    /// Time between frames, as the source is played.
    pub period: Duration,
    /// The frames are a camera's.
    pub camera: bool,
    /// How long a camera may be silent before it counts as hung: [`HUNG`].
    pub hung: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What it amounted to.
    pub summary: Summary,
    /// Why it ended.
    pub result: Result<(), Failure>,
}

/// Runs frames from `capture` through `pipeline` until the source ends, `plan` says so, or something cannot go on. The
/// lights are dark afterwards.
pub fn run<P: OutputPin + Send + 'static>(
    pipeline: &mut Pipeline<P>,
    capture: &Capture,
    plan: &RunPlan,
    observer: &mut dyn Observer,
) -> Outcome {
    let (summary, heard) = (Summary::default(), plan.clock.now());
    let (told, overcome, skipped) = (Vec::new(), None, None);
    let mut run = Run {
        pipeline,
        plan,
        observer,
        summary,
        fault: None,
        told,
        overcome,
        returning: false,
        skipped,
        heard,
        hangs: false,
    };
    let mut result = run.until_the_end(capture);
    let Run { pipeline, mut summary, skipped, overcome, .. } = run;
    if let (Ok(()), Some(fault)) = (&result, overcome) {
        result = Err(fault.overcome());
    }
    summary.faults += skipped.map_or(0, |skipped| skipped.times);
    if result.is_err() {
        summary.faults = summary.faults.max(1);
    }
    if let Err(error) = pipeline.lights.dark() {
        result = result.and(Err(error.into()));
    }
    summary.dropped = capture.dropped();
    summary.bad = capture.bad();
    plan.stop.request();
    Outcome { summary, result }
}

/// What is wrong now.
enum Fault {
    Source(Arc<str>),
    Model(ModelError),
}

impl Fault {
    /// What a run ends with that went on after this.
    fn overcome(self) -> Failure {
        match self {
            Fault::Source(reason) => SourceError::Overcome(reason.to_string()).into(),
            Fault::Model(error) => error.into(),
        }
    }
}

struct Run<'a, P> {
    pipeline: &'a mut Pipeline<P>,
    plan: &'a RunPlan,
    observer: &'a mut dyn Observer,
    summary: Summary,
    fault: Option<Fault>,
    /// Causes of the source's fault that were logged since its latest frame: while it is tried again, they may take turns.
    told: Vec<Arc<str>>,
    /// The latest fault after which frames arrived again: no run that had one was a success.
    overcome: Option<Fault>,
    /// Whether one frame has come since the fault.
    returning: bool,
    /// What the source could not show so far.
    skipped: Option<Arc<Skipped>>,
    /// When the latest frame arrived.
    heard: Duration,
    /// Whether the camera hangs in its driver.
    hangs: bool,
}

#[cfg(feature = "test-panic")]
fn panic_when_told(frames: u64) {
    let told = std::env::var("MOODLIGHT_PANIC_AT").ok().and_then(|number| number.parse().ok());
    assert!(told != Some(frames), "the panic that MOODLIGHT_PANIC_AT asks for");
}

impl<P: OutputPin + Send + 'static> Run<'_, P> {
    fn until_the_end(&mut self, capture: &Capture) -> Result<(), Failure> {
        while !self.plan.stop.is_requested() {
            if !self.hangs(capture) {
                self.observer.turn(self.plan.clock.now());
            }
            if self.plan.frames.is_some_and(|most| self.summary.frames >= most) {
                return self.verdict();
            }
            match capture.take(TICK) {
                Taken::Item(frame) => {
                    if let Some(skipped) = &frame.skipped {
                        self.skip(skipped);
                    }
                    let judged = if self.may_be_old() { self.tick() } else { self.judge(&frame) };
                    capture.give_back(frame);
                    judged?;
                }
                Taken::Trouble(reason) => self.source_fault(reason)?,
                Taken::Nothing if self.plan.every_frame => {}
                Taken::Nothing if self.plan.clock.now().saturating_sub(self.heard) < self.patience() => self.tick()?,
                Taken::Nothing => self.source_fault(self.stalled())?,
                // The source may have noticed a request to stop before this loop did.
                Taken::End(Ok(())) if self.plan.stop.is_requested() => return self.verdict(),
                // A terminal interrupts the program that fills a pipe as well, and its end may be heard first.
                Taken::End(Err(SourceError::Cut { .. } | SourceError::NoFrames)) if self.plan.stop.wait(INTERRUPT) => {
                    return self.verdict();
                }
                Taken::End(end) => {
                    if let Err(SourceError::Pictures(skipped)) = &end {
                        self.skip(skipped);
                    }
                    return Ok(end?);
                }
            }
        }
        self.verdict()
    }

    /// Whether the camera's driver hangs: then only a new start of the program helps, which is the service manager's to give.
    fn hangs(&mut self, capture: &Capture) -> bool {
        let hangs = self.plan.camera && capture.silence() >= self.plan.hung;
        if hangs && !self.hangs {
            let seconds = self.plan.hung.as_secs();
            tracing::warn!(
                "the camera's driver has not answered for {seconds} s: a service is started anew now; else plug the camera in \
                 again, and start this program again"
            );
        }
        self.hangs = hangs;
        hangs
    }

    /// How long the source may be silent. A camera that is starting is no fault: it tells itself when that takes too long.
    fn patience(&self) -> Duration {
        let starting = self.plan.camera && self.summary.frames == 0;
        if starting { LONGEST_START } else { STALL.max(self.plan.period * 5 / 2) }
    }

    /// Whether a frame may be one that was left lying in a camera's driver, which shows it to whoever opens the device anew: the
    /// first after a fault. It shows nothing of what is in view now, and a driver without a camera has no second one.
    fn may_be_old(&mut self) -> bool {
        let after_fault = self.plan.camera && self.summary.frames > 0 && matches!(self.fault, Some(Fault::Source(_)));
        let first = after_fault && !std::mem::replace(&mut self.returning, after_fault);
        if first {
            self.heard = self.plan.clock.now();
        }
        first
    }

    /// A run that is stopped while nothing works, or that could not show every picture, was no success.
    fn verdict(&mut self) -> Result<(), Failure> {
        match self.fault.take() {
            None => match &self.skipped {
                None => Ok(()),
                Some(skipped) => Err(SourceError::Pictures(Arc::clone(skipped)).into()),
            },
            Some(Fault::Source(reason)) => Err(SourceError::StoppedInFault(reason.to_string()).into()),
            Some(Fault::Model(error)) => Err(error.into()),
        }
    }

    fn judge(&mut self, frame: &Frame) -> Result<(), Failure> {
        let before = self.pipeline.moods.state();
        self.heard = self.plan.clock.now();
        #[cfg(feature = "test-panic")]
        panic_when_told(self.summary.frames);
        let judged = match self.pipeline.frame(frame, self.heard) {
            Ok(judged) => judged,
            // A model that fails on one frame of a camera may do better on the next.
            Err(StepError::Model(error)) if !self.plan.every_frame => return self.model_fault(error),
            Err(StepError::Model(error)) => return Err(error.into()),
            Err(StepError::Lights(error)) => return Err(error.into()),
            Err(StepError::Frame(error)) => return Err(SourceError::from(error).into()),
        };
        if let Some(fault) = self.fault.take() {
            self.overcome = Some(fault);
            self.returning = false;
            self.told.clear();
            tracing::info!("frames arrive{}", if self.summary.frames == 0 { "" } else { " again" });
        }
        let event = Event {
            time: frame.time,
            frame: Some(frame.number),
            state: judged.state,
            changed: judged.state != before || self.summary.frames == 0,
            probabilities: judged.faces.first().and_then(|face| face.probabilities),
            smoothed: self.pipeline.moods.smoothed(),
            latency: Some(self.plan.clock.now().saturating_sub(frame.captured)),
            inference: Some(judged.timings.inference),
            faces: judged.faces,
            fault: None,
        };
        self.tell(&event, Some((frame, judged.crop)));
        Ok(())
    }

    /// Names the pictures that could not be shown, each once.
    fn skip(&mut self, skipped: &Arc<Skipped>) {
        let named = self.skipped.as_ref().map_or(0, |known| known.reasons.len());
        for reason in skipped.reasons.iter().skip(named) {
            tracing::warn!("{reason}");
        }
        self.skipped = Some(Arc::clone(skipped));
    }

    fn stalled(&self) -> Arc<str> {
        let reason = match self.summary.frames {
            0 => "the source has delivered no frame yet",
            _ => "the source has stopped delivering frames",
        };
        reason.into()
    }

    fn source_fault(&mut self, reason: Arc<str>) -> Result<(), Failure> {
        let news = !matches!(&self.fault, Some(Fault::Source(known)) if *known == reason);
        if news && !self.told.contains(&reason) {
            tracing::warn!("{reason}");
            self.told.push(Arc::clone(&reason));
        }
        self.fault = Some(Fault::Source(reason));
        self.returning = false;
        self.show_fault(news)
    }

    fn model_fault(&mut self, error: ModelError) -> Result<(), Failure> {
        let news = !matches!(self.fault, Some(Fault::Model(_)));
        if news {
            tracing::warn!("{error}");
        }
        self.fault = Some(Fault::Model(error));
        self.show_fault(news)
    }

    /// Keeps a fault blinking while nothing happens.
    fn tick(&mut self) -> Result<(), Failure> {
        if self.fault.is_some() { self.show_fault(false) } else { Ok(()) }
    }

    fn show_fault(&mut self, news: bool) -> Result<(), Failure> {
        let now = self.plan.clock.now();
        let before = self.pipeline.moods.state();
        let state = self.pipeline.fault(now)?;
        self.summary.pass(now);
        if news || state != before {
            let reason = match &self.fault {
                Some(Fault::Source(reason)) => Some(Arc::clone(reason)),
                Some(Fault::Model(error)) => Some(error.to_string().into()),
                None => None,
            };
            let event = Event {
                time: now,
                frame: None,
                state,
                changed: state != before,
                probabilities: None,
                smoothed: None,
                latency: None,
                inference: None,
                faces: FacesInView::new(),
                fault: reason,
            };
            self.tell(&event, None);
        }
        Ok(())
    }

    fn tell(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        self.summary.count(event);
        self.observer.event(event, frame);
    }
}
