//! What a person sees while an epoch runs: a bar on a terminal, a line an epoch (and one a minute) in a log.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two lines within one epoch when there is no progress bar.
const LOG_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Progress {
    bar: ProgressBar,
    terminal: bool,
    epoch: usize,
    epochs: usize,
    steps: usize,
    batch: usize,
    began: Instant,
    first_step: Cell<Option<usize>>,
    logged: Cell<Instant>,
}

impl Progress {
    pub(super) fn new(epoch: usize, epochs: usize, steps: usize, batch: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
        let template = "{prefix} {wide_bar} {pos}/{len} {msg} {eta}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("epoch {epoch}/{epochs}"));
        let (began, first_step) = (Instant::now(), Cell::new(None));
        Progress { bar, terminal, epoch, epochs, steps, batch, began, first_step, logged: Cell::new(began) }
    }

    pub(super) fn step(&self, step: usize, loss: f64) {
        let first = self.first_step.get().unwrap_or(step - 1);
        self.first_step.set(Some(first));
        let rate = ((step - first) * self.batch) as f64 / self.began.elapsed().as_secs_f64();
        self.bar.set_position(step as u64);
        self.bar.set_message(format!("loss {loss:.3} {rate:.0} images/s"));
        if !self.terminal && self.logged.get().elapsed() > LOG_EVERY {
            self.logged.set(Instant::now());
            let (epoch, epochs, steps) = (self.epoch, self.epochs, self.steps);
            crate::output::tell!("epoch {epoch}/{epochs}  step {step}/{steps}  loss {loss:.3}  {rate:.0} images/s");
        }
    }

    pub(super) fn validating(&self) {
        self.bar.set_message("validating");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
