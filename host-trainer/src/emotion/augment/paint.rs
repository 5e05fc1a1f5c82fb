//! Changes to tones: blur and erased rectangles.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Mean of a plane's values.
pub(super) fn mean(plane: &[f32]) -> f32 {
    // Eight sums side by side: one alone would wait for each addition.
    let mut sums = [0f32; 8];
    let chunks = plane.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    (sums.iter().sum::<f32>() + rest) / plane.len() as f32
}

/// Gaussian of standard deviation `sigma` pixels; at the edge the last pixel goes on.
pub(crate) fn blur(target: &mut [f32], (_, height, width): (usize, usize, usize), sigma: f32) {
    let reach = ((2.0 * sigma).ceil() as usize).max(1);
    let weights: Vec<f32> = (0..=reach).map(|place| (-0.5 * (place as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    let weights: Vec<f32> = weights.iter().map(|weight| weight / total).collect();
    let mut padded = vec![0.0; width + 2 * reach];
    let mut blurred = vec![0.0; height * width];
    for plane in target.chunks_exact_mut(height * width) {
        for row in plane.chunks_exact_mut(width) {
            padded[..reach].fill(row[0]);
            padded[reach..reach + width].copy_from_slice(row);
            padded[reach + width..].fill(row[width - 1]);
            row.iter_mut().zip(&padded[reach..]).for_each(|(value, &middle)| *value = middle * weights[0]);
            for (place, weight) in weights.iter().enumerate().skip(1) {
                let sides = padded[reach - place..].iter().zip(&padded[reach + place..]);
                row.iter_mut().zip(sides).for_each(|(value, (a, b))| *value += weight * (a + b));
            }
        }
        for (y, row) in blurred.chunks_exact_mut(width).enumerate() {
            let line = |y: usize| &plane[y * width..][..width];
            row.iter_mut().zip(line(y)).for_each(|(value, &middle)| *value = middle * weights[0]);
            for (place, weight) in weights.iter().enumerate().skip(1) {
                let sides = line(y.saturating_sub(place)).iter().zip(line((y + place).min(height - 1)));
                row.iter_mut().zip(sides).for_each(|(value, (a, b))| *value += weight * (a + b));
            }
        }
        plane.copy_from_slice(&blurred);
    }
}

/// Random erasing (Zhong et al. 2017, arXiv:1708.04896): area 2 to 20 %, aspect 0.3 to 3.3.
pub(super) fn erase(target: &mut [f32], (_, height, width): (usize, usize, usize), random: &mut ChaCha8Rng) {
    let area = random.random_range(0.02..0.2) * (height * width) as f32;
    let aspect = random.random_range(0.3f32.ln()..3.3f32.ln()).exp();
    let rows = ((area * aspect).sqrt().round() as usize).clamp(1, height);
    let columns = ((area / aspect).sqrt().round() as usize).clamp(1, width);
    let (top, left) = (random.random_range(0..=height - rows), random.random_range(0..=width - columns));
    let noise: bool = random.random();
    for plane in target.chunks_exact_mut(height * width) {
        let mean = mean(plane);
        for row in plane.chunks_exact_mut(width).skip(top).take(rows) {
            for value in &mut row[left..left + columns] {
                *value = if noise { f32::from(random.random::<u8>()) } else { mean };
            }
        }
    }
}
