//! `train` and `export`, from arguments to files.

use super::quantize;
use crate::cli::{ExportArgs, TrainArgs};
use crate::device::Engine;
use crate::emotion::dataset::{DataSource, DataSpec, Dataset, Storage};
use crate::export::{self, Request};
use crate::failure::{Blame, INTERRUPTED, Kind, failure};
use crate::nets::Node;
use crate::nets::summary::summary;
use crate::nets::weights::Weights;
use crate::output::say;
use crate::run::checkpoint::{self, Identity};
use crate::run::config::Config;
use crate::train::init;
use crate::train::{self, End, Trainer};
use crate::{face, files, report};
use anyhow::{Context, Result, bail, ensure};
use emotion_models::Task;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Trains a new run, or goes on with one.
///
/// # Errors
/// Impossible configuration, unusable data, a diverging loss, or files that cannot be written.
pub fn train(args: &TrainArgs) -> Result<ExitCode> {
    crate::output::outlive_readers();
    if args.task() == Task::Face {
        return face::train(args);
    }
    let mut config = match &args.resume {
        Some(run) => {
            let path = run.join("config.toml");
            if !path.exists() {
                let message = format!("nothing to resume: {} has no config.toml", run.display());
                return Err(failure(Kind::Model, message));
            }
            Config::read(&path, None)?
        }
        None => args.configuration()?,
    };
    if args.resume.is_some() {
        config.threads = args.threads.unwrap_or(config.threads);
        config.device = args.device.unwrap_or(config.device);
        config.operators = args.operators.unwrap_or(config.operators);
        config.data.cache = args.cache.unwrap_or(config.data.cache);
        config.epochs = args.epochs.unwrap_or(config.epochs);
    }
    let said_in = if args.config.is_some() || args.resume.is_some() { Kind::Config } else { Kind::Usage };
    config.check_net().blame(said_in)?;
    let other = args.init.as_deref().map(|from| init::open(from, Task::Emotion)).transpose()?;
    if args.summary {
        let labels = labels_for_summary(&config)?;
        let net = config.build_net(labels).blame(said_in)?;
        say!("{}", summary(&net).trim_end())?;
        if args.out.is_none() && args.resume.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    config.check().blame(said_in)?;
    config.augment.check().map_err(anyhow::Error::msg).blame(said_in)?;
    let run = args.resume.as_deref().or(args.out.as_deref());
    let run = run.context("name a run folder with --out RUN").blame(Kind::Usage)?;
    if args.resume.is_none() {
        if let Some(from) = &args.init {
            keep_parent(from, run).blame(Kind::Usage)?;
        }
        claim(run, &config, args.force).blame(Kind::Usage)?;
    }
    if args.quantize && !args.force {
        refuse_to_overwrite(&run.join("quantized")).blame(Kind::Usage)?;
    }
    let engine = Engine::open(config.device, config.operators)?;
    // The number itself is kept with the run: on another machine "all cores" would round sums differently.
    config.threads = start_threads(config.threads)?;

    let data = load(&config, run).with_context(|| match &args.resume {
        Some(run) => {
            format!("folders in {} are as seen from where the run was started", run.join("config.toml").display())
        }
        None => "the data cannot be used".into(),
    })?;
    fit_batch(args, &mut config, &data)?;
    let net = config.build_net(data.labels.len()).blame(said_in)?;
    if config.freeze >= net.stages() {
        let (freeze, stages) = (config.freeze, net.stages());
        let message = format!("--freeze {freeze} leaves nothing to train: the net has {stages} stages");
        return Err(failure(said_in, message));
    }
    let now = Identity {
        labels: data.labels.clone(),
        data_fingerprint: data.fingerprint.clone(),
        command: commands(args)?,
        config: Some(config.to_toml()?),
    };
    let mut taken = None;
    let (state, identity) = if args.resume.is_some() {
        let (state, mut identity) = checkpoint::load(run)?;
        train::check_identity(&identity, &now, run).blame(Kind::Data)?;
        check_configuration(&config, &identity, run).blame(Kind::Config)?;
        if args.epochs.is_some() {
            identity.prolong(&command());
            files::write_whole(&run.join("config.toml"), config.to_toml()?.as_bytes())?;
        }
        say_where(run, &state, &config)?;
        (state, identity)
    } else {
        let mut weights = Weights::initial(&net, config.seed);
        if config.freeze > 0 && args.init.is_none() {
            let message = "--freeze keeps weights that --init brings; without it the frozen layers would stay random";
            return Err(failure(said_in, message));
        }
        if let Some(other) = &other {
            let layers = init::start_from(&net, &mut weights, other, &data.labels)?;
            let random = |node: &&Node| node.stage <= config.freeze && layers.fresh.contains(&node.name);
            if let Some(node) = net.nodes.iter().find(random) {
                let (freeze, name) = (config.freeze, &node.name);
                let message =
                    format!("--freeze {freeze} would keep {name} random: {} does not have it", other.path.display());
                return Err(failure(said_in, message));
            }
            taken = Some(layers);
        }
        remove_former(run)?;
        files::make_folder(run)?;
        files::write_whole(&run.join("config.toml"), config.to_toml()?.as_bytes())?;
        (Trainer::start(&config, weights), now)
    };

    let mut trainer = Trainer::new(config, net, &data, engine, run, identity, state);
    if let Some(taken) = taken {
        trainer.begin_with(&taken)?;
    }
    let code = train_to_end(trainer, run, &data)?;
    match args.quantize {
        true if code == ExitCode::SUCCESS => quantize::follow(run, &run.join("quantized"), &data, args.force),
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

/// A flag that the signals to stop raise; a second one ends the program at once.
///
/// # Errors
/// When the system refuses.
pub(crate) fn interrupted() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED.into(), interrupted.clone())?;
        signal_hook::flag::register(signal, interrupted.clone())?;
    }
    Ok(interrupted)
}

