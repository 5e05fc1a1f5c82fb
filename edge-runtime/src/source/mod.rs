//! Where frames come from.

mod auto;
mod camera_error;
mod camera_info;
mod capture;
mod child;
mod ffmpeg;
mod images;
mod playback;
mod raw;
pub mod rpicam;
mod spec;
mod test_card;
#[cfg(all(target_os = "linux", any(feature = "v4l", target_arch = "aarch64", target_arch = "arm")))]
mod v4l2;
#[cfg(not(all(target_os = "linux", any(feature = "v4l", target_arch = "aarch64", target_arch = "arm"))))]
#[path = "v4l2_absent.rs"]
mod v4l2;
// Of use to V4L2 alone; tested everywhere.
#[cfg(any(test, all(target_os = "linux", any(feature = "v4l", target_arch = "aarch64", target_arch = "arm"))))]
mod video;

use crate::frame::{Frame, Skipped};
pub use auto::is_any as is_any_camera;
pub use camera_error::{CameraError, holder};
pub use camera_info::{Camera, CameraFormat};
pub use capture::{Capture, start, start_own};
pub use child::stopped_during as children_stopped_during;
use emotion_models::FrameError;
pub use images::{Images, open_picture, pictures_in};
pub use playback::Playback;
pub use raw::RawFrames;
pub use spec::{SourceSpec, SourceSpecError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
pub use test_card::{SceneSource, TestCardSource};
pub use v4l2::{IS_BUILT_IN as READS_V4L2, cameras};

/// Longest time until a camera has delivered its first frame or reported an error. It exceeds the time for finding a
/// camera plus each kind's own limit, so that the camera's own error is reported. A camera that takes longer hangs in
/// its driver.
pub const MAX_START_TIME: Duration = Duration::from_secs(20);

/// What a camera is asked for, besides the frame rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraRequest {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether colours matter; if not, compressed pictures are decoded to grey.
    pub colour: bool,
}

impl Default for CameraRequest {
    /// What every camera delivers, and enough for a face: 640x480 pixels.
    fn default() -> Self {
        Self { width: 640, height: 480, colour: false }
    }
}

/// Frames of a camera that never reached anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// A newer one was there already.
    pub late: u64,
    /// They were short or damaged.
    pub bad: u64,
}

/// Delivers frames, one after the other.
///
/// A source knows nothing of moods; it only hands over pixels. For cameras, `fill` waits for the driver and runs only
/// on the capture thread.
pub trait FrameSource: Send {
    /// Fills `frame` with the next picture: format, size, `data`, `content` where frames repeat, `age` where it is
    /// known, and `skipped` where pictures cannot be shown. `number` counts the frames asked for; it jumps if a live
    /// source was asked too late. Returns `false`, and leaves the frame unchanged, after the last picture.
    ///
    /// # Errors
    /// There is no picture. The capture thread reopens a camera; any other source has ended.
    fn fill(&mut self, number: u64, frame: &mut Frame) -> Result<bool, SourceError>;

    /// Whether the frames show what happens now, so that a late one is worth nothing.
    fn is_live(&self) -> bool {
        false
    }

    /// Whether [`Self::fill`] itself waits until a frame is due, as a camera does.
    fn keeps_time(&self) -> bool {
        false
    }

    /// Frames lost since the last call.
    fn losses(&mut self) -> Losses {
        Losses::default()
    }

    /// A description for the log; `None` if there is nothing to log.
    fn description(&self) -> Option<&str> {
        None
    }
}

/// Why a source gives no frames.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// `auto` found no camera; what was searched for.
    #[error(
        "no camera found: {0}; plug one in, `edge-runtime doctor` tells more; or try `--source test-card`, or pictures \
         with `--source images:DIR`"
    )]
    NoCamera(String),
    /// A camera gives no frames.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A file or folder of pictures cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder where a picture belongs.
    #[error("{} is a folder; name its pictures, or watch them pass with `--source images:{}`", .0.display(), .0.display())]
    Folder(PathBuf),
    /// A folder without pictures.
    #[error("no pictures in {}: put PNG, JPEG or WebP files there, or name another folder", .0.display())]
    NoPictures(PathBuf),
    /// A picture does not decode.
    #[error("cannot decode the picture {}: {reason}{}", path.display(), asked(reason))]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// Some of several pictures cannot be read or do not decode; the others were shown.
    #[error("{0}")]
    Pictures(Arc<Skipped>),
    /// The pipe ended without a frame.
    #[error("no frame arrived on standard input: it is empty or closed; give it frames, for example `< frames.yuv`")]
    NoFrames,
    /// The pipe ended inside a frame.
    #[error(
        "the input ended inside frame {frame}: {found} of its {needed} bytes arrived; check the size and format that \
         --source names, and the program that writes"
    )]
    Cut {
        /// Number of the frame, from 0.
        frame: u64,
        /// Bytes that arrived.
        found: usize,
        /// Bytes a frame takes.
        needed: usize,
    },
    /// The pipe cannot be read.
    #[error("cannot read standard input: {0}; give it frames, for example `< frames.yuv`")]
    Pipe(io::Error),
    /// Format, size and bytes do not make a frame.
    #[error("the source delivers no usable frames: {0}")]
    Frame(#[from] FrameError),
    /// Frames stopped for a while and then arrived again.
    #[error("the run went on, but not without a fault; the last one: {0}")]
    Recovered(String),
    /// The run was stopped, or ended, while the source gave no frames.
    #[error("stopped while the source failed: {0}")]
    StoppedInFault(String),
    /// A bug in a source, or in a driver's library.
    #[error("the source stumbled: {0}")]
    Panicked(String),
}

/// What to ask where a decoder's reason does not say what to do.
fn asked(reason: &str) -> &'static str {
    if reason.contains("save it") { "" } else { "; is it complete, and a picture?" }
}
