//! `train`: its arguments, and a run from them.

use super::quantize;
use crate::device::{DeviceName, Engine, OperatorSet};
use crate::emotion::augment::Augment;
use crate::emotion::data::{labels_for_summary, load};
use crate::emotion::dataset::Cache;
use crate::emotion::loss::ClassWeights;
use crate::face::{self, FaceConfig, task_of};
use crate::failure::{Blame, Kind, failure};
use crate::files;
use crate::nets::summary::summary;
use crate::nets::weights::Weights;
use crate::nets::{Architecture, Node};
use crate::output::{outlive_readers, say};
use crate::run::checkpoint::{self, Identity};
use crate::run::command_line::{command, commands, quoted_path};
use crate::run::config::{ColourName, Config};
use crate::run::folder::{refuse_overwriting_source, refuse_to_overwrite, remove_former, reserve};
use crate::threads::start_threads;
use crate::train::early_stopping::Monitor;
use crate::train::session::{check_configuration, fit_batch, say_where, train_to_end};
use crate::train::{self, Trainer, init};
use anyhow::{Context, Result};
use clap::Args;
use emotion_models::Task;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// What a net is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TaskName {
    /// The mood of a face.
    Emotion,
    /// Where the faces are.
    Face,
}

/// Width and height of an input: `64` or `160x120`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (width, height) = text.split_once('x').unwrap_or((text, text));
        let side = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number of pixels: 64 or 160x120"));
        Ok(Size { width: side(width)?, height: side(height)? })
    }
}

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// What to train for: the mood of a face, or where the faces are.
    #[arg(long, value_enum)]
    pub task: Option<TaskName>,
    /// Folder with train/LABEL/* and perhaps val/ and test/, or with photos and face boxes for --task face; may be given several
    /// times; DIR*4 repeats a small set of face pictures.
    #[arg(long, value_name = "DIR[*N]")]
    pub data: Vec<String>,
    /// Folder with face crops in train/LABEL/*, to paste into photos without faces (--task face); may be given several times.
    #[arg(long, value_name = "DIR")]
    pub crops: Vec<String>,
    /// One of the --data folders, with noisy boxes such as another detector's (--task face): that a face is there is learned as from
    /// the others, where it begins and ends hardly; may be given several times.
    #[arg(long, alias = "rough", value_name = "DIR")]
    pub noisy_boxes: Vec<String>,
    /// Scenes an epoch (--task face); four for each photo by default.
    #[arg(long, value_name = "N")]
    pub scenes: Option<usize>,
    /// Run folder to write.
    #[arg(long, value_name = "RUN", required_unless_present_any = ["resume", "summary"])]
    pub out: Option<PathBuf>,
    /// Go on with an interrupted run as it was configured; --epochs may be given anew, to train longer.
    #[arg(long, value_name = "RUN", conflicts_with_all = [
        "task", "data", "crops", "noisy_boxes", "scenes", "out", "config", "arch", "init", "force", "size", "colour", "seed", "batch_size", "learning_rate",
        "label_smoothing", "class_weights", "ema", "l2", "weight_decay", "dropout", "cutmix", "no_augment", "mask_absent",
        "freeze", "patience", "monitor", "val_fraction",
    ])]
    pub resume: Option<PathBuf>,
    /// Configuration file; flags win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start from another run's or model's weights wherever shapes agree.
    #[arg(long, value_name = "RUN|MODEL.onnx")]
    pub init: Option<PathBuf>,
    /// When all epochs are done, quantise the run into RUN/quantized, as `quantize` does.
    #[arg(long)]
    pub quantize: bool,
    /// Print layers, shapes, parameters and multiply-accumulates; without --out, do nothing else.
    #[arg(long)]
    pub summary: bool,
    /// Overwrite a run folder that is there.
    #[arg(long)]
    pub force: bool,
    /// Where the computation runs; cuda and wgpu need a program built with --features cuda or wgpu.
    #[arg(long, value_enum)]
    pub device: Option<DeviceName>,
    /// Convolution, normalisation and pooling: our own, or burn's as a reference.
    #[arg(long, value_enum)]
    pub operators: Option<OperatorSet>,
    /// Where decoded pictures are kept; auto takes a nameless file beside the run where they would take half of the free memory.
    #[arg(long, value_enum)]
    pub cache: Option<Cache>,
    /// Threads; 0, the default, takes all cores. Saved with the run, since another number rounds sums differently.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Network (default compact).
    #[arg(long, value_enum)]
    pub arch: Option<Architecture>,
    /// Rows and columns of the input; WIDTHxHEIGHT, multiples of 8, for --task face.
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<Size>,
    /// Colour of the input.
    #[arg(long, value_enum)]
    pub colour: Option<ColourName>,
    /// Seed of every random choice.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Largest number of epochs.
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Pictures per step.
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Largest learning rate.
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Share of the target spread over all labels.
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f32>,
    /// How much each label counts.
    #[arg(long, value_enum)]
    pub class_weights: Option<ClassWeights>,
    /// Decay of the exponential moving average of weights (EMA); 0 is off.
    #[arg(long, alias = "average", value_name = "DECAY")]
    pub ema: Option<f64>,
    /// L2 penalty on kernels.
    #[arg(long)]
    pub l2: Option<f64>,
    /// AdamW's decay of kernels.
    #[arg(long, value_name = "DECAY")]
    pub weight_decay: Option<f64>,
    /// Dropout probability.
    #[arg(long, value_name = "RATE")]
    pub dropout: Option<f32>,
    /// Probability with which a batch is mixed by CutMix.
    #[arg(long, value_name = "PROBABILITY")]
    pub cutmix: Option<f32>,
    /// Train on pictures as they are.
    #[arg(long)]
    pub no_augment: bool,
    /// Softmax over the labels of a picture's own data set only.
    #[arg(long)]
    pub mask_absent: bool,
    /// Keep the weights of the first N stages (with --init).
    #[arg(long, value_name = "N")]
    pub freeze: Option<usize>,
    /// Epochs without a better one before training stops; 0 never stops.
    #[arg(long, value_name = "EPOCHS")]
    pub patience: Option<usize>,
    /// What an epoch is judged by, on the validation part.
    #[arg(long, value_enum)]
    pub monitor: Option<Monitor>,
    /// Part of train/ set aside for validation where there is no val/.
    #[arg(long, value_name = "SHARE")]
    pub val_fraction: Option<f32>,
}

