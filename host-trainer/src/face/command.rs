//! `train --task face` and `quantize` of a face run, from arguments to files.

use super::checkpoint;
use super::config::FaceConfig;
use super::data::{Data, say_data};
use super::trainer::Trainer;
use crate::commands::train::TrainArgs;
use crate::device::Engine;
use crate::failure::{Blame, INTERRUPTED, Kind, failure};
use crate::files;
use crate::interrupt::interrupted;
use crate::nets::summary::summary;
use crate::output::say;
use crate::run::checkpoint::Identity;
use crate::run::command_line::{command, commands, quoted_path};
use crate::run::folder::{refuse_overwriting_source, remove_former, reserve_beside};
use crate::run::old_keys::renamed;
use crate::threads::start_threads;
use crate::train::End;
use crate::train::init;
use anyhow::{Context, Result, ensure};
use emotion_models::{FACE_LABEL, Task};
use std::path::Path;
use std::process::ExitCode;

/// Trains a new face run, or goes on with one.
///
/// # Errors
/// Impossible configuration, unusable data, a diverging loss, or files that cannot be written.
pub fn train(args: &TrainArgs) -> Result<ExitCode> {
    refuse_flags_of_emotions(args)?;
    let mut config = match &args.resume {
        Some(run) => FaceConfig::read(&run.join("config.toml"))?,
        None => args.face_configuration()?,
    };
    if args.resume.is_some() {
        config.threads = args.threads.unwrap_or(config.threads);
        config.device = args.device.unwrap_or(config.device);
        config.operators = args.operators.unwrap_or(config.operators);
        config.epochs = args.epochs.unwrap_or(config.epochs);
    }
    let said_in = if args.config.is_some() || args.resume.is_some() { Kind::Config } else { Kind::Usage };
    config.check_net().blame(said_in)?;
    let other = args.init.as_deref().map(|from| init::open(from, Task::Face)).transpose()?;
    if args.summary {
        say!("{}", summary(&config.build_net()).trim_end())?;
        if args.out.is_none() && args.resume.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    config.check().blame(said_in)?;
    let run = args.resume.as_deref().or(args.out.as_deref());
    let run = run.context("name a run folder with --out RUN").blame(Kind::Usage)?;
    if args.resume.is_none() {
        if let Some(from) = &args.init {
            refuse_overwriting_source(from, run).blame(Kind::Usage)?;
        }
        reserve_beside(run, &config.data.photos, args.force).blame(Kind::Usage)?;
    }
    let quantized = run.join("quantized");
    if args.quantize && !args.force {
        reserve_beside(&quantized, &[], false).blame(Kind::Usage)?;
    }
    let engine = Engine::open(config.device, config.operators)?;
    config.threads = start_threads(config.threads)?;
    let data = Data::load(&config)?;
    say_data(&data)?;
    let now = Identity {
        labels: vec![FACE_LABEL.into()],
        data_fingerprint: data.fingerprint.clone(),
        command: commands(args.init.as_deref())?,
        config: Some(config.to_toml()?),
    };
    let mut taken = None;
    let (state, identity) = if args.resume.is_some() {
        let (state, mut identity) = checkpoint::load(run)?;
        crate::train::check_identity(&identity, &now, run).blame(Kind::Data)?;
        check_configuration(&config, &identity, run).blame(Kind::Config)?;
        if args.epochs.is_some() {
            identity.record_resume(&command());
        }
        files::write_whole(&run.join("config.toml"), config.to_toml()?.as_bytes())?;
        say!("going on with {} after epoch {}", run.display(), state.done.0)?;
        (state, identity)
    } else {
        let net = config.build_net();
        let mut state = Trainer::start(&config, &net);
        if let Some(other) = &other {
            taken = Some(init::initialise(&net, &mut state.weights, other, &now.labels)?);
        }
        begin(run, &config)?;
        (state, now)
    };
    let mut trainer = Trainer::new(config, data.train.clone(), data.val.clone(), engine, run, identity, state);
    if let Some(taken) = taken {
        trainer.initialise_from(&taken)?;
    }
    let code = to_the_end(trainer, run, &data)?;
    match args.quantize {
        true if code == ExitCode::SUCCESS => super::quantize::follow(run, &quantized, &data, args.force),
        true => {
            say!(
                "say --quantize again then, or quantise the run afterwards: host-trainer quantize {}",
                quoted_path(run)
            )?;
            Ok(code)
        }
        false => Ok(code),
    }
}

/// Makes a run's folder.
///
/// # Errors
/// When it cannot be written.
pub fn begin(run: &Path, config: &FaceConfig) -> Result<()> {
    remove_former(run)?;
    files::make_folder(run)?;
    Ok(files::write_whole(&run.join("config.toml"), config.to_toml()?.as_bytes())?)
}

/// Trains until the end or a signal, reports on the run, and says what to do next.
///
/// # Errors
/// A diverging loss, or files that cannot be written.
pub fn to_the_end(mut trainer: Trainer, run: &Path, data: &Data) -> Result<ExitCode> {
    let interrupted = interrupted()?;
    if trainer.train(&interrupted)? == End::Interrupted {
        say!("interrupted; saved. Go on with: host-trainer train --resume {}", quoted_path(run))?;
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if let Some((epoch, figure)) = trainer.state.best() {
        match epoch {
            0 => say!("best as it was before any epoch (validation average precision {figure:.4})")?,
            _ => say!("best epoch {epoch} (validation average precision {figure:.4})")?,
        }
    }
    super::report::of_run(run, data)?;
    say!("report: {}", run.join("report.html").display())?;
    say!("next: host-trainer export {} --out MODEL.onnx", quoted_path(run))?;
    Ok(ExitCode::SUCCESS)
}

/// Half a run with one configuration and half with another is nobody's run. More epochs are welcome, other threads and devices too.
fn check_configuration(now: &FaceConfig, saved: &Identity, run: &Path) -> Result<()> {
    let Some(text) = &saved.config else { return Ok(()) };
    let mut then: FaceConfig =
        toml::from_str(&renamed(text)).context("the configuration in the checkpoint is damaged")?;
    (then.epochs, then.threads) = (now.epochs, now.threads);
    (then.device, then.operators) = (now.device, now.operators);
    ensure!(
        then == *now,
        "{} has changed since the run was started; undo that, or start a new run with --out",
        run.join("config.toml").display()
    );
    Ok(())
}

/// Flags that mean nothing to a face net would otherwise be passed over in silence.
fn refuse_flags_of_emotions(args: &TrainArgs) -> Result<()> {
    let given = [
        ("--arch", args.arch.is_some()),
        ("--colour", args.colour.is_some()),
        ("--label-smoothing", args.label_smoothing.is_some()),
        ("--class-weights", args.class_weights.is_some()),
        ("--l2", args.l2.is_some()),
        ("--dropout", args.dropout.is_some()),
        ("--cutmix", args.cutmix.is_some()),
        ("--no-augment", args.no_augment),
        ("--mask-absent", args.mask_absent),
        ("--freeze", args.freeze.is_some()),
        ("--patience", args.patience.is_some()),
        ("--monitor", args.monitor.is_some()),
        ("--cache", args.cache.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            Err(failure(Kind::Usage, format!("{flag} is for emotion nets; a face net has no use for it")))
        }
        None => Ok(()),
    }
}
