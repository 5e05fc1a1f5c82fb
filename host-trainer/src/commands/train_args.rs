//! The command line of `train`: what every run knows, and what only one task does.

use super::compute_args::{ComputeArgs, StorageArgs, set};
use super::task_flags::{EMOTION, FACE};
use crate::emotion::augment::Augment;
use crate::emotion::colour::ColourName;
use crate::emotion::loss::ClassWeights;
use crate::emotion::options::{EmotionConfig, Monitor};
use crate::emotion::teacher::TeacherConfig;
use crate::face::options::FaceConfig;
use crate::failure::{Kind, failure};
use crate::nets::Architecture;
use crate::run::config::{Config, RunConfig, TaskConfig, task_of};
use anyhow::Result;
use clap::Args;
use emotion_models::Task;
use std::path::{Path, PathBuf};
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
    /// Those that say what a new run is.
    #[command(flatten)]
    pub new: NewRunArgs,
    /// Go on with an interrupted run as it was configured; --epochs may be given anew, to train longer, and --data where its folders
    /// have moved.
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Those that a resumed run takes as well.
    #[command(flatten)]
    pub any: AnyRunArgs,
    /// Those of emotion runs.
    #[command(flatten, next_help_heading = EMOTION)]
    pub emotion: EmotionArgs,
    /// Those of emotion runs that a resumed one takes as well.
    #[command(flatten, next_help_heading = EMOTION)]
    pub storage: StorageArgs,
    /// Those of face runs.
    #[command(flatten, next_help_heading = FACE)]
    pub face: FaceArgs,
}

