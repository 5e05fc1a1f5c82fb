//! Sources by name: `v4l2:/dev/video0`, `rpicam`, `auto`, `test-card`, `test-card:scene`, `images:DIR`, `ffmpeg:INPUT`, `stdin:640x480:yuyv`.

use super::{
    FrameSource, Images, Playback, RawFrames, SceneSource, SourceError, TestCardSource, auto, ffmpeg, rpicam, v4l2,
};
use crate::home::expanded;
use emotion_models::{DEMO_SEED, MAX_SIDE, PixelFormat, printable};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Most bytes a frame from a pipe may take: an RGB frame of 8192 x 8192 pixels.
const MAX_FRAME_BYTES: usize = 3 * 8192 * 8192;

/// Which source to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceSpec {
    /// The first camera there is.
    #[default]
    Auto,
    /// A camera through V4L2, by its node: `/dev/video0`, or a link such as those in `/dev/v4l/by-id`.
    V4l2(PathBuf),
    /// A camera through libcamera, as `rpicam-vid` delivers it.
    Rpicam,
    /// What `ffmpeg` reads: a device, a file, a URL, or options of its own.
    Ffmpeg(String),
    /// A drawn face that cycles through the moods.
    TestCard,
    /// The same face at different places and sizes in a room, and the room without it.
    Scene,
    /// A picture, or a folder of them.
    Images(PathBuf),
    /// Raw frames on standard input, without padding.
    Stdin {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// How the bytes encode the pixels.
        format: PixelFormat,
    },
}

/// A source's name that is none, with what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceSpecError {
    /// No source has this name.
    #[error(
        "unknown source `{0}`: allowed are auto, v4l2:DEVICE, rpicam, ffmpeg:INPUT, test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT"
    )]
    Unknown(String),
    /// `v4l2:` without a device.
    #[error("`v4l2:` lacks a device, as in v4l2:/dev/video0 or v4l2:/dev/v4l/by-id/usb-...")]
    NoDevice,
    /// `ffmpeg:` without an input.
    #[error("`ffmpeg:` lacks an input, as in ffmpeg:/dev/video0, ffmpeg:film.mp4 or ffmpeg:rtsp://192.168.1.9/stream")]
    NoInput,
    /// `images:` without a path.
    #[error("`images:` lacks a path, as in images:photos or images:face.png")]
    NoPath,
    /// `stdin:` with something else than size and format.
    #[error(
        "`stdin:{0}` is not WIDTHxHEIGHT:FORMAT, as in stdin:640x480:yuyv; formats are yuyv, uyvy, nv12, i420, grey and rgb"
    )]
    NotRaw(String),
    /// A frame size that cannot be.
    #[error("`stdin:{0}`: both sides must be 1 to {MAX_SIDE} pixels, and a frame may take {MAX_FRAME_BYTES} bytes")]
    Size(String),
}

impl SourceSpec {
    /// Opens the source.
    ///
    /// # Errors
    /// It is not there, or gives no frames.
    pub fn open(&self, playback: &Playback) -> Result<Box<dyn FrameSource>, SourceError> {
        Ok(match self {
            Self::Auto => auto::open(playback)?,
            Self::V4l2(path) => v4l2::open(path, &playback.camera, playback.fps)?,
            Self::Rpicam => rpicam::open(&playback.camera, playback.fps)?,
            Self::Ffmpeg(argument) => ffmpeg::open(argument, playback)?,
            Self::TestCard => Box::new(TestCardSource::new(DEMO_SEED, playback.frames_per_picture(false))),
            Self::Scene => Box::new(SceneSource::new(DEMO_SEED, playback.frames_per_picture(false))),
            Self::Images(path) => Box::new(Images::open(path, playback.frames_per_picture(true), playback.repeat)?),
            Self::Stdin { width, height, format } => {
                Box::new(RawFrames::new(std::io::stdin(), *format, *width, *height))
            }
        })
    }

    /// Whether the source is a camera: it may come and go, so a fault is shown and opening is tried again.
    pub fn is_camera(&self) -> bool {
        match self {
            Self::Auto | Self::V4l2(_) | Self::Rpicam => true,
            Self::Ffmpeg(argument) => ffmpeg::is_live(argument),
            _ => false,
        }
    }

