//! Changes made to training pictures: the label stays, the pixels do not.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How much training pictures are changed; every amount is drawn anew for every picture and epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirrors every second picture.
    pub flip: bool,
    /// Turns by up to this many degrees either way.
    pub rotation_degrees: f32,
    /// Shows up to this fraction more or less of the picture.
    pub zoom: f32,
    /// Moves by up to this fraction of width and height.
    pub translation: f32,
    /// Multiplies the distance from the picture's mean tone by 1 - this to 1 + this.
    pub contrast: f32,
    /// Adds up to this fraction of the full range, either way.
    pub brightness: f32,
    /// Probability of a slight blur.
    pub blur: f32,
    /// Probability that a rectangle of 2 to 20 % of the area is painted over with noise or the mean tone.
    pub erase: f32,
    /// Probability that a batch is mixed by CutMix.
    pub cutmix: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self::none()
    }
}

impl Augment {
    /// No change.
    pub fn none() -> Self {
        Self {
            flip: false,
            rotation_degrees: 0.0,
            zoom: 0.0,
            translation: 0.0,
            contrast: 0.0,
            brightness: 0.0,
            blur: 0.0,
            erase: 0.0,
            cutmix: 0.0,
        }
    }

    /// The gentle changes that `lenet` is trained with.
    pub fn lenet() -> Self {
        Self { flip: true, rotation_degrees: 9.0, zoom: 0.1, contrast: 0.1, cutmix: 0.3, ..Self::none() }
    }

    /// The stronger changes that `compact` is trained with.
    pub fn compact() -> Self {
        Self {
            flip: true,
            rotation_degrees: 15.0,
            zoom: 0.15,
            translation: 0.1,
            contrast: 0.3,
            brightness: 0.2,
            blur: 0.1,
            erase: 0.25,
            cutmix: 0.3,
        }
    }

    /// Says which amount is out of range, if any.
    ///
    /// # Errors
    /// Names the amount, its value and its range.
    pub fn check(&self) -> Result<(), String> {
        let amounts = [
            ("rotation_degrees", self.rotation_degrees, 180.0),
            ("zoom", self.zoom, 0.9),
            ("translation", self.translation, 1.0),
            ("contrast", self.contrast, 1.0),
            ("brightness", self.brightness, 1.0),
            ("blur", self.blur, 1.0),
            ("erase", self.erase, 1.0),
            ("cutmix", self.cutmix, 1.0),
        ];
        match amounts.into_iter().find(|&(_, value, most)| !(0.0..=most).contains(&value)) {
            Some((name, value, most)) => Err(format!("augment.{name} must lie between 0 and {most}, not {value}")),
            None => Ok(()),
        }
    }

    /// Changes one picture: `source` and `target` are `[C, H, W]`, in and out in the range 0 to 255.
    pub fn apply(&self, source: &[u8], target: &mut [f32], shape: (usize, usize, usize), random: &mut ChaCha8Rng) {
        let (_, height, width) = shape;
        match self.draw_warp(width, height, random) {
            Some(warp) => warp.apply(source, target, shape),
            None => target.iter_mut().zip(source).for_each(|(target, &source)| *target = f32::from(source)),
        }
        self.change_tones(target, shape, random);
        if chance(self.blur, random) {
            // Up to about what a camera half a step out of focus does to a face of 64 pixels, in proportion.
            let sigma = random.random_range(0.4..1.0) * width.max(height) as f32 / 64.0;
            blur(target, shape, sigma.max(0.4));
        }
        if chance(self.erase, random) {
            erase(target, shape, random);
        }
    }

    fn draw_warp(&self, width: usize, height: usize, random: &mut ChaCha8Rng) -> Option<Warp> {
        let flip = self.flip && random.random();
        if !flip && self.rotation_degrees == 0.0 && self.zoom == 0.0 && self.translation == 0.0 {
            return None;
        }
        let angle = spread(self.rotation_degrees, random).to_radians();
        let zoom = 1.0 + spread(self.zoom, random);
        let shift = (spread(self.translation, random) * width as f32, spread(self.translation, random) * height as f32);
        Some(Warp::new(flip, angle, zoom, shift, width, height))
    }

    /// Contrast about each channel's mean, then brightness, kept within the range of a byte.
    fn change_tones(
        &self,
        target: &mut [f32],
        (channels, height, width): (usize, usize, usize),
        random: &mut ChaCha8Rng,
    ) {
        if self.contrast == 0.0 && self.brightness == 0.0 {
            return;
        }
        let factor = 1.0 + spread(self.contrast, random);
        let added = spread(self.brightness, random) * 255.0;
        for plane in target.chunks_exact_mut(height * width).take(channels) {
            let offset = mean(plane) * (1.0 - factor) + added;
            plane.iter_mut().for_each(|value| *value = (*value * factor + offset).clamp(0.0, 255.0));
        }
    }
}

fn chance(probability: f32, random: &mut ChaCha8Rng) -> bool {
    probability > 0.0 && random.random::<f32>() < probability
}

