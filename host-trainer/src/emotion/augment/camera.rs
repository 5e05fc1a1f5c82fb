//! What a camera and its room do to a face: light from one side, darkness, motion, coarse pixels, noise, compression.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageFormat, Luma, imageops};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// `[C, H, W]`.
type Shape = (usize, usize, usize);

/// Light from one side: brightness falls evenly across the picture, by up to six to one.
pub(super) fn side_light(target: &mut [f32], (_, height, width): Shape, random: &mut ChaCha8Rng) {
    let ratio = random.random_range(1.5f32..6.0);
    let brightest = random.random_range(0.9f32..1.4);
    let (sine, cosine) = random.random_range(0.0..std::f32::consts::TAU).sin_cos();
    let across = sine.abs() + cosine.abs();
    for plane in target.chunks_exact_mut(height * width) {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                let (x, y) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
                // From 0 on the lit side to 1 on the other.
                let place = (x * cosine + y * sine) / across + 0.5;
                *value = (*value * brightest * (1.0 + place * (1.0 / ratio - 1.0))).min(255.0);
            }
        }
    }
}

/// A dark room: a steep tone curve, little light, and the noise of an amplified sensor.
pub(super) fn low_light(target: &mut [f32], random: &mut ChaCha8Rng) {
    let gamma = random.random_range(1.2f32..2.6);
    let bright = random.random_range(0.25f32..0.9);
    target.iter_mut().for_each(|value| *value = 255.0 * bright * (*value / 255.0).max(0.0).powf(gamma));
    add_noise(target, random.random_range(0.5..6.0), random);
}

/// A tone curve `value ^ gamma`.
pub(super) fn tone_curve(target: &mut [f32], gamma: f32) {
    target.iter_mut().for_each(|value| *value = 255.0 * (*value / 255.0).max(0.0).powf(gamma));
}

/// Noise of a sensor, up to a tenth of the range.
pub(super) fn sensor_noise(target: &mut [f32], random: &mut ChaCha8Rng) {
    add_noise(target, random.random_range(2.0..25.0), random);
}

fn add_noise(target: &mut [f32], sigma: f32, random: &mut ChaCha8Rng) {
    let Ok(normal) = Normal::new(0.0, sigma) else { return };
    target.iter_mut().for_each(|value| *value = (*value + normal.sample(random)).clamp(0.0, 255.0));
}

/// A straight movement while the shutter is open, over up to a tenth of the picture.
pub(super) fn motion_blur(target: &mut [f32], (_, height, width): Shape, random: &mut ChaCha8Rng) {
    let length = random.random_range(0.02..0.1) * width.max(height) as f32;
    let (sine, cosine) = random.random_range(0.0..std::f32::consts::PI).sin_cos();
    let steps = (length.ceil() as usize).max(2);
    for plane in target.chunks_exact_mut(height * width) {
        let before = plane.to_vec();
        plane.fill(0.0);
        for step in 0..steps {
            let at = (step as f32 / (steps - 1) as f32 - 0.5) * length;
            add_moved(&before, plane, width, (at * cosine, at * sine), 1.0 / steps as f32);
        }
    }
}

/// Adds `before`, moved by a part of a pixel or more, to `plane`; at the edge the last pixel goes on.
fn add_moved(before: &[f32], plane: &mut [f32], width: usize, (dx, dy): (f32, f32), weight: f32) {
    let height = before.len() / width;
    let (left, top) = (dx.floor(), dy.floor());
    let (u, v) = (dx - left, dy - top);
    let within =
        |at: usize, moved: f32, size: usize| (at as isize + moved as isize).clamp(0, size as isize - 1) as usize;
    for (y, row) in plane.chunks_exact_mut(width).enumerate() {
        let upper = &before[within(y, top, height) * width..][..width];
        let lower = &before[within(y, top + 1.0, height) * width..][..width];
        for (x, value) in row.iter_mut().enumerate() {
            let (a, b) = (within(x, left, width), within(x, left + 1.0, width));
            let (upper, lower) = (upper[a] * (1.0 - u) + upper[b] * u, lower[a] * (1.0 - u) + lower[b] * u);
            *value += weight * (upper * (1.0 - v) + lower * v);
        }
    }
}

