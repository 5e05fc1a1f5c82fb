//! The trainer's own inference on photos: whole ones, letterboxed as in a device's first pass.

use super::detections::{MIN_SCORE, PhotoDetections};
use super::metrics::Findings;
use super::options::FaceConfig;
use super::photos::{Photo, Photos};
use super::scenes::compose::HardNegative;
use crate::device::Engine;
use crate::nets::Net;
use crate::nets::forward;
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
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

/// The net's maps, each `[5, rows, columns]`, for inputs of bytes.
pub fn maps(net: &Net, weights: &Weights, config: &FaceConfig, engine: &Engine, inputs: &[&[u8]]) -> Vec<Vec<f32>> {
    let device = engine.scoring();
    let tensors = Tensors::new(net, weights, &device, engine.fast(), 0);
    let spec = config.input();
    let numbers = OUTPUTS * config.cells().iter().product::<usize>();
    let mut all = vec![];
    for some in inputs.chunks(BATCH) {
        let reals: Vec<f32> =
            some.iter().flat_map(|bytes| bytes.iter()).map(|&byte| spec.pixel_map.real(f32::from(byte))).collect();
        let shape = [some.len(), 1, spec.height as usize, spec.width as usize];
        let input = Tensor::<4>::from_data(TensorData::new(reals, shape), &device);
        let maps = forward::forward(net, &tensors, input, None).logits.into_data();
        all.extend(maps.as_slice::<f32>().unwrap_or_default().chunks_exact(numbers).map(<[f32]>::to_vec));
    }
    all
}

/// The faces the net finds in photos, at every score, in pixels of their first planes.
pub fn detect(net: &Net, weights: &Weights, config: &FaceConfig, engine: &Engine, seen: &[&NetInput]) -> Vec<Faces> {
    let inputs: Vec<&[u8]> = seen.iter().map(|seen| seen.bytes.as_slice()).collect();
    let maps = maps(net, weights, config, engine, &inputs);
    maps.iter().zip(seen).map(|(maps, seen)| decode_faces(maps, config.cells(), MIN_SCORE, seen.placement)).collect()
}

/// What the net finds in all photos, matched to the ground truth.
pub fn evaluate(
    net: &Net,
    weights: &Weights,
    config: &FaceConfig,
    engine: &Engine,
    photos: &Photos,
    seen: &[NetInput],
) -> Findings {
    PhotoDetections::new(photos, detect(net, weights, config, engine, &seen.iter().collect::<Vec<_>>())).findings
}

/// Where the net sees faces in photos without any.
pub fn find_hard_negatives(
    net: &Net,
    weights: &Weights,
    config: &FaceConfig,
    engine: &Engine,
    photos: &Photos,
    seen: &[Option<NetInput>],
) -> Vec<HardNegative> {
    let empty: Vec<(usize, &NetInput)> =
        seen.iter().enumerate().filter_map(|(index, seen)| Some((index, seen.as_ref()?))).collect();
    debug_assert!(empty.iter().all(|(index, _)| photos.photos[*index].faces.is_empty()));
    let found = detect(net, weights, config, engine, &empty.iter().map(|(_, seen)| *seen).collect::<Vec<_>>());
    let of_photo = |((photo, _), faces): (&(usize, &NetInput), Faces)| -> Vec<HardNegative> {
        let counts = faces.into_iter().filter(|face| face.score >= HARD_NEGATIVE_SCORE);
        counts.map(|face| HardNegative { photo: *photo, rect: face.rect }).collect()
    };
    empty.iter().zip(found).flat_map(of_photo).collect()
}
