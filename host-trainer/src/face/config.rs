//! Everything a face run depends on; written into its folder as `config.toml`.

use crate::device::{DeviceName, OperatorSet};
use crate::failure::{Blame, Kind};
use crate::files::resolved;
use crate::nets::{FaceOptions, Net, face};
use crate::run::config::{Quantization, check_threads};
use crate::run::old_keys::renamed;
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
    /// Where the computation runs.
    pub device: DeviceName,
    /// Whose convolution and normalisation.
    pub operators: OperatorSet,
    /// Threads; 0 takes all cores.
    pub threads: usize,
    /// Decay of the exponential moving average of weights (EMA); 0 switches it off.
    pub ema: f64,
    /// Epochs between two searches for hard negatives on photos without faces; 0 never searches.
    pub hard_negatives_every: usize,
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
    /// Share of scenes that show a whole photo, as the first inference pass on a frame does.
    pub whole_photo: f32,
    /// Share of scenes without a face in the photo.
    pub without_face: f32,
    /// Of those, the share into which face crops are pasted (copy-paste), where there are any.
    pub copy_paste: f32,
    /// Of the rest of those, the share that shows a hard negative: where the net found a face that is none.
    pub hard_negatives: f32,
    /// Share of scenes that join four photos.
    pub mosaic: f32,
    /// Share of scenes whose background, where photos leave room, is a photo without a face and not a plain tone.
    pub background: f32,
    /// A face's width as a fraction of the scene's, at least and at most.
    pub face_sizes: [f32; 2],
    /// Share of scenes that are turned, and by how many degrees at most.
    pub rotation: (f32, f32),
    /// Largest change of width and of height, each by itself, as a logarithm.
    pub aspect_jitter: f32,
    /// Share of the parts with faces into which one more face crop is pasted.
    pub copy_paste_extra: f32,
    /// Share of faces that are partly occluded, as by masks and hands.
    pub occlusion: f32,
    /// Share of scenes reduced to fewer pixels and enlarged again.
    pub downscale: f32,
    /// Share of scenes whose light is changed: exposure, gamma, backlight, infrared.
    pub photometric_jitter: f32,
    /// Share of scenes that are blurred.
    pub blur: f32,
    /// Share of scenes with noise.
    pub noise: f32,
}

impl Default for Scenes {
    fn default() -> Self {
        Scenes {
            whole_photo: 0.2,
            without_face: 0.22,
            copy_paste: 0.35,
            hard_negatives: 0.5,
            mosaic: 0.12,
            background: 0.4,
            face_sizes: [0.07, 0.75],
            rotation: (0.5, 25.0),
            aspect_jitter: 0.12,
            copy_paste_extra: 0.15,
            occlusion: 0.15,
            downscale: 0.15,
            photometric_jitter: 0.4,
            blur: 0.2,
            noise: 0.3,
        }
    }
}

/// Where a face run's pictures are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceData {
    /// Folders with photos and their face boxes.
    pub photos: Vec<String>,
    /// Of these, those with noisy boxes, such as another detector's (pseudo-labels): that a face is there is learned as from the
    /// others, where it begins and ends hardly.
    pub noisy_boxes: Vec<String>,
    /// Folders with face crops, `train/LABEL/*`, to paste into photos without faces.
    pub crops: Vec<String>,
    /// At most so many crops of each folder.
    pub max_crops: usize,
    /// Synthetic photos to learn from as well, drawn by the test card, one in four with nobody in it.
    pub synthetic: u64,
    /// Part of the photos set aside for validation where there is no `val/`.
    pub val_fraction: f32,
}

impl FaceData {
    /// The folders with photos.
    pub fn roots(&self) -> Vec<PathBuf> {
        self.photos.iter().map(PathBuf::from).collect()
    }

    /// Whether the photos in `folder` have noisy boxes.
    pub fn has_noisy_boxes(&self, folder: &str) -> bool {
        self.noisy_boxes.iter().any(|noisy| same_folder(noisy, folder))
    }
}

/// Whether two paths lead to one folder.
fn same_folder(a: &str, b: &str) -> bool {
    resolved(Path::new(a)) == resolved(Path::new(b))
}

impl Default for FaceData {
    fn default() -> Self {
        FaceData {
            photos: vec![],
            noisy_boxes: vec![],
            crops: vec![],
            max_crops: 6000,
            synthetic: 200,
            val_fraction: 0.15,
        }
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
            ema: 0.999,
            hard_negatives_every: 3,
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
        toml::from_str(&renamed(&text)).with_context(|| format!("in {}", path.display())).blame(Kind::Config)
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
        ensure!((0.0..1.0).contains(&self.ema), "ema {} is outside 0..1", self.ema);
        let given = |folder: &&String| self.data.photos.iter().any(|photos| same_folder(photos, folder));
        if let Some(unknown) = self.data.noisy_boxes.iter().find(|folder| !given(folder)) {
            let photos = self.data.photos.join(", ");
            bail!("{unknown}, named as a folder of noisy boxes, is none of the folders with photos ({photos})");
        }
        let (fraction, rate) = (self.data.val_fraction, self.optimizer.learning_rate);
        ensure!((0.01..=0.5).contains(&fraction), "data.val_fraction {fraction} is outside 0.01..=0.5");
        ensure!(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate {rate} must be above 0");
        let scenes = &self.scenes;
        let shares = [
            scenes.whole_photo,
            scenes.without_face,
            scenes.copy_paste,
            scenes.hard_negatives,
            scenes.mosaic,
            scenes.rotation.0,
            scenes.photometric_jitter,
        ];
        let changes =
            [scenes.background, scenes.copy_paste_extra, scenes.occlusion, scenes.downscale, scenes.blur, scenes.noise];
        for share in shares.into_iter().chain(changes) {
            ensure!((0.0..=1.0).contains(&share), "scenes: {share} is no share from 0 to 1");
        }
        ensure!(
            (0.0..=1.0).contains(&scenes.aspect_jitter),
            "scenes.aspect_jitter {} is outside 0..1",
            scenes.aspect_jitter
        );
        ensure!(
            scenes.whole_photo + scenes.without_face <= 1.0,
            "scenes.whole_photo and scenes.without_face together exceed 1"
        );
        let [smallest, largest] = scenes.face_sizes;
        ensure!(
            0.01 <= smallest && smallest < largest && largest <= 1.5,
            "scenes.face_sizes must rise from 0.01 to 1.5"
        );
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
