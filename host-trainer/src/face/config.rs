//! Everything a face run depends on; written into its folder as `config.toml`.

use crate::device::{DeviceName, OperatorSet};
use crate::failure::{Blame, Kind};
use crate::files::settled;
use crate::nets::{FaceOptions, Net, face};
use crate::run::config::{Quantization, check_threads};
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use anyhow::{Context, Result, bail, ensure};
use emotion_models::{CELL, Colour, InputSpec, PixelMap, Task};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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

/// What scenes are made of. Shares are of all scenes; what they leave shows a photo around one of its faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenes {
    /// Share of scenes that show a whole photo, as a first look at a frame does.
    pub whole: f32,
    /// Share of scenes without a face in the photo.
    pub empty: f32,
    /// Of those, the share into which face crops are pasted, where there are any.
    pub pasted: f32,
    /// Of the rest of those, the share that shows where the net saw a face that is none.
    pub mined: f32,
    /// Share of scenes that join four.
    pub mosaic: f32,
    /// Share of scenes in which a photo without a face, not a plain tone, surrounds photos that leave room.
    pub around: f32,
    /// A face's width as a fraction of the scene's, at least and at most.
    pub sizes: [f32; 2],
    /// Share of scenes that are turned, and by how many degrees at most.
    pub turned: (f32, f32),
    /// By how much, as a logarithm, width and height are drawn out or pressed together at most.
    pub stretched: f32,
    /// Share of the parts with faces into which one more is pasted.
    pub joined: f32,
    /// Share of faces that are partly hidden, as by masks and hands.
    pub hidden: f32,
    /// Share of scenes seen with fewer pixels than they have.
    pub coarse: f32,
    /// Share of scenes whose light is changed.
    pub lit: f32,
    /// Share of scenes that are blurred.
    pub blurred: f32,
    /// Share of scenes with noise.
    pub noisy: f32,
}

impl Default for Scenes {
    fn default() -> Self {
        Scenes {
            whole: 0.2,
            empty: 0.22,
            pasted: 0.35,
            mined: 0.5,
            mosaic: 0.12,
            around: 0.4,
            sizes: [0.07, 0.75],
            turned: (0.5, 25.0),
            stretched: 0.12,
            joined: 0.15,
            hidden: 0.15,
            coarse: 0.15,
            lit: 0.4,
            blurred: 0.2,
            noisy: 0.3,
        }
    }
}

/// Where a face run's pictures are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceData {
    /// Folders with photos and their face boxes.
    pub photos: Vec<String>,
    /// Of these, those whose boxes are known by and large only, as another detector's are: that a face is there is learned as from the
    /// others, where it begins and ends hardly.
    pub rough: Vec<String>,
    /// Folders with face crops, `train/LABEL/*`, to paste into photos without faces.
    pub crops: Vec<String>,
    /// At most so many crops of each.
    pub crops_each: usize,
    /// Drawn photos to learn from as well, one in four with nobody in it.
    pub drawn: u64,
    /// Part of the photos set aside for validation where there is no `val/`.
    pub val_fraction: f32,
}

impl FaceData {
    /// The folders with photos.
    pub fn roots(&self) -> Vec<PathBuf> {
        self.photos.iter().map(PathBuf::from).collect()
    }

    /// Whether the boxes of the photos in `folder` are known by and large only.
    pub fn is_rough(&self, folder: &str) -> bool {
        self.rough.iter().any(|rough| same_folder(rough, folder))
    }
}

/// Whether two paths lead to one folder.
fn same_folder(a: &str, b: &str) -> bool {
    settled(Path::new(a)) == settled(Path::new(b))
}

impl Default for FaceData {
    fn default() -> Self {
        FaceData { photos: vec![], rough: vec![], crops: vec![], crops_each: 6000, drawn: 200, val_fraction: 0.15 }
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
        match &self.quantize {
            None => ensure!(self.epochs > 0, "epochs must be at least 1"),
            Some(quantization) => quantization.check()?,
        }
        check_threads(self.threads)?;
        ensure!(self.batch_size > 1, "batch_size must be at least 2: batch normalisation needs more than one picture");
        ensure!((0.0..1.0).contains(&self.average), "average {} is outside 0..1", self.average);
        let given = |folder: &&String| self.data.photos.iter().any(|photos| same_folder(photos, folder));
        if let Some(unknown) = self.data.rough.iter().find(|folder| !given(folder)) {
            let photos = self.data.photos.join(", ");
            bail!("{unknown}, whose boxes are to be taken for rough, is none of the folders with photos ({photos})");
        }
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
