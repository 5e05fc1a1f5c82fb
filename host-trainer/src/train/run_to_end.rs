//! The part of a training run that a plain and a quantised run share: from its first step to its report.

use super::trainer::{End, Trainer};
use crate::failure::{INTERRUPTED, Kind, failure};
use crate::interrupt::interrupted;
use crate::output::say;
use crate::run::command_line::quoted_path;
use crate::run::config::{Config, TaskConfig};
use crate::task::{Data, ReportingTask, Task};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

/// Refuses pictures that do not fill one batch.
///
/// # Errors
/// Says how many there are.
pub fn check_batch<T: Task>(config: &Config<T::Config>, data: &T::Data) -> Result<()> {
    let size = config.run.batch_size;
    match data.examples().filter(|&pictures| pictures < size) {
        None => Ok(()),
        Some(pictures) => {
            let advice = "give more pictures or a smaller --batch-size";
            let message = format!("{pictures} training pictures do not fill one batch of {size}; {advice}");
            Err(failure(Kind::Data, message))
        }
    }
}

/// Trains until the end or a signal, reports on the run, and says what to do next.
///
/// # Errors
/// A diverging loss, or files that cannot be written.
pub fn train_to_end<T: ReportingTask>(mut trainer: Trainer<T>, run: &Path, data: &T::Data) -> Result<ExitCode> {
    let interrupted = interrupted()?;
    let end = trainer.train(&interrupted)?;
    if end == End::Interrupted {
        say!("interrupted; saved. Go on with: host-trainer train --resume {}", quoted_path(run))?;
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if let Some((epoch, figure)) = trainer.state.stopping.best {
        let name = trainer.config.task.monitor();
        let why = if end == End::Stopped { "no better epoch since; " } else { "" };
        match epoch {
            0 => say!(
                "{why}no epoch was better than the start: the run keeps the weights it began with (validation {name} {figure:.4})"
            )?,
            _ => say!("{why}best epoch {epoch} (validation {name} {figure:.4})")?,
        }
    }
    T::report(run, data)?;
    if let Some(told) = T::outcome(run)? {
        say!("{told}")?;
    }
    say!("report: {}", run.join("report.html").display())?;
    say!("next: host-trainer export {} --out MODEL.onnx", quoted_path(run))?;
    Ok(ExitCode::SUCCESS)
}
