//! A training session: from a trainer and its data to a finished run.

use super::{End, Trainer};
use crate::emotion::dataset::Dataset;
use crate::emotion::report;
use crate::failure::{INTERRUPTED, Kind, failure};
use crate::interrupt::interrupted;
use crate::output::say;
use crate::run::checkpoint::{self, Identity};
use crate::run::command_line::quoted_path;
use crate::run::config::Config;
use crate::run::old_keys::renamed;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::ExitCode;

/// Trains until the end or a signal, reports on the run, and says what to do next.
///
/// # Errors
/// A diverging loss, or files that cannot be written.
pub(crate) fn train_to_end(mut trainer: Trainer, run: &Path, data: &Dataset) -> Result<ExitCode> {
    let interrupted = interrupted()?;
    let end = trainer.train(&interrupted)?;
    if end == End::Interrupted {
        say!("interrupted; saved. Go on with: host-trainer train --resume {}", quoted_path(run))?;
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if let Some((epoch, figure)) = trainer.best() {
        let why = if end == End::Stopped { "no better epoch since; " } else { "" };
        match epoch {
            0 => say!("{why}best as it was before any epoch (validation figure {figure:.4})")?,
            _ => say!("{why}best epoch {epoch} (validation figure {figure:.4})")?,
        }
    }
    report::of_run(run, data)?;
    say!("report: {}", run.join("report.html").display())?;
    say!("next: host-trainer export {} --out MODEL.onnx", quoted_path(run))?;
    Ok(ExitCode::SUCCESS)
}

/// Few pictures get small batches, where nobody asked for a size.
pub(crate) fn fit_batch(asked: bool, config: &mut Config, data: &Dataset) -> Result<()> {
    let pictures = data.train.order().len();
    if pictures >= config.batch_size {
        return Ok(());
    }
    if asked || pictures < 4 {
        return check_batch(config, data);
    }
    // At least two steps an epoch.
    config.batch_size = pictures / 2;
    say!("few pictures: batches of {} (--batch-size)", config.batch_size)
}

/// Refuses pictures that do not fill one batch.
///
/// # Errors
/// Says how many there are.
pub(crate) fn check_batch(config: &Config, data: &Dataset) -> Result<()> {
    let (pictures, size) = (data.train.order().len(), config.batch_size);
    if pictures >= size {
        return Ok(());
    }
    let message = format!(
        "{pictures} training pictures do not fill one batch of {size}; give more pictures or a smaller --batch-size"
    );
    Err(failure(Kind::Data, message))
}

/// Half a run with one configuration and half with another is nobody's run. More epochs are welcome, other threads and devices
/// too.
pub(crate) fn check_configuration(now: &Config, saved: &Identity, run: &Path) -> Result<()> {
    let Some(text) = &saved.config else { return Ok(()) };
    let mut then: Config = toml::from_str(&renamed(text)).context("the configuration in the checkpoint is damaged")?;
    (then.epochs, then.threads) = (now.epochs, now.threads);
    (then.device, then.operators) = (now.device, now.operators);
    then.data.cache = now.data.cache;
    let changed = then.differences(now);
    ensure!(
        changed.is_empty(),
        "{} has changed since the run was started: {}; undo that, or start a new run with --init {} and --out",
        run.join("config.toml").display(),
        changed.join(", "),
        run.display()
    );
    Ok(())
}

/// Says from where a resumed run goes on, or that there is nothing left to do.
pub(crate) fn say_where(run: &Path, state: &checkpoint::State, config: &Config) -> Result<()> {
    let (run, done) = (run.display(), state.epochs_done);
    if done >= config.epochs {
        return say!(
            "{run}: all {done} epochs are done, only the report is made anew; --epochs N trains on to epoch N"
        );
    }
    if state.stopping.exhausted(config.patience) {
        return say!("{run}: stopped early after epoch {done}, as --patience asked; only the report is made anew");
    }
    say!("going on with {run} after epoch {done}")
}
