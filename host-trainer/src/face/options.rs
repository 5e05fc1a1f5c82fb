//! What only face runs have in their configuration.

use crate::files::resolved;
use crate::nets::{FaceOptions, Net, face};
use crate::run::config::{Config, RunConfig, TaskConfig, check_val_fraction};
use crate::train::optimizer::Optimizer;
use anyhow::{Result, bail, ensure};
use emotion_models::{CELL, Colour, InputSpec, PixelMap, Task};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A face run's own part of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceConfig {
    /// Columns of the input, a multiple of 8.
    pub width: u32,
    /// Rows of the input, a multiple of 8.
    pub height: u32,
    /// Scenes an epoch; 0 takes four for each photo.
    pub scenes_per_epoch: usize,
    /// Epochs between two searches for hard negatives on photos without faces; 0 never searches.
    pub hard_negatives_every: usize,
    /// Where the pictures are.
    pub data: FaceData,
    /// Within the net.
    pub net: FaceOptions,
    /// What scenes are made of.
    pub scenes: Scenes,
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

impl Scenes {
    fn check(&self) -> Result<()> {
        let shares = [
            ("whole_photo", self.whole_photo),
            ("without_face", self.without_face),
            ("copy_paste", self.copy_paste),
            ("hard_negatives", self.hard_negatives),
            ("mosaic", self.mosaic),
            ("background", self.background),
            ("rotation", self.rotation.0),
            ("copy_paste_extra", self.copy_paste_extra),
            ("occlusion", self.occlusion),
            ("downscale", self.downscale),
            ("photometric_jitter", self.photometric_jitter),
            ("blur", self.blur),
            ("noise", self.noise),
        ];
        for (key, share) in shares {
            ensure!((0.0..=1.0).contains(&share), "scenes.{key}: the share {share} is outside 0..=1");
        }
        let jitter = self.aspect_jitter;
        ensure!((0.0..=1.0).contains(&jitter), "scenes.aspect_jitter {jitter} is outside 0..1");
        let whole_or_empty = self.whole_photo + self.without_face;
        ensure!(whole_or_empty <= 1.0, "scenes.whole_photo and scenes.without_face together exceed 1");
        let [smallest, largest] = self.face_sizes;
        let rise = 0.01 <= smallest && smallest < largest && largest <= 1.5;
        ensure!(rise, "scenes.face_sizes must rise from 0.01 to 1.5");
        Ok(())
    }
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
    /// Folders with face crops, `train/LABEL/*`, to paste into photos.
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
            width: 160,
            height: 120,
            scenes_per_epoch: 0,
            hard_negatives_every: 3,
            data: FaceData::default(),
            net: FaceOptions::default(),
            scenes: Scenes::default(),
        }
    }
}

impl Default for Config<FaceConfig> {
    fn default() -> Self {
        let optimizer = Optimizer { learning_rate: 0.03, weight_decay: 0.01, ..Optimizer::default() };
        let run = RunConfig { task: Task::Face, epochs: 48, batch_size: 32, optimizer, ..RunConfig::default() };
        Config { run, task: FaceConfig::default() }
    }
}

impl TaskConfig for FaceConfig {
    const TASK: Task = Task::Face;

    fn preset(_given: &toml::Table) -> Result<Config<Self>> {
        Ok(Config::default())
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.data.photos.is_empty(), "no data: name a folder with photos and face boxes with --data DIR");
        let given = |folder: &&String| self.data.photos.iter().any(|photos| same_folder(photos, folder));
        if let Some(unknown) = self.data.noisy_boxes.iter().find(|folder| !given(folder)) {
            let photos = self.data.photos.join(", ");
            bail!("{unknown}, named as a folder of noisy boxes, is none of the folders with photos ({photos})");
        }
        check_val_fraction(self.data.val_fraction)?;
        self.scenes.check()
    }

    fn check_net(&self) -> Result<()> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            let fits = (32..=1024).contains(&side) && side.is_multiple_of(CELL);
            ensure!(fits, "{name} {side} is no multiple of {CELL} from 32 to 1024 pixels");
        }
        ensure!(self.net.widths.iter().all(|&width| (1..=512).contains(&width)), "net.widths must lie from 1 to 512");
        ensure!(self.net.blocks <= 32, "net.blocks {} is more than 32", self.net.blocks);
        Ok(())
    }

    fn input(&self) -> InputSpec {
        InputSpec { width: self.width, height: self.height, colour: Colour::Grey, pixel_map: PixelMap::SIGNED }
    }

    fn float_net(&self, _labels: usize) -> Result<Net> {
        Ok(face(&self.input(), &self.net))
    }

    fn sources(&self) -> &[String] {
        &self.data.photos
    }

    fn use_sources(&mut self, sources: &[String]) {
        self.data.photos = sources.to_vec();
        let noisy = sources.iter().filter(|folder| self.data.has_noisy_boxes(folder)).cloned().collect();
        self.data.noisy_boxes = noisy;
    }

    fn label_count(&self) -> Result<usize> {
        Ok(1)
    }

    fn monitor(&self) -> &'static str {
        "average precision"
    }
}

impl FaceConfig {
    /// Columns and rows of the maps.
    pub fn cells(&self) -> [usize; 2] {
        [self.width, self.height].map(|side| (side / CELL) as usize)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn impossible_shares_are_told_with_their_key() {
        let scenes = Scenes::default();
        scenes.check().unwrap();
        for (scenes, told) in [
            (Scenes { mosaic: 2.0, ..scenes.clone() }, "scenes.mosaic: the share 2 is outside 0..=1"),
            (Scenes { rotation: (-0.5, 25.0), ..scenes.clone() }, "scenes.rotation: the share -0.5 is outside 0..=1"),
            (Scenes { noise: f32::NAN, ..scenes.clone() }, "scenes.noise: the share NaN is outside 0..=1"),
        ] {
            assert_eq!(scenes.check().unwrap_err().to_string(), told);
        }
    }
}
