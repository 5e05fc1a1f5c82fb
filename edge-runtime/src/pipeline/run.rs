//! The loop that moves frames from a capture through the pipeline, and what it does about faults.

use super::{Pipeline, StepError};
use crate::event::Event;
use crate::exit::Failure;
use crate::frame::{Clock, Frame, Skipped};
use crate::mailbox::{Stop, Taken};
use crate::source::{Capture, MAX_START_TIME, SourceError};
use crate::summary::Summary;
use embedded_hal::digital::OutputPin;
use emotion_models::{CropBox, ModelError};
use std::sync::Arc;
use std::time::Duration;

/// Without a frame for this long a live source that has begun has stalled. With the rest of a hold time, which began before the latest
/// frame at the latest, the fault shows within [`crate::mood::MAX_HOLD`] of that frame.
const STALL_TIMEOUT: Duration = Duration::from_millis(1200);
/// Longest wait for a frame before blinking lights are driven.
const TICK: Duration = Duration::from_millis(50);

/// How long a camera may neither deliver a frame nor report an error before its driver counts as hung: longer than any camera may
/// take, and than the pauses between attempts to open it.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(30);

/// Frames must have arrived for this long before the next fault is logged again: a loose plug is logged once.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// Most causes of a source's faults that are logged one by one until then.
const MAX_LOGGED: usize = 16;

/// A turn of the loop takes less, however slow its model: after more the program was stopped.
const STOPPED_FOR: Duration = Duration::from_secs(1);

/// How long a pipe's end may arrive before the signal that caused it.
const GRACE: Duration = Duration::from_millis(100);

/// Observes a run. Neither method may block.
pub trait Observer {
    /// After each frame, and when a fault begins or shows. `frame` comes with the crop that was classified.
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
    /// How long a camera may be silent before it counts as hung: [`HANG_TIMEOUT`].
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

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Model(error) => error.into(),
            StepError::Lights(error) => error.into(),
            StepError::Frame(error) => SourceError::from(error).into(),
        }
    }
}

/// Runs frames from `capture` through `pipeline` until the source ends, `plan` says so, or something cannot go on. The
/// lights are dark afterwards.
pub fn run<P: OutputPin + Send + 'static>(
    pipeline: &mut Pipeline<P>,
    capture: &Capture,
    plan: &RunPlan,
    observer: &mut dyn Observer,
) -> Outcome {
    let now = plan.clock.now();
    let mut run = RunLoop {
        pipeline,
        plan,
        observer,
        summary: Summary::default(),
        fault: None,
        logged: Vec::new(),
        fault_logged: false,
        healthy_since: now,
        recovered: None,
        dropped_stale: false,
        skipped: None,
        last_frame_at: now,
        driver_hangs: false,
    };
    let mut result = run.until_the_end(capture);
    let RunLoop { pipeline, mut summary, skipped, recovered, .. } = run;
    if let (Ok(()), Some(fault)) = (&result, recovered) {
        result = Err(fault.recovered());
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
    fn recovered(self) -> Failure {
        match self {
            Fault::Source(reason) => SourceError::Recovered(reason.to_string()).into(),
            Fault::Model(error) => error.into(),
        }
    }
}

struct RunLoop<'a, P> {
    pipeline: &'a mut Pipeline<P>,
    plan: &'a RunPlan,
    observer: &'a mut dyn Observer,
    summary: Summary,
    fault: Option<Fault>,
    /// Causes of the source's faults that were logged since it was last healthy: while it is tried again, they may take turns.
    logged: Vec<Arc<str>>,
    /// Whether one was logged since frames arrived.
    fault_logged: bool,
    /// Since when frames arrive.
    healthy_since: Duration,
    /// The latest fault after which frames arrived again: no run that had one was a success.
    recovered: Option<Fault>,
    /// Whether the frame that may be stale was dropped since the fault.
    dropped_stale: bool,
    /// What the source could not show so far.
    skipped: Option<Arc<Skipped>>,
    /// When the latest frame arrived.
    last_frame_at: Duration,
    /// Whether the camera hangs in its driver.
    driver_hangs: bool,
}

