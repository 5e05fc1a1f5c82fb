//! The capture thread paces a source, hands over its frames, and reopens a camera that fails.

use super::{FrameSource, Losses, Playback, SourceError, SourceSpec};
use crate::frame::{Clock, Frame};
use crate::mailbox::{Handover, Mailbox, Stop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The mailbox through which frames come from the capture thread.
pub type Capture = Mailbox<Frame, SourceError>;

/// Back-off: the first and the longest pause before a camera is reopened. Short enough that a camera which is plugged
/// in again works soon.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// A camera that delivered for this long before it failed is retried after the first pause. A shorter time counts as
/// one more failed attempt.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);

/// Starts the capture thread and returns the mailbox in which the frames arrive.
///
/// The thread ends with the source, or when `stop` is requested. It is never joined: it may be blocked in a read that
/// never returns.
pub fn start(spec: SourceSpec, playback: Playback, clock: Clock, stop: &Stop) -> Arc<Capture> {
    let is_camera = spec.is_camera();
    start_own(move |playback| spec.open(playback), is_camera, playback, clock, stop)
}

/// [`start`] for a source that has no name here: `open` opens it. Where it `is_camera`, and has delivered a frame, it is opened again
/// when it fails.
pub fn start_own(
    open: impl Fn(&Playback) -> Result<Box<dyn FrameSource>, SourceError> + Send + 'static,
    is_camera: bool,
    playback: Playback,
    clock: Clock,
    stop: &Stop,
) -> Arc<Capture> {
    let handover = if playback.every_frame { Handover::Lossless } else { Handover::Latest };
    let buffers = [Frame::empty(), Frame::empty(), Frame::empty()];
    let capture = Arc::new(Mailbox::new(handover, stop.clone(), buffers));
    let worker = Worker { open, is_camera, playback, clock, stop: stop.clone(), capture: Arc::clone(&capture) };
    let spawned = thread::Builder::new().name("capture".to_owned()).spawn(move || worker.run());
    if let Err(error) = spawned {
        capture.end(Err(SourceError::Panicked(format!("no thread to capture on: {error}"))));
    }
    capture
}

struct Worker<F> {
    open: F,
    /// A source that fails is reopened.
    is_camera: bool,
    playback: Playback,
    clock: Clock,
    stop: Stop,
    capture: Arc<Capture>,
}

impl<F: Fn(&Playback) -> Result<Box<dyn FrameSource>, SourceError>> Worker<F> {
    fn run(self) {
        let (mut described, mut spare) = (None, None);
        // What never gave a frame may never come; what gave some is opened again.
        let mut started = false;
        let mut pause = BACKOFF.0;
        loop {
            let mut delivered = None;
            // A driver's library may panic; that is treated like any other fault of the source.
            let result = catch_unwind(AssertUnwindSafe(|| self.deliver(&mut described, &mut spare, &mut delivered)))
                .unwrap_or_else(|_| Err(SourceError::Panicked("see the message above".to_owned())));
            started |= delivered.is_some();
            let error = match result {
                Err(error) if self.is_camera && (started || self.playback.wait) && !self.stop.is_requested() => error,
                ended => return self.capture.end(ended),
            };
            if delivered.is_some_and(|first| self.clock.now().saturating_sub(first) >= HEALTHY_AFTER) {
                pause = BACKOFF.0;
            }
            self.capture.retrying(&error.to_string());
            if self.stop.wait(pause) {
                return self.capture.end(Ok(()));
            }
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// Opens the source and hands over its frames until it ends. `described` is the description that was logged last.
    /// `spare` is a buffer that was not handed over; the caller owns it, so that neither an error nor a panic loses it.
    /// `delivered` is when the first frame came.
    fn deliver(
        &self,
        described: &mut Option<String>,
        spare: &mut Option<Frame>,
        delivered: &mut Option<Duration>,
    ) -> Result<(), SourceError> {
        let mut source = (self.open)(&self.playback)?;
        if source.description() != described.as_deref() {
            *described = source.description().map(str::to_owned);
            if let Some(description) = described {
                tracing::info!("{description}");
            }
        }
        let mut pacer = Pacer::new(&self.playback, source.is_live(), self.clock);
        loop {
            let Some(buffer) = spare.take().or_else(|| self.capture.buffer()) else { return Ok(()) };
            let frame = spare.insert(buffer);
            let number = if source.keeps_time() { Some(pacer.count()) } else { pacer.next(&self.stop) };
            let Some(number) = number else { return Ok(()) };
            frame.age = Duration::ZERO;
            let filled = source.fill(number, frame);
            let losses = source.losses();
            if losses != Losses::default() {
                self.capture.lose(losses.late, losses.bad);
            }
            if !filled? {
                return Ok(());
            }
            frame.view()?;
            frame.number = number;
            frame.captured = self.clock.now().saturating_sub(frame.age);
            frame.time = if self.playback.every_frame { self.playback.time_of(number) } else { frame.captured };
            delivered.get_or_insert(frame.captured);
            if spare.take().is_some_and(|frame| !self.capture.put(frame)) {
                return Ok(());
            }
        }
    }
}

/// Says when the next frame is due, and which it is.
struct Pacer {
    period: Option<Duration>,
    live: bool,
    clock: Clock,
    start: Duration,
    due: Duration,
    number: u64,
}

impl Pacer {
    fn new(playback: &Playback, live: bool, clock: Clock) -> Self {
        let period = (!playback.every_frame).then(|| playback.time_of(1));
        let now = clock.now();
        Self { period, live, clock, start: now, due: now, number: 0 }
    }

    /// The next frame's number, for a source that keeps time itself.
    fn count(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }

    /// Waits until the next frame is due; `None` when a stop is requested.
    fn next(&mut self, stop: &Stop) -> Option<u64> {
        let number = self.count();
        let Some(period) = self.period else { return Some(number) };
        let now = self.clock.now();
        if self.live {
            // A live picture shows the present: the number of a late frame moves on with time.
            let elapsed = now.saturating_sub(self.start);
            let current = (elapsed.as_secs_f64() / period.as_secs_f64()) as u64;
            let number = number.max(current);
            self.number = number + 1;
            let due = self.start + period.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
            return (!stop.wait(due.saturating_sub(now))).then_some(number);
        }
        // Others keep the rate without catching up after a pause.
        let wait = self.due.saturating_sub(now);
        self.due = self.due.max(now) + period;
        (!stop.wait(wait)).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mailbox::Taken;
    use crate::source::CameraRequest;

    fn playback(every_frame: bool) -> Playback {
        let camera = CameraRequest::default();
        Playback { fps: 200.0, every_frame, repeat: false, dwell: None, wait: false, camera }
    }

    #[test]
    fn a_camera_that_is_not_there_is_the_end_unless_the_run_waits_for_it() {
        let stop = Stop::default();
        let missing = || SourceSpec::V4l2("/dev/no-such-camera".into());
        let capture = start(missing(), playback(false), Clock::start(), &stop);
        assert!(matches!(capture.take(Duration::from_secs(10)), Taken::End(Err(SourceError::Camera(_)))));
        let waiting = Playback { wait: true, ..playback(false) };
        let capture = start(missing(), waiting, Clock::start(), &stop);
        let found = capture.take(Duration::from_millis(300));
        assert!(matches!(&found, Taken::Retrying(reason) if reason.contains("no-such-camera")), "{found:?}");
        stop.request();
    }

    /// A camera that panics after two frames, then one that fails, then one that panics when it is closed; later ones go on.
    struct Stumbling {
        opened: u32,
        frames: u32,
    }

    impl FrameSource for Stumbling {
        fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
            thread::sleep(Duration::from_millis(5));
            self.frames += 1;
            match (self.opened, self.frames) {
                (1, 3) => panic!("a driver's library stumbles"),
                (2 | 3, 3) => return Err(SourceError::NoCamera("a cable fell off".to_owned())),
                _ => {}
            }
            frame.shape(emotion_models::PixelFormat::Grey, 4, 4);
            frame.data.resize(16, 0);
            frame.age = Duration::from_millis(3);
            Ok(true)
        }

        fn is_live(&self) -> bool {
            true
        }

        fn keeps_time(&self) -> bool {
            true
        }

        fn losses(&mut self) -> Losses {
            Losses { late: 1, bad: u64::from(self.opened == 2) }
        }
    }

    impl Drop for Stumbling {
        fn drop(&mut self) {
            if self.opened == 3 {
                panic!("and again when it is closed");
            }
        }
    }

    #[test]
    fn a_panic_in_a_camera_is_a_fault_like_any_other_and_recovers() {
        let (stop, clock) = (Stop::default(), Clock::start());
        let capture = Arc::new(Mailbox::new(Handover::Latest, stop.clone(), [(); 3].map(|()| Frame::empty())));
        let opened = std::sync::atomic::AtomicU32::new(0);
        let open = move |_: &Playback| {
            let opened = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            Ok(Box::new(Stumbling { opened, frames: 0 }) as Box<dyn FrameSource>)
        };
        let (playback, shared) = (playback(false), Arc::clone(&capture));
        let worker = Worker { open, is_camera: true, playback, clock, stop: stop.clone(), capture: shared };
        let running = thread::spawn(move || worker.run());
        let (mut faults, mut after) = (Vec::new(), 0);
        while after < 5 {
            match capture.take(Duration::from_millis(20)) {
                Taken::Item(frame) => {
                    // Time counts from capture, not from arrival.
                    let age = clock.now() - frame.captured;
                    assert!(age >= Duration::from_millis(3) && age < Duration::from_secs(5), "{age:?}");
                    capture.give_back(frame);
                    after += u32::from(faults.len() == 3);
                }
                Taken::Retrying(reason) if faults.last() != Some(&reason) => faults.push(reason),
                Taken::Retrying(_) | Taken::Nothing => assert!(clock.now() < Duration::from_secs(20), "no recovery"),
                Taken::End(end) => panic!("{end:?}"),
            }
        }
        assert!(faults[0].contains("stumbled") && faults[1].contains("a cable fell off"), "{faults:?}");
        assert!(capture.dropped() >= 9 && capture.bad() == 3);
        stop.request();
        running.join().unwrap();
    }

    #[test]
    fn a_camera_that_fails_soon_after_it_was_opened_is_opened_ever_less_often() {
        let (stop, clock) = (Stop::default(), Clock::start());
        let capture = Arc::new(Mailbox::new(Handover::Latest, stop.clone(), [(); 3].map(|()| Frame::empty())));
        let opened = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = Arc::clone(&opened);
        let open = move |_: &Playback| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Box::new(Stumbling { opened: 2, frames: 0 }) as Box<dyn FrameSource>)
        };
        let worker = Worker { open, is_camera: true, playback: playback(false), clock, stop: stop.clone(), capture };
        let running = thread::spawn(move || worker.run());
        // At 0, 0.5, 1.5 and 3.5 seconds.
        thread::sleep(Duration::from_millis(3200));
        assert!((1..=3).contains(&opened.load(std::sync::atomic::Ordering::Relaxed)), "{opened:?}");
        stop.request();
        running.join().unwrap();
    }

    #[test]
    fn when_every_frame_counts_time_is_the_frame_number() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png", "c.png"] {
            image::RgbImage::new(4, 4).save(folder.path().join(name)).unwrap();
        }
        let spec = SourceSpec::Images(folder.path().to_owned());
        let capture = start(spec, playback(true), Clock::start(), &Stop::default());
        for number in 0..3u32 {
            let Taken::Item(frame) = capture.take(Duration::from_secs(10)) else { panic!("no frame") };
            assert_eq!(frame.number, u64::from(number));
            assert_eq!(frame.time, Duration::from_millis(5) * number);
            capture.give_back(frame);
        }
        assert!(matches!(capture.take(Duration::from_secs(10)), Taken::End(Ok(()))));
    }

    #[test]
    fn an_error_of_pictures_is_the_end() {
        let spec = SourceSpec::Images("/nonexistent/pictures".into());
        let capture = start(spec, playback(false), Clock::start(), &Stop::default());
        assert!(matches!(capture.take(Duration::from_secs(10)), Taken::End(Err(SourceError::Unreadable { .. }))));
    }

    #[test]
    fn dwell_in_frames() {
        let frames = |dwell, every_frame, pictures| {
            Playback { dwell, fps: 30.0, ..playback(every_frame) }.frames_per_picture(pictures)
        };
        assert_eq!(frames(None, false, true), 75);
        assert_eq!(frames(None, true, true), 1);
        assert_eq!(frames(None, true, false), 75);
        assert_eq!(frames(Some(1.0), true, true), 30);
        assert_eq!(frames(Some(0.001), false, true), 1);
    }
}
