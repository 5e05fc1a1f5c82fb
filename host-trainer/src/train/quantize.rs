//! From a finished float run to one whose convolutions compute in 8-bit integers.

use super::run_to_end::{check_batch, train_to_end};
use super::trainer::Trainer;
use crate::device::Engine;
use crate::failure::{Blame, Kind, failure};
use crate::nets::weights::Weights;
use crate::output::say;
use crate::run::checkpoint::{Identity, TrainingState};
use crate::run::config::{Config, Quantization, RunConfig, TaskConfig};
use crate::run::finished::FinishedRun;
use crate::run::folder;
use crate::task::{Data, ReportingTask, Task};
use crate::train::schedule::Schedule;
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

/// Epochs of a bare `quantize`.
const EPOCHS: usize = 3;
/// Its largest learning rate, as a share of the float run's.
const LEARNING_RATE: f64 = 0.1;
/// Epochs in which the learning rate rises, and the optimizer's moments find their size.
const WARM_UP: f64 = 0.1;

/// Quantises the float run that a command has just finished, with the settings that suit most.
///
/// # Errors
/// A run that is quantised already, a diverging loss, or files that cannot be written.
pub fn follow<T: ReportingTask>(run: &Path, out: &Path, data: &T::Data, force: bool) -> Result<ExitCode> {
    let parent = open_float::<T>(run)?;
    let config = configuration(&parent.config);
    folder::reserve(out, config.task.sources(), force).blame(Kind::Usage)?;
    say!("quantising {} into {}", run.display(), out.display())?;
    quantize(&parent, config, data, out, parent.identity.command.clone())
}

/// Reads a finished float run.
///
/// # Errors
/// When it is none, or is quantised already.
pub fn open_float<T: Task>(run: &Path) -> Result<FinishedRun<T>> {
    let parent = FinishedRun::open(run)?;
    if parent.config.run.quantize.is_some() {
        let run = run.display();
        let message = format!(
            "{run} is quantised already; name the float run that it was made from, or train it on with: host-trainer train --resume {run} --epochs N"
        );
        return Err(failure(Kind::Usage, message));
    }
    Ok(parent)
}

/// Training goes on at a fraction of the float run's learning rate (Krishnamoorthi 2018, section 3.2): the weights only
/// have to converge to nearby values of the grid.
pub fn configuration<C: TaskConfig>(float: &Config<C>) -> Config<C> {
    let mut config = float.clone();
    config.run = RunConfig {
        quantize: Some(Quantization::default()),
        epochs: EPOCHS,
        schedule: Schedule::Cosine { warmup_epochs: WARM_UP },
        patience: 0,
        freeze: 0,
        ..config.run
    };
    config.run.optimizer.learning_rate *= LEARNING_RATE;
    config
}

/// Trains the quantised run `out` with the weights of `parent`; `command` is what made it.
///
/// # Errors
/// Data that do not fit the parent, a diverging loss, or files that cannot be written.
pub fn quantize<T: ReportingTask>(
    parent: &FinishedRun<T>,
    config: Config<T::Config>,
    data: &T::Data,
    out: &Path,
    command: String,
) -> Result<ExitCode> {
    let labels = data.labels();
    if labels != parent.identity.labels {
        let (theirs, labels) = (parent.identity.labels.join(", "), labels.join(", "));
        let run = parent.folder.display();
        return Err(failure(Kind::Data, format!("{run} knows the labels {theirs}; the pictures bear {labels}")));
    }
    check_batch::<T>(&config, data)?;
    let engine = Engine::open(config.run.device, config.run.operators)?;
    let net = config.build_net(labels.len()).blame(Kind::Model)?;
    let mut weights = Weights::initial(&net, config.run.seed);
    weights.0.extend(parent.weights.0.clone());
    let identity =
        Identity { labels, data_fingerprint: data.fingerprint().to_owned(), command, config: Some(config.to_toml()?) };
    folder::begin(out, &config.to_toml()?)?;
    let state = TrainingState::start(weights, config.run.ema > 0.0);
    train_to_end(Trainer::<T>::new(config, net, data, engine, out, identity, state), out, data)
}

#[cfg(test)]
mod tests;
