//! `quantize`: from a float run to one whose convolutions compute in 8-bit integers.

use super::compute_args::{ComputeArgs, StorageArgs, set};
use super::task_flags::{EMOTION, TaskFlags};
use crate::emotion::EmotionTask;
use crate::face::FaceTask;
use crate::failure::{Blame, Kind, failure};
use crate::run::command_line::command;
use crate::run::config::{Config, TaskConfig, task_of};
use crate::run::{checkpoint, folder};
use crate::task::{Data, ReportingTask};
use crate::threads::start_threads;
use crate::train::quantize::{configuration, open_float, quantize};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `quantize`.
#[derive(Debug, Args)]
pub struct QuantizeArgs {
    /// Float run to start from.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Which of its weights: those of the best epoch, or those after the last.
    #[arg(long, alias = "at", value_enum, default_value_t)]
    pub weights: WeightsOf,
    /// Run folder to write.
    #[arg(long, value_name = "QRUN")]
    pub out: PathBuf,
    /// Epochs of quantisation-aware training (QAT); 0 only calibrates the ranges (post-training quantisation).
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Largest learning rate; by default a share of the float run's.
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Epochs after which running statistics and the ranges of activations are frozen.
    #[arg(long, alias = "settle-after", value_name = "EPOCHS")]
    pub freeze_ranges_after: Option<usize>,
    /// Training pictures on which observers find the first ranges.
    #[arg(long, alias = "calibrate-on", value_name = "N")]
    pub calibration_images: Option<usize>,
    /// Other data than the float run's, as `train` takes it; may be given several times.
    #[arg(long, value_name = "DIR[*N]")]
    pub data: Vec<String>,
    /// Overwrite a run folder that is there.
    #[arg(long)]
    pub force: bool,
    /// Where it is computed.
    #[command(flatten)]
    pub compute: ComputeArgs,
    /// Where an emotion run keeps its pictures.
    #[command(flatten, next_help_heading = EMOTION)]
    pub storage: StorageArgs,
}

/// Which weights of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WeightsOf {
    /// Of the epoch that was best on validation.
    #[default]
    Best,
    /// After the last epoch, averaged where averaging is on: a run whose learning rate fell to nothing often ends in its best weights,
    /// though by a small validation part another epoch looks better.
    Last,
}

/// Quantises a float run into a new one.
///
/// # Errors
/// A run that is none or is quantised already, unusable data, a diverging loss, or files that cannot be written.
pub fn run(args: &QuantizeArgs, given: &TaskFlags) -> Result<ExitCode> {
    crate::output::outlive_readers();
    folder::refuse_overwriting_source(&args.run, &args.out).blame(Kind::Usage)?;
    let task = task_of(&args.run.join("config.toml"));
    given.refuse_other(task)?;
    match task {
        emotion_models::Task::Emotion => from_args::<EmotionTask>(args, |config| {
            set(&mut config.task.data.cache, args.storage.cache);
        }),
        emotion_models::Task::Face => from_args::<FaceTask>(args, |_| ()),
    }
}

fn from_args<T: ReportingTask>(args: &QuantizeArgs, apply: impl FnOnce(&mut Config<T::Config>)) -> Result<ExitCode> {
    let mut parent = open_float::<T>(&args.run)?;
    if args.weights == WeightsOf::Last {
        let (state, identity) = checkpoint::load::<T>(&args.run, &parent.config.task)?;
        (parent.weights, parent.identity) = (state.judged().clone(), identity);
    }
    let mut config = configuration(&parent.config);
    if !args.data.is_empty() {
        config.task.use_sources(&args.data);
    }
    config.run.threads = 0;
    args.compute.apply(&mut config.run);
    apply(&mut config);
    set(&mut config.run.epochs, args.epochs);
    set(&mut config.run.optimizer.learning_rate, args.learning_rate);
    if let Some(quantization) = &mut config.run.quantize {
        set(&mut quantization.freeze_ranges_after, args.freeze_ranges_after);
        set(&mut quantization.calibration_images, args.calibration_images);
    }
    config.check().blame(Kind::Usage)?;
    folder::reserve(&args.out, config.task.sources(), args.force).blame(Kind::Usage)?;
    config.run.threads = start_threads(config.run.threads)?;
    let data = T::Data::load(&config, &args.out).context(
        "the data cannot be used; a run's folders are as seen from where it was started, --data names others",
    )?;
    data.say()?;
    if args.data.is_empty() && data.fingerprint() != parent.identity.data_fingerprint {
        let message = format!(
            "the pictures have changed since {} was trained; --data names those to quantise on, and may name these",
            args.run.display()
        );
        return Err(failure(Kind::Data, message));
    }
    let command = format!("{}\n{}", parent.identity.command, command());
    quantize(&parent, config, &data, &args.out, command)
}