/// Uniform in `-most..=most`.
fn spread(most: f32, random: &mut ChaCha8Rng) -> f32 {
    if most == 0.0 { 0.0 } else { random.random_range(-most..=most) }
}

fn mean(plane: &[f32]) -> f32 {
    // Eight sums side by side: one alone would wait for each addition.
    let mut sums = [0f32; 8];
    let chunks = plane.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    (sums.iter().sum::<f32>() + rest) / plane.len() as f32
}

/// Where each pixel of the changed picture comes from: `source = matrix * target + offset`, in pixels between centres.
struct Warp {
    matrix: [f32; 4],
    offset: [f32; 2],
}

/// Fixed-point positions have this many fractional bits.
const BITS: u32 = 16;
const ONE: i32 = 1 << BITS;

impl Warp {
    fn new(flip: bool, angle: f32, zoom: f32, shift: (f32, f32), width: usize, height: usize) -> Self {
        let (sine, cosine) = angle.sin_cos();
        let mirror = if flip { -1.0 } else { 1.0 };
        let matrix = [mirror * cosine * zoom, -mirror * sine * zoom, sine * zoom, cosine * zoom];
        let centre = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
        let moved = (centre.0 + shift.0, centre.1 + shift.1);
        let offset = [
            centre.0 - matrix[0] * moved.0 - matrix[1] * moved.1,
            centre.1 - matrix[2] * moved.0 - matrix[3] * moved.1,
        ];
        Self { matrix, offset }
    }

    /// Bilinear; beyond the edge the picture is reflected.
    fn apply(&self, source: &[u8], target: &mut [f32], (_, height, width): (usize, usize, usize)) {
        let area = height * width;
        let fixed = |value: f32| (value * ONE as f32).round() as i32;
        let step = (fixed(self.matrix[0]), fixed(self.matrix[2]));
        for (source, target) in source.chunks_exact(area).zip(target.chunks_exact_mut(area)) {
            for (y, row) in target.chunks_exact_mut(width).enumerate() {
                let start = |axis: usize| fixed(self.matrix[2 * axis + 1] * y as f32 + self.offset[axis]);
                let start = (start(0), start(1));
                let (first, last) = inside(start, step, width, height);
                let reflected = |x: usize| {
                    let at = (start.0 + step.0 * x as i32, start.1 + step.1 * x as i32);
                    sample_reflected(source, width, height, at)
                };
                (0..first).for_each(|x| row[x] = reflected(x));
                let mut at = (start.0 + step.0 * first as i32, start.1 + step.1 * first as i32);
                for value in &mut row[first..last] {
                    let index = (at.1 >> BITS) as usize * width + (at.0 >> BITS) as usize;
                    let (upper, lower) = (&source[index..index + 2], &source[index + width..index + width + 2]);
                    *value = blend([upper[0], upper[1], lower[0], lower[1]], at);
                    at = (at.0 + step.0, at.1 + step.1);
                }
                (last..width).for_each(|x| row[x] = reflected(x));
            }
        }
    }
}

/// The range of a row's pixels whose four neighbours all lie in the picture.
fn inside(start: (i32, i32), step: (i32, i32), width: usize, height: usize) -> (usize, usize) {
    let bounds = |start: i32, step: i32, size: usize| {
        // Positions must lie in 0..limit, so that the next pixel exists too.
        let limit = (size as i64 - 1) << BITS;
        let (start, step) = (i64::from(start), i64::from(step));
        let up = |value: i64, by: i64| value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0);
        match step {
            0 if (0..limit).contains(&start) => (0, i64::MAX),
            0 => (0, 0),
            1.. => (up(-start, step), up(limit - start, step)),
            _ => (up(start - limit + 1, -step), start.div_euclid(-step) + 1),
        }
    };
    let (a, b) = (bounds(start.0, step.0, width), bounds(start.1, step.1, height));
    let first = a.0.max(b.0).clamp(0, width as i64);
    let last = a.1.min(b.1).clamp(first, width as i64);
    (first as usize, last as usize)
}

fn blend([a, b, c, d]: [u8; 4], at: (i32, i32)) -> f32 {
    const FRACTION: f32 = 1.0 / ONE as f32;
    let (x, y) = ((at.0 & (ONE - 1)) as f32 * FRACTION, (at.1 & (ONE - 1)) as f32 * FRACTION);
    let (a, b, c, d) = (f32::from(a), f32::from(b), f32::from(c), f32::from(d));
    let (upper, lower) = (a + (b - a) * x, c + (d - c) * x);
    upper + (lower - upper) * y
}

fn sample_reflected(source: &[u8], width: usize, height: usize, at: (i32, i32)) -> f32 {
    let reflect = |index: i32, size: usize| {
        // ... 2 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
        let size = size as i32;
        let index = index.rem_euclid(2 * size);
        (if index < size { index } else { 2 * size - 1 - index }) as usize
    };
    let (x, y) = (at.0 >> BITS, at.1 >> BITS);
    let (left, right) = (reflect(x, width), reflect(x + 1, width));
    let (upper, lower) = (reflect(y, height) * width, reflect(y + 1, height) * width);
    blend([source[upper + left], source[upper + right], source[lower + left], source[lower + right]], at)
}