impl TrainArgs {
    /// The configuration: file or preset, with the flags on top.
    ///
    /// # Errors
    /// When the file is wrong or a value is impossible.
    pub fn configuration(&self) -> Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::read(path, self.arch)?,
            None => Config::preset(self.arch.unwrap_or(Architecture::Compact)),
        };
        if !self.data.is_empty() {
            config.data.sources.clone_from(&self.data);
        }
        if self.no_augment {
            config.augment = Augment::none();
        }
        config.mask_absent |= self.mask_absent;
        if let Some(Size { width, height }) = self.size {
            let square = || failure(Kind::Usage, format!("--size {width}x{height}: an emotion net takes a square"));
            config.size = if width == height { width } else { return Err(square()) };
        }
        let of_faces = [
            ("--crops", !self.crops.is_empty()),
            ("--noisy-boxes", !self.noisy_boxes.is_empty()),
            ("--scenes", self.scenes.is_some()),
        ];
        for (flag, given) in of_faces {
            if given {
                return Err(failure(Kind::Usage, format!("{flag} is for face nets: say --task face")));
            }
        }
        set(&mut config.colour, self.colour);
        set(&mut config.seed, self.seed);
        set(&mut config.epochs, self.epochs);
        set(&mut config.batch_size, self.batch_size);
        set(&mut config.threads, self.threads);
        set(&mut config.device, self.device);
        set(&mut config.operators, self.operators);
        set(&mut config.optimizer.learning_rate, self.learning_rate);
        set(&mut config.optimizer.l2, self.l2);
        set(&mut config.optimizer.weight_decay, self.weight_decay);
        set(&mut config.label_smoothing, self.label_smoothing);
        set(&mut config.class_weights, self.class_weights);
        set(&mut config.ema, self.ema);
        set(&mut config.net.dropout, self.dropout);
        set(&mut config.augment.cutmix, self.cutmix);
        set(&mut config.freeze, self.freeze);
        set(&mut config.patience, self.patience);
        set(&mut config.monitor, self.monitor);
        set(&mut config.data.cache, self.cache);
        set(&mut config.data.val_fraction, self.val_fraction);
        Ok(config)
    }
}

