//! A progress bar on a terminal, and a plain line now and then in a log.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LOG_EVERY: Duration = Duration::from_secs(10);

/// Counts work done, from any thread, on standard error.
pub struct Progress {
    display: Display,
    what: &'static str,
    total: u64,
    done: AtomicU64,
}

enum Display {
    Silent,
    Bar(ProgressBar),
    Log { next: Mutex<Instant> },
}

impl Progress {
    /// A display titled `what` for `total` pieces of work; nothing is shown unless `visible`.
    pub fn new(what: &'static str, total: usize, visible: bool) -> Self {
        let display = match (visible, std::io::stderr().is_terminal()) {
            (false, _) => Display::Silent,
            (true, true) => {
                let bar = ProgressBar::new(total as u64);
                if let Ok(style) =
                    ProgressStyle::with_template("{msg} {wide_bar:.cyan/dim} {human_pos}/{human_len} {eta}")
                {
                    bar.set_style(style);
                }
                bar.set_message(what);
                Display::Bar(bar)
            }
            (true, false) => Display::Log { next: Mutex::new(Instant::now() + LOG_EVERY) },
        };
        Self { display, what, total: total as u64, done: AtomicU64::new(0) }
    }

    /// One more piece of work is done.
    pub fn advance(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.display {
            Display::Silent => {}
            Display::Bar(bar) => bar.inc(1),
            Display::Log { next } => {
                // Another thread already checks the clock: it will write the line.
                let Ok(mut next) = next.try_lock() else { return };
                if Instant::now() >= *next {
                    crate::output::tell!("{}: {done} of {}", self.what, self.total);
                    *next = Instant::now() + LOG_EVERY;
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}