    /// What the source is, for people.
    pub fn description(&self) -> String {
        match self {
            Self::Auto => "a camera".to_owned(),
            Self::V4l2(path) => format!("the camera {}", path.display()),
            Self::Rpicam => "the camera module, through libcamera".to_owned(),
            Self::Ffmpeg(argument) => format!("{}, through ffmpeg", printable(argument)),
            Self::TestCard => "the test card, a drawn face".to_owned(),
            Self::Scene => "the test card's scene, a drawn person in a room".to_owned(),
            Self::Images(path) => format!("pictures from {}", path.display()),
            Self::Stdin { width, height, format } => format!("{width}x{height} {format} frames from standard input"),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            Self::Rpicam => f.write_str("rpicam"),
            Self::Ffmpeg(argument) => write!(f, "ffmpeg:{argument}"),
            Self::TestCard => f.write_str("test-card"),
            Self::Scene => f.write_str("test-card:scene"),
            Self::Images(path) => write!(f, "images:{}", path.display()),
            Self::Stdin { width, height, format } => write!(f, "stdin:{width}x{height}:{format}"),
        }
    }
}

impl FromStr for SourceSpec {
    type Err = SourceSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("images:") {
            return if path.is_empty() {
                Err(SourceSpecError::NoPath)
            } else {
                Ok(Self::Images(expanded(Path::new(path))))
            };
        }
        if let Some(path) = text.strip_prefix("v4l2:") {
            return if path.is_empty() { Err(SourceSpecError::NoDevice) } else { Ok(Self::V4l2(path.into())) };
        }
        if let Some(input) = text.strip_prefix("ffmpeg:") {
            return if input.is_empty() { Err(SourceSpecError::NoInput) } else { Ok(Self::Ffmpeg(input.to_owned())) };
        }
        if let Some(raw) = text.strip_prefix("stdin:") {
            let parse = || {
                let (size, format) = raw.split_once(':')?;
                let (width, height) = size.split_once('x')?;
                Some((width.parse().ok()?, height.parse().ok()?, format.parse().ok()?))
            };
            let (width, height, format): (u32, u32, PixelFormat) =
                parse().ok_or_else(|| SourceSpecError::NotRaw(raw.to_owned()))?;
            let sides = 1..=MAX_SIDE;
            if !sides.contains(&width)
                || !sides.contains(&height)
                || format.frame_bytes(width, height) > MAX_FRAME_BYTES
            {
                return Err(SourceSpecError::Size(raw.to_owned()));
            }
            return Ok(Self::Stdin { width, height, format });
        }
        match text {
            "auto" => Ok(Self::Auto),
            "rpicam" => Ok(Self::Rpicam),
            "test-card" => Ok(Self::TestCard),
            "test-card:scene" => Ok(Self::Scene),
            other => Err(SourceSpecError::Unknown(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "auto",
            "v4l2:/dev/v4l/by-id/a b",
            "rpicam",
            "test-card",
            "test-card:scene",
            "images:/tmp/a b",
            "ffmpeg:rtsp://cam/1?a=b:c",
            "stdin:640x480:yuyv",
            "stdin:1x1:grey",
        ] {
            assert_eq!(name.parse::<SourceSpec>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_is_no_source_is_told_what_is() {
        let error = |name: &str| name.parse::<SourceSpec>().unwrap_err().to_string();
        assert!(error("camera").contains("test-card"));
        assert!(error("images:").contains("path"));
        assert!(error("ffmpeg:").contains("/dev/video0"));
        assert!(error("v4l2:").contains("/dev/video0"));
        for name in ["stdin:640x480", "stdin:640:yuyv", "stdin:axb:grey", "stdin:4x4:mjpg", "stdin:-1x4:rgb"] {
            assert!(error(name).contains("yuyv"), "{name}");
        }
        assert!(error("stdin:0x4:rgb").contains("1 to "));
        assert!(error("stdin:32768x32768:rgb").contains("bytes"));
    }
}