/// What a new run is, whatever its task.
#[derive(Debug, Args)]
pub struct NewRunArgs {
    /// What to train for: the mood of a face, or where the faces are.
    #[arg(long, value_enum)]
    pub task: Option<TaskName>,
    /// Folder with train/LABEL/* and perhaps val/ and test/, or with LABEL/* alone; or with photos and face boxes for --task face; may be given several
    /// times; DIR*4 repeats a small set of face pictures.
    #[arg(long, value_name = "DIR[*N]")]
    pub data: Vec<String>,
    /// Run folder to write.
    #[arg(long, value_name = "RUN", required_unless_present_any = ["resume", "summary"])]
    pub out: Option<PathBuf>,
    /// Configuration file; flags win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start from another run's or model's weights wherever shapes agree.
    #[arg(long, value_name = "RUN|MODEL.onnx")]
    pub init: Option<PathBuf>,
    /// Start from random weights. Without this, --init and --config an emotion run starts from the shipped model's weights, where
    /// its net and input are the same, at a smaller learning rate.
    #[arg(long, conflicts_with = "init")]
    pub from_scratch: bool,
    /// Overwrite a run folder that is there.
    #[arg(long)]
    pub force: bool,
    /// Rows and columns of the input; WIDTHxHEIGHT, multiples of 8, for --task face.
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<Size>,
    /// Seed of every random choice (default 1).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Pictures or scenes per step (default 64).
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Largest learning rate (default 0.002; 0.0002 where a run starts from another's weights).
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// AdamW's decay of kernels (default 0.05).
    #[arg(long, value_name = "DECAY")]
    pub weight_decay: Option<f64>,
    /// L2 penalty on kernels (default 0).
    #[arg(long)]
    pub l2: Option<f64>,
    /// Decay of the exponential moving average (EMA) of weights; 0 is off (default 0.999).
    #[arg(long, value_name = "DECAY", alias = "average")]
    pub ema: Option<f64>,
    /// Keep the weights of the first N stages (default 0).
    #[arg(long, value_name = "N")]
    pub freeze: Option<usize>,
    /// Epochs without a better one before training stops; 0 never stops (default 0).
    #[arg(long, value_name = "EPOCHS")]
    pub patience: Option<usize>,
    /// Part of train/ set aside for validation where there is no val/ (default 0.15).
    #[arg(long, value_name = "SHARE")]
    pub val_fraction: Option<f32>,
}

/// What a resumed run takes as well as a new one.
#[derive(Debug, Args)]
pub struct AnyRunArgs {
    /// Largest number of epochs (default 30).
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Where it is computed.
    #[command(flatten)]
    pub compute: ComputeArgs,
    /// When all epochs are done, quantise the run into RUN/quantized, as `quantize` does.
    #[arg(long)]
    pub quantize: bool,
    /// Print layers, shapes, parameters and multiply-accumulates; without --out, do nothing else.
    #[arg(long)]
    pub summary: bool,
}

/// What only an emotion run has.
#[derive(Debug, Args)]
pub struct EmotionArgs {
    /// Network (default compact).
    #[arg(long, value_enum)]
    pub arch: Option<Architecture>,
    /// Colour of the input (default grey).
    #[arg(long, value_enum)]
    pub colour: Option<ColourName>,
    /// Share of the target spread over all labels (default 0.1).
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f32>,
    /// How much each label counts (default sqrt).
    #[arg(long, value_enum)]
    pub class_weights: Option<ClassWeights>,
    /// Dropout probability.
    #[arg(long, value_name = "RATE")]
    pub dropout: Option<f32>,
    /// Probability with which a batch is mixed by CutMix.
    #[arg(long, value_name = "PROBABILITY")]
    pub cutmix: Option<f32>,
    /// Model whose answers to the training pictures are learned beside their labels; one of ours, or any ONNX that a `[[teachers]]`
    /// table of the configuration explains; may be given several times.
    #[arg(long, value_name = "MODEL.onnx")]
    pub teacher: Vec<PathBuf>,
    /// Share of each target that is the teachers' answer (default 0.5).
    #[arg(long, value_name = "SHARE")]
    pub teacher_share: Option<f32>,
    /// Train on pictures as they are.
    #[arg(long)]
    pub no_augment: bool,
    /// Softmax over the labels of a picture's own data set only.
    #[arg(long)]
    pub mask_absent: bool,
    /// What an epoch is judged by, on the validation part (default loss).
    #[arg(long, value_enum)]
    pub monitor: Option<Monitor>,
}

/// What only a face run has.
#[derive(Debug, Args)]
pub struct FaceArgs {
    /// Folder with face crops in train/LABEL/*, to paste into photos; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub crops: Vec<String>,
    /// One of the --data folders with noisy boxes (pseudo-labels), such as another detector's: that a face is there is learned as
    /// from the others, where it begins and ends hardly; may be given several times.
    #[arg(long, value_name = "DIR", alias = "rough")]
    pub noisy_boxes: Vec<String>,
    /// Scenes an epoch; four for each photo by default.
    #[arg(long, value_name = "N")]
    pub scenes: Option<usize>,
}

impl TrainArgs {
    /// What a net is trained for: by flag, or by what the run or the configuration file says.
    pub fn task(&self) -> Task {
        let file = self.resume.as_ref().map(|run| run.join("config.toml")).or_else(|| self.new.config.clone());
        match self.new.task {
            Some(TaskName::Face) => Task::Face,
            Some(TaskName::Emotion) => Task::Emotion,
            None => file.map_or(Task::Emotion, |file| task_of(&file)),
        }
    }

