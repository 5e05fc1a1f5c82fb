//! Everything a training run depends on; written into its folder as `config.toml`.

use super::old_keys::renamed;
use crate::device::{DeviceName, OperatorSet};
use crate::emotion::augment::Augment;
use crate::emotion::dataset::Cache;
use crate::emotion::loss::ClassWeights;
use crate::failure::{Blame, Kind};
use crate::nets::{Architecture, Net, Options};
use crate::train::early_stopping::Monitor;
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use anyhow::{Context, Result, ensure};
use emotion_models::{Colour, InputSpec, PixelMap};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A run's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which net.
    pub arch: Architecture,
    /// Every random choice derives from it.
    pub seed: u64,
    /// Rows and columns of the input picture.
    pub size: u32,
    /// `grey` or `rgb`.
    pub colour: ColourName,
    /// Largest number of epochs.
    pub epochs: usize,
    /// Pictures per step.
    pub batch_size: usize,
    /// Where the computation runs.
    pub device: DeviceName,
    /// Which convolution, normalisation and pooling.
    pub operators: OperatorSet,
    /// Threads; 0 takes all cores. Another number rounds sums differently, so a run keeps its own.
    pub threads: usize,
    /// Share of the target spread evenly over the labels.
    pub label_smoothing: f32,
    /// How much each label counts in the loss.
    pub class_weights: ClassWeights,
    /// Decay of the exponential moving average of weights (EMA); 0 switches it off.
    pub ema: f64,
    /// Softmax over the labels of a picture's own data set only.
    pub mask_absent: bool,
    /// These first stages keep their weights.
    pub freeze: usize,
    /// What an epoch is judged by.
    pub monitor: Monitor,
    /// Epochs without a better one before training stops; 0 never stops.
    pub patience: usize,
    /// Where the pictures are.
    pub data: Data,
    /// Within the architecture.
    pub net: Options,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Learning rate over time.
    pub schedule: Schedule,
    /// Changes made to training pictures.
    pub augment: Augment,
    /// Convolutions in 8-bit integers; absent in float runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantization>,
}

/// How a run trains its net for 8-bit integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quantization {
    /// Training pictures on which observers find the first ranges of activations.
    pub calibration_images: usize,
    /// Epochs after which running statistics and the ranges of activations are frozen.
    pub freeze_ranges_after: usize,
}

impl Quantization {
    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check(&self) -> Result<()> {
        ensure!(self.calibration_images > 0, "quantize.calibration_images must be at least 1 picture");
        Ok(())
    }
}

impl Default for Quantization {
    fn default() -> Self {
        Quantization { calibration_images: 2048, freeze_ranges_after: 1 }
    }
}

/// Where the pictures are and how they are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// `DIR` or `DIR*REPEAT`.
    pub sources: Vec<String>,
    /// Part of `train/` set aside for validation where a source has no `val/`.
    pub val_fraction: f32,
    /// Where decoded pictures are kept.
    pub cache: Cache,
}

/// Colour of the input picture, as written in files and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ColourName {
    /// One channel.
    Grey,
    /// Three channels.
    Rgb,
}

impl Default for Data {
    fn default() -> Self {
        Data { sources: vec![], val_fraction: 0.15, cache: Cache::Auto }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::preset(Architecture::Compact)
    }
}

impl Config {
    /// The defaults of an architecture; for `lenet` they are the seed's training.
    pub fn preset(arch: Architecture) -> Self {
        let data = Data::default();
        match arch {
            Architecture::Lenet => Config {
                arch,
                seed: 1,
                size: 256,
                colour: ColourName::Rgb,
                epochs: 60,
                batch_size: 32,
                device: DeviceName::Cpu,
                operators: OperatorSet::Fast,
                threads: 0,
                label_smoothing: 0.05,
                class_weights: ClassWeights::Balanced,
                ema: 0.0,
                mask_absent: false,
                freeze: 0,
                monitor: Monitor::Loss,
                patience: 5,
                data,
                net: Options { dropout: 0.0, ..Options::default() },
                optimizer: Optimizer {
                    learning_rate: 1e-3,
                    beta1: 0.9,
                    beta2: 0.999,
                    epsilon: 1e-7,
                    weight_decay: 0.0,
                    l2: 1e-4,
                },
                schedule: Schedule::Plateau { factor: 0.5, patience: 3 },
                augment: Augment::lenet(),
                quantize: None,
            },
            Architecture::Compact => Config {
                arch,
                seed: 1,
                size: 64,
                colour: ColourName::Grey,
                epochs: 30,
                batch_size: 64,
                device: DeviceName::Cpu,
                operators: OperatorSet::Fast,
                threads: 0,
                label_smoothing: 0.1,
                class_weights: ClassWeights::Sqrt,
                ema: 0.999,
                mask_absent: false,
                freeze: 0,
                monitor: Monitor::Loss,
                patience: 0,
                data,
                net: Options::default(),
                optimizer: Optimizer::default(),
                schedule: Schedule::Cosine { warmup_epochs: 1.0 },
                augment: Augment::compact(),
                quantize: None,
            },
        }
    }

