//! `quantize`: from a float run to one whose convolutions compute in 8-bit integers.

use crate::device::{DeviceName, Engine, OperatorSet};
use crate::emotion::data;
use crate::emotion::dataset::{Cache, Dataset};
use crate::face;
use crate::failure::{Blame, Kind, failure};
use crate::files;
use crate::nets::weights::Weights;
use crate::output::say;
use crate::run::checkpoint::{self, Identity};
use crate::run::command_line;
use crate::run::config::{Config, Quantization};
use crate::run::finished::Run;
use crate::run::folder::{refuse_overwriting_source, remove_former, reserve};
use crate::threads::start_threads;
use crate::train::Trainer;
use crate::train::schedule::Schedule;
use crate::train::session::{check_batch, train_to_end};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use emotion_models::Task;
use std::path::{Path, PathBuf};
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
    /// Other pictures than the float run's: folder with train/LABEL/*; may be given several times, DIR*4 repeats a small set.
    #[arg(long, value_name = "DIR[*N]")]
    pub data: Vec<String>,
    /// Overwrite a run folder that is there.
    #[arg(long)]
    pub force: bool,
    /// Where the computation runs; cuda and wgpu need a program built with --features cuda or wgpu.
    #[arg(long, value_enum)]
    pub device: Option<DeviceName>,
    /// Convolution, normalisation and pooling: our own, or burn's as a reference.
    #[arg(long, value_enum)]
    pub operators: Option<OperatorSet>,
    /// Where decoded pictures are kept.
    #[arg(long, value_enum)]
    pub cache: Option<Cache>,
    /// Threads; 0, the default, takes all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
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
pub fn run(args: &QuantizeArgs) -> Result<ExitCode> {
    crate::output::outlive_readers();
    refuse_overwriting_source(&args.run, &args.out).blame(Kind::Usage)?;
    if face::task_of(&args.run.join("config.toml")) == Task::Face {
        return face::quantize::run(args);
    }
    let mut parent = open(&args.run)?;
    if args.weights == WeightsOf::Last {
        let (state, identity) = checkpoint::load(&args.run)?;
        (parent.weights, parent.identity) = (state.average.unwrap_or(state.weights), identity);
    }
    let mut config = configuration(&parent.config);
    if !args.data.is_empty() {
        config.data.sources.clone_from(&args.data);
    }
    config.epochs = args.epochs.unwrap_or(config.epochs);
    config.optimizer.learning_rate = args.learning_rate.unwrap_or(config.optimizer.learning_rate);
    config.device = args.device.unwrap_or(config.device);
    config.operators = args.operators.unwrap_or(config.operators);
    config.data.cache = args.cache.unwrap_or(config.data.cache);
    config.threads = args.threads.unwrap_or(0);
    if let Some(quantization) = &mut config.quantize {
        quantization.freeze_ranges_after = args.freeze_ranges_after.unwrap_or(quantization.freeze_ranges_after);
        quantization.calibration_images = args.calibration_images.unwrap_or(quantization.calibration_images);
    }
    config.check().blame(Kind::Usage)?;
    reserve(&args.out, &config, args.force).blame(Kind::Usage)?;
    config.threads = start_threads(config.threads)?;
    let data = data::load(&config, &args.out).context(
        "the data cannot be used; a run's folders are as seen from where it was started, --data names others",
    )?;
    if args.data.is_empty() && data.fingerprint != parent.identity.data_fingerprint {
        let message = format!(
            "the pictures have changed since {} was trained; --data names those to quantise on, and may name these",
            args.run.display()
        );
        return Err(failure(Kind::Data, message));
    }
    let command = format!("{}\n{}", parent.identity.command, command_line::command());
    train(&parent, config, &data, &args.out, command)
}

/// Quantises the float run that a command has just finished, with the settings that suit most.
///
/// # Errors
/// As [`run`].
pub fn follow(run: &Path, out: &Path, data: &Dataset, force: bool) -> Result<ExitCode> {
    let parent = open(run)?;
    let config = configuration(&parent.config);
    reserve(out, &config, force).blame(Kind::Usage)?;
    say!("quantising {} into {}", run.display(), out.display())?;
    let command = parent.identity.command.clone();
    train(&parent, config, data, out, command)
}

fn open(run: &Path) -> Result<Run> {
    let parent = Run::open(run)?;
    if parent.config.quantize.is_some() {
        let message = format!(
            "{} is quantised already; name the float run that it was made from, or train it on with: host-trainer train --resume {0} --epochs N",
            run.display()
        );
        return Err(failure(Kind::Usage, message));
    }
    Ok(parent)
}

/// Training goes on at a fraction of the float run's learning rate (Krishnamoorthi 2018, section 3.2): the weights are to
/// settle on the grid's values near them, not to learn anew.
fn configuration(float: &Config) -> Config {
    let mut config = float.clone();
    config.quantize = Some(Quantization::default());
    config.epochs = EPOCHS;
    config.optimizer.learning_rate *= LEARNING_RATE;
    config.schedule = Schedule::Cosine { warmup_epochs: WARM_UP };
    (config.freeze, config.patience) = (0, 0);
    config
}

/// Epochs of a bare `quantize`.
pub(crate) const EPOCHS: usize = 3;
/// Its largest learning rate, as a share of the float run's.
pub(crate) const LEARNING_RATE: f64 = 0.1;
/// Epochs in which the learning rate rises, and the optimizer's moments find their size.
pub(crate) const WARM_UP: f64 = 0.1;

fn train(parent: &Run, config: Config, data: &Dataset, out: &Path, command: String) -> Result<ExitCode> {
    if data.labels != parent.identity.labels {
        let (labels, theirs) = (parent.identity.labels.join(", "), data.labels.join(", "));
        let run = parent.folder.display();
        return Err(failure(Kind::Data, format!("{run} knows the labels {labels}; the pictures bear {theirs}")));
    }
    check_batch(&config, data)?;
    let engine = Engine::open(config.device, config.operators)?;
    let net = config.build_net(data.labels.len()).blame(Kind::Model)?;
    let mut weights = Weights::initial(&net, config.seed);
    weights.0.extend(parent.weights.0.clone());
    let identity = Identity {
        labels: data.labels.clone(),
        data_fingerprint: data.fingerprint.clone(),
        command,
        config: Some(config.to_toml()?),
    };
    remove_former(out)?;
    files::make_folder(out)?;
    files::write_whole(&out.join("config.toml"), config.to_toml()?.as_bytes())?;
    let state = Trainer::start(&config, weights);
    train_to_end(Trainer::new(config, net, data, engine, out, identity, state), out, data)
}

#[cfg(test)]
mod tests;
