//! Antialiased painting of shapes given by their signed distance.

use super::colour::{Rgb, mix};
use super::expression::Motion;
use super::person::Person;
use image::RgbImage;

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn smoothstep(low: f32, high: f32, value: f32) -> f32 {
    // The reciprocal leaves a loop over pixels, a division would not.
    let t = ((value - low) * (1.0 / (high - low))).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// From face units to pixels. A face unit is half the head's width; the origin lies between the eyes and the nose's
/// tip, x to the picture's right, y down.
pub(super) struct FaceTransform {
    origin: [f32; 2],
    scale: f32,
    cosine: f32,
    sine: f32,
}

impl FaceTransform {
    /// Places the person's head in the middle of the canvas's centred square.
    pub(super) fn new(canvas: &Canvas, person: &Person, motion: &Motion) -> Self {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let side = width.min(height);
        let (x, y) = (person.place[0] + motion.sway[0], person.place[1] + motion.sway[1]);
        let origin = [width / 2.0 + side * x, height / 2.0 + side * y];
        Self::at(origin, side * person.size, person.roll + motion.roll)
    }

    /// Puts the origin at a pixel; a face unit takes `scale` pixels, and everything is turned by `roll` radians.
    pub(super) fn at(origin: [f32; 2], scale: f32, roll: f32) -> Self {
        Self { origin, scale, cosine: roll.cos(), sine: roll.sin() }
    }

    pub(super) fn pixel(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [
            self.origin[0] + self.scale * (self.cosine * x - self.sine * y),
            self.origin[1] + self.scale * (self.sine * x + self.cosine * y),
        ]
    }

    fn face(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = ((x - self.origin[0]) / self.scale, (y - self.origin[1]) / self.scale);
        [self.cosine * x + self.sine * y, self.cosine * y - self.sine * x]
    }
}

/// A rectangle in face units: left, top, right, bottom.
pub(super) type Bounds = [f32; 4];

/// How a shape covers what lies below.
#[derive(Clone, Copy)]
pub(super) struct Coat {
    /// 0 to 1 inside the shape.
    pub opacity: f32,
    /// Width of the edge's transition in face units; below a pixel it is a plain antialiased edge.
    pub blur: f32,
}

/// Opaque with a crisp edge.
pub(super) const SOLID: Coat = Coat { opacity: 1.0, blur: 0.0 };

/// The picture while it is painted.
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    pixels: Vec<Rgb>,
    /// How far a shape covers each pixel of the row at hand.
    covers: Vec<f32>,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0.0; 3]; width as usize * height as usize],
            covers: vec![0.0; width as usize],
        }
    }

    /// One that has a size alone, to place things on.
    pub(super) fn unpainted(width: u32, height: u32) -> Self {
        Self { width, height, pixels: Vec::new(), covers: Vec::new() }
    }

    /// Sets every pixel: `row` takes a row's height and gives what takes a pixel's place in it to its colour, both as
    /// fractions of the shorter side, from the middle.
    pub(super) fn fill<C: Fn(f32) -> Rgb>(&mut self, row: impl Fn(f32) -> C) {
        let (width, height) = (self.width as f32, self.height as f32);
        let unit = 1.0 / width.min(height);
        for (y, pixels) in self.pixels.chunks_exact_mut(self.width as usize).enumerate() {
            let colour = row((y as f32 + 0.5 - height / 2.0) * unit);
            for (x, pixel) in pixels.iter_mut().enumerate() {
                *pixel = colour((x as f32 + 0.5 - width / 2.0) * unit);
            }
        }
    }

    /// Paints where `distance` (face units, negative inside) says, within `bounds`, with the colour `colour` gives;
    /// both take a position in face units.
    pub(super) fn paint(
        &mut self,
        view: &FaceTransform,
        bounds: Bounds,
        coat: Coat,
        distance: impl Fn(f32, f32) -> f32,
        colour: impl Fn(f32, f32) -> Rgb,
    ) {
        let pixel = 1.0 / view.scale;
        let edge = coat.blur.max(pixel);
        let inverse = 1.0 / edge;
        let [left, top, right, bottom] = bounds;
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map(|corner| view.pixel(corner));
        let range = |axis: usize, limit: u32| {
            let values = corners.map(|corner| corner[axis]);
            let margin = edge * view.scale;
            let low = values.into_iter().fold(f32::INFINITY, f32::min) - margin;
            let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max) + margin;
            // A float cast saturates, so a shape outside the picture gives an empty range.
            (low.floor().max(0.0) as usize).min(limit as usize)..(high.ceil().max(0.0) as usize).min(limit as usize)
        };
        let (columns, rows) = (range(0, self.width), range(1, self.height));
        let step = [view.cosine * pixel, -view.sine * pixel];
        for row in rows {
            let [x, y] = view.face([columns.start as f32 + 0.5, row as f32 + 0.5]);
            let at = |index: usize| (x + step[0] * index as f32, y + step[1] * index as f32);
            // Distances first, without a branch, so that they are worked out several at a time.
            let covers = &mut self.covers[..columns.len()];
            for (index, cover) in covers.iter_mut().enumerate() {
                let (x, y) = at(index);
                *cover = 0.5 - distance(x, y) * inverse;
            }
            let start = row * self.width as usize;
            let below = &mut self.pixels[start + columns.start..start + columns.end];
            for (index, (below, &cover)) in below.iter_mut().zip(covers.iter()).enumerate() {
                if cover > 0.0 {
                    let (x, y) = at(index);
                    let cover = if coat.blur > pixel { smoothstep(0.0, 1.0, cover) } else { cover.min(1.0) };
                    *below = mix(*below, colour(x, y), cover * coat.opacity);
                }
            }
        }
    }

    /// The finished picture: exposure, colour of the light, its flicker, and a little sensor noise.
    pub(super) fn finish(self, person: &Person, motion: &Motion, frame: u64) -> RgbImage {
        let gain = person.light.tint.map(|tint| 255.0 * tint * person.light.exposure * motion.flicker);
        let mut state = (frame as u32).wrapping_mul(0x9E37_79B9) ^ person.noise_seed | 1;
        let mut bytes = vec![0; 3 * self.pixels.len()];
        for (bytes, pixel) in bytes.chunks_exact_mut(3).zip(&self.pixels) {
            // xorshift32 (Marsaglia, 2003): two of its bytes make a roughly triangular deviation.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let deviation = ((state & 255) as f32 - (state >> 8 & 255) as f32) * person.noise;
            for ((byte, value), gain) in bytes.iter_mut().zip(pixel).zip(gain) {
                *byte = (value * gain + deviation + 0.5) as u8;
            }
        }
        RgbImage::from_raw(self.width, self.height, bytes).unwrap_or_default()
    }
}