impl TrainArgs {
    /// Whether a face net is meant: by flag, or by what the run or the configuration file says.
    pub fn task(&self) -> Task {
        let file = self.resume.as_ref().map(|run| run.join("config.toml")).or_else(|| self.config.clone());
        match self.task {
            Some(TaskName::Face) => Task::Face,
            Some(TaskName::Emotion) => Task::Emotion,
            None => file.map_or(Task::Emotion, |file| task_of(&file)),
        }
    }

    /// The configuration of a face run: file or defaults, with the flags on top.
    ///
    /// # Errors
    /// When the file is wrong.
    pub fn face_configuration(&self) -> Result<FaceConfig> {
        let mut config = match &self.config {
            Some(path) => FaceConfig::read(path)?,
            None => FaceConfig::default(),
        };
        if !self.data.is_empty() {
            config.data.photos.clone_from(&self.data);
        }
        if !self.crops.is_empty() {
            config.data.crops.clone_from(&self.crops);
        }
        if !self.noisy_boxes.is_empty() {
            config.data.noisy_boxes.clone_from(&self.noisy_boxes);
        }
        if let Some(Size { width, height }) = self.size {
            (config.width, config.height) = (width, height);
        }
        set(&mut config.scenes_per_epoch, self.scenes);
        set(&mut config.seed, self.seed);
        set(&mut config.epochs, self.epochs);
        set(&mut config.batch_size, self.batch_size);
        set(&mut config.threads, self.threads);
        set(&mut config.device, self.device);
        set(&mut config.operators, self.operators);
        set(&mut config.optimizer.learning_rate, self.learning_rate);
        set(&mut config.optimizer.weight_decay, self.weight_decay);
        set(&mut config.ema, self.ema);
        set(&mut config.data.val_fraction, self.val_fraction);
        Ok(config)
    }
}

fn set<T: Copy>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Trains a new run, or goes on with one.
///
/// # Errors
/// Impossible configuration, unusable data, a diverging loss, or files that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    outlive_readers();
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
            refuse_overwriting_source(from, run).blame(Kind::Usage)?;
        }
        reserve(run, &config, args.force).blame(Kind::Usage)?;
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
    fit_batch(args.batch_size.is_some() || args.config.is_some() || args.resume.is_some(), &mut config, &data)?;
    let net = config.build_net(data.labels.len()).blame(said_in)?;
    if config.freeze >= net.stages() {
        let (freeze, stages) = (config.freeze, net.stages());
        let message = format!("--freeze {freeze} leaves nothing to train: the net has {stages} stages");
        return Err(failure(said_in, message));
    }
    let now = Identity {
        labels: data.labels.clone(),
        data_fingerprint: data.fingerprint.clone(),
        command: commands(args.init.as_deref())?,
        config: Some(config.to_toml()?),
    };
    let mut taken = None;
    let (state, identity) = if args.resume.is_some() {
        let (state, mut identity) = checkpoint::load(run)?;
        train::check_identity(&identity, &now, run).blame(Kind::Data)?;
        check_configuration(&config, &identity, run).blame(Kind::Config)?;
        if args.epochs.is_some() {
            identity.record_resume(&command());
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
            let layers = init::initialise(&net, &mut weights, other, &data.labels)?;
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
        trainer.initialise_from(&taken)?;
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
