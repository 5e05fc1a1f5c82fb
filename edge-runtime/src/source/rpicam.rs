//! Cameras through libcamera, by way of its program `rpicam-vid`, or `libcamera-vid` as it was called before.

mod frame_sync;
mod programs;
#[cfg(test)]
mod tests;

use super::camera_error::CameraError;
use super::child::{Child, Read};
use super::{CameraRequest, FrameSource, MAX_START_TIME, SourceError};
use crate::frame::Frame;
use emotion_models::PixelFormat;
use frame_sync::FrameSync;
pub use programs::list_cameras;
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows that libcamera writes begin at multiples of this many bytes, the chroma planes' at half of it.
const ROW_ALIGNMENT: usize = 64;
/// How long the program may take until its first frame: a Pi Zero needs three seconds to start it.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(10);
const _: () = assert!(FIRST_FRAME_TIMEOUT.as_secs() < MAX_START_TIME.as_secs());
/// How long it may be silent later on, if its frames do not come more slowly.
const FRAME_TIMEOUT: Duration = Duration::from_secs(1);

/// A wait that takes so much longer than it was to take is a pause of the whole program.
const STOPPED_FOR: Duration = Duration::from_millis(500);

/// A camera that `rpicam-vid` delivers the frames of.
struct Rpicam {
    child: Child,
    width: u32,
    height: u32,
    stride: usize,
    frame_timeout: Duration,
    sync: FrameSync,
    delivered: bool,
    description: String,
}

/// Starts `rpicam-vid`.
pub(super) fn open(request: &CameraRequest, fps: f64) -> Result<Box<dyn FrameSource>, CameraError> {
    let program = programs::program().ok_or(CameraError::NoProgram)?;
    Ok(Box::new(Rpicam::start(&program, request, fps)?))
}

impl Rpicam {
    fn start(program: &Path, request: &CameraRequest, fps: f64) -> Result<Self, CameraError> {
        // A 4:2:0 picture has even sides.
        let (width, height) = (request.width.next_multiple_of(2), request.height.next_multiple_of(2));
        let [width_text, height_text, rate] = [width.to_string(), height.to_string(), fps.to_string()];
        let arguments = [
            ["--nopreview", "--timeout", "0", "--codec", "yuv420", "--flush"].as_slice(),
            &["--width", &width_text, "--height", &height_text, "--framerate", &rate, "--output", "-"],
        ];
        Ok(Self {
            child: Child::start(program, &arguments.concat())?,
            width,
            height,
            stride: (width as usize).next_multiple_of(ROW_ALIGNMENT),
            frame_timeout: Duration::try_from_secs_f64(2.5 / fps).unwrap_or(FRAME_TIMEOUT).max(FRAME_TIMEOUT),
            sync: FrameSync::new(fps),
            delivered: false,
            description: format!("camera module: {width}x{height} YUV420 from {}", program.display()),
        })
    }

    /// Bytes of a frame: a luma plane, and two chroma planes of half its rows and half its width.
    fn frame_bytes(&self) -> usize {
        let rows = self.height as usize;
        self.stride * rows + 2 * (self.stride / 2) * (rows / 2)
    }
}

impl FrameSource for Rpicam {
    fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        let needed = self.frame_bytes();
        frame.shape(PixelFormat::I420, self.width, self.height);
        frame.stride = self.stride;
        frame.data.resize(needed, 0);
        let timeout = if self.delivered { self.frame_timeout } else { FIRST_FRAME_TIMEOUT.max(self.frame_timeout) };
        let (mut found, mut began) = (0, None);
        let (mut first, mut longest) = (Duration::ZERO, Duration::ZERO);
        let mut start = Instant::now();
        while found < needed {
            let asked = Instant::now();
            let left = timeout.saturating_sub(start.elapsed());
            match self.child.read(&mut frame.data[found..], left).map_err(|error| self.child.broken(&error))? {
                Read::Bytes(count) => {
                    match began {
                        None => (began, first) = (Some(Instant::now()), asked.elapsed()),
                        Some(_) => longest = longest.max(asked.elapsed()),
                    }
                    found += count;
                }
                // The program was stopped meanwhile, and its child with it.
                Read::Nothing if asked.elapsed() > left + STOPPED_FOR => start = Instant::now(),
                Read::Nothing => return Err(self.child.silent().into()),
                Read::End => return Err(self.child.ended().into()),
            }
        }
        if let Some((width, height)) = self.child.other_size(self.width, self.height) {
            return Err(self.child.resized(width, height).into());
        }
        if self.sync.is_lost(first, longest) {
            return Err(self.child.misfit(self.width, self.height, needed).into());
        }
        self.delivered = true;
        // The program gives no time: a frame counts from when its first bytes arrived.
        frame.age = began.map_or(Duration::ZERO, |began| began.elapsed());
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn description(&self) -> Option<&str> {
        Some(&self.description)
    }
}
