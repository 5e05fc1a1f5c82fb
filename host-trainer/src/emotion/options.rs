//! What only emotion runs have in their configuration.

use super::augment::Augment;
use super::colour::ColourName;
use super::dataset::scan::{Layout, label_folders};
use super::dataset::{Cache, DataSource, Labelling};
use super::loss::ClassWeights;
use super::teacher::TeacherConfig;
use crate::nets::{Architecture, Net, Options};
use crate::part::Part;
use crate::run::config::{Config, RunConfig, TaskConfig, check_val_fraction};
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use anyhow::{Context, Result, ensure};
use emotion_models::{InputSpec, PixelMap, TEST_CARD_LABELS, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An emotion run's own part of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmotionConfig {
    /// Which net.
    pub arch: Architecture,
    /// Rows and columns of the input picture.
    pub size: u32,
    /// `grey` or `rgb`.
    pub colour: ColourName,
    /// Share of the target spread evenly over the labels.
    pub label_smoothing: f32,
    /// How much each label counts in the loss.
    pub class_weights: ClassWeights,
    /// Softmax over the labels of a picture's own data set only.
    pub mask_absent: bool,
    /// How much rare labels are seen more often: 0 as often as they occur, 1 all alike.
    pub balanced_sampling: f32,
    /// What an epoch is judged by.
    pub monitor: Monitor,
    /// Where the pictures are.
    pub data: EmotionData,
    /// Within the architecture.
    pub net: Options,
    /// Changes made to training pictures.
    pub augment: Augment,
    /// Share of each target that is the teachers' answer, where there are any.
    pub teacher_share: f32,
    /// Other models to learn from, or their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<TeacherConfig>,
}

/// Where the pictures are and how they are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmotionData {
    /// `DIR` or `DIR*REPEAT`.
    pub sources: Vec<String>,
    /// Part of `train/` set aside for validation where a source has no `val/`.
    pub val_fraction: f32,
    /// Whether test pictures are read, for the reports of run and model; without them, candidates can be compared and none is chosen
    /// by what it scores there.
    pub test: bool,
    /// Where decoded pictures are kept.
    pub cache: Cache,
    /// How the pictures of a folder are labelled, by the folder's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labelling: BTreeMap<String, Labelling>,
}

/// What an epoch is judged by; always on the validation part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Validation loss, the lower the better.
    Loss,
    /// Validation accuracy, the higher the better.
    Accuracy,
    /// Validation macro F1, the higher the better.
    MacroF1,
}

impl Default for EmotionData {
    fn default() -> Self {
        EmotionData { sources: vec![], val_fraction: 0.15, test: true, cache: Cache::Auto, labelling: BTreeMap::new() }
    }
}

impl Default for EmotionConfig {
    fn default() -> Self {
        EmotionConfig {
            arch: Architecture::Compact,
            size: 64,
            colour: ColourName::Grey,
            label_smoothing: 0.1,
            class_weights: ClassWeights::Sqrt,
            mask_absent: false,
            balanced_sampling: 0.0,
            monitor: Monitor::Loss,
            data: EmotionData::default(),
            net: Options::default(),
            augment: Augment::compact(),
            teacher_share: 0.5,
            teachers: vec![],
        }
    }
}

impl Config<EmotionConfig> {
    /// The defaults of an architecture; for `lenet` they are those of the Keras LeNet that this project grew from.
    pub fn of_arch(arch: Architecture) -> Self {
        match arch {
            Architecture::Compact => Config { run: RunConfig::default(), task: EmotionConfig::default() },
            Architecture::Lenet => Config {
                run: RunConfig {
                    epochs: 60,
                    batch_size: 32,
                    ema: 0.0,
                    optimizer: Optimizer {
                        learning_rate: 1e-3,
                        beta1: 0.9,
                        beta2: 0.999,
                        epsilon: 1e-7,
                        weight_decay: 0.0,
                        l2: 1e-4,
                    },
                    schedule: Schedule::Plateau { factor: 0.5, patience: 3 },
                    patience: 5,
                    ..RunConfig::default()
                },
                task: EmotionConfig {
                    arch,
                    size: 256,
                    colour: ColourName::Rgb,
                    label_smoothing: 0.05,
                    class_weights: ClassWeights::Balanced,
                    net: Options { dropout: 0.0, ..Options::default() },
                    augment: Augment::lenet(),
                    ..EmotionConfig::default()
                },
            },
        }
    }
}

impl TaskConfig for EmotionConfig {
    const TASK: Task = Task::Emotion;

    fn preset(given: &toml::Table) -> Result<Config<Self>> {
        let arch = given.get("arch").cloned().map(Architecture::deserialize).transpose().context("arch")?;
        Ok(Config::of_arch(arch.unwrap_or(Architecture::Compact)))
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.data.sources.is_empty(), "no data: name a folder with --data DIR (it holds train/LABEL/*)");
        ensure!((0.0..1.0).contains(&self.label_smoothing), "label_smoothing {} is outside 0..1", self.label_smoothing);
        ensure!(
            (0.0..=1.0).contains(&self.balanced_sampling),
            "balanced_sampling {} is outside 0..=1",
            self.balanced_sampling
        );
        ensure!((0.0..=1.0).contains(&self.teacher_share), "teacher_share {} is outside 0..=1", self.teacher_share);
        self.teachers.iter().try_for_each(TeacherConfig::check)?;
        check_val_fraction(self.data.val_fraction)?;
        self.augment.check().map_err(anyhow::Error::msg)
    }

    fn check_net(&self) -> Result<()> {
        ensure!((16..=1024).contains(&self.size), "size {} is outside 16..=1024 pixels", self.size);
        ensure!((0.0..1.0).contains(&self.net.dropout), "net.dropout {} is outside 0..1", self.net.dropout);
        ensure!(self.net.widths.iter().all(|&w| w > 0), "net.widths must all be at least 1");
        Ok(())
    }

    /// `lenet` keeps `pixel / 255`, as the Keras net has it; `compact` takes `(pixel - 128) / 128`, so that an 8-bit net can take the
    /// byte as it is.
    fn input(&self) -> InputSpec {
        let pixel_map = match self.arch {
            Architecture::Lenet => PixelMap { offset: 0.0, scale: 1.0 / 255.0 },
            Architecture::Compact => PixelMap { offset: 128.0, scale: 1.0 / 128.0 },
        };
        InputSpec { width: self.size, height: self.size, colour: self.colour.into(), pixel_map }
    }

    fn float_net(&self, labels: usize) -> Result<Net> {
        self.arch.build(&self.input(), labels, &self.net).map_err(anyhow::Error::msg)
    }

    fn sources(&self) -> &[String] {
        &self.data.sources
    }

    fn use_sources(&mut self, sources: &[String]) {
        self.data.sources = sources.to_vec();
    }

    fn note_files(&mut self) -> Result<()> {
        self.teachers.iter_mut().try_for_each(TeacherConfig::note)
    }

    fn label_count(&self) -> Result<usize> {
        let mut labels = BTreeSet::new();
        for source in &self.data.sources {
            let source: DataSource = source.parse()?;
            let labelling = self.data.labelling.get(&source.name()).cloned().unwrap_or_default();
            labels.extend(labelling.labels(label_folders(&Layout::folder(&source.path, Part::Train)?)?));
        }
        // Without data those of the test card.
        Ok(if labels.is_empty() { TEST_CARD_LABELS.len() } else { labels.len() })
    }

    fn monitor(&self) -> &'static str {
        match self.monitor {
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
            Monitor::MacroF1 => "macro F1",
        }
    }
}
