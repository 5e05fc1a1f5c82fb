//! The one training loop: epochs of steps, validation, checkpoint and history.

use super::early_stopping::Verdict;
use super::prefetch::{MakeBatch, prefetch};
use super::progress::Progress;
use super::stopwatch::{Stage, Stopwatch};
use crate::device::Engine;
use crate::nets::Net;
use crate::output::say;
use crate::run::checkpoint::{self, Identity, Running, StateOf};
use crate::run::config::Config;
use crate::run::history::{self, Epoch, Figures};
use crate::task::Task;
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A run under way.
pub struct Trainer<T: Task> {
    pub(super) task: T,
    pub(super) config: Config<T::Config>,
    pub(super) net: Net,
    pub(super) engine: Engine,
    pub(super) state: StateOf<T>,
    pub(super) stopwatch: Stopwatch,
    run: PathBuf,
    identity: Identity,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All epochs are done.
    Finished,
    /// Early stopping's patience ran out.
    Stopped,
    /// Ctrl-C; the state is saved.
    Interrupted,
}

/// How a run in this state has ended; nothing where epochs are left to do.
pub fn ended<T: Task>(state: &StateOf<T>, config: &Config<T::Config>) -> Option<End> {
    if state.epochs_done >= config.run.epochs {
        return Some(End::Finished);
    }
    state.stopping.exhausted(config.run.patience).then_some(End::Stopped)
}

impl<T: Task> Trainer<T> {
    /// A run that goes on from `state`.
    pub fn new(
        config: Config<T::Config>,
        net: Net,
        data: &T::Data,
        engine: Engine,
        run: &Path,
        identity: Identity,
        state: StateOf<T>,
    ) -> Self {
        let task = T::new(&config, &net, data);
        let stopwatch = Stopwatch::default();
        let mut trainer = Trainer { task, config, net, engine, state, stopwatch, run: run.into(), identity };
        trainer.mine();
        trainer
    }

    /// Trains until the last epoch, early stopping, or `interrupted`.
    ///
    /// # Errors
    /// When a batch cannot be made, the loss is no longer a number, or a checkpoint cannot be written.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<End> {
        // A run killed between checkpoint and history would otherwise lack a line until its next epoch.
        self.write_history()?;
        self.task.prepare()?;
        if self.wants_calibration() {
            self.calibrate()?;
        }
        loop {
            if let Some(end) = ended::<T>(&self.state, &self.config) {
                return Ok(end);
            }
            self.epoch(interrupted)?;
            checkpoint::save::<T>(&self.run, &self.state, &self.identity)?;
            self.write_history()?;
            // However late the signal came: a complete run is complete.
            if interrupted.load(Ordering::Relaxed) && ended::<T>(&self.state, &self.config).is_none() {
                return Ok(End::Interrupted);
            }
        }
    }

    /// One epoch from wherever it stands, or as much of it as `interrupted` leaves.
    fn epoch(&mut self, interrupted: &AtomicBool) -> Result<()> {
        let (epoch, batch_size) = (self.state.epochs_done, self.config.run.batch_size);
        let batches = self.task.batches(epoch);
        let steps = batches.count();
        // The commands ensure this: an epoch without a step would learn nothing and never end.
        ensure!(steps > 0, "an epoch without a step");
        let progress = Progress::new(epoch + 1, self.config.run.epochs, steps, batch_size);
        let (began, before) = (Instant::now(), self.state.running.seconds);
        let mut learning_rate = 0.0;
        let done = self.state.running.steps;
        self.stopwatch.start();
        for (step, batch) in (done..steps).zip(prefetch(batches, done)) {
            let batch = batch?;
            self.stopwatch.lap(Stage::Wait);
            learning_rate = self.learning_rate(epoch, step, steps);
            let loss = self.step(epoch, step, &batch, learning_rate)?;
            self.state.running.steps = step + 1;
            progress.step(step + 1, loss);
            if interrupted.load(Ordering::Relaxed) && step + 1 < steps {
                self.state.running.seconds = before + began.elapsed().as_secs_f64();
                return Ok(());
            }
        }
        let training = before + began.elapsed().as_secs_f64();
        progress.validating();
        if self.task.mines_after(epoch + 1) {
            self.state.mined = Some(self.state.judged().clone());
            self.mine();
        }
        let scores = self.task.evaluate(&self.net, self.state.judged(), &self.engine);
        let Running { sums, .. } = std::mem::take(&mut self.state.running);
        self.state.epochs_done += 1;
        let entry = Epoch {
            epoch: epoch + 1,
            figures: self.task.figures(&sums, steps, &scores),
            learning_rate,
            images_per_second: (steps * batch_size) as f64 / training,
            seconds: before + began.elapsed().as_secs_f64(),
        };
        drop(progress);
        // Hours of training do not end because a log cannot be written.
        let _ = say!("{}", T::Figures::line(&entry, self.config.run.epochs));
        let verdict = T::judge(&self.config.task, &entry.figures);
        self.config.run.schedule.epoch_over(&mut self.state.schedule, verdict.loss);
        self.take_note(entry, &verdict)
    }

    fn learning_rate(&self, epoch: usize, step: usize, steps: usize) -> f64 {
        let passed = epoch as f64 + step as f64 / steps as f64;
        let run = &self.config.run;
        run.optimizer.learning_rate * run.schedule.multiplier(&self.state.schedule, passed, run.epochs)
    }

    /// Measures what there is before the first epoch, and keeps it as what is to be beaten.
    pub(super) fn judge_start(&mut self, what: &str) -> Result<()> {
        let began = Instant::now();
        let scores = self.task.evaluate(&self.net, self.state.judged(), &self.engine);
        let figures = self.task.figures(&T::Sums::default(), 0, &scores);
        say!("{what}: {}", figures.validation())?;
        let verdict = T::judge(&self.config.task, &figures);
        let seconds = began.elapsed().as_secs_f64();
        self.take_note(Epoch { epoch: 0, figures, learning_rate: 0.0, images_per_second: 0.0, seconds }, &verdict)?;
        checkpoint::save::<T>(&self.run, &self.state, &self.identity)
    }

    /// Keeps an epoch's figures, and its weights if they are the best so far.
    fn take_note(&mut self, entry: Epoch<T::Figures>, verdict: &Verdict) -> Result<()> {
        if self.state.stopping.epoch_over(verdict, entry.epoch) || entry.epoch == 0 {
            checkpoint::save_best(&self.run, self.state.judged(), &self.identity)?;
        }
        if entry.epoch > 0 || T::HISTORY_HAS_START {
            self.state.history.push(entry);
        }
        Ok(())
    }

    fn mine(&mut self) {
        if let Some(weights) = &self.state.mined {
            self.task.mine(&self.net, weights, &self.engine);
        }
    }

    fn write_history(&self) -> Result<()> {
        let history = history::csv(&self.state.history);
        Ok(crate::files::write_whole(&self.run.join("history.csv"), history.as_bytes())?)
    }

    /// The batches of an epoch, counted from 0.
    pub(crate) fn batches(&self, epoch: usize) -> T::Batches {
        self.task.batches(epoch)
    }

    /// Where the steps' time went.
    pub(crate) fn stopwatch_mut(&mut self) -> &mut Stopwatch {
        &mut self.stopwatch
    }
}
