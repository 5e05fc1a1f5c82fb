//! `bench-train`: how fast a net trains here, and where a step's time goes.

use crate::device::{DeviceName, Engine, OperatorSet};
use crate::emotion::EmotionTask;
use crate::emotion::batches::SoftLabels;
use crate::emotion::dataset::{Dataset, Item, Split};
use crate::emotion::options::EmotionConfig;
use crate::failure::{Blame, Kind, failure};
use crate::nets::Architecture;
use crate::nets::weights::Weights;
use crate::operators::timing::{self, Part};
use crate::output::say;
use crate::progress::Progress;
use crate::random::{Purpose, stream};
use crate::run::checkpoint::{Identity, TrainingState};
use crate::run::config::Config;
use crate::task::Data;
use crate::train::prefetch::{Batch, MakeBatch, prefetch};
use crate::train::stopwatch::Stage;
use crate::train::trainer::Trainer;
use anyhow::Result;
use clap::Args;
use rand::Rng;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Labels of the made-up pictures, as many as `fer7` has.
const LABELS: usize = 7;
/// Steps before the stopwatch counts: buffers grow and caches fill.
const WARM_UP: usize = 3;

/// Most bytes of a batch's pictures; a step takes some hundred times as much memory.
const MAX_BYTES: usize = 1 << 28;