/// The length of a vector; `hypot` guards against overflow at many times the cost.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// A wave like the sine's, of period 1, made of parabolas: good enough for hair.
pub(super) fn wave(turns: f32) -> f32 {
    let part = turns - turns as i32 as f32;
    let part = if part < 0.0 { part + 1.0 } else { part } - 0.5;
    16.0 * part * (part.abs() - 0.5)
}

/// Signed distance, nearly, to an ellipse around the origin (Inigo Quilez's first-order bound).
pub(super) fn ellipse(x: f32, y: f32, [rx, ry]: [f32; 2]) -> f32 {
    let (across, down) = (1.0 / rx, 1.0 / ry);
    let (u, v) = (x * across, y * down);
    let square = u * u + v * v;
    let gradient = length(u * across, v * down);
    // The small terms keep the very middle, where there is no gradient, inside.
    (square - square.sqrt() - 1e-6) / (gradient + 1e-6)
}

/// Signed distance to a stroke of half width `radius` from `from` to `to`.
pub(super) fn stroke(x: f32, y: f32, from: [f32; 2], to: [f32; 2], radius: f32) -> f32 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let inverse = 1.0 / (dx * dx + dy * dy).max(1e-9);
    let along = (((x - from[0]) * dx + (y - from[1]) * dy) * inverse).clamp(0.0, 1.0);
    length(x - from[0] - along * dx, y - from[1] - along * dy) - radius
}