#[cfg(feature = "test-panic")]
fn panic_when_asked(frames: u64) {
    let asked = std::env::var("MOODLIGHT_PANIC_AT").ok().and_then(|number| number.parse().ok());
    assert!(asked != Some(frames), "the panic that MOODLIGHT_PANIC_AT asks for");
}

impl<P: OutputPin + Send + 'static> RunLoop<'_, P> {
    fn until_the_end(&mut self, capture: &Capture) -> Result<(), Failure> {
        let mut turned_at = self.plan.clock.now();
        while !self.plan.stop.is_requested() {
            if !self.check_driver(capture) {
                self.observer.turn(self.plan.clock.now());
            }
            if self.plan.frames.is_some_and(|most| self.summary.frames >= most) {
                return self.final_result();
            }
            let taken = capture.take(TICK);
            // A turn that takes so long was no turn: the whole program was stopped, and its source with it.
            let now = self.plan.clock.now();
            if now.saturating_sub(std::mem::replace(&mut turned_at, now)) > STOPPED_FOR {
                self.last_frame_at = now;
            }
            match taken {
                Taken::Item(frame) => {
                    if let Some(skipped) = &frame.skipped {
                        self.skip(skipped);
                    }
                    let result = if self.may_be_stale() { self.tick() } else { self.process(&frame) };
                    capture.give_back(frame);
                    result?;
                }
                Taken::Retrying(reason) => self.source_fault(reason)?,
                Taken::Nothing if self.plan.every_frame => {}
                Taken::Nothing if self.plan.clock.now().saturating_sub(self.last_frame_at) < self.stall_timeout() => {
                    self.tick()?
                }
                Taken::Nothing => self.source_fault(self.stalled())?,
                // The source may have noticed a request to stop before this loop did.
                Taken::End(Ok(())) if self.plan.stop.is_requested() => return self.final_result(),
                // A terminal interrupts the program that fills a pipe as well, and its end may arrive first.
                Taken::End(Err(SourceError::Cut { .. } | SourceError::NoFrames)) if self.plan.stop.wait(GRACE) => {
                    return self.final_result();
                }
                Taken::End(end) => {
                    if let Err(SourceError::Pictures(skipped)) = &end {
                        self.skip(skipped);
                    }
                    return Ok(end?);
                }
            }
        }
        self.final_result()
    }

    /// Whether the camera's driver hangs: then only a new start of the program helps, which is the service manager's to give.
    fn check_driver(&mut self, capture: &Capture) -> bool {
        let hangs = self.plan.camera && capture.silence() >= self.plan.hung;
        if hangs && !self.driver_hangs {
            let seconds = self.plan.hung.as_secs();
            tracing::warn!(
                "the camera's driver has not answered for {seconds} s: a service is started anew now; else plug the camera in \
                 again, and start this program again"
            );
        }
        self.driver_hangs = hangs;
        hangs
    }

    /// How long the source may be silent. A camera that is starting is no fault: it reports one itself when that takes too long.
    fn stall_timeout(&self) -> Duration {
        let starting = self.plan.camera && self.summary.frames == 0;
        let slow = self.plan.period * 5 / 2;
        if starting { MAX_START_TIME + slow } else { STALL_TIMEOUT.max(slow) }
    }

    /// Whether a frame may be stale: the first after a fault may have been left in the camera's driver, which delivers
    /// it when the device is reopened. It does not show what is in view now, and a driver without a camera has no
    /// second frame.
    fn may_be_stale(&mut self) -> bool {
        let after_fault = self.plan.camera && self.summary.frames > 0 && matches!(self.fault, Some(Fault::Source(_)));
        let first = after_fault && !std::mem::replace(&mut self.dropped_stale, after_fault);
        if first {
            self.last_frame_at = self.plan.clock.now();
        }
        first
    }

