//! The configuration: what the file, the flags and the defaults say together.

mod keys;
mod places;
mod read;
mod resolve;
mod salvage;
#[cfg(test)]
mod tests;
mod values;
mod write;

use crate::lights::{Colour, LightsBackend};
use crate::mood::LONGEST_HOLD;
use crate::precision::PrecisionChoice;
use crate::source::{CameraRequest, SourceSpec};
use crate::track::WhichFaces;
pub use keys::Keys;
pub use places::find;
pub use resolve::{Resolved, lamps, resolve};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
pub use values::{takes, within};
pub use write::write;

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No file was found.
    Defaults,
    /// This file.
    File(PathBuf),
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says something impossible: where, and what is allowed.
    #[error("{place}: {message}")]
    Refused {
        /// File, line and key.
        place: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
}

/// Everything that can be configured. `Default` is what holds without a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where frames come from.
    #[serde(deserialize_with = "values::from_text")]
    pub source: SourceSpec,
    /// The model's file; without it the one inside the program.
    pub model: Option<PathBuf>,
    /// Whether frames are searched for faces; else their centred square is one.
    pub face_search: bool,
    /// The face model's file; without it the one inside the program.
    pub face_model: Option<PathBuf>,
    /// Whose mood the lights show.
    #[serde(deserialize_with = "values::word")]
    pub faces: WhichFaces,
    /// The arithmetic that the models run in.
    #[serde(deserialize_with = "values::word")]
    pub precision: PrecisionChoice,
    /// Threads that the models run on.
    #[serde(deserialize_with = "values::threads")]
    pub threads: NonZeroUsize,
    /// Frames a second.
    #[serde(deserialize_with = "fps")]
    pub fps: f64,
    /// Seconds each picture, and each mood of the test card, is shown.
    #[serde(deserialize_with = "dwell")]
    pub dwell: Option<f64>,
    /// What is asked of a camera.
    pub camera: CameraConfig,
    /// What steadies the mood.
    pub filter: FilterConfig,
    /// The lights.
    pub lights: LightsConfig,
}

/// What is asked of a camera.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraConfig {
    /// Width of its frames, in pixels.
    #[serde(deserialize_with = "values::side")]
    pub width: u32,
    /// Height of its frames, in pixels.
    #[serde(deserialize_with = "values::side")]
    pub height: u32,
}

/// What steadies the mood.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterConfig {
    /// Time constant of the smoothing, in seconds.
    #[serde(deserialize_with = "smoothing")]
    pub smoothing: f64,
    /// Least time between two changes of the lights, in seconds; while a face is in view, a mood stays for twice as long.
    #[serde(deserialize_with = "hold")]
    pub hold: f64,
    /// How far below its enter threshold a mood is left.
    #[serde(deserialize_with = "values::share")]
    pub leave_margin: f32,
    /// Enter thresholds by label, in place of the model card's.
    #[serde(deserialize_with = "values::thresholds")]
    pub enter: BTreeMap<String, f32>,
    /// Leave thresholds by label.
    #[serde(deserialize_with = "values::shares")]
    pub leave: BTreeMap<String, f32>,
}

/// The lights.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LightsConfig {
    /// How the lights are driven.
    #[serde(deserialize_with = "values::word")]
    pub backend: LightsBackend,
    /// Whether pins are low when their light is lit.
    pub active_low: bool,
    /// The light that tells that the camera is on.
    pub camera: LampConfig,
    /// A light per mood; `None` for the default wiring.
    pub moods: Option<BTreeMap<String, LampConfig>>,
}

/// One light.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LampConfig {
    /// BCM number of its pin.
    #[serde(default, deserialize_with = "values::pin")]
    pub pin: Option<u8>,
    /// Its colour.
    #[serde(deserialize_with = "values::word")]
    pub light: Colour,
    /// In place of the `active_low` of all lights.
    #[serde(default)]
    pub active_low: Option<bool>,
}

/// The default wiring of the moods: label, colour, BCM pin.
pub const DEFAULT_MOODS: [(&str, Colour, u8); 3] =
    [("angry", Colour::Red, 17), ("happy", Colour::Green, 27), ("sad", Colour::Blue, 22)];

/// Bounds of `fps`, in frames a second.
pub const FPS: (f64, f64) = (0.1, 1000.0);
/// Bounds of a camera's `width` and `height`, in pixels: from what the smallest cameras have to what the largest do.
pub const CAMERA_SIDE: (u32, u32) = (32, 8192);
/// Most `threads`.
pub const THREADS: usize = 16;
/// Bounds of `dwell`, in seconds.
pub const DWELL: (f64, f64) = (0.01, 86_400.0);
/// Bounds of `smoothing`, in seconds.
pub const SMOOTHING: (f64, f64) = (0.0, 60.0);
/// Bounds of `hold`, in seconds.
pub const HOLD: (f64, f64) = (0.0, LONGEST_HOLD.as_millis() as f64 / 1e3);

impl Default for Config {
    fn default() -> Self {
        Self {
            source: SourceSpec::Auto,
            model: None,
            face_search: true,
            face_model: None,
            faces: WhichFaces::Largest,
            precision: PrecisionChoice::Auto,
            threads: NonZeroUsize::MIN,
            fps: 30.0,
            dwell: None,
            camera: CameraConfig::default(),
            filter: FilterConfig::default(),
            lights: LightsConfig::default(),
        }
    }
}

impl Default for CameraConfig {
    fn default() -> Self {
        let CameraRequest { width, height, .. } = CameraRequest::default();
        Self { width, height }
    }
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self { smoothing: 0.25, hold: 0.5, leave_margin: 0.1, enter: BTreeMap::new(), leave: BTreeMap::new() }
    }
}

impl Default for LightsConfig {
    fn default() -> Self {
        Self { backend: LightsBackend::Auto, active_low: false, camera: LampConfig::default(), moods: None }
    }
}

/// The camera light.
impl Default for LampConfig {
    fn default() -> Self {
        Self { pin: Some(23), light: Colour::White, active_low: None }
    }
}

fn fps<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    values::number(input, FPS)
}

fn dwell<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f64>, D::Error> {
    values::number(input, DWELL).map(Some)
}

fn smoothing<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    values::number(input, SMOOTHING)
}

fn hold<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    values::number(input, HOLD)
}
