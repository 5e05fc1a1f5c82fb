//! Everything a face run depends on; written into its folder as `config.toml`.

use super::scene::Scenes;
use crate::config::Quantization;
use crate::device::{DeviceName, OperatorSet};
use crate::failure::{Blame, Kind};
use crate::nets::{FaceOptions, Net, face};
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use anyhow::{Context, Result, ensure};
use emotion_models::{CELL, Colour, InputSpec, PixelMap, Task};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A face run's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceConfig {
    /// Always `face`: it tells these files from those of emotion runs.
    pub task: Task,
    /// Every random choice derives from it.
    pub seed: u64,
    /// Columns of the input, a multiple of 8.
    pub width: u32,
    /// Rows of the input, a multiple of 8.
    pub height: u32,
    /// Number of epochs.
    pub epochs: usize,
    /// Scenes an epoch; 0 takes four for each photo.
    pub scenes_per_epoch: usize,
    /// Scenes per step.
    pub batch_size: usize,
    /// Where the arithmetic runs.
    pub device: DeviceName,
    /// Whose convolution and normalisation.
    pub operators: OperatorSet,
    /// Threads; 0 takes all cores.
    pub threads: usize,
    /// Decay of the moving average of weights; 0 switches it off.
    pub average: f64,
    /// Epochs between two looks for mistakes on photos without faces; 0 never looks.
    pub mine_every: usize,
    /// Where the pictures are.
    pub data: FaceData,
    /// Within the net.
    pub net: FaceOptions,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Learning rate over time.
    pub schedule: Schedule,
    /// What scenes are made of.
    pub scenes: Scenes,
    /// Convolutions in 8-bit integers; absent in float runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantization>,
}

/// Where a face run's pictures are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceData {
    /// Folders with photos and their face boxes.
    pub photos: Vec<String>,
    /// Folders with face crops, `train/LABEL/*`, to paste into photos without faces.
    pub crops: Vec<String>,
    /// At most so many crops of each.
    pub crops_each: usize,
    /// Drawn photos to learn from as well, one in four with nobody in it.
    pub drawn: u64,
    /// Part of the photos set aside for validation where there is no `val/`.
    pub val_fraction: f32,
}

impl Default for FaceData {
    fn default() -> Self {
        FaceData { photos: vec![], crops: vec![], crops_each: 6000, drawn: 200, val_fraction: 0.15 }
    }
}

impl Default for FaceConfig {
    fn default() -> Self {
        FaceConfig {
            task: Task::Face,
            seed: 1,
            width: 160,
            height: 120,
            epochs: 48,
            scenes_per_epoch: 0,
            batch_size: 32,
            device: DeviceName::Cpu,
            operators: OperatorSet::Fast,
            threads: 0,
            average: 0.999,
            mine_every: 3,
            data: FaceData::default(),
            net: FaceOptions::default(),
            optimizer: Optimizer { learning_rate: 0.03, weight_decay: 0.01, ..Optimizer::default() },
            schedule: Schedule::Cosine { warmup_epochs: 1.0 },
            scenes: Scenes::default(),
            quantize: None,
        }
    }
}

/// Only the key that tells a run's task.
#[derive(Deserialize)]
struct TaskOnly {
    task: Option<Task>,
}

/// The task of the run or configuration file at `path`; emotion where the file cannot be read or does not say.
pub fn task_of(path: &Path) -> Task {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    toml::from_str::<TaskOnly>(&text).ok().and_then(|file| file.task).unwrap_or(Task::Emotion)
}

impl FaceConfig {
    /// Reads a configuration file; keys it leaves out keep their defaults.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key, or a value of the wrong kind: the message names file and line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        let text = text.blame(Kind::Config)?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display())).blame(Kind::Config)
    }

    /// The configuration as a file.
    ///
    /// # Errors
    /// Never for a configuration that was read or is the default.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check(&self) -> Result<()> {
        ensure!(self.task == Task::Face, "task = \"{}\" in a face run's configuration", self.task);
        ensure!(!self.data.photos.is_empty(), "no data: name a folder with photos and face boxes with --data DIR");
        self.check_net()?;
        ensure!(self.epochs > 0 || self.quantize.is_some(), "epochs must be at least 1");
        ensure!(self.batch_size > 1, "batch_size must be at least 2: batch normalisation needs more than one picture");
        ensure!((0.0..1.0).contains(&self.average), "average {} is outside 0..1", self.average);
        let (fraction, rate) = (self.data.val_fraction, self.optimizer.learning_rate);
        ensure!((0.01..=0.5).contains(&fraction), "data.val_fraction {fraction} is outside 0.01..=0.5");
        ensure!(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate {rate} must be above 0");
        let scenes = &self.scenes;
        let shares =
            [scenes.whole, scenes.empty, scenes.pasted, scenes.mined, scenes.mosaic, scenes.turned.0, scenes.lit];
        let changes = [scenes.around, scenes.joined, scenes.hidden, scenes.coarse, scenes.blurred, scenes.noisy];
        for share in shares.into_iter().chain(changes) {
            ensure!((0.0..=1.0).contains(&share), "scenes: {share} is no share from 0 to 1");
        }
        ensure!((0.0..=1.0).contains(&scenes.stretched), "scenes.stretched {} is outside 0..1", scenes.stretched);
        ensure!(scenes.whole + scenes.empty <= 1.0, "scenes.whole and scenes.empty together exceed 1");
        let [smallest, largest] = scenes.sizes;
        ensure!(0.01 <= smallest && smallest < largest && largest <= 1.5, "scenes.sizes must rise from 0.01 to 1.5");
        Ok(())
    }

    /// Refuses an impossible net.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check_net(&self) -> Result<()> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            let fits = (32..=1024).contains(&side) && side.is_multiple_of(CELL);
            ensure!(fits, "{name} {side} is no multiple of {CELL} from 32 to 1024 pixels");
        }
        ensure!(self.net.widths.iter().all(|&width| (1..=512).contains(&width)), "net.widths must lie from 1 to 512");
        ensure!(self.net.blocks <= 32, "net.blocks {} is more than 32", self.net.blocks);
        Ok(())
    }

    /// The net.
    pub fn build_net(&self) -> Net {
        let net = face(&self.input(), &self.net);
        if self.quantize.is_some() { net.quantized(&self.input()) } else { net }
    }

    /// The input that the net sees.
    pub fn input(&self) -> InputSpec {
        InputSpec { width: self.width, height: self.height, colour: Colour::Grey, pixel_map: PixelMap::SIGNED }
    }

    /// Columns and rows of the maps.
    pub fn cells(&self) -> [usize; 2] {
        [self.width, self.height].map(|side| (side / CELL) as usize)
    }
}
