//! A training run from its configuration to its report.

use super::init::{self, Source, TransferReport};
use super::quantize;
use super::run_to_end::{check_batch, train_to_end};
use super::trainer::{End, Trainer, ended};
use crate::device::Engine;
use crate::failure::{Blame, Kind, failure};
use crate::files;
use crate::nets::weights::Weights;
use crate::nets::{Net, Node};
use crate::output::say;
use crate::run::checkpoint::{self, Identity, StateOf, TrainingState};
use crate::run::command_line::{command, commands, quoted_path};
use crate::run::config::{Config, TaskConfig, check_unchanged};
use crate::run::folder;
use crate::task::{Data, ReportingTask, Task};
use crate::threads::start_threads;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::ExitCode;

/// What a command requests of a training run, besides its configuration.
pub struct TrainRequest {
    /// Its folder.
    pub run: PathBuf,
    /// Whether the folder holds the run already, and it goes on.
    pub resume: bool,
    /// Whether it goes on for longer than it was to, or with data that have moved.
    pub longer: bool,
    /// Another run or model to start from.
    pub init: Option<Source>,
    /// What to start from without one, where it fits.
    pub default_start: Option<Source>,
    /// Whether the learning rate was requested explicitly.
    pub learning_rate_given: bool,
    /// Whether a run that is there is overwritten.
    pub force: bool,
    /// Whether the finished run is quantised.
    pub quantize: bool,
    /// Whether this batch size was requested explicitly.
    pub batch_size_given: bool,
    /// Whom impossible values are blamed on: a file, or flags.
    pub said_in: Kind,
}

/// Trains a run to its end.
///
/// # Errors
/// Impossible configuration, unusable data, a diverging loss, or files that cannot be written.
pub fn train<T: ReportingTask>(request: &TrainRequest, mut config: Config<T::Config>) -> Result<ExitCode> {
    let TrainRequest { run, said_in, .. } = request;
    config.check().blame(*said_in)?;
    reserve_folders(request, &config).blame(Kind::Usage)?;
    let engine = Engine::open(config.run.device, config.run.operators)?;
    config.task.note_files()?;
    // The number itself is kept with the run: on another machine "all cores" would round sums differently.
    config.run.threads = start_threads(config.run.threads)?;
    let data = T::Data::load(&config, run).with_context(|| match request.resume {
        true => format!(
            "folders in {} are as seen from where the run was started; --data DIR says where they are now",
            run.join("config.toml").display()
        ),
        false => "the data cannot be used".into(),
    })?;
    data.say()?;
    fit_batch::<T>(&mut config, &data, request.batch_size_given)?;
    let net = config.build_net(data.labels().len()).blame(*said_in)?;
    let start = start(request, &config, &net)?;
    if start.is_some() && !request.learning_rate_given {
        config.run.optimizer.learning_rate = FINE_TUNING_RATE;
        say!("learning rate {FINE_TUNING_RATE}, so that what is known is kept (--learning-rate)")?;
    }
    let now = Identity {
        labels: data.labels(),
        data_fingerprint: data.fingerprint().to_owned(),
        command: commands(request.init.as_ref().map(|source| &*source.path))?,
        config: Some(config.to_toml()?),
    };

    let (state, identity, taken) = if request.resume {
        let (state, identity) = resumed::<T>(request, &config, &now)?;
        (state, identity, None)
    } else {
        let (weights, taken) = first_weights::<T>(request, &config, &net, start, &now.labels)?;
        folder::begin(run, &config.to_toml()?)?;
        (TrainingState::start(weights, config.run.ema > 0.0), now, taken)
    };
    let mut trainer = Trainer::<T>::new(config, net, &data, engine, run, identity, state);
    if let Some(taken) = taken {
        trainer.initialise_from(&taken)?;
    }
    let code = train_to_end(trainer, run, &data)?;
    if !request.quantize {
        return Ok(code);
    }
    if code == ExitCode::SUCCESS {
        return quantize::follow::<T>(run, &run.join("quantized"), &data, request.force);
    }
    say!("say --quantize again then, or quantise the run afterwards: host-trainer quantize {}", quoted_path(run))?;
    Ok(code)
}

