//! `train`: from arguments to a finished run.

use super::task_flags::TaskFlags;
use super::train_args::TrainArgs;
use crate::emotion::EmotionTask;
use crate::face::FaceTask;
use crate::failure::{Blame, Kind};
use crate::nets::summary::summary;
use crate::output::say;
use crate::run::config::{Config, TaskConfig};
use crate::task::ReportingTask;
use crate::train::init;
use crate::train::session::{self, TrainRequest};
use anyhow::{Context, Result};
use std::process::ExitCode;

/// Trains a new run, or goes on with one.
///
/// # Errors
/// Impossible configuration, unusable data, a diverging loss, or files that cannot be written.
pub fn run(args: &TrainArgs, given: &TaskFlags) -> Result<ExitCode> {
    crate::output::outlive_readers();
    if let Some(run) = &args.resume {
        given.refuse_change(run)?;
    }
    let task = args.task();
    given.refuse_other(task)?;
    match task {
        emotion_models::Task::Emotion => train::<EmotionTask>(args, TrainArgs::emotion_config),
        emotion_models::Task::Face => train::<FaceTask>(args, TrainArgs::face_config),
    }
}

fn train<T: ReportingTask>(args: &TrainArgs, new: fn(&TrainArgs) -> Result<Config<T::Config>>) -> Result<ExitCode> {
    let config = match &args.resume {
        Some(run) => args.resumed_config(run)?,
        None => new(args)?,
    };
    let said_in = if args.new.config.is_some() || args.resume.is_some() { Kind::Config } else { Kind::Usage };
    config.task.check_net().blame(said_in)?;
    let init = args.new.init.as_deref().map(|from| init::open(from, T::Config::TASK)).transpose()?;
    let bare = args.new.init.is_none() && args.new.config.is_none() && args.resume.is_none();
    let default_start = if bare && !args.new.from_scratch { init::shipped(T::Config::TASK)? } else { None };
    let run = args.resume.as_ref().or(args.new.out.as_ref());
    if args.any.summary {
        let net = config.build_net(config.task.label_count()?).blame(said_in)?;
        say!("{}", summary(&net).trim_end())?;
        if run.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let request = TrainRequest {
        run: run.context("name a run folder with --out RUN").blame(Kind::Usage)?.clone(),
        resume: args.resume.is_some(),
        longer: args.resume.is_some() && (args.any.epochs.is_some() || !args.new.data.is_empty()),
        init,
        default_start,
        learning_rate_given: args.new.learning_rate.is_some() || args.new.config.is_some(),
        force: args.new.force,
        quantize: args.any.quantize,
        batch_size_given: args.new.batch_size.is_some() || said_in == Kind::Config,
        said_in,
    };
    session::train::<T>(&request, config)
}