    /// Reads a configuration file; keys it leaves out keep the architecture's preset.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key, or a value of the wrong kind: the message names file and line.
    pub fn read(path: &Path, arch: Option<Architecture>) -> Result<Self> {
        Self::read_file(path, arch).blame(Kind::Config)
    }

    fn read_file(path: &Path, arch: Option<Architecture>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Merging with the preset forgets where a key stood, so mistakes are looked for first.
        let text = renamed(&text);
        toml::from_str::<Config>(&text).with_context(|| format!("in {}", path.display()))?;
        let given: toml::Table = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        let named = given.get("arch").cloned().map(Architecture::deserialize).transpose();
        let arch = arch.or(named.with_context(|| format!("in {}: arch", path.display()))?);
        let mut whole = toml::Table::try_from(Config::preset(arch.unwrap_or(Architecture::Compact)))?;
        merge(&mut whole, given);
        whole.try_into().with_context(|| format!("in {}", path.display()))
    }

    /// The keys whose values differ, as `table.key`.
    pub fn differences(&self, other: &Config) -> Vec<String> {
        let table = |config: &Config| toml::Table::try_from(config).unwrap_or_default();
        let mut keys = vec![];
        differing("", &table(self), &table(other), &mut keys);
        keys
    }

    /// The configuration as a file.
    ///
    /// # Errors
    /// Never for a configuration that was read or preset.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.data.sources.is_empty(), "no data: name a folder with --data DIR (it holds train/LABEL/*)");
        self.check_net()?;
        match &self.quantize {
            None => ensure!(self.epochs > 0, "epochs must be at least 1"),
            Some(quantization) => quantization.check()?,
        }
        check_threads(self.threads)?;
        ensure!(self.batch_size > 1, "batch_size must be at least 2: batch normalisation needs more than one picture");
        ensure!((0.0..1.0).contains(&self.label_smoothing), "label_smoothing {} is outside 0..1", self.label_smoothing);
        ensure!((0.0..1.0).contains(&self.ema), "ema {} is outside 0..1", self.ema);
        let (fraction, rate) = (self.data.val_fraction, self.optimizer.learning_rate);
        ensure!((0.01..=0.5).contains(&fraction), "data.val_fraction {fraction} is outside 0.01..=0.5");
        ensure!(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate {rate} must be above 0");
        ensure!(self.optimizer.weight_decay >= 0.0, "optimizer.weight_decay must not be negative");
        ensure!(self.optimizer.l2 >= 0.0, "optimizer.l2 must not be negative");
        Ok(())
    }

    /// Refuses an impossible net.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check_net(&self) -> Result<()> {
        ensure!((16..=1024).contains(&self.size), "size {} is outside 16..=1024 pixels", self.size);
        ensure!((0.0..1.0).contains(&self.net.dropout), "net.dropout {} is outside 0..1", self.net.dropout);
        ensure!(self.net.widths.iter().all(|&w| w > 0), "net.widths must all be at least 1");
        Ok(())
    }

    /// The net for a number of labels.
    ///
    /// # Errors
    /// When the input is too small for the net's poolings.
    pub fn build_net(&self, labels: usize) -> Result<Net> {
        let input = self.input();
        let net = self.arch.build(&input, labels, &self.net).map_err(anyhow::Error::msg)?;
        Ok(if self.quantize.is_some() { net.quantized(&input) } else { net })
    }

    /// The input that the net sees. `lenet` keeps the seed's `pixel / 255`; `compact` takes `(pixel - 128) / 128`, so that an
    /// 8-bit net can take the byte as it is.
    pub fn input(&self) -> InputSpec {
        let pixel_map = match self.arch {
            Architecture::Lenet => PixelMap { offset: 0.0, scale: 1.0 / 255.0 },
            Architecture::Compact => PixelMap { offset: 128.0, scale: 1.0 / 128.0 },
        };
        let colour = match self.colour {
            ColourName::Grey => Colour::Grey,
            ColourName::Rgb => Colour::Rgb,
        };
        InputSpec { width: self.size, height: self.size, colour, pixel_map }
    }
}

/// More threads than this are a slip of the finger.
const MAX_THREADS: usize = 1024;

/// Refuses more threads than any machine starts.
///
/// # Errors
/// Says how many there may be.
pub fn check_threads(threads: usize) -> Result<()> {
    ensure!(threads <= MAX_THREADS, "threads {threads} is outside 0..={MAX_THREADS}; 0 takes all cores");
    Ok(())
}

fn differing(prefix: &str, one: &toml::Table, other: &toml::Table, keys: &mut Vec<String>) {
    let all: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for key in all {
        match (one.get(key), other.get(key)) {
            (Some(toml::Value::Table(one)), Some(toml::Value::Table(other))) => {
                differing(&format!("{prefix}{key}."), one, other, keys);
            }
            (one, other) if one != other => keys.push(format!("{prefix}{key}")),
            _ => {}
        }
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            // A schedule of another kind has other keys: it replaces the preset's whole.
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) if key != "schedule" => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