/// Refuses to overwrite anything by accident.
fn reserve_folders<C: TaskConfig>(request: &TrainRequest, config: &Config<C>) -> Result<()> {
    let run = &request.run;
    if !request.resume {
        if let Some(from) = &request.init {
            folder::refuse_overwriting_source(&from.path, run)?;
        }
        folder::reserve(run, config.task.sources(), request.force)?;
    }
    if request.quantize { folder::reserve(&run.join("quantized"), &[], request.force) } else { Ok(()) }
}

/// Few pictures get small batches, unless a size was requested.
fn fit_batch<T: Task>(config: &mut Config<T::Config>, data: &T::Data, asked: bool) -> Result<()> {
    let Some(pictures) = data.examples().filter(|&pictures| pictures < config.run.batch_size) else { return Ok(()) };
    if asked || pictures < 4 {
        return check_batch::<T>(config, data);
    }
    // At least two steps an epoch.
    config.run.batch_size = pictures / 2;
    say!("few pictures: batches of {} (--batch-size)", config.run.batch_size)
}

/// A saved run's state; refused where data or configuration are no longer those it was started with.
fn resumed<T: Task>(
    request: &TrainRequest,
    config: &Config<T::Config>,
    now: &Identity,
) -> Result<(StateOf<T>, Identity)> {
    let run = &request.run;
    let (state, mut identity) = checkpoint::load::<T>(run, &config.task)?;
    identity.check_same_data(now, run).blame(Kind::Data)?;
    if let Some(saved) = &identity.config {
        check_unchanged(config, saved, run).blame(Kind::Config)?;
    }
    if request.longer {
        identity.record_resume(&command());
        files::write_whole(&run.join("config.toml"), config.to_toml()?.as_bytes())?;
    }
    let (shown, done) = (run.display(), state.epochs_done);
    match ended::<T>(&state, config) {
        Some(End::Stopped) => {
            say!("{shown}: stopped early after epoch {done}, as --patience asked; only the report is made anew")?
        }
        Some(_) => {
            say!("{shown}: all {done} epochs are done, only the report is made anew; --epochs N trains on to epoch N")?
        }
        None => say!("going on with {shown} after epoch {done}")?,
    }
    Ok((state, identity))
}

/// The largest learning rate of a run that starts from another model's weights, unless one is requested: that of random weights
/// unlearns in its first epochs what they know.
const FINE_TUNING_RATE: f64 = 2e-4;

/// What a new run starts from: what was named, else the shipped weights where they fit.
fn start<'a, C: TaskConfig>(request: &'a TrainRequest, config: &Config<C>, net: &Net) -> Result<Option<&'a Source>> {
    if request.resume || request.init.is_some() {
        return Ok(request.init.as_ref());
    }
    let Some(shipped) = &request.default_start else { return Ok(None) };
    if !shipped.fits(net, &config.input()) {
        say!("starting from random weights: the net or its input is another than the shipped model's")?;
        return Ok(None);
    }
    say!("starting from the shipped weights (--from-scratch starts from random ones)")?;
    Ok(Some(shipped))
}

/// A new run's first weights: random ones, or another model's where they fit.
fn first_weights<T: Task>(
    request: &TrainRequest,
    config: &Config<T::Config>,
    net: &Net,
    start: Option<&Source>,
    labels: &[String],
) -> Result<(Weights, Option<TransferReport>)> {
    let refuse = |message: String| Err(failure(request.said_in, message));
    let frozen = config.run.freeze;
    if frozen >= net.stages() {
        let stages = net.stages();
        return refuse(format!("--freeze {frozen} leaves nothing to train: the net has {stages} stages"));
    }
    let mut weights = T::initial_weights(net, config.run.seed);
    let Some(source) = start else {
        if frozen > 0 {
            return refuse(
                "--freeze keeps weights that --init brings; without it the frozen layers would stay random".into(),
            );
        }
        return Ok((weights, None));
    };
    let taken = init::initialise(net, &mut weights, source, labels)?;
    let random = |node: &&Node| node.stage <= frozen && taken.fresh.contains(&node.name);
    if let Some(node) = net.nodes.iter().find(random) {
        return refuse(format!(
            "--freeze {frozen} would keep {} random: {} does not have it",
            node.name,
            source.path.display()
        ));
    }
    Ok((weights, Some(taken)))
}
