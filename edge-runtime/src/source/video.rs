//! Frames from a video device: the newest one that the driver has, checked, with its capture time.

pub(super) mod driver;
pub(super) mod error;
mod mjpg;
pub(super) mod negotiate;
#[cfg(test)]
mod tests;

use super::camera_error::CameraError;
use super::{CameraRequest, FrameSource, Losses, MAX_START_TIME, SourceError};
use crate::frame::Frame;
use driver::{BUFFERS, Driver, Filled, Given};
use emotion_models::MAX_SIDE;
use error::fault;
use mjpg::Mjpg;
use negotiate::{Encoding, encoding, ranked};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a camera may take until its first frame: webcams first adjust their exposure.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(5);
const _: () = assert!(FIRST_FRAME_TIMEOUT.as_secs() < MAX_START_TIME.as_secs());
/// How long a camera may be silent later on, unless its frame interval is longer. It is shorter than the time after
/// which the pipeline reports a stalled source, so that the camera's own error is reported.
const FRAME_TIMEOUT: Duration = Duration::from_secs(1);
/// A capture time further in the past than this is from another clock.
const MAX_AGE: Duration = Duration::from_secs(10);

/// A video device that captures.
pub(super) struct VideoSource<D> {
    driver: D,
    path: PathBuf,
    given: Given,
    encoding: Encoding,
    mjpg: Mjpg,
    /// Longest wait for a frame after the first.
    timeout: Duration,
    /// Whether a frame was delivered.
    delivered: bool,
    /// Interval between the frames to keep; the camera may deliver more of them.
    pace: Option<Duration>,
    /// The latest capture time that the driver gave.
    stamp: Duration,
    /// Whether the driver's capture times stood still or jumped back: then arrival counts.
    stamps_fail: bool,
    /// When the next frame is due, on the driver's clock.
    due: Duration,
    losses: Losses,
    description: String,
}

/// Why there is no frame.
enum Stop {
    /// The system refused a call.
    Call(io::Error),
    /// None came.
    Silent,
    /// None of those that came was usable, and why.
    Broken(&'static str),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Call(error)
    }
}

impl<D: Driver> VideoSource<D> {
    /// Configures the device that was opened at `path`, and starts capturing. `name` is the device's own name.
    /// `formats` are those it offers, for the error message if none can be read.
    pub fn start(
        mut driver: D,
        path: &Path,
        name: &str,
        formats: &str,
        request: &CameraRequest,
        fps: f64,
    ) -> Result<Self, CameraError> {
        let failed = |what| move |error| fault(path, what, error);
        let offers = driver.offers(request.width, request.height).map_err(failed("list its formats"))?;
        let mut refusal = CameraError::Unreadable { path: path.to_owned(), formats: formats.to_owned() };
        for offer in ranked(&offers, request.width, request.height, fps) {
            let given = match driver.configure(&offer, fps) {
                Ok(given) => given,
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    refusal = failed("take a format it offers")(error);
                    continue;
                }
                Err(error) => return Err(failed("take a format")(error)),
            };
            // A driver may choose other settings than requested.
            let sides = 1..=MAX_SIDE;
            let (Some(encoding), true) =
                (encoding(given.fourcc), sides.contains(&given.width) && sides.contains(&given.height))
            else {
                continue;
            };
            match driver.start() {
                Ok(()) => return Ok(Self::new(driver, path, name, given, encoding, request, fps)),
                // Another format may need less bandwidth, or one that the driver really supports.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSPC | libc::EPIPE)) => {
                    refusal = failed("start capturing")(error);
                }
                Err(error) => return Err(failed("start capturing")(error)),
            }
        }
        Err(refusal)
    }

    fn new(
        driver: D,
        path: &Path,
        name: &str,
        given: Given,
        encoding: Encoding,
        request: &CameraRequest,
        fps: f64,
    ) -> Self {
        let period = Duration::from_secs_f64(1.0 / fps);
        let slowest = given.fps.filter(|rate| *rate > 0.0).map_or(fps, |rate| rate.min(fps));
        let timeout = Duration::try_from_secs_f64(2.5 / slowest).unwrap_or(FRAME_TIMEOUT).max(FRAME_TIMEOUT);
        Self {
            driver,
            path: path.to_owned(),
            encoding,
            mjpg: Mjpg::new(given.width, given.height, request.colour),
            timeout,
            delivered: false,
            pace: given.fps.is_none_or(|rate| rate > 1.25 * fps).then_some(period),
            stamp: Duration::ZERO,
            stamps_fail: false,
            due: Duration::ZERO,
            losses: Losses::default(),
            description: describe(path, name, &given, request, fps),
            given,
        }
    }

    /// The newest frame that the driver has; older ones are requeued unread.
    fn newest(&mut self) -> io::Result<Option<Filled>> {
        let Some(mut newest) = self.driver.dequeue()? else { return Ok(None) };
        for _ in 1..BUFFERS {
            let Some(newer) = self.driver.dequeue()? else { break };
            self.driver.queue(std::mem::replace(&mut newest, newer))?;
            self.losses.late += 1;
        }
        Ok(Some(newest))
    }

    /// When a buffer that arrived at `arrived` was captured: when the driver says, as long as its times advance and are of this clock.
    fn captured_at(&mut self, filled: &Filled, arrived: Duration) -> Duration {
        let Some(stamp) = filled.taken else { return arrived };
        self.stamps_fail |= stamp <= self.stamp;
        self.stamp = stamp;
        let plausible = stamp <= arrived && arrived - stamp < MAX_AGE;
        if plausible && !self.stamps_fail { stamp } else { arrived }
    }

    /// Whether a frame captured at `at` is due. A camera that is faster than requested must not speed up the pipeline.
    fn is_wanted(&mut self, at: Duration) -> bool {
        let Some(period) = self.pace else { return true };
        if at + period / 4 < self.due {
            return false;
        }
        self.due = (self.due + period).max(at + period * 3 / 4);
        true
    }

    /// Converts a buffer to a frame, or returns what is wrong with it.
    fn read(&mut self, filled: &Filled, frame: &mut Frame) -> Result<(), &'static str> {
        if filled.damaged {
            return Err("the driver calls them damaged");
        }
        let bytes = self.driver.bytes(filled);
        let bytes = &bytes[..filled.used.min(bytes.len())];
        match self.encoding {
            Encoding::Jpeg => self.mjpg.decode(bytes, frame),
            Encoding::Pixels(format) => {
                frame.shape(format, self.given.width, self.given.height);
                // Some drivers leave the stride out.
                frame.stride = frame.stride.max(self.given.stride);
                frame.data.clear();
                frame.data.extend_from_slice(bytes);
                frame.view().map(|_| ()).map_err(|_| "they are shorter than their size and format take")
            }
        }
    }
}