    /// A run that is stopped while nothing works, or that could not show every picture, was no success.
    fn final_result(&mut self) -> Result<(), Failure> {
        match self.fault.take() {
            None => match &self.skipped {
                None => Ok(()),
                Some(skipped) => Err(SourceError::Pictures(Arc::clone(skipped)).into()),
            },
            Some(Fault::Source(reason)) => Err(SourceError::StoppedInFault(reason.to_string()).into()),
            Some(Fault::Model(error)) => Err(error.into()),
        }
    }

    fn process(&mut self, frame: &Frame) -> Result<(), Failure> {
        let before = (self.pipeline.moods.state(), self.pipeline.lit());
        self.last_frame_at = self.plan.clock.now();
        #[cfg(feature = "test-panic")]
        panic_when_asked(self.summary.frames);
        let result = match self.pipeline.frame(frame, self.last_frame_at) {
            Ok(result) => result,
            // A model that fails on one frame of a camera may do better on the next.
            Err(StepError::Model(error)) if !self.plan.every_frame => return self.model_fault(error),
            Err(error) => return Err(error.into()),
        };
        if let Some(fault) = self.fault.take() {
            self.recovered = Some(fault);
            self.dropped_stale = false;
            self.healthy_since = self.last_frame_at;
            if std::mem::take(&mut self.fault_logged) {
                tracing::info!("frames arrive{}", if self.summary.frames == 0 { "" } else { " again" });
            }
        }
        let lit = self.pipeline.lit();
        let event = Event {
            time: frame.time,
            frame: Some(frame.number),
            state: result.state,
            lit,
            changed: (result.state, lit) != before || self.summary.frames == 0,
            probabilities: result.probabilities,
            smoothed: self.pipeline.moods.smoothed(),
            latency: Some(self.plan.clock.now().saturating_sub(frame.captured)),
            inference: Some(result.timings.inference),
            faces: result.faces,
            picture: frame.name.clone(),
            fault: None,
        };
        self.emit(&event, Some((frame, result.crop)));
        Ok(())
    }

    /// Logs the pictures that could not be shown, each once.
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
        let is_new = !matches!(&self.fault, Some(Fault::Source(known)) if *known == reason);
        if self.fault.is_none() && self.last_frame_at.saturating_sub(self.healthy_since) >= HEALTHY_AFTER {
            self.logged.clear();
        }
        if is_new && !self.logged.contains(&reason) && self.logged.len() <= MAX_LOGGED {
            let last = self.logged.len() == MAX_LOGGED;
            let more = "; other causes are logged again when frames have come for a minute";
            tracing::warn!("{reason}{}", if last { more } else { "" });
            self.logged.push(Arc::clone(&reason));
            self.fault_logged = true;
        }
        self.fault = Some(Fault::Source(reason));
        self.dropped_stale = false;
        self.show_fault(is_new)
    }

    fn model_fault(&mut self, error: ModelError) -> Result<(), Failure> {
        let is_new = !matches!(self.fault, Some(Fault::Model(_)));
        if is_new {
            tracing::warn!("{error}");
            self.fault_logged = true;
        }
        self.fault = Some(Fault::Model(error));
        self.show_fault(is_new)
    }

    /// Keeps a fault blinking while nothing happens.
    fn tick(&mut self) -> Result<(), Failure> {
        if self.fault.is_some() { self.show_fault(false) } else { Ok(()) }
    }

    fn show_fault(&mut self, is_new: bool) -> Result<(), Failure> {
        let now = self.plan.clock.now();
        let before = self.pipeline.moods.state();
        let state = self.pipeline.fault(now)?;
        self.summary.pass(now);
        if is_new || state != before {
            let reason = match &self.fault {
                Some(Fault::Source(reason)) => Some(Arc::clone(reason)),
                Some(Fault::Model(error)) => Some(error.to_string().into()),
                None => None,
            };
            let lit = self.pipeline.lit();
            let event = Event { time: now, state, lit, changed: state != before, fault: reason, ..Event::default() };
            self.emit(&event, None);
        }
        Ok(())
    }

    fn emit(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        self.summary.count(event);
        self.observer.event(event, frame);
    }
}
