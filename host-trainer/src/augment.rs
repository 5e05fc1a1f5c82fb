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
        Self { flip: true, rotation_degrees: 9.0, zoom: 0.1, contrast: 0.1, cutmix: 0.5, ..Self::none() }
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

    /// Bilinear; beyond the edge the picture is reflected, by up to half its size.
    fn apply(&self, source: &[u8], target: &mut [f32], (_, height, width): (usize, usize, usize)) {
        let area = height * width;
        let fixed = |value: f32| (value * ONE as f32).round() as i32;
        let (step_x, step_y) = (fixed(self.matrix[0]), fixed(self.matrix[2]));
        let mut margins = Margins::new(width, height);
        let (last_x, last_y) = margins.last();
        let (shift_x, shift_y) = (margins.left as f32, margins.top as f32);
        for (source, target) in source.chunks_exact(area).zip(target.chunks_exact_mut(area)) {
            margins.fill(source, width);
            for (y, row) in target.chunks_exact_mut(width).enumerate() {
                let mut at_x = fixed(self.matrix[1] * y as f32 + self.offset[0] + shift_x);
                let mut at_y = fixed(self.matrix[3] * y as f32 + self.offset[1] + shift_y);
                for values in row.chunks_mut(LANES) {
                    let mut places = [(0, 0); LANES];
                    for place in &mut places {
                        *place = (at_x.clamp(0, last_x), at_y.clamp(0, last_y));
                        (at_x, at_y) = (at_x + step_x, at_y + step_y);
                    }
                    values.copy_from_slice(&margins.sample(&places)[..values.len()]);
                }
            }
        }
    }
}

/// Pixels that are sampled together, so that all but fetching their neighbours is done in vector registers.
const LANES: usize = 16;

/// One channel with its reflection around it, so that sampling needs no case for the edge.
struct Margins {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Margins {
    fn new(width: usize, height: usize) -> Self {
        let (left, top) = (width.div_ceil(2), height.div_ceil(2));
        let (width, height) = (width + 2 * left, height + 2 * top);
        Self { left, top, width, height, pixels: vec![0; width * height] }
    }

    /// The last position, in fixed point, whose four neighbours all exist.
    fn last(&self) -> (i32, i32) {
        let last = |size: usize| ((size as i32 - 1) << BITS) - 1;
        (last(self.width), last(self.height))
    }

    /// ... 1 0 | 0 1 ... n-1 | n-1 n-2 ...
    fn fill(&mut self, source: &[u8], width: usize) {
        let (left, right) = (self.left, self.left + width);
        let (first, end) = (self.top, self.top + source.len() / width);
        for (line, row) in self.pixels.chunks_exact_mut(self.width).skip(first).zip(source.chunks_exact(width)) {
            line[left..right].copy_from_slice(row);
            line[..left].iter_mut().rev().zip(row).for_each(|(margin, &pixel)| *margin = pixel);
            line[right..].iter_mut().zip(row.iter().rev()).for_each(|(margin, &pixel)| *margin = pixel);
        }
        let line = |y: usize| y * self.width..(y + 1) * self.width;
        for y in 0..first {
            self.pixels.copy_within(line(first + y), line(first - 1 - y).start);
            self.pixels.copy_within(line(end - 1 - y), line(end + y).start);
        }
    }

    #[inline]
    fn sample(&self, places: &[(i32, i32); LANES]) -> [f32; LANES] {
        let mut corners = [[0u8; LANES]; 4];
        let stride = self.width;
        for (lane, &(x, y)) in places.iter().enumerate() {
            let upper = &self.pixels[(y >> BITS) as usize * stride + (x >> BITS) as usize..];
            let lower = &upper[stride..];
            (corners[0][lane], corners[1][lane]) = (upper[0], upper[1]);
            (corners[2][lane], corners[3][lane]) = (lower[0], lower[1]);
        }
        let mut values = [0.0; LANES];
        for (lane, value) in values.iter_mut().enumerate() {
            let corner = |corner: usize| f32::from(corners[corner][lane]);
            let (a, b, c, d) = (corner(0), corner(1), corner(2), corner(3));
            let fraction = |at: i32| (at & (ONE - 1)) as f32 * (1.0 / ONE as f32);
            let (x, y) = (fraction(places[lane].0), fraction(places[lane].1));
            let (upper, lower) = (a + (b - a) * x, c + (d - c) * x);
            *value = upper + (lower - upper) * y;
        }
        values
    }
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
    fn any_warp_agrees_with_sampling_by_the_formula() {
        let picture = picture();
        let mut random = stream(Purpose::Augment, 2, 0, 0);
        for _ in 0..200 {
            let angle = random.random_range(-3.2f32..3.2);
            let (zoom, shift) = (random.random_range(0.3f32..2.0), random.random_range(-9.0f32..9.0));
            let warp = Warp::new(random.random(), angle, zoom, (shift, -shift), 12, 9);
            let mut target = vec![0.0; picture.len()];
            warp.apply(&picture, &mut target, SHAPE);
            for (place, &value) in target[..108].iter().enumerate() {
                let (x, y) = ((place % 12) as f32, (place / 12) as f32);
                let at = |axis: usize| warp.matrix[2 * axis] * x + warp.matrix[2 * axis + 1] * y + warp.offset[axis];
                if (-5.0..16.0).contains(&at(0)) && (-4.0..12.0).contains(&at(1)) {
                    let expected = bilinear(&picture, at(0), at(1));
                    // Positions are rounded to 1/65536 along a row, and neighbours differ by up to 255.
                    assert!((value - expected).abs() < 0.2, "{value} is not {expected}");
                }
            }
        }
    }

    fn bilinear(picture: &[u8], x: f32, y: f32) -> f32 {
        let reflect = |index: i32, size: i32| {
            let index = index.rem_euclid(2 * size);
            if index < size { index } else { 2 * size - 1 - index }
        };
        let pixel = |x: i32, y: i32| f32::from(picture[(reflect(y, 9) * 12 + reflect(x, 12)) as usize]);
        let (left, top) = (x.floor() as i32, y.floor() as i32);
        let (u, v) = (x - left as f32, y - top as f32);
        let line = |y: i32| pixel(left, y) * (1.0 - u) + pixel(left + 1, y) * u;
        line(top) * (1.0 - v) + line(top + 1) * v
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
