//! Events as lines, JSON or plain.

use crate::event::{Event, JsonEvent, state_name};
use crate::mailbox::{Handover, Stop};
use crate::plural::counted;
use crate::summary::Summary;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that may wait for a slow reader.
const QUEUED_LINES: usize = 256;
/// How long the end of a run waits for one.
const END_TIMEOUT: Duration = Duration::from_secs(1);

// Boxing the event would allocate for each frame.
#[allow(clippy::large_enum_variant)]
enum OutputLine {
    Event(Event),
    Summary(Box<Summary>),
}

/// Writes lines on a thread of its own.
pub struct Lines {
    sender: SyncSender<OutputLine>,
    done: Receiver<io::Result<()>>,
    json: bool,
    handover: Handover,
    stop: Stop,
    lost: u64,
}

impl Lines {
    pub(super) fn start(json: bool, labels: Vec<String>, handover: Handover, stop: &Stop) -> io::Result<Self> {
        let (sender, lines) = sync_channel(QUEUED_LINES);
        let (tell, done) = sync_channel(1);
        let writer_stop = stop.clone();
        thread::Builder::new().name("lines".to_owned()).spawn(move || {
            let result = write_all(&lines, json, &labels);
            if result.is_err() {
                writer_stop.request();
            }
            let _ = tell.send(result);
        })?;
        Ok(Self { sender, done, json, handover, stop: stop.clone(), lost: 0 })
    }

    pub(super) fn event(&mut self, event: &Event) {
        if !self.json && !event.changed {
            return;
        }
        // A writer that has ended has asked everyone to stop, and says why in `finish`.
        if self.handover == Handover::Lossless {
            let _ = self.sender.send(OutputLine::Event(event.clone()));
        } else if let Err(TrySendError::Full(_)) = self.sender.try_send(OutputLine::Event(event.clone())) {
            self.lost += 1;
        }
    }

    pub(super) fn finish(self, summary: &Summary) -> io::Result<()> {
        if self.lost > 0 {
            let lines = counted(self.lost, "line");
            tracing::warn!("dropped {lines}: the reader of standard output is too slow");
        }
        self.stop.request();
        let until = Instant::now() + END_TIMEOUT;
        let mut line = OutputLine::Summary(Box::new(summary.clone()));
        loop {
            match self.sender.try_send(line) {
                Err(TrySendError::Full(returned)) if self.handover == Handover::Lossless || Instant::now() < until => {
                    line = returned;
                    thread::sleep(Duration::from_millis(2));
                }
                _ => break,
            }
        }
        drop(self.sender);
        if self.handover == Handover::Lossless {
            return self.done.recv().unwrap_or(Ok(()));
        }
        match self.done.recv_timeout(END_TIMEOUT) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }
}

fn write_all(lines: &Receiver<OutputLine>, json: bool, labels: &[String]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut text = String::new();
    let mut bytes = Vec::new();
    while let Ok(line) = lines.recv() {
        text.clear();
        bytes.clear();
        match line {
            OutputLine::Event(event) if json => {
                serde_json::to_writer(&mut bytes, &JsonEvent { event: &event, labels }).map_err(io::Error::from)?;
            }
            OutputLine::Event(event) => plain(&mut text, &event, labels),
            OutputLine::Summary(summary) if json => {
                serde_json::to_writer(&mut bytes, &summary.json(labels)).map_err(io::Error::from)?;
            }
            OutputLine::Summary(summary) => text = summary.text(labels),
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        stdout.write_all(&bytes)?;
        stdout.flush()?;
    }
    Ok(())
}

/// A change of state, or of several moods that are lit, in words.
fn plain(out: &mut String, event: &Event, labels: &[String]) {
    // Writing into a String cannot fail.
    let lit: Vec<&str> = event.lit.names(labels).collect();
    let name = if lit.len() > 1 { &lit.join(" + ") } else { state_name(event.state, labels) };
    let _ = write!(out, "{:9.3} s  {name:<8}", event.time.as_secs_f64());
    if let Some(probabilities) = &event.smoothed {
        for (label, value) in labels.iter().zip(probabilities.iter()) {
            let _ = write!(out, "  {label} {value:.2}");
        }
    }
    if event.faces.len() > 1 {
        let _ = write!(out, "  {} faces", event.faces.len());
    }
    if let Some(reason) = event.unsure() {
        let _ = write!(out, "  {reason}");
    }
    if let Some(latency) = event.latency {
        let _ = write!(out, "  {:.1} ms", latency.as_secs_f64() * 1e3);
    }
    if let Some(picture) = &event.picture {
        let _ = write!(out, "  {picture}");
    }
    if let Some(fault) = &event.fault {
        let _ = write!(out, "  {fault}");
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
}
