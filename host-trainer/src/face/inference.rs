//! The trainer's own inference on photos: whole ones, letterboxed as in a device's first pass.

use super::detections::{MIN_SCORE, PhotoDetections};
use super::metrics::Findings;
use super::options::FaceConfig;
use super::photos::{Photo, Photos};
use super::scenes::compose::HardNegative;
use crate::device::Engine;
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::nets::{Net, forward};
use crate::run::config::TaskConfig;
use burn::tensor::{Tensor, TensorData};
use emotion_models::{CropBox, Faces, FrameView, Letterbox, OUTPUTS, PixelFormat, Placement, decode_faces};

/// A box of at least this score on a photo without a face is a hard negative.
const HARD_NEGATIVE_SCORE: f32 = 0.15;
/// Photos of one forward pass.
const BATCH: usize = 32;

/// A photo as the net sees it.
pub struct NetInput {
    /// `[height, width]`.
    pub bytes: Vec<u8>,
    /// Where it lies in the photo's first plane.
    pub placement: Placement,
}

/// Letterboxes a photo.
pub fn letterbox(photo: &Photo, config: &FaceConfig) -> Option<NetInput> {
    let plane = photo.planes.first()?;
    let (width, height) = (plane.width as u32, plane.height as u32);
    let frame = FrameView::new(PixelFormat::Grey, width, height, &plane.pixels).ok()?;
    let mut letterbox = Letterbox::new(&config.input());
    let placement = letterbox.take(&frame, CropBox::full(width, height));
    Some(NetInput { bytes: letterbox.bytes().to_vec(), placement })
}

/// A net for photos as they are.
pub struct FaceNet<'a> {
    /// Its layers.
    pub net: &'a Net,
    /// Its weights.
    pub weights: &'a Weights,
    /// The run's configuration.
    pub config: &'a FaceConfig,
    /// Where it runs.
    pub engine: &'a Engine,
}

impl FaceNet<'_> {
    /// The maps, each `[5, rows, columns]`, of photos.
    pub fn maps(&self, seen: &[&NetInput]) -> Vec<Vec<f32>> {
        let device = self.engine.scoring();
        let tensors = Tensors::new(self.net, self.weights, &device, self.engine.fast(), 0);
        let spec = self.config.input();
        let numbers = OUTPUTS * self.config.cells().iter().product::<usize>();
        let mut all = vec![];
        for some in seen.chunks(BATCH) {
            let bytes = some.iter().flat_map(|seen| &seen.bytes);
            let reals: Vec<f32> = bytes.map(|&byte| spec.pixel_map.real(f32::from(byte))).collect();
            let shape = [some.len(), 1, spec.height as usize, spec.width as usize];
            let input = Tensor::<4>::from_data(TensorData::new(reals, shape), &device);
            let maps = forward::forward(self.net, &tensors, input, None).logits.into_data();
            all.extend(maps.as_slice::<f32>().unwrap_or_default().chunks_exact(numbers).map(<[f32]>::to_vec));
        }
        all
    }

    /// The faces found in photos, at every score, in pixels of their first planes.
    pub fn detect(&self, seen: &[&NetInput]) -> Vec<Faces> {
        let cells = self.config.cells();
        let faces = |(maps, seen): (Vec<f32>, &&NetInput)| decode_faces(&maps, cells, MIN_SCORE, seen.placement);
        self.maps(seen).into_iter().zip(seen).map(faces).collect()
    }

    /// What is found in all photos, matched to the ground truth.
    pub fn evaluate(&self, photos: &Photos, seen: &[NetInput]) -> Findings {
        PhotoDetections::new(photos, self.detect(&seen.iter().collect::<Vec<_>>())).findings
    }

    /// Where faces are seen in photos without any.
    pub fn find_hard_negatives(&self, photos: &Photos, seen: &[Option<NetInput>]) -> Vec<HardNegative> {
        let empty: Vec<(usize, &NetInput)> =
            seen.iter().enumerate().filter_map(|(index, seen)| Some((index, seen.as_ref()?))).collect();
        debug_assert!(empty.iter().all(|(index, _)| photos.photos[*index].faces.is_empty()));
        let found = self.detect(&empty.iter().map(|(_, seen)| *seen).collect::<Vec<_>>());
        let of_photo = |((photo, _), faces): (&(usize, &NetInput), Faces)| -> Vec<HardNegative> {
            let counts = faces.into_iter().filter(|face| face.score >= HARD_NEGATIVE_SCORE);
            counts.map(|face| HardNegative { photo: *photo, rect: face.rect }).collect()
        };
        empty.iter().zip(found).flat_map(of_photo).collect()
    }
}
