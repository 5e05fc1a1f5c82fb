//! The live display: the newest event, drawn in place by a thread of its own.

use super::paint::Ink;
use super::panel::{Panel, View};
use super::screen;
use super::shapes::wrapped;
use super::thumbnail::{Pictures, Shrinker};
use crate::event::Event;
use crate::frame::Frame;
use crate::lights::Memory;
use crate::mailbox::{Handover, Mailbox, Stop, Taken};
use crate::summary::Summary;
use emotion_models::CropBox;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Least time between two drawings.
const REDRAW: Duration = Duration::from_millis(66);
/// How long the end of a run waits for a slow terminal.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How much larger than its box the picture of a face is that the model was not asked about.
const FACE_MARGIN: f32 = 0.2;

/// What the drawing thread gets: buffers that go round.
type Post = Mailbox<View, ()>;

/// Draws the newest event in place.
pub struct Live {
    post: Arc<Post>,
    done: Receiver<io::Result<()>>,
    /// The pictures that the drawing thread wants next; none while it has not drawn those it had.
    wanted: Arc<AtomicU8>,
    shrink_frame: Shrinker,
    shrink_face: Shrinker,
    rate: Rate,
    labels: Vec<String>,
}

impl Live {
    pub(super) fn start(panel: Panel, memory: Memory, ink: Ink, stop: &Stop) -> io::Result<Self> {
        let labels = panel.labels();
        // The last drawing comes after the request to stop, so this mailbox has a stop of its own.
        let views = [View::default(), View::default(), View::default()];
        let post = Arc::new(Mailbox::new(Handover::Latest, Stop::default(), views));
        let wanted = Arc::new(AtomicU8::new(panel.pictures(screen::size()).code()));
        let (tell, done) = sync_channel(1);
        let drawer = Drawer { panel, memory, ink, post: Arc::clone(&post), wanted: Arc::clone(&wanted) };
        let stop = stop.clone();
        thread::Builder::new().name("display".to_owned()).spawn(move || {
            let result = drawer.run();
            if result.is_err() {
                stop.request();
            }
            let _ = tell.send(result);
        })?;
        let (shrink_frame, shrink_face) = (Shrinker::default(), Shrinker::default());
        Ok(Self { post, done, wanted, shrink_frame, shrink_face, rate: Rate::default(), labels })
    }

    pub(super) fn event(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        let Some(mut view) = self.post.buffer() else { return };
        view.event = Some(event.clone());
        view.fps = if frame.is_some() { self.rate.count() } else { None };
        view.fresh_picture = false;
        if let Some((frame, crop)) = frame {
            let wanted = Pictures::of_code(self.wanted.swap(Pictures::None.code(), Ordering::Relaxed));
            if let Some(most) = wanted.frame() {
                let whole = CropBox::full(frame.width, frame.height);
                view.frame_width = frame.width;
                view.fresh_picture = self.shrink_frame.shrink(frame, whole, most, &mut view.frame);
            }
            if let Some(side) = wanted.face() {
                // Beside the whole frame there is no face where none is seen.
                let crop = crop.or(event.faces.first().map(|seen| seen.face.crop(FACE_MARGIN)));
                let alone = wanted.frame().is_none();
                let crop = crop.or(alone.then(|| CropBox::centred_square(frame.width, frame.height)));
                match crop {
                    Some(crop) => {
                        view.fresh_picture = self.shrink_face.shrink(frame, crop, [side; 2], &mut view.face);
                    }
                    None => view.face.height = 0,
                }
            }
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
        for line in summary.text(&self.labels).lines() {
            let columns = screen::size().0.max(20);
            wrapped(line, columns).iter().try_for_each(|line| writeln!(stdout, "{line}"))?;
        }
        stdout.flush()
    }
}

struct Drawer {
    panel: Panel,
    memory: Memory,
    ink: Ink,
    post: Arc<Post>,
    wanted: Arc<AtomicU8>,
}

impl Drawer {
    fn run(self) -> io::Result<()> {
        let mut shown = View::default();
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
            let size = screen::size();
            self.panel.draw(&shown, self.memory.bits(), self.ink, size, &mut lines);
            screen::draw(&lines, size)?;
            if ended {
                return screen::leave();
            }
            self.wanted.store(self.panel.pictures(size).code(), Ordering::Relaxed);
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
