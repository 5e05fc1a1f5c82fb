//! `quantize` of a face run.

use super::checkpoint;
use super::command;
use super::config::FaceConfig;
use super::data::{Data, say_data};
use super::trainer::Trainer;
use crate::commands::quantize::{EPOCHS, LEARNING_RATE, QuantizeArgs, WARM_UP, WeightsOf};
use crate::device::Engine;
use crate::failure::{Blame, Kind, failure};
use crate::nets::weights::Weights;
use crate::output::say;
use crate::run::checkpoint::Identity;
use crate::run::command_line;
use crate::run::config::Quantization;
use crate::run::folder::reserve_beside;
use crate::threads::start_threads;
use crate::train::schedule::Schedule;
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

/// Quantises a float face run into a new one.
///
/// # Errors
/// A run that is none or is quantised already, unusable data, a diverging loss, or files that cannot be written.
pub fn run(args: &QuantizeArgs) -> Result<ExitCode> {
    let mut config = configuration(&open(&args.run)?);
    if !args.data.is_empty() {
        config.data.photos.clone_from(&args.data);
        config.data.noisy_boxes =
            args.data.iter().filter(|folder| config.data.has_noisy_boxes(folder)).cloned().collect();
    }
    config.epochs = args.epochs.unwrap_or(config.epochs);
    config.optimizer.learning_rate = args.learning_rate.unwrap_or(config.optimizer.learning_rate);
    config.device = args.device.unwrap_or(config.device);
    config.operators = args.operators.unwrap_or(config.operators);
    config.threads = args.threads.unwrap_or(0);
    if let Some(quantize) = &mut config.quantize {
        quantize.freeze_ranges_after = args.freeze_ranges_after.unwrap_or(quantize.freeze_ranges_after);
        quantize.calibration_images = args.calibration_images.unwrap_or(quantize.calibration_images);
    }
    config.check().blame(Kind::Usage)?;
    reserve_beside(&args.out, &config.data.photos, args.force).blame(Kind::Usage)?;
    config.threads = start_threads(config.threads)?;
    let data = Data::load(&config)?;
    let (weights, parent) = weights(&args.run, args.weights)?;
    if args.data.is_empty() && data.fingerprint != parent.data_fingerprint {
        let run = args.run.display();
        let message = format!(
            "the photos have changed since {run} was trained; --data names those to quantise on, and may name these"
        );
        return Err(failure(Kind::Data, message));
    }
    say_data(&data)?;
    let told = format!("{}\n{}", parent.command, command_line::command());
    train(weights, Identity { command: told, ..parent }, config, &data, &args.out)
}

/// Quantises the float run that a command has just finished, with the settings that suit most.
///
/// # Errors
/// As [`run`].
pub fn follow(run: &Path, out: &Path, data: &Data, force: bool) -> Result<ExitCode> {
    let config = configuration(&open(run)?);
    reserve_beside(out, &[], force).blame(Kind::Usage)?;
    say!("quantising {} into {}", run.display(), out.display())?;
    let (weights, parent) = weights(run, WeightsOf::Best)?;
    train(weights, parent, config, data, out)
}

fn open(run: &Path) -> Result<FaceConfig> {
    let config = FaceConfig::read(&run.join("config.toml"))?;
    if config.quantize.is_some() {
        let run = run.display();
        let message = format!(
            "{run} is quantised already; name the float run that it was made from, or train it on with: host-trainer train --resume {run} --epochs N"
        );
        return Err(failure(Kind::Usage, message));
    }
    Ok(config)
}

/// As for emotion runs: a few epochs at a fraction of the float run's learning rate.
fn configuration(float: &FaceConfig) -> FaceConfig {
    let mut config = float.clone();
    config.quantize = Some(Quantization::default());
    config.epochs = EPOCHS;
    config.optimizer.learning_rate *= LEARNING_RATE;
    config.schedule = Schedule::Cosine { warmup_epochs: WARM_UP };
    config
}

fn weights(run: &Path, of: WeightsOf) -> Result<(Weights, Identity)> {
    match of {
        WeightsOf::Best => checkpoint::load_best(run),
        WeightsOf::Last => {
            checkpoint::load(run).map(|(last, identity)| (last.average.unwrap_or(last.weights), identity))
        }
    }
}

fn train(weights: Weights, parent: Identity, config: FaceConfig, data: &Data, out: &Path) -> Result<ExitCode> {
    let engine = Engine::open(config.device, config.operators)?;
    let mut state = Trainer::start(&config, &config.build_net());
    for own in [Some(&mut state.weights), state.average.as_mut()].into_iter().flatten() {
        own.0.extend(weights.0.clone());
    }
    let identity = Identity { config: Some(config.to_toml()?), data_fingerprint: data.fingerprint.clone(), ..parent };
    command::begin(out, &config)?;
    let trainer = Trainer::new(config, data.train.clone(), data.val.clone(), engine, out, identity, state);
    command::to_the_end(trainer, out, data)
}
