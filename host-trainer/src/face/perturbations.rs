//! The perturbed validation set: photos mirrored, darker, brighter, flat, cropped, blurred. A threshold chosen on many is less a matter
//! of luck than one chosen on few.

use super::detections::PhotoDetections;
use super::metrics::Findings;
use super::photos::{Photo, PhotoFace, Photos, Plane};
use crate::emotion::augment::blur;
use crate::progress::Progress;
use anyhow::Result;
use emotion_models::{FaceDetector, Rect};
use rayon::prelude::*;

/// A cropped photo's sides as a share of the whole one's.
const CROPPED_SIDE: f32 = 0.85;
/// A face of which less than this share is left by the crop is neither right nor wrong ...
const MIN_LEFT: f32 = 0.7;
/// ... and one of less than this is gone.
const GONE: f32 = 0.1;
/// A blurred photo's standard deviation as a share of its width.
const BLUR: f32 = 0.004;

/// Photos whose perturbed copies are in memory together.
const BATCH: usize = 64;
/// The plain photo and its perturbed variants.
pub const COUNT: usize = 8;

/// What `finder` finds in every photo, and in its perturbed variants, matched to the ground truth.
///
/// # Errors
/// When the engine fails.
pub fn detect_perturbed(finder: &FaceDetector, photos: &Photos, progress: &Progress) -> Result<Findings> {
    let mut findings = Findings::default();
    for some in photos.photos.chunks(BATCH) {
        let many = Photos { photos: perturbed(some), ..Photos::default() };
        findings.extend(PhotoDetections::detect(finder, &many, progress)?.findings);
    }
    Ok(findings)
}

/// Each with its first plane alone.
fn perturbed(photos: &[Photo]) -> Vec<Photo> {
    let all = |photo: &Photo| -> Vec<Photo> {
        let Some(plane) = photo.planes.first() else { return vec![] };
        let whole = Photo { planes: vec![plane.clone()], ..photo.clone() };
        let gamma = |power: f32| move |value: f32| 255.0 * (value / 255.0).powf(power);
        vec![
            mirrored(&whole),
            toned(&whole, gamma(1.7)),
            toned(&whole, gamma(0.6)),
            toned(&mirrored(&whole), |value| 0.55 * (value - 128.0) + 110.0),
            cropped(&whole, 0.0),
            cropped(&whole, 1.0),
            blurred(&whole),
            whole,
        ]
    };
    photos.par_iter().flat_map_iter(all).collect()
}

/// The photo with another first plane, and its faces moved; those of which `left` says that little is left no longer
/// count.
fn changed(photo: &Photo, plane: Plane, moved: impl Fn(Rect) -> Rect) -> Photo {
    let (width, height) = (plane.width as u32, plane.height as u32);
    let moved = |face: &PhotoFace| {
        let rect = moved(face.rect);
        let before = photo.planes.first().map_or([0; 2], |plane| [plane.width as u32, plane.height as u32]);
        let visible = face.rect.inside(before[0], before[1]).max(1e-6);
        let left = rect.inside(width, height) / visible;
        (left >= GONE).then(|| PhotoFace { rect, invalid: face.invalid || left < MIN_LEFT, ..face.clone() })
    };
    let faces = photo.faces.iter().filter_map(moved).collect();
    Photo { planes: vec![plane], faces, path: photo.path.clone(), ..*photo }
}

fn mirrored(photo: &Photo) -> Photo {
    let Plane { width, height, mut pixels } = photo.planes[0].clone();
    pixels.chunks_exact_mut(width.max(1)).for_each(<[u8]>::reverse);
    changed(photo, Plane { width, height, pixels }, |rect| Rect { x: width as f32 - rect.x - rect.width, ..rect })
}

fn toned(photo: &Photo, tone: impl Fn(f32) -> f32) -> Photo {
    let mut plane = photo.planes[0].clone();
    plane.pixels.iter_mut().for_each(|value| *value = tone(f32::from(*value)).clamp(0.0, 255.0) as u8);
    changed(photo, plane, |rect| rect)
}

/// The part that begins at `start` of what can be cropped away, 0 to 1, on both axes.
fn cropped(photo: &Photo, start: f32) -> Photo {
    let plane = &photo.planes[0];
    let [width, height] = [plane.width, plane.height].map(|side| ((side as f32 * CROPPED_SIDE) as usize).max(1));
    let [left, top] = [plane.width - width, plane.height - height].map(|rest| (rest as f32 * start) as usize);
    let rows = plane.pixels.chunks_exact(plane.width).skip(top).take(height);
    let pixels = rows.flat_map(|row| &row[left..left + width]).copied().collect();
    changed(photo, Plane { width, height, pixels }, |rect| Rect {
        x: rect.x - left as f32,
        y: rect.y - top as f32,
        ..rect
    })
}

fn blurred(photo: &Photo) -> Photo {
    let Plane { width, height, pixels } = &photo.planes[0];
    let mut values: Vec<f32> = pixels.iter().map(|&value| f32::from(value)).collect();
    blur(&mut values, (1, *height, *width), BLUR * *width as f32);
    let pixels = values.iter().map(|value| (value.clamp(0.0, 255.0) + 0.5) as u8).collect();
    changed(photo, Plane { width: *width, height: *height, pixels }, |rect| rect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::photos::pyramid;

    #[test]
    fn faces_go_along_with_their_photos() {
        let pixels = (0..40 * 20).map(|at| (at % 40) as u8).collect();
        let face = |rect: [f32; 4]| PhotoFace { rect: rect.into(), class: 0, invalid: false };
        let photo = Photo {
            path: "p".into(),
            planes: pyramid(Plane { width: 40, height: 20, pixels }),
            faces: vec![face([2.0, 4.0, 10.0, 12.0]), face([36.0, 8.0, 4.0, 5.0])],
            reduction: 1.0,
            noisy_boxes: false,
        };
        let seen = perturbed(std::slice::from_ref(&photo));
        assert_eq!(seen.len(), COUNT);
        assert_eq!(seen[0].faces[0].rect, Rect::new(28.0, 4.0, 10.0, 12.0));
        assert_eq!(seen[0].planes[0].pixels[..2], [39, 38]);
        assert!(seen[1].planes[0].pixels[20] < 20 && seen[2].planes[0].pixels[20] > 20);
        assert_eq!((seen[4].planes[0].width, seen[4].planes[0].height), (34, 17));
        // The right face is cropped away on the left part, and the left one is cut in two on the right part.
        assert_eq!(seen[4].faces.len(), 1);
        assert_eq!(seen[5].faces[0].rect, Rect::new(-4.0, 1.0, 10.0, 12.0));
        assert!(seen[5].faces[0].invalid && !seen[5].faces[1].invalid);
        assert_eq!(seen[7].faces, photo.faces);
    }
}