    /// An emotion run's configuration: file or preset, with the flags on top.
    ///
    /// # Errors
    /// When the file is wrong or a value is impossible.
    pub fn emotion_config(&self) -> Result<Config<EmotionConfig>> {
        let flags = &self.emotion;
        let arch = flags.arch.map(|arch| ("arch".to_owned(), arch.name().into()));
        let mut config = self.config_of::<EmotionConfig>(arch.into_iter().collect())?;
        let task = &mut config.task;
        if !self.new.data.is_empty() {
            task.data.sources.clone_from(&self.new.data);
        }
        if let Some(Size { width, height }) = self.new.size {
            let square = || failure(Kind::Usage, format!("--size {width}x{height}: an emotion net takes a square"));
            task.size = if width == height { width } else { return Err(square()) };
        }
        if flags.no_augment {
            task.augment = Augment::none();
        }
        task.mask_absent |= flags.mask_absent;
        task.teachers.extend(flags.teacher.iter().map(|model| TeacherConfig::of_model(model)));
        set(&mut task.teacher_share, flags.teacher_share);
        set(&mut task.colour, flags.colour);
        set(&mut task.label_smoothing, flags.label_smoothing);
        set(&mut task.class_weights, flags.class_weights);
        set(&mut task.net.dropout, flags.dropout);
        set(&mut task.augment.cutmix, flags.cutmix);
        set(&mut task.monitor, flags.monitor);
        set(&mut task.data.cache, self.storage.cache);
        set(&mut task.data.val_fraction, self.new.val_fraction);
        Ok(config)
    }

    /// A face run's configuration: file or defaults, with the flags on top.
    ///
    /// # Errors
    /// When the file is wrong.
    pub fn face_config(&self) -> Result<Config<FaceConfig>> {
        let mut config = self.config_of::<FaceConfig>(toml::Table::new())?;
        let task = &mut config.task;
        for (folders, given) in [
            (&mut task.data.photos, &self.new.data),
            (&mut task.data.crops, &self.face.crops),
            (&mut task.data.noisy_boxes, &self.face.noisy_boxes),
        ] {
            if !given.is_empty() {
                folders.clone_from(given);
            }
        }
        if let Some(Size { width, height }) = self.new.size {
            (task.width, task.height) = (width, height);
        }
        set(&mut task.scenes_per_epoch, self.face.scenes);
        set(&mut task.data.val_fraction, self.new.val_fraction);
        Ok(config)
    }

    /// File or preset, with the flags that every task knows on top.
    fn config_of<C: TaskConfig>(&self, keys: toml::Table) -> Result<Config<C>> {
        let new = &self.new;
        let mut config = match &new.config {
            Some(path) => Config::read_with(path, keys)?,
            None => C::preset(&keys)?,
        };
        let run = &mut config.run;
        set(&mut run.seed, new.seed);
        set(&mut run.batch_size, new.batch_size);
        set(&mut run.optimizer.learning_rate, new.learning_rate);
        set(&mut run.optimizer.weight_decay, new.weight_decay);
        set(&mut run.optimizer.l2, new.l2);
        set(&mut run.ema, new.ema);
        set(&mut run.freeze, new.freeze);
        set(&mut run.patience, new.patience);
        self.any.apply(run);
        Ok(config)
    }

    /// A resumed run's configuration, with the flags that may change it.
    ///
    /// # Errors
    /// When the run has none, or it is wrong.
    pub fn resumed_config<C: TaskConfig>(&self, run: &Path) -> Result<Config<C>> {
        let path = run.join("config.toml");
        if !path.exists() {
            return Err(failure(Kind::Model, format!("nothing to resume: {} has no config.toml", run.display())));
        }
        let mut config: Config<C> = Config::read(&path)?;
        self.any.apply(&mut config.run);
        if !self.new.data.is_empty() {
            moved(config.task.sources(), &self.new.data)?;
            config.task.use_sources(&self.new.data);
        }
        Ok(config)
    }
}

/// Refuses folders that cannot be those of a run at another place: as many of them, each seen as often.
fn moved(before: &[String], now: &[String]) -> Result<()> {
    let repeats = |sources: &[String]| -> Vec<String> {
        sources.iter().map(|source| source.rsplit_once('*').map_or("1", |(_, repeat)| repeat).to_owned()).collect()
    };
    if repeats(before) == repeats(now) {
        return Ok(());
    }
    let message = format!(
        "--data {}: the run has {}; name the same folders, where they are now",
        now.join(" "),
        before.join(" ")
    );
    Err(failure(Kind::Usage, message))
}

impl AnyRunArgs {
    fn apply(&self, run: &mut RunConfig) {
        set(&mut run.epochs, self.epochs);
        self.compute.apply(run);
    }
}
