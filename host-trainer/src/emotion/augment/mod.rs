//! Changes made to training pictures: the label stays, the pixels do not.

mod camera;
mod paint;
#[cfg(test)]
mod tests;
mod warp;

pub(crate) use paint::blur;
use paint::{erase, mean};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use warp::Warp;

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
    /// Stretches by up to this fraction in width against height.
    pub aspect: f32,
    /// Probability that the picture is seen from wider: by more than `zoom`, up to `max_zoom_out`.
    pub zoom_out: f32,
    /// The widest view, in sides of the picture.
    pub max_zoom_out: f32,
    /// Probability that one tone goes on beyond the picture's edge, in place of its reflection.
    pub constant_border: f32,
    /// Raises tones to a power of e^-this to e^this.
    pub gamma: f32,
    /// Probability of light from one side.
    pub side_light: f32,
    /// Probability of a dark room.
    pub low_light: f32,
    /// Probability of blur by motion.
    pub motion_blur: f32,
    /// Probability of fewer pixels than the net sees.
    pub downscale: f32,
    /// Probability of a sensor's noise.
    pub noise: f32,
    /// Probability of strong JPEG compression.
    pub jpeg: f32,
    /// Probability that a hand, an object or glasses hide a part of the face.
    pub occlusion: f32,
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
            aspect: 0.0,
            zoom_out: 0.0,
            max_zoom_out: 1.5,
            constant_border: 0.0,
            gamma: 0.0,
            side_light: 0.0,
            low_light: 0.0,
            motion_blur: 0.0,
            downscale: 0.0,
            noise: 0.0,
            jpeg: 0.0,
            occlusion: 0.0,
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
            ..Self::none()
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
            ("aspect", self.aspect, 0.5),
            ("zoom_out", self.zoom_out, 1.0),
            ("constant_border", self.constant_border, 1.0),
            ("gamma", self.gamma, 2.0),
            ("side_light", self.side_light, 1.0),
            ("low_light", self.low_light, 1.0),
            ("motion_blur", self.motion_blur, 1.0),
            ("downscale", self.downscale, 1.0),
            ("noise", self.noise, 1.0),
            ("jpeg", self.jpeg, 1.0),
            ("occlusion", self.occlusion, 1.0),
        ];
        let wide = 1.0 + self.zoom..=2.0;
        if self.zoom_out > 0.0 && !wide.contains(&self.max_zoom_out) {
            return Err(format!(
                "augment.max_zoom_out must lie between 1 + augment.zoom and 2, not {}",
                self.max_zoom_out
            ));
        }
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
        self.hide_and_light(target, shape, random);
        self.change_tones(target, shape, random);
        if chance(self.blur, random) {
            // Up to about what a camera half a step out of focus does to a face of 64 pixels, in proportion.
            let sigma = random.random_range(0.4..1.0) * width.max(height) as f32 / 64.0;
            blur(target, shape, sigma.max(0.4));
        }
        if chance(self.erase, random) {
            erase(target, shape, random);
        }
        self.record(target, shape, random);
    }

    /// What stands before the face, and the light on it.
    fn hide_and_light(&self, target: &mut [f32], shape: (usize, usize, usize), random: &mut ChaCha8Rng) {
        if chance(self.occlusion, random) {
            camera::occlude(target, shape, random);
        }
        if chance(self.side_light, random) {
            camera::side_light(target, shape, random);
        }
        if self.gamma > 0.0 {
            camera::tone_curve(target, spread(self.gamma, random).exp());
        }
        if chance(self.low_light, random) {
            camera::low_light(target, random);
        }
    }

    /// What lens, sensor and file add.
    fn record(&self, target: &mut [f32], shape: (usize, usize, usize), random: &mut ChaCha8Rng) {
        if chance(self.motion_blur, random) {
            camera::motion_blur(target, shape, random);
        }
        if chance(self.downscale, random) {
            camera::downscale(target, shape, random);
        }
        if chance(self.noise, random) {
            camera::sensor_noise(target, random);
        }
        if chance(self.jpeg, random) {
            camera::jpeg(target, shape, random);
        }
    }

    fn draw_warp(&self, width: usize, height: usize, random: &mut ChaCha8Rng) -> Option<Warp> {
        let flip = self.flip && random.random();
        let still = [self.rotation_degrees, self.zoom, self.translation, self.aspect, self.zoom_out];
        if !flip && still.iter().all(|&amount| amount == 0.0) {
            return None;
        }
        let angle = spread(self.rotation_degrees, random).to_radians();
        let mut zoom = 1.0 + spread(self.zoom, random);
        let shift = (spread(self.translation, random) * width as f32, spread(self.translation, random) * height as f32);
        if chance(self.zoom_out, random) {
            zoom = random.random_range(1.0 + self.zoom..=self.max_zoom_out);
        }
        let stretch = spread(self.aspect, random).exp().sqrt();
        let warp = Warp::new(flip, angle, (zoom * stretch, zoom / stretch), shift, width, height);
        let surround = chance(self.constant_border, random).then(|| random.random_range(0.0f32..255.0) as u8);
        Some(Warp { surround, ..warp })
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