impl<D: Driver> VideoSource<D> {
    /// Waits for a frame that is due and intact, and reads it.
    fn deliver(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let timeout = if self.delivered { self.timeout } else { FIRST_FRAME_TIMEOUT.max(self.timeout) };
        let (start, mut wrong) = (self.driver.now(), None);
        loop {
            let left = timeout.saturating_sub(self.driver.now().saturating_sub(start));
            if left.is_zero() {
                return Err(wrong.map_or(Stop::Silent, Stop::Broken));
            }
            if !self.driver.wait(left)? {
                continue;
            }
            let Some(filled) = self.newest()? else { continue };
            let arrived = self.driver.now();
            let taken = self.captured_at(&filled, arrived);
            let read = self.is_wanted(taken).then(|| self.read(&filled, frame));
            self.driver.queue(filled)?;
            match read {
                None => {}
                Some(Err(what)) => {
                    self.losses.bad += 1;
                    wrong = Some(what);
                }
                Some(Ok(())) => {
                    self.delivered = true;
                    frame.age = self.driver.now().saturating_sub(taken);
                    return Ok(());
                }
            }
        }
    }
}

impl<D: Driver> FrameSource for VideoSource<D> {
    fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        let delivered = self.deliver(frame);
        let path = || self.path.clone();
        match delivered {
            Ok(()) => Ok(true),
            Err(Stop::Call(error)) => Err(fault(&self.path, "deliver a frame", error).into()),
            Err(Stop::Silent) => Err(CameraError::Silent(path()).into()),
            Err(Stop::Broken(what)) => Err(CameraError::Broken { path: path(), what }.into()),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    fn description(&self) -> Option<&str> {
        Some(&self.description)
    }
}

/// The settings that the driver chose, and the requested ones where they differ.
fn describe(path: &Path, name: &str, given: &Given, request: &CameraRequest, fps: f64) -> String {
    let rate = |fps: f64| format!("{} frames a second", (fps * 100.0).round() / 100.0);
    let fourcc = String::from_utf8_lossy(&given.fourcc).trim_end().to_owned();
    let given_rate = given.fps.map_or("at a rate the driver does not report".to_owned(), rate);
    let mut text = format!(
        "camera {}{}: {}x{} {fourcc}, {given_rate}",
        path.display(),
        if name.is_empty() { String::new() } else { format!(" ({name})") },
        given.width,
        given.height,
    );
    let same_size = (given.width, given.height) == (request.width, request.height);
    if !same_size || given.fps.is_some_and(|given| given < 0.95 * fps) {
        text.push_str(&format!("; asked for {}x{}, {}", request.width, request.height, rate(fps)));
    }
    text
}
