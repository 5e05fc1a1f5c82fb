//! How a source is played.

use super::CameraRequest;
use std::time::Duration;

/// Seconds a picture or a mood of the test card is shown, if nothing else is asked for.
const DWELL: f64 = 2.5;

/// How a source is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Playback {
    /// Frames a second, above 0.
    pub fps: f64,
    /// Every frame counts: nothing is dropped, nothing waits, and time is the frame number over `fps`.
    pub every_frame: bool,
    /// Pictures begin again after the last.
    pub repeat: bool,
    /// Seconds each picture, and each mood of the test card, is shown. Without it: 2.5, but one frame for pictures when
    /// every frame counts, since a folder is then a film.
    pub dwell: Option<f64>,
    /// A camera that has given no frame yet is tried again and again, as one is that gave some.
    pub wait: bool,
    /// What is asked of a camera.
    pub camera: CameraRequest,
}

impl Playback {
    pub(super) fn frames_per_picture(&self, pictures: bool) -> u64 {
        match self.dwell {
            None if pictures && self.every_frame => 1,
            dwell => (dwell.unwrap_or(DWELL) * self.fps).round().max(1.0) as u64,
        }
    }

    pub(super) fn time_of(&self, number: u64) -> Duration {
        Duration::try_from_secs_f64(number as f64 / self.fps).unwrap_or(Duration::MAX)
    }
}