/// Refuses a run folder among the pictures, or, without `force`, one that is in use.
///
/// # Errors
/// Says what is in the way.
pub(crate) fn claim(run: &Path, config: &Config, force: bool) -> Result<()> {
    claim_beside(run, &config.data.sources, force)
}

/// The same for any data folders.
///
/// # Errors
/// Says what is in the way.
pub(crate) fn claim_beside(run: &Path, sources: &[String], force: bool) -> Result<()> {
    refuse_inside_data(run, sources)?;
    ensure!(!run.is_file(), "{} is a file; a run is a folder: name another with --out", run.display());
    if force { Ok(()) } else { refuse_to_overwrite(run) }
}

/// What is made from a run never takes its place, not even by force.
///
/// # Errors
/// Says that `out` is `run`.
pub(crate) fn keep_parent(run: &Path, out: &Path) -> Result<()> {
    ensure!(
        files::settled(run) != files::settled(out),
        "{} is the run that the new one is made from, and would be lost; name another folder with --out",
        out.display()
    );
    Ok(())
}

/// A new run neither replaces one that learned something nor settles among other files.
fn refuse_to_overwrite(run: &Path) -> Result<()> {
    if checkpoint::last(run).exists() || checkpoint::best(run).exists() {
        bail!("{} already holds a run; go on with --resume {0}, or overwrite it with --force", run.display());
    }
    let empty = std::fs::read_dir(run).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        empty || run.join("config.toml").exists(),
        "{} holds other files; name another folder with --out, or write among them with --force",
        run.display()
    );
    Ok(())
}