/// Arguments of `bench-train`.
#[derive(Debug, Args)]
pub struct BenchTrainArgs {
    /// Network.
    #[arg(long, value_enum, default_value_t = Architecture::Compact)]
    pub arch: Architecture,
    /// Pictures per step; several sizes, separated by commas, are measured one after another.
    #[arg(long, value_delimiter = ',', default_values_t = [32, 128], value_name = "N,...")]
    pub batch_size: Vec<usize>,
    /// Steps to measure for each batch size.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub steps: usize,
    /// Threads; 0 takes all cores.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Where the computation runs.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceName,
    /// Which convolution, normalisation and pooling.
    #[arg(long, value_enum, default_value_t)]
    pub operators: OperatorSet,
    /// Also run a whole epoch of this data, decoded, augmented and mixed as in training, against as many bare steps.
    #[arg(long, value_name = "DIR[*N]")]
    pub data: Vec<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// What was measured for one batch size.
#[derive(Debug, Serialize)]
struct BenchResult {
    arch: &'static str,
    device: DeviceName,
    operators: OperatorSet,
    batch_size: usize,
    threads: usize,
    steps: usize,
    /// Batch size over the median step.
    images_per_second: f64,
    step_ms_p50: f64,
    step_ms_min: f64,
    /// Mean milliseconds a step spends in each stage.
    stages_ms: BTreeMap<&'static str, f64>,
    /// Mean milliseconds a step spends in each of our own operators.
    operators_ms: BTreeMap<&'static str, f64>,
    /// Largest resident memory of the process so far, MiB: of several batch sizes only the first has its own.
    #[serde(rename = "peak_memory_so_far_mib")]
    peak_memory_mib: Option<f64>,
    epoch: Option<EpochMeasured>,
}

/// A whole epoch against bare steps.
#[derive(Debug, Serialize)]
struct EpochMeasured {
    steps: usize,
    epoch_seconds: f64,
    bare_seconds: f64,
    ratio: f64,
    /// Mean milliseconds a step waits for its batch.
    waiting_ms: f64,
}

/// Measures and prints.
///
/// # Errors
/// Impossible settings, data that cannot be used, or a device that is not there.
pub fn run(args: &BenchTrainArgs) -> Result<ExitCode> {
    if args.steps == 0 {
        return Err(failure(Kind::Usage, "--steps must be at least 1"));
    }
    let mut config = Config::of_arch(args.arch);
    (config.run.threads, config.run.device, config.run.operators) = (args.threads, args.device, args.operators);
    config.task.data.sources = if args.data.is_empty() { vec!["made-up".into()] } else { args.data.clone() };
    for &batch_size in &args.batch_size {
        config.run.batch_size = batch_size;
        config.check().blame(Kind::Usage)?;
    }
    let pictures = args.batch_size.iter().max().copied().unwrap_or(0);
    if pictures.saturating_mul(config.input().len()) > MAX_BYTES {
        let (most, side) = (MAX_BYTES / config.input().len(), config.task.size);
        let message = format!("--batch-size {pictures}: of pictures of {side}x{side} it takes at most {most}");
        return Err(failure(Kind::Usage, message));
    }
    crate::threads::start_threads(args.threads)?;
    let data = if args.data.is_empty() { None } else { Some(<Dataset as Data>::load(&config, ".".as_ref())?) };
    if let Some(data) = &data {
        data.say()?;
        let there = data.train.order().len();
        if there < pictures {
            let message =
                format!("{there} training pictures do not fill one batch of {pictures}; try a smaller --batch-size");
            return Err(failure(Kind::Data, message));
        }
    }
    for &batch_size in &args.batch_size {
        config.run.batch_size = batch_size;
        let made_up = made_up(&config);
        let mut trainer = trainer(&config, &made_up)?;
        let mut result = steps(&mut trainer, &config, args)?;
        if let Some(data) = &data {
            result.epoch = Some(epoch(&config, data, !args.json)?);
        }
        result.peak_memory_mib = crate::memory::peak_mib();
        match args.json {
            true => say!("{}", serde_json::to_string(&result)?)?,
            false => print(&result)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Pictures of noise, enough for two batches.
fn made_up(config: &Config<EmotionConfig>) -> Dataset {
    let input = config.input();
    let count = 2 * config.run.batch_size;
    let mut random = stream(Purpose::Augment, 1, 0, 0);
    let items =
        (0..count).map(|index| Item { path: "noise".into(), label: index % LABELS, votes: None, source: 0 }).collect();
    let pixels = (0..count * input.len()).map(|_| random.random()).collect();
    let split = Arc::new(Split::alone(items, pixels, input.len(), vec![1]));
    let labels = (0..LABELS).map(|label| format!("label{label}")).collect();
    let (train, val) = (split.clone(), split);
    Dataset { labels, train, val, test: None, fingerprint: String::new(), problems: vec![], sources: vec![] }
}

/// A run that is never saved.
fn trainer(config: &Config<EmotionConfig>, data: &Dataset) -> Result<Trainer<EmotionTask>> {
    let net = config.build_net(data.labels.len())?;
    let state = TrainingState::start(Weights::initial(&net, config.run.seed), config.run.ema > 0.0);
    let identity = Identity {
        labels: data.labels.clone(),
        data_fingerprint: data.fingerprint.clone(),
        command: String::new(),
        config: None,
    };
    let engine = Engine::open(config.run.device, config.run.operators)?;
    Ok(Trainer::new(config.clone(), net, data, engine, "unsaved".as_ref(), identity, state))
}

/// Steps on one and the same batch: what training costs when pictures cost nothing.
fn steps(
    trainer: &mut Trainer<EmotionTask>,
    config: &Config<EmotionConfig>,
    args: &BenchTrainArgs,
) -> Result<BenchResult> {
    let progress = Progress::new("measuring", WARM_UP + args.steps, !args.json);
    let batch = trainer.batches(0).make(0)?;
    bare(trainer, &batch, WARM_UP, &progress)?;
    trainer.stopwatch_mut().take();
    timing::take();
    let mut times = bare(trainer, &batch, args.steps, &progress)?;
    let mean_ms = |total: Duration| total.as_secs_f64() * 1e3 / args.steps as f64;
    let stages = trainer.stopwatch_mut().take();
    let operators = timing::take();
    drop(progress);
    times.sort_unstable();
    let median = times[times.len() / 2].as_secs_f64();
    Ok(BenchResult {
        arch: config.task.arch.name(),
        device: config.run.device,
        operators: config.run.operators,
        batch_size: config.run.batch_size,
        threads: rayon::current_num_threads(),
        steps: args.steps,
        images_per_second: config.run.batch_size as f64 / median,
        step_ms_p50: median * 1e3,
        step_ms_min: times[0].as_secs_f64() * 1e3,
        stages_ms: Stage::ALL.into_iter().map(|stage| (stage.name(), mean_ms(stages[stage as usize]))).collect(),
        operators_ms: Part::ALL.into_iter().map(|part| (part.name(), mean_ms(operators[part as usize]))).collect(),
        peak_memory_mib: None,
        epoch: None,
    })
}

fn bare(
    trainer: &mut Trainer<EmotionTask>,
    batch: &Batch<SoftLabels>,
    count: usize,
    progress: &Progress,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for step in 0..count {
        let began = Instant::now();
        trainer.stopwatch_mut().start();
        // Learning next to nothing keeps the loss a number, however long this goes on.
        trainer.step(0, step, batch, 1e-6)?;
        times.push(began.elapsed());
        progress.advance();
    }
    Ok(times)
}

/// A whole epoch between two halves of as many bare steps, so that a machine that slows down slows down both.
fn epoch(config: &Config<EmotionConfig>, data: &Dataset, visible: bool) -> Result<EpochMeasured> {
    let mut trainer = trainer(config, data)?;
    let steps = trainer.batches(0).count();
    let progress = Progress::new("epoch and bare steps", 2 * steps, visible);
    let batch = trainer.batches(0).make(0)?;
    bare(&mut trainer, &batch, WARM_UP, &Progress::new("", WARM_UP, false))?;
    let sum = |times: Vec<Duration>| times.iter().sum::<Duration>().as_secs_f64();
    let mut bare_seconds = sum(bare(&mut trainer, &batch, steps / 2, &progress)?);
    trainer.stopwatch_mut().take();
    let began = Instant::now();
    trainer.stopwatch_mut().start();
    for (step, batch) in prefetch(trainer.batches(0), 0).enumerate() {
        trainer.stopwatch_mut().lap(Stage::Wait);
        trainer.step(0, step, &batch?, 1e-6)?;
        progress.advance();
    }
    let epoch_seconds = began.elapsed().as_secs_f64();
    let waiting = trainer.stopwatch_mut().take()[Stage::Wait as usize];
    bare_seconds += sum(bare(&mut trainer, &batch, steps - steps / 2, &progress)?);
    Ok(EpochMeasured {
        steps,
        epoch_seconds,
        bare_seconds,
        ratio: epoch_seconds / bare_seconds,
        waiting_ms: waiting.as_secs_f64() * 1e3 / steps as f64,
    })
}

fn print(result: &BenchResult) -> Result<()> {
    let BenchResult { arch, device, operators, batch_size, threads, .. } = result;
    let operators = format!("{operators:?}").to_lowercase();
    let device = format!("{device:?}").to_lowercase();
    say!("{arch}, batch {batch_size}, {threads} threads, {device}, {operators} operators")?;
    say!("  {:>8.1} images/s", result.images_per_second)?;
    say!("  {:>8.1} ms a step (p50 of {}; fastest {:.1})", result.step_ms_p50, result.steps, result.step_ms_min)?;
    if let Some(peak) = result.peak_memory_mib {
        say!("  {peak:>8.0} MiB peak memory (RSS) so far")?;
    }
    let whole: f64 = result.stages_ms.values().sum();
    let line = |name: &str, ms: f64| say!("  {ms:>8.2} ms {:>4.0} %  {name}", 100.0 * ms / whole);
    for stage in Stage::ALL.iter().filter(|&&stage| stage != Stage::Wait) {
        line(stage.name(), result.stages_ms[stage.name()])?;
    }
    let own: f64 = result.operators_ms.values().sum();
    if own > 0.0 {
        say!("  of forward and backward:")?;
        for part in Part::ALL {
            line(part.name(), result.operators_ms[part.name()])?;
        }
        let passes = result.stages_ms[Stage::Forward.name()] + result.stages_ms[Stage::Backward.name()];
        line("all else (burn's own)", passes - own)?;
    }
    if let Some(epoch) = &result.epoch {
        say!(
            "  a whole epoch of {} steps: {:.1} s with pictures, {:.1} s bare: {:.3} times; {:.2} ms a step waiting for pictures",
            epoch.steps,
            epoch.epoch_seconds,
            epoch.bare_seconds,
            epoch.ratio,
            epoch.waiting_ms
        )?;
    }
    Ok(())
}
