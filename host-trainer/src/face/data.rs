//! The photos that a configuration names.

use super::options::{FaceConfig, FaceData};
use super::photos::{self, Photo, Photos, class_name};
use crate::failure::{Kind, failure};
use crate::output::say;
use crate::part::Part;
use crate::run::config::Config;
use crate::task::Data;
use anyhow::Result;
use emotion_models::FACE_LABEL;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seeds of synthetic persons: those below belong to tests and the demo, the trainer's validation takes others.
const SYNTHETIC_FROM: u64 = 20_000;
/// Synthetic photos in validation, and where their seeds begin.
const SYNTHETIC_VAL: (u64, u64) = (30, 40_000);

/// The photos of a run.
pub struct FacePhotos {
    /// What it learns from.
    pub train: Arc<Photos>,
    /// What chooses epoch and threshold.
    pub val: Arc<Photos>,
    /// SHA-256 over pictures and boxes of training and validation.
    pub fingerprint: String,
    /// The folders with their numbers of photos and faces, as the card gives them.
    pub described: String,
}

impl Data for FacePhotos {
    type Config = FaceConfig;

    fn load(config: &Config<FaceConfig>, _run: &Path) -> Result<Self> {
        let FaceData { photos: sources, crops, max_crops, synthetic, val_fraction, .. } = &config.task.data;
        let roots = config.task.data.roots();
        // Its photos would lie in both subsets of the split.
        if let Some(twice) = (1..roots.len()).find(|&index| roots[..index].contains(&roots[index])) {
            return Err(failure(Kind::Data, format!("{} is given twice; name each folder once", sources[twice])));
        }
        let mut loaded = photos::load(&roots, Part::Train, true)?;
        let noisy_boxes: Vec<bool> = sources.iter().map(|source| config.task.data.has_noisy_boxes(source)).collect();
        let is_noisy = |photo: &Photo| photo.source(&roots).is_some_and(|source| noisy_boxes[source]);
        loaded.photos.photos.iter_mut().for_each(|photo| photo.noisy_boxes = is_noisy(photo));
        let own_val = photos::load(&roots, Part::Val, false)?;
        let (mut train, mut val) = if own_val.photos.photos.is_empty() {
            loaded.photos.split(&roots, *val_fraction, config.run.seed)
        } else {
            (loaded.photos, own_val.photos)
        };
        if train.photos.is_empty() {
            let message = format!(
                "{} has a single photo, and one part is learned from, another one chooses the epoch: give more",
                sources.join(", ")
            );
            return Err(failure(Kind::Data, message));
        }
        let names = photos::names(&roots);
        let mut described = vec![format!(
            "{} ({} photos, {} faces; {} photos and {} faces of it for validation)",
            names.join(", "),
            train.photos.len() + val.photos.len(),
            train.faces() + val.faces(),
            val.photos.len(),
            val.faces()
        )];
        if loaded.unreadable + own_val.unreadable > 0 {
            described.push(format!("left out: {}", loaded.unreadable + own_val.unreadable));
        }
        let with_noisy_boxes = names.iter().zip(&noisy_boxes).filter(|(_, noisy_boxes)| **noisy_boxes);
        let with_noisy_boxes: Vec<&str> = with_noisy_boxes.map(|(name, _)| name.as_str()).collect();
        if !with_noisy_boxes.is_empty() {
            described.push(format!("noisy boxes: {}", with_noisy_boxes.join(", ")));
        }
        let crops: Vec<PathBuf> = crops.iter().map(PathBuf::from).collect();
        described.extend(train.add_crops(&crops, *max_crops)?);
        if *synthetic > 0 {
            train.add_synthetic(*synthetic, SYNTHETIC_FROM);
            val.add_synthetic(SYNTHETIC_VAL.0, SYNTHETIC_VAL.1);
            described.push(format!("{synthetic} synthetic photos"));
        }
        let described = described.join("; ");
        Ok(FacePhotos { train: Arc::new(train), val: Arc::new(val), fingerprint: loaded.fingerprint, described })
    }

    fn say(&self) -> Result<()> {
        say!("{}", self.described)?;
        say!("classes of faces, rarer ones seen more often than their share: {}", classes(&self.train))
    }

    fn labels(&self) -> Vec<String> {
        vec![FACE_LABEL.into()]
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// As many scenes are composed as an epoch asks for.
    fn examples(&self) -> Option<usize> {
        None
    }
}

fn classes(photos: &Photos) -> String {
    let count = |index: usize| {
        photos.photos.iter().flat_map(|photo| &photo.faces).filter(|face| face.class == index && !face.invalid).count()
    };
    let told =
        photos.classes.iter().enumerate().map(|(index, class)| format!("{} {}", class_name(class), count(index)));
    told.collect::<Vec<_>>().join(", ")
}