/// Low resolution: scaled down to between a third and all of its size, and up again.
pub(super) fn downscale(target: &mut [f32], (_, height, width): Shape, random: &mut ChaCha8Rng) {
    let share = random.random_range(0.33f32..0.9);
    let part = |size: usize| ((size as f32 * share).round() as u32).max(4);
    for plane in target.chunks_exact_mut(height * width) {
        // Floats of an `image` lie between 0 and 1.
        let tones = plane.iter().map(|value| value / 255.0).collect();
        let Some(picture) = ImageBuffer::<Luma<f32>, Vec<f32>>::from_raw(width as u32, height as u32, tones) else {
            return;
        };
        let small = imageops::resize(&picture, part(width), part(height), imageops::FilterType::Triangle);
        let large = imageops::resize(&small, width as u32, height as u32, imageops::FilterType::Triangle);
        plane.iter_mut().zip(large.iter()).for_each(|(value, tone)| *value = 255.0 * tone);
    }
}

/// JPEG of quality 8 to 60, each channel as a picture of its own.
pub(super) fn jpeg(target: &mut [f32], (_, height, width): Shape, random: &mut ChaCha8Rng) {
    let quality = random.random_range(8..=60);
    for plane in target.chunks_exact_mut(height * width) {
        let bytes: Vec<u8> = plane.iter().map(|value| value.round() as u8).collect();
        let mut file = std::io::Cursor::new(Vec::new());
        let (columns, rows) = (width as u32, height as u32);
        let written =
            JpegEncoder::new_with_quality(&mut file, quality).encode(&bytes, columns, rows, ExtendedColorType::L8);
        let Ok(read) = written.and_then(|()| image::load_from_memory_with_format(file.get_ref(), ImageFormat::Jpeg))
        else {
            return;
        };
        plane.iter_mut().zip(read.to_luma8().iter()).for_each(|(value, &byte)| *value = f32::from(byte));
    }
}

/// Hides a part of the face: a hand or cup, an arm or bar, or dark glasses.
pub(super) fn occlude(target: &mut [f32], (_, height, width): Shape, random: &mut ChaCha8Rng) {
    let kind = random.random_range(0..10);
    let tone = random.random_range(0.0f32..255.0);
    let skin = random.random_bool(0.5).then(|| random.random_range(0.6f32..1.2));
    let slope = random.random_range(-60.0f32..60.0);
    let size = [random.random_range(0.12f32..0.3), random.random_range(0.12f32..0.3)];
    let turn = random.random_range(0.0..std::f32::consts::PI);
    // Around the face's middle, rather below than above.
    let middle = [random.random_range(0.1f32..0.9), random.random_range(0.25f32..1.0)];
    let eyes =
        [random.random_range(0.34f32..0.46), random.random_range(0.16f32..0.24), random.random_range(0.08f32..0.14)];
    let (sine, cosine) = turn.sin_cos();
    let hidden = |x: f32, y: f32| match kind {
        0..3 => {
            let [height, apart, radius] = eyes;
            let lens = ((x - 0.5).abs() - apart).hypot((y - height) * 1.2) < radius;
            lens || ((y - height).abs() < 0.015 && (x - 0.5).abs() < apart + 0.2)
        }
        _ => {
            let (x, y) = (x - middle[0], y - middle[1]);
            let (along, aside) = ((x * cosine + y * sine) / size[0], (y * cosine - x * sine) / size[1]);
            match kind {
                3..7 => along.hypot(aside) < 1.0,
                7..9 => aside.abs() < 0.6,
                _ => along.abs() < 1.0 && aside.abs() < 1.0,
            }
        }
    };
    for plane in target.chunks_exact_mut(height * width) {
        let tone = match (kind, skin) {
            (0..3, _) => tone * 0.3,
            (_, Some(share)) => super::paint::mean(plane) * share,
            _ => tone,
        };
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                let (x, y) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
                if hidden(x, y) {
                    *value = (tone + slope * (x - 0.5)).clamp(0.0, 255.0);
                }
            }
        }
    }
}