/// Gaussian of standard deviation `sigma` pixels; at the edge the last pixel goes on.
fn blur(target: &mut [f32], (_, height, width): (usize, usize, usize), sigma: f32) {
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
fn erase(target: &mut [f32], (_, height, width): (usize, usize, usize), random: &mut ChaCha8Rng) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    const SHAPE: (usize, usize, usize) = (2, 9, 12);

    fn picture() -> Vec<u8> {
        (0..2 * 9 * 12).map(|index| (index * 53 % 256) as u8).collect()
    }

    fn apply(augment: &Augment, index: u64) -> Vec<f32> {
        let mut target = vec![0.0; picture().len()];
        augment.apply(&picture(), &mut target, SHAPE, &mut stream(Purpose::Augment, 1, 1, index));
        target
    }

    fn warp(warp: &Warp) -> Vec<f32> {
        let mut target = vec![0.0; picture().len()];
        warp.apply(&picture(), &mut target, SHAPE);
        target
    }

    #[test]
    fn no_change_is_exact() {
        let floats: Vec<f32> = picture().into_iter().map(f32::from).collect();
        assert_eq!(apply(&Augment::none(), 0), floats);
        assert_eq!(warp(&Warp::new(false, 0.0, 1.0, (0.0, 0.0), 12, 9)), floats);
    }

    #[test]
    fn the_mirror_image_is_exact() {
        let flipped = warp(&Warp::new(true, 0.0, 1.0, (0.0, 0.0), 12, 9));
        for (row, mirrored) in picture().chunks(12).zip(flipped.chunks(12)) {
            assert!(row.iter().rev().map(|&byte| f32::from(byte)).eq(mirrored.iter().copied()));
        }
    }

    #[test]
    fn moved_pictures_are_reflected_at_the_edge() {
        let moved = warp(&Warp::new(false, 0.0, 1.0, (3.0, 0.0), 12, 9));
        let row: Vec<f32> = picture()[..12].iter().map(|&byte| f32::from(byte)).collect();
        assert_eq!(moved[3..12], row[..9]);
        assert_eq!(moved[..3], [row[2], row[1], row[0]]);
    }

    #[test]
    fn fast_and_reflected_sampling_agree_inside_and_out() {
        let picture = picture();
        let mut random = stream(Purpose::Augment, 2, 0, 0);
        for _ in 0..200 {
            let angle = random.random_range(-3.2f32..3.2);
            let (zoom, shift) = (random.random_range(0.3f32..2.0), random.random_range(-20.0f32..20.0));
            let warp = Warp::new(random.random(), angle, zoom, (shift, -shift), 12, 9);
            let mut target = vec![0.0; picture.len()];
            warp.apply(&picture, &mut target, SHAPE);
            let fixed = |value: f32| (value * ONE as f32).round() as i32;
            for y in 0..9i32 {
                for x in 0..12i32 {
                    let at = |axis: usize| {
                        fixed(warp.matrix[2 * axis + 1] * y as f32 + warp.offset[axis])
                            + x * fixed(warp.matrix[2 * axis])
                    };
                    let expected = sample_reflected(&picture[..108], 12, 9, (at(0), at(1)));
                    assert_eq!(target[(y * 12 + x) as usize], expected);
                }
            }
        }
    }

    #[test]
    fn changes_repeat_and_keep_the_range() {
        let strong = Augment { blur: 0.5, erase: 0.5, ..Augment::compact() };
        for index in 0..200 {
            let changed = apply(&strong, index);
            assert_eq!(changed, apply(&strong, index));
            assert!(changed.iter().all(|value| (0.0..=255.001).contains(value)), "{changed:?}");
        }
        assert_ne!(apply(&strong, 0), apply(&strong, 1));
    }

    #[test]
    fn blur_keeps_one_tone_and_smooths_the_rest() {
        let mut flat = vec![77.0; picture().len()];
        blur(&mut flat, SHAPE, 1.3);
        assert!(flat.iter().all(|value| (value - 77.0).abs() < 1e-3));
        let mut target = apply(&Augment::none(), 0);
        let roughness = |values: &[f32]| values.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f32>();
        let before = roughness(&target);
        blur(&mut target, SHAPE, 1.0);
        assert!(roughness(&target) < before / 2.0);
    }

    #[test]
    fn amounts_out_of_range_are_named() {
        assert!(Augment::compact().check().is_ok() && Augment::lenet().check().is_ok());
        let error = Augment { erase: 1.5, ..Augment::none() }.check().expect_err("out of range");
        assert!(error.contains("augment.erase") && error.contains("1.5"));
        assert!(Augment { zoom: f32::NAN, ..Augment::none() }.check().is_err());
    }
}
