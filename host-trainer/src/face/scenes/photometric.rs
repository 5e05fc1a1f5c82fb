//! Photometric jitter: light, blur and noise of a scene.

use super::view::{Canvas, View};
use crate::emotion::augment::blur;
use crate::face::options::Scenes;
use crate::face::photos::Plane;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Changes a scene's tones, each with its own probability; values stay within 0 and 255.
pub fn jitter(canvas: &mut Canvas, settings: &Scenes, random: &mut ChaCha8Rng) {
    if random.random::<f32>() < settings.blur {
        let sigma = random.random_range(0.4..1.1);
        blur(&mut canvas.values, (1, canvas.height, canvas.width), sigma);
    }
    if random.random::<f32>() < settings.photometric_jitter {
        match random.random_range(0..4) {
            0 => backlight(canvas, random),
            1 => infrared(canvas, random),
            _ => {}
        }
        exposure(canvas, random);
    }
    if random.random::<f32>() < settings.downscale {
        downscale(canvas, random.random_range(1.2..2.6));
    }
    if random.random::<f32>() < settings.noise {
        let deviation = random.random_range(1.0..10.0f32);
        if let Ok(noise) = Normal::new(0.0, deviation) {
            canvas.values.iter_mut().for_each(|value| *value += noise.sample(random));
        }
    }
    canvas.values.iter_mut().for_each(|value| *value = value.clamp(0.0, 255.0));
}

/// Reduces by `factor` on each axis, and enlarges again.
fn downscale(canvas: &mut Canvas, factor: f32) {
    let plane = |canvas: &Canvas| {
        let pixels = canvas.values.iter().map(|value| (value.clamp(0.0, 255.0) + 0.5) as u8).collect();
        Plane { width: canvas.width, height: canvas.height, pixels }
    };
    let [width, height] = [canvas.width, canvas.height].map(|side| ((side as f32 / factor).ceil() as usize).max(1));
    let mut small = Canvas { width, height, values: vec![128.0; width * height] };
    let view = |scale| View::new([0.0; 2], [0.0; 2], scale, 0.0, false);
    small.draw(&[plane(canvas)], &view(factor), [0, 0, width, height], |_, _| 1.0);
    let area = [0, 0, canvas.width, canvas.height];
    canvas.draw(&[plane(&small)], &view(1.0 / factor), area, |_, _| 1.0);
}

/// From a lamp's dim light to a sunny window: gamma, contrast about the middle, gain.
fn exposure(canvas: &mut Canvas, random: &mut ChaCha8Rng) {
    let gamma = random.random_range(-0.7f32..0.7).exp();
    let contrast = random.random_range(0.6f32..1.3);
    let gain = random.random_range(0.4f32.ln()..1.4f32.ln()).exp();
    for value in &mut canvas.values {
        let level = (value.clamp(0.0, 255.0) / 255.0).powf(gamma);
        *value = ((level - 0.5) * contrast + 0.5) * 255.0 * gain;
    }
}

/// A bright side: light that falls off across the scene, or a window behind the face.
fn backlight(canvas: &mut Canvas, random: &mut ChaCha8Rng) {
    let angle = random.random_range(0.0..std::f32::consts::TAU);
    let (sine, cosine) = angle.sin_cos();
    let (dark, bright) = (random.random_range(0.3..0.8f32), random.random_range(1.0..2.0f32));
    let window = random.random_bool(0.4);
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    for (index, value) in canvas.values.iter_mut().enumerate() {
        let x = (index % canvas.width) as f32 / width - 0.5;
        let y = (index / canvas.width) as f32 / height - 0.5;
        let along = if window { 2.0 * x.hypot(y) } else { x * cosine + y * sine + 0.5 };
        *value *= dark + (bright - dark) * along.clamp(0.0, 1.0);
    }
}

/// A night camera's lamp: bright in the middle, dark around, skin and cloth alike.
fn infrared(canvas: &mut Canvas, random: &mut ChaCha8Rng) {
    let flat = random.random_range(0.4..0.8f32);
    let centre = [random.random_range(0.3..0.7f32), random.random_range(0.3..0.7f32)];
    let reach = random.random_range(0.7..1.4f32);
    for (index, value) in canvas.values.iter_mut().enumerate() {
        let x = (index % canvas.width) as f32 / canvas.width as f32 - centre[0];
        let y = (index / canvas.width) as f32 / canvas.height as f32 - centre[1];
        let lamp = 1.0 / (1.0 + (x * x + y * y) / (reach * reach * 0.25));
        *value = ((*value - 150.0) * flat + 150.0) * lamp;
    }
}