/// Few pictures get small batches, where nobody asked for a size.
fn fit_batch(args: &TrainArgs, config: &mut Config, data: &Dataset) -> Result<()> {
    let pictures = data.train.order().len();
    if pictures >= config.batch_size {
        return Ok(());
    }
    let asked = args.batch_size.is_some() || args.config.is_some() || args.resume.is_some();
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

/// A run among the pictures would become one of their labels.
fn refuse_inside_data(run: &Path, sources: &[String]) -> Result<()> {
    for source in sources {
        let source: DataSource = source.parse()?;
        let inside = ["train", "val", "test"].map(|part| files::settled(&source.path.join(part)));
        ensure!(
            !inside.iter().any(|part| files::settled(run).starts_with(part)),
            "{} lies among the pictures of {}; name another folder with --out",
            run.display(),
            source.path.display()
        );
    }
    Ok(())
}

/// Starts as many threads as asked for, or one for each core where that is 0; answers with their number.
///
/// # Errors
/// When the system refuses.
pub fn start_threads(asked: usize) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let threads = if asked == 0 { cores } else { asked };
    if threads > MANY * cores {
        eprintln!("warning: {threads} threads share {cores} cores and will mostly wait for each other");
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")?;
    Ok(threads)
}

/// Threads for each core from which on they hinder each other: with 16 on two cores nothing was lost, with 1000 all.
const MANY: usize = 8;

/// Half a run with one configuration and half with another is nobody's run. More epochs are welcome, other threads and devices
/// too.
fn check_configuration(now: &Config, saved: &Identity, run: &Path) -> Result<()> {
    let Some(text) = &saved.config else { return Ok(()) };
    let mut then: Config = toml::from_str(text).context("the configuration in the checkpoint is damaged")?;
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
fn say_where(run: &Path, state: &checkpoint::State, config: &Config) -> Result<()> {
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

/// With --force: what a former run left would otherwise be resumed or exported under the new configuration.
pub(crate) fn remove_former(run: &Path) -> Result<()> {
    for name in ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "history.csv", "evaluations.csv"] {
        let path = run.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("cannot remove {} of the former run: {error}", path.display());
                return Err(failure(Kind::Output, message));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Exports a run's best epoch.
///
/// # Errors
/// Whatever [`export::export`] refuses.
pub fn export(args: &ExportArgs) -> Result<ExitCode> {
    if !args.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        let message = format!("--out {} must end in .onnx; the card goes beside it as .md", args.out.display());
        return Err(failure(Kind::Usage, message));
    }
    let from_one = |n: &usize| n.checked_sub(1).context("--calibrate-on counts from 1").blame(Kind::Usage);
    let calibrate_on = args.calibrate_on.iter().map(from_one);
    let request = Request {
        run: args.run.clone(),
        out: args.out.clone(),
        labels: args.labels.clone(),
        calibrate_on: calibrate_on.collect::<Result<_>>()?,
        crop_margin: args.crop_margin,
        name: args.name.clone(),
        note: args.note.clone(),
    };
    if face::task_of(&request.run.join("config.toml")) == Task::Face {
        return face::export::run(&request);
    }
    let (card, measured) = export::export(&request)?;
    say!("{}: {}", args.out.display(), card.labels.join(", "))?;
    let thresholds = card.labels.iter().zip(&card.thresholds).map(|(label, threshold)| format!("{label} {threshold}"));
    say!("temperature {}; thresholds {}", card.temperature, thresholds.collect::<Vec<_>>().join(", "))?;
    say!("crops are larger than the face by {:.0} %", 100.0 * card.crop_margin)?;
    for one in &measured {
        let scores = &one.scores;
        say!(
            "{} {}: accuracy {:.3} ({:.3} to {:.3}), macro F1 {:.3}, ECE {:.3} (95th percentile if calibrated {:.3}), {} pictures",
            one.source,
            one.part,
            scores.accuracy,
            scores.interval95.0,
            scores.interval95.1,
            scores.macro_f1,
            scores.ece,
            scores.ece_p95,
            scores.count
        )?;
    }
    say!("card: {}", args.out.with_extension("md").display())?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a configuration's data and says what it holds.
///
/// # Errors
/// Whatever [`Dataset::load`] refuses.
pub(crate) fn load(config: &Config, run: &Path) -> Result<Dataset> {
    let sources = config.data.sources.iter().map(|source| source.parse()).collect::<Result<_, _>>()?;
    let spec = DataSpec { sources, val_fraction: config.data.val_fraction, seed: config.seed };
    let data = Dataset::load(&spec, &config.input(), &Storage::near(config.data.cache, run), true)?;
    if data.train.store.is_on_disk() {
        say!("{} MiB of decoded pictures are kept on disk", data.train.store.len() >> 20)?;
    }
    for (path, reason) in data.problems.iter().take(10) {
        crate::output::tell!("left out {}: {reason}", path.display());
    }
    if data.problems.len() > 10 {
        crate::output::tell!("left out {} more; host-trainer audit lists them", data.problems.len() - 10);
    }
    for summary in &data.sources {
        let count = |counts: &[usize]| counts.iter().sum::<usize>();
        say!(
            "{}: {} labels, {} training, {} validation, {} test pictures; {} test pictures have a near-copy in training or validation",
            summary.source,
            summary.labels.len(),
            count(&summary.train),
            count(&summary.val),
            count(&summary.test),
            summary.copies.test_in_train + summary.copies.test_in_val
        )?;
    }
    Ok(data)
}

/// Labels for `--summary`: the data's where it is given, else the three moods.
fn labels_for_summary(config: &Config) -> Result<usize> {
    let mut labels = std::collections::BTreeSet::new();
    for source in &config.data.sources {
        let source: DataSource = source.parse()?;
        let parts = crate::emotion::dataset::scan::label_folders(&source.path.join("train"))?;
        labels.extend(parts.into_keys());
    }
    Ok(if labels.is_empty() { emotion_models::TEST_CARD_LABELS.len() } else { labels.len() })
}

/// The commands that made the run: those of the run it starts from, then its own.
pub(crate) fn commands(args: &TrainArgs) -> Result<String> {
    match args.init.as_deref().filter(|from| from.is_dir()) {
        Some(from) => Ok(format!("{}\n{}", checkpoint::load_best(from)?.1.command, command())),
        None => Ok(command()),
    }
}

/// The command line as it can be typed again, with the program's plain name.
pub(crate) fn command() -> String {
    let words = std::env::args().skip(1).map(|word| quoted(&plain_path(&word)));
    std::iter::once("host-trainer".to_string()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Folders outside the working folder are named by their last part: cards should not tell where somebody's files lie.
fn plain_path(word: &str) -> String {
    match Path::new(word).file_name() {
        Some(name) if Path::new(word).is_absolute() => name.to_string_lossy().into_owned(),
        _ => word.to_string(),
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./,:+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
