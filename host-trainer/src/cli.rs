//! The command line: one file per command's arguments, one line per command here.

use crate::device::{DeviceName, OperatorSet};
use crate::emotion::dataset::Cache;
use crate::emotion::loss::ClassWeights;
use crate::face::{FaceConfig, task_of};
use crate::failure::{EXIT_CODES, Kind, failure};
use crate::nets::Architecture;
use crate::run::config::{ColourName, Config};
use crate::train::early_stopping::Monitor;
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use emotion_models::Task;
use std::path::PathBuf;
use std::str::FromStr;

/// Trains small emotion classifiers on folders of face pictures, and face locators on photos, and exports them as ONNX.
#[derive(Debug, Parser)]
#[command(name = "host-trainer", version, about, arg_required_else_help = true, after_help = format!("{AFTER_HELP}{EXIT_CODES}"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
A first model on your own photos (train/angry/*.jpg, train/happy/*.jpg, ...):
  host-trainer crop SNAPSHOTS PICTURES
  host-trainer audit PICTURES
  host-trainer train --data PICTURES --out runs/mine
  host-trainer export runs/mine --out mine.onnx
  edge-runtime --model mine.onnx

";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a net on DIR/train/LABEL/* and write a run folder.
    #[command(allow_negative_numbers = true)]
    Train(Box<TrainArgs>),
    /// Turn a float run into one whose convolutions compute in 8-bit integers.
    #[command(allow_negative_numbers = true)]
    Quantize(crate::commands::quantize::QuantizeArgs),
    /// Write a run's best model as ONNX, with its card, after comparing it with the trainer.
    #[command(allow_negative_numbers = true)]
    Export(ExportArgs),
    /// Cut a folder of whole photos to faces, to train on.
    #[command(allow_negative_numbers = true)]
    Crop(crate::commands::crop::CropArgs),
    /// Score an exported model on a folder of labelled photos, or of photos with marked faces.
    #[command(allow_negative_numbers = true)]
    Evaluate(crate::commands::evaluate::EvaluateArgs),
    /// Print an exported model's label and probabilities for pictures, without the limits and thresholds by which a device is unsure.
    #[command(allow_negative_numbers = true)]
    Predict(crate::commands::predict::PredictArgs),
    /// Look through a data set: counts, sizes, broken files, copies.
    #[command(allow_negative_numbers = true)]
    Audit(crate::commands::audit::AuditArgs),
    /// Draw test-card faces as a data set, to try things out without photographs.
    #[command(allow_negative_numbers = true)]
    Draw(crate::commands::draw::DrawArgs),
    /// Measure how fast a net trains here, and where a step's time goes.
    #[command(allow_negative_numbers = true)]
    BenchTrain(crate::commands::bench_train::BenchTrainArgs),
}

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
    /// One of the --data folders, whose boxes are known by and large only, such as another detector's (--task face): that a face is there
    /// is learned as from the others, where it begins and ends hardly; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub rough: Vec<String>,
    /// Scenes an epoch (--task face); four for each photo by default.
    #[arg(long, value_name = "N")]
    pub scenes: Option<usize>,
    /// Run folder to write.
    #[arg(long, value_name = "RUN", required_unless_present_any = ["resume", "summary"])]
    pub out: Option<PathBuf>,
    /// Go on with an interrupted run as it was configured; --epochs may be given anew, to train longer.
    #[arg(long, value_name = "RUN", conflicts_with_all = [
        "task", "data", "crops", "rough", "scenes", "out", "config", "arch", "init", "force", "size", "colour", "seed", "batch_size", "learning_rate",
        "label_smoothing", "class_weights", "average", "l2", "weight_decay", "dropout", "cutmix", "no_augment", "mask_absent",
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
    /// Where the arithmetic runs; cuda and wgpu need a program built with --features cuda or wgpu.
    #[arg(long, value_enum)]
    pub device: Option<DeviceName>,
    /// Whose convolution, normalisation and pooling: ours, or burn's own to compare with.
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
    /// Decay of the moving average of weights; 0 is off.
    #[arg(long, value_name = "DECAY")]
    pub average: Option<f64>,
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
            config.augment = crate::emotion::augment::Augment::none();
        }
        config.mask_absent |= self.mask_absent;
        if let Some(Size { width, height }) = self.size {
            let square = || failure(Kind::Usage, format!("--size {width}x{height}: an emotion net takes a square"));
            config.size = if width == height { width } else { return Err(square()) };
        }
        let of_faces = [
            ("--crops", !self.crops.is_empty()),
            ("--rough", !self.rough.is_empty()),
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
        set(&mut config.average, self.average);
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
        if !self.rough.is_empty() {
            config.data.rough.clone_from(&self.rough);
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
        set(&mut config.average, self.average);
        set(&mut config.data.val_fraction, self.val_fraction);
        Ok(config)
    }
}

fn set<T: Copy>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Run folder.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// File to write; its card goes beside it as .md.
    #[arg(long, value_name = "MODEL.onnx")]
    pub out: PathBuf,
    /// Labels to read out, separated by commas; all of them by default.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub labels: Vec<String>,
    /// Data sources (1 is the first --data of the run) whose validation part chooses temperature and thresholds, or the score that a face
    /// needs; all by default.
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    pub calibrate_on: Vec<usize>,
    /// By which fraction of the face's mean side the training crops are larger than the face; measured on the validation pictures
    /// by default.
    #[arg(long, value_name = "SHARE")]
    pub crop_margin: Option<f32>,
    /// Name in the model's card.
    #[arg(long)]
    pub name: Option<String>,
    /// A remark for the card on how the model was made.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}
