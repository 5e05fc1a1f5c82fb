//! A frame on its way from a source to the classifier, and the clock its times count from.

use crate::plural::counted;
use emotion_models::{FrameError, FrameView, PixelFormat};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Monotonic time since the program began to run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows zero now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// One frame with the buffer it lies in. Buffers go round between source and pipeline, so nothing grows.
#[derive(Debug)]
pub struct Frame {
    /// How `data` encodes the pixels.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row of the first plane to the next.
    pub stride: usize,
    /// The pixels.
    pub data: Vec<u8>,
    /// Identifies the picture, if its source can: frames of one source with the same value, other than 0, have the same
    /// pixels.
    pub content: u64,
    /// Number of the frame in its source, from 0.
    pub number: u64,
    /// How long ago it was captured, as its source handed it over; zero where the source does not know.
    pub age: Duration,
    /// When it was captured, on the run's [`Clock`].
    pub captured: Duration,
    /// The moment the frame stands for, which smoothing and hold time count: when it was captured for live sources, the
    /// frame number over the frame rate when every frame counts.
    pub time: Duration,
    /// The name of the picture file that it shows.
    pub name: Option<Arc<str>>,
    /// What its source could not show until now.
    pub skipped: Option<Arc<Skipped>>,
}

impl Frame {
    /// An empty frame, for a source to fill.
    pub fn empty() -> Self {
        Self {
            format: PixelFormat::Grey,
            width: 0,
            height: 0,
            stride: 0,
            data: Vec::new(),
            content: 0,
            number: 0,
            age: Duration::ZERO,
            captured: Duration::ZERO,
            time: Duration::ZERO,
            name: None,
            skipped: None,
        }
    }

    /// Sets format and size, with tight rows.
    pub fn shape(&mut self, format: PixelFormat, width: u32, height: u32) {
        (self.format, self.width, self.height) = (format, width, height);
        self.stride = format.row_bytes(width);
    }

    /// The pixels as the preprocessor takes them.
    ///
    /// # Errors
    /// Size, stride and bytes do not make a frame.
    pub fn view(&self) -> Result<FrameView<'_>, FrameError> {
        FrameView::with_stride(self.format, self.width, self.height, self.stride, &self.data)
    }
}

/// Pictures that could not be shown while others were.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// Pictures there are.
    pub count: usize,
    /// The first that could not be shown.
    pub first: PathBuf,
    /// Why, for each that could not be shown, in the order they were found.
    pub reasons: Vec<Arc<str>>,
    /// How often the turn of one came.
    pub times: u64,
}

impl Skipped {
    /// None yet of `count` pictures; `first` will be the first.
    pub fn new(count: usize, first: &Path) -> Self {
        Self { count, first: first.to_owned(), reasons: Vec::new(), times: 0 }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, first, reasons, .. } = self;
        let broken = reasons.len();
        let named = if broken == 1 { ":" } else { ", the first was" };
        let pictures = counted(*count as u64, "picture");
        write!(f, "{broken} of {pictures} could not be read{named} {}", first.display())
    }
}
