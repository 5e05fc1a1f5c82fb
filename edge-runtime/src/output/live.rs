//! The live display: the newest event, drawn in place by a thread of its own.

use super::paint::Ink;
use super::panel::{Panel, View};
use super::screen;
use super::shapes::PICTURE;
use crate::event::Event;
use crate::frame::Frame;
use crate::lights::Memory;
use crate::mailbox::{Handover, Mailbox, Stop, Taken};
use crate::summary::Summary;
use emotion_models::{Colour, CropBox, InputSpec, PixelMap, Preprocessor};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Least time between two drawings.
const REDRAW: Duration = Duration::from_millis(66);
/// How long the end of a run waits for a slow terminal.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// What the drawing thread gets: buffers that go round.
type Post = Mailbox<View, ()>;

/// Draws the newest event in place.
pub struct Live {
    post: Arc<Post>,
    done: Receiver<io::Result<()>>,
    /// Whether the drawing thread has drawn the picture it had.
    wants_picture: Arc<AtomicBool>,
    shrink: Preprocessor,
    rate: Rate,
    labels: Vec<String>,
}

impl Live {
    pub(super) fn start(panel: Panel, memory: Memory, ink: Ink, stop: &Stop) -> io::Result<Self> {
        let labels = panel.labels();
        // The last drawing comes after the request to stop, so this mailbox has a stop of its own.
        let views = [View::empty(), View::empty(), View::empty()];
        let post = Arc::new(Mailbox::new(Handover::Latest, Stop::default(), views));
        let wants_picture = Arc::new(AtomicBool::new(panel.has_picture()));
        let (tell, done) = sync_channel(1);
        let drawer = Drawer { panel, memory, ink, post: Arc::clone(&post), wants_picture: Arc::clone(&wants_picture) };
        let stop = stop.clone();
        thread::Builder::new().name("display".to_owned()).spawn(move || {
            let result = drawer.run();
            if result.is_err() {
                stop.request();
            }
            let _ = tell.send(result);
        })?;
        let side = PICTURE as u32;
        let spec = InputSpec { width: side, height: side, colour: Colour::Rgb, pixel_map: PixelMap::UNIT };
        Ok(Self { post, done, wants_picture, shrink: Preprocessor::new(&spec), rate: Rate::default(), labels })
    }

    pub(super) fn event(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        let Some(mut view) = self.post.buffer() else { return };
        view.event = Some(event.clone());
        view.fps = if frame.is_some() { self.rate.count() } else { None };
        view.fresh_picture = false;
        if let Some((frame, crop)) = frame
            && self.wants_picture.swap(false, Ordering::Relaxed)
            && let Ok(pixels) = frame.view()
        {
            let crop = crop.unwrap_or(CropBox::centred_square(frame.width, frame.height));
            view.picture.copy_from_slice(self.shrink.resize(&pixels, crop));
            view.fresh_picture = true;
        }
        self.post.put(view);
    }

    pub(super) fn finish(self, summary: &Summary) -> io::Result<()> {
        self.post.end(Ok(()));
        match self.done.recv_timeout(END_TIMEOUT) {
            Ok(result) => result?,
            // A terminal that takes nothing any more gets no summary either.
            Err(_) => return Ok(()),
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", summary.text(&self.labels))?;
        stdout.flush()
    }
}

struct Drawer {
    panel: Panel,
    memory: Memory,
    ink: Ink,
    post: Arc<Post>,
    wants_picture: Arc<AtomicBool>,
}

impl Drawer {
    fn run(self) -> io::Result<()> {
        let mut shown = View::empty();
        let mut lines = Vec::new();
        loop {
            let drawn = Instant::now();
            let ended = match self.post.take(REDRAW) {
                Taken::Item(view) => {
                    shown.take_over(&view);
                    self.post.give_back(view);
                    false
                }
                // Lights may blink without an event.
                Taken::Nothing | Taken::Retrying(_) => false,
                Taken::End(_) => true,
            };
            shown.ended = ended;
            self.panel.draw(&shown, self.memory.bits(), self.ink, screen::size(), &mut lines);
            screen::draw(&lines)?;
            if ended {
                return screen::leave();
            }
            self.wants_picture.store(self.panel.has_picture(), Ordering::Relaxed);
            thread::sleep(REDRAW.saturating_sub(drawn.elapsed()));
        }
    }
}

/// Frames in the latest second.
#[derive(Default)]
struct Rate {
    since: Option<Instant>,
    counted: u32,
    fps: Option<f32>,
}

impl Rate {
    fn count(&mut self) -> Option<f32> {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let elapsed = now - since;
        if elapsed >= Duration::from_secs(1) {
            self.fps = Some(self.counted as f32 / elapsed.as_secs_f32());
            (self.since, self.counted) = (Some(now), 0);
        }
        self.counted += 1;
        self.fps
    }
}
