//! What a run writes: a live display, plain lines, or JSON. Writing happens on a thread of its own, so that a reader who
//! is slow, or gone, never holds up a frame.

mod greeting;
mod lines;
mod live;
mod log;
pub mod paint;
pub mod panel;
mod screen;
mod shapes;
mod thumbnail;

use crate::event::Event;
use crate::frame::Frame;
use crate::lights::Memory;
use crate::mailbox::{Handover, Stop};
use crate::pipeline::Observer;
use crate::summary::Summary;
use emotion_models::CropBox;
pub use greeting::{STAND_IN, greeting};
use lines::Lines;
use live::Live;
pub use log::{Log, start_log};
use paint::Ink;
use panel::Panel;
pub use screen::{is_live_terminal, left_during, restore, restore_on_panic, size as terminal_size};
use std::io::{self, Write};

/// Writes to standard output, all at once.
///
/// # Errors
/// It cannot be written, or was closed by its reader.
pub fn print(text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref())?;
    stdout.flush()
}

/// How a run is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Redrawn in place, in a terminal.
    Live,
    /// A line for each change of state.
    Plain,
    /// A JSON object for each frame.
    Json,
}

/// What a run writes, and the thread that writes it.
pub enum Output {
    /// Drawn in place.
    Live(Box<Live>),
    /// Line by line.
    Lines(Lines),
}

impl Output {
    /// A live display of the lights in `memory`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn live(panel: Panel, memory: Memory, ink: Ink, stop: &Stop) -> io::Result<Self> {
        Ok(Self::Live(Box::new(Live::start(panel, memory, ink, stop)?)))
    }

    /// Lines: JSON for each frame, or plain text for each change. When every frame counts, no line is lost: the run
    /// waits for a slow reader. Otherwise lines that the reader is too slow for are dropped.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn lines(json: bool, labels: Vec<String>, handover: Handover, stop: &Stop) -> io::Result<Self> {
        Lines::start(json, labels, handover, stop).map(Self::Lines)
    }

    /// Writes the summary, and ends.
    ///
    /// # Errors
    /// Standard output cannot be written, or was closed by its reader.
    pub fn finish(self, summary: &Summary) -> io::Result<()> {
        match self {
            Self::Live(live) => live.finish(summary),
            Self::Lines(lines) => lines.finish(summary),
        }
    }
}

impl Observer for Output {
    fn event(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        match self {
            Self::Live(live) => live.event(event, frame),
            Self::Lines(lines) => lines.event(event),
        }
    }
}
