//! Anything that the program `ffmpeg` reads: a webcam, a video file, an RTSP camera, a URL.
//!
//! A child `ffmpeg` writes YUV4MPEG2, whose header tells the size and whose every frame has a mark of its own (`yuv4mpeg(5)` of
//! mjpegtools), so that a frame is never cut in the wrong place.

mod input;
#[cfg(test)]
mod tests;

use super::child::{Child, Read};
use super::{CameraError, CameraRequest, FrameSource, Playback, SourceError};
use crate::frame::Frame;
use emotion_models::{MAX_SIDE, PixelFormat};
pub(super) use input::{first_camera, is_live};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long it may take until the first frame: a camera on a network is asked, answers, and sends a whole picture.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may be silent later on.
const FRAME_TIMEOUT: Duration = Duration::from_secs(5);
const _: () = assert!(FIRST_FRAME_TIMEOUT.as_secs() < super::MAX_START_TIME.as_secs());
/// Longest line before a picture.
const MAX_LINE: usize = 256;
/// A wait that takes so much longer than it was to take is a pause of the whole program.
const STOPPED_FOR: Duration = Duration::from_millis(500);

/// What `ffmpeg` reads.
struct Ffmpeg {
    child: Child,
    /// Bytes that were read and not taken yet.
    pending: Vec<u8>,
    taken: usize,
    /// Width and height in pixels, once the header was read.
    size: Option<(u32, u32)>,
    live: bool,
    /// Frames come when they are due.
    paced: bool,
    description: String,
}

/// Starts `ffmpeg` on what `argument` names.
pub(super) fn open(argument: &str, playback: &Playback) -> Result<Box<dyn FrameSource>, CameraError> {
    let program = input::program().ok_or(CameraError::NoFfmpeg)?;
    Ok(Box::new(Ffmpeg::start(&program, argument, playback)?))
}

impl Ffmpeg {
    fn start(program: &Path, argument: &str, playback: &Playback) -> Result<Self, CameraError> {
        let live = is_live(argument);
        let mut arguments: Vec<String> = ["-hide_banner", "-loglevel", "error", "-nostdin"].map(str::to_owned).to_vec();
        if !live && playback.repeat {
            arguments.extend(["-stream_loop", "-1"].map(str::to_owned));
        }
        if !live && !playback.every_frame {
            // At the rate at which it was filmed.
            arguments.push("-re".to_owned());
        }
        arguments.extend(input::options(argument));
        let CameraRequest { width, height, .. } = playback.camera;
        let rate = if live { String::new() } else { format!("fps={},", playback.fps) };
        let filter = format!(
            "{rate}scale=w='min({width},iw)':h='min({height},ih)':force_original_aspect_ratio=decrease:\
             out_color_matrix=bt601:out_range=full"
        );
        arguments.extend(["-an", "-sn", "-dn", "-vf", &filter, "-pix_fmt", "yuv420p"].map(str::to_owned));
        arguments.extend(["-f", "yuv4mpegpipe", "-"].map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(Self {
            child: Child::start(program, &arguments)?,
            pending: Vec::new(),
            taken: 0,
            size: None,
            live,
            paced: live || !playback.every_frame,
            description: format!("{argument}, through {}", program.display()),
        })
    }

    /// Reads more into what is pending, before `until`; `false` where there is no more.
    fn read(&mut self, until: &mut Instant) -> Result<bool, CameraError> {
        const CHUNK: usize = 1 << 16;
        if self.taken > 0 {
            self.pending.drain(..self.taken);
            self.taken = 0;
        }
        let kept = self.pending.len();
        self.pending.resize(kept + CHUNK, 0);
        let read = loop {
            let (asked, left) = (Instant::now(), until.saturating_duration_since(Instant::now()));
            match self.child.read(&mut self.pending[kept..], left) {
                Ok(Read::Nothing) if asked.elapsed() > left + STOPPED_FOR => *until = Instant::now() + FRAME_TIMEOUT,
                read => break read,
            }
        };
        let count = if let Ok(Read::Bytes(count)) = read { count } else { 0 };
        self.pending.truncate(kept + count);
        match read {
            Ok(Read::Bytes(_)) => Ok(true),
            Ok(Read::End) => Ok(false),
            Ok(Read::Nothing) => Err(self.child.silent()),
            Err(error) => Err(self.child.broken(&error)),
        }
    }

    /// The next line; `None` at the end.
    fn line(&mut self, until: &mut Instant) -> Result<Option<String>, CameraError> {
        loop {
            let rest = &self.pending[self.taken..];
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.taken += end + 1;
                return Ok(Some(line));
            }
            if rest.len() > MAX_LINE {
                return Err(self.no_frames());
            }
            if !self.read(until)? {
                return Ok(None);
            }
        }
    }

    /// The fault of a child whose output is no YUV4MPEG2.
    fn no_frames(&self) -> CameraError {
        self.child.broken(&io::Error::other("its output is no YUV4MPEG2"))
    }

    /// Width and height, from the header. `None` where there is no frame at all.
    fn header(&mut self, until: &mut Instant) -> Result<Option<(u32, u32)>, CameraError> {
        if self.size.is_none() {
            let Some(line) = self.line(until)? else { return Ok(None) };
            let side = |letter: char| {
                let field = line.split(' ').find_map(|field| field.strip_prefix(letter));
                field.and_then(|side| side.parse().ok()).filter(|side| (1..=MAX_SIDE).contains(side))
            };
            let size = side('W').zip(side('H')).filter(|_| line.starts_with("YUV4MPEG2 "));
            self.size = Some(size.ok_or_else(|| self.no_frames())?);
        }
        Ok(self.size)
    }

    /// Fills a frame, or says that the input has ended.
    fn next(&mut self, frame: &mut Frame) -> Result<bool, CameraError> {
        let timeout = if self.size.is_none() { FIRST_FRAME_TIMEOUT } else { FRAME_TIMEOUT };
        let mut until = Instant::now() + timeout;
        let Some((width, height)) = self.header(&mut until)? else { return Ok(false) };
        let Some(mark) = self.line(&mut until)? else { return Ok(false) };
        if !mark.starts_with("FRAME") {
            return Err(self.no_frames());
        }
        let began = Instant::now();
        let needed = PixelFormat::I420.frame_bytes(width, height);
        while self.pending.len() - self.taken < needed {
            if !self.read(&mut until)? {
                return Ok(false);
            }
        }
        frame.shape(PixelFormat::I420, width, height);
        frame.data.clear();
        frame.data.extend_from_slice(&self.pending[self.taken..self.taken + needed]);
        self.taken += needed;
        frame.age = began.elapsed();
        Ok(true)
    }
}

impl FrameSource for Ffmpeg {
    fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        if self.next(frame)? {
            return Ok(true);
        }
        // A file has an end; a camera has none.
        let none = self.size.is_none();
        let succeeded = self.child.succeeded();
        if succeeded && !none && !self.live { Ok(false) } else { Err(self.child.ended().into()) }
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn keeps_time(&self) -> bool {
        self.paced
    }

    fn description(&self) -> Option<&str> {
        Some(&self.description)
    }
}
