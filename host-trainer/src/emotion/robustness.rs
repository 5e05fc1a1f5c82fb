//! Perturbed pictures, to measure how far a model stays right: darkness, noise, blur, compression, occlusion, other crops.
//!
//! Nothing here is shared with training's augmentation, so that the one does not test itself with the other: amounts are fixed, and
//! they are applied to the picture at its own size and in its own colours, before the net's preprocessing.

use crate::random::{Purpose, stream};
use anyhow::{Context, Result};
use emotion_models::{CropBox, MAX_SIDE, Picture, PixelFormat};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, GrayImage, ImageFormat, RgbImage};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use sha2::{Digest, Sha256};

/// Tones are raised to this power ...
const DARK_GAMMA: f32 = 2.2;
/// ... and then multiplied by this.
const DARK_BRIGHTNESS: f32 = 0.4;
/// Standard deviation of the noise, as a share of the full range.
const NOISE: f32 = 0.08;
/// Pixels over which motion blurs, across.
const MOTION: usize = 9;
/// JPEG's quality, of 100.
const JPEG_QUALITY: u8 = 15;
/// Sides of the occluding rectangle as a share of the crop's: a quarter of its area.
const OCCLUDED_SIDE: f32 = 0.5;
/// Tone of the occluding rectangle.
const GREY: u8 = 128;
/// By which share of its sides the crop is moved, across and down.
const SHIFT: f32 = 0.12;
/// Brightness on the lit and on the other side: four to one, one in the middle.
const SIDE_LIGHT: (f32, f32) = (1.6, 0.4);
/// Longer side, in pixels, of a picture with few of them.
const FEW_PIXELS: u32 = 48;

/// One way to change a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perturbation {
    /// A dark room: gamma 2.2 and 0.4 of the brightness.
    Dark,
    /// A sensor's noise: Gaussian, standard deviation 0.08 of the range, in each pixel and channel by itself.
    Noise,
    /// Motion across, over nine pixels.
    MotionBlur,
    /// JPEG of quality 15.
    Jpeg,
    /// A grey rectangle over a quarter of the crop, at a place drawn by the picture's name.
    Occlusion,
    /// A crop that is off by 12 % of its sides, to a side drawn by the picture's name.
    Shift,
    /// Light from one side, four times as bright there as on the other.
    SideLight,
    /// A face far away: 48 pixels on the longer side.
    FewPixels,
    /// A crop 1.25 times as wide and high.
    Wide,
    /// A crop 1.5 times as wide and high.
    Wider,
}

impl Perturbation {
    /// All, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Dark,
        Self::Noise,
        Self::MotionBlur,
        Self::Jpeg,
        Self::Occlusion,
        Self::Shift,
        Self::SideLight,
        Self::FewPixels,
        Self::Wide,
        Self::Wider,
    ];
    /// The first so many of [`Perturbation::ALL`] are in the mean drop.
    pub const IN_MEAN: usize = 7;

    /// What it does, in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark: gamma 2.2, brightness 0.4",
            Self::Noise => "Gaussian noise, sigma 0.08",
            Self::MotionBlur => "motion blur, 9 pixels",
            Self::Jpeg => "JPEG quality 15",
            Self::Occlusion => "occlusion, 25 % of the area",
            Self::Shift => "shift by 12 %",
            Self::SideLight => "side light 4:1",
            Self::FewPixels => "48 pixels",
            Self::Wide => "crop 1.25 times as wide",
            Self::Wider => "crop 1.5 times as wide",
        }
    }

    /// The `crop` of `picture`, changed; the whole of what comes back is what the net is to see. What is drawn depends on the
    /// picture's `name` and on nothing else. Beyond the picture's edge its last pixels go on.
    ///
    /// # Errors
    /// When a JPEG cannot be written or read.
    pub fn apply(self, picture: &Picture, crop: CropBox, name: &str) -> Result<Picture> {
        let mut random = stream(Purpose::Robustness, seed_of(name), self as u64, 0);
        let mut cropped = match self {
            Self::Shift => return Ok(cut(picture, shifted(crop, &mut random))),
            Self::Wide => return Ok(cut(picture, crop.with_margin(0.25))),
            Self::Wider => return Ok(cut(picture, crop.with_margin(0.5))),
            _ => cut(picture, crop),
        };
        match self {
            Self::Dark => darken(&mut cropped),
            Self::Noise => add_noise(&mut cropped, &mut random),
            Self::MotionBlur => blur(&mut cropped),
            Self::Jpeg => compress(&mut cropped)?,
            Self::Occlusion => occlude(&mut cropped, &mut random),
            Self::SideLight => light_from_a_side(&mut cropped, &mut random),
            Self::FewPixels => reduce(&mut cropped).context("a picture has the wrong size")?,
            Self::Shift | Self::Wide | Self::Wider => {}
        }
        Ok(cropped)
    }
}

/// A picture's own seed.
fn seed_of(name: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(name).into();
    digest[..8].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// Bytes of a pixel of `picture`, which is grey or RGB.
fn channels(picture: &Picture) -> usize {
    picture.format.row_bytes(1)
}

/// The part `crop` of a picture, whose last pixels go on beyond its edge.
fn cut(picture: &Picture, crop: CropBox) -> Picture {
    let (width, height) = (crop.width.clamp(1, MAX_SIDE), crop.height.clamp(1, MAX_SIDE));
    let within = |start: i32, offset: u32, size: u32| {
        (i64::from(start) + i64::from(offset)).clamp(0, i64::from(size) - 1) as usize
    };
    let bytes = channels(picture);
    let columns: Vec<usize> = (0..width).map(|x| within(crop.x, x, picture.width) * bytes).collect();
    let mut data = Vec::with_capacity(width as usize * height as usize * bytes);
    for y in 0..height {
        let row = &picture.data[within(crop.y, y, picture.height) * picture.width as usize * bytes..];
        columns.iter().for_each(|&column| data.extend_from_slice(&row[column..column + bytes]));
    }
    Picture { format: picture.format, width, height, data }
}

fn shifted(crop: CropBox, random: &mut ChaCha8Rng) -> CropBox {
    let mut by = |side: u32| {
        let pixels = (SHIFT * side as f32).round() as i32;
        if random.random_bool(0.5) { pixels } else { -pixels }
    };
    CropBox { x: crop.x + by(crop.width), y: crop.y + by(crop.height), ..crop }
}

fn darken(picture: &mut Picture) {
    let tone = |value: usize| 255.0 * DARK_BRIGHTNESS * (value as f32 / 255.0).powf(DARK_GAMMA);
    let tones: [u8; 256] = std::array::from_fn(|value| tone(value).round() as u8);
    picture.data.iter_mut().for_each(|value| *value = tones[usize::from(*value)]);
}

fn add_noise(picture: &mut Picture, random: &mut ChaCha8Rng) {
    let Ok(normal) = Normal::new(0.0, 255.0 * NOISE) else { return };
    picture.data.iter_mut().for_each(|value| *value = (f32::from(*value) + normal.sample(random)).round() as u8);
}

fn blur(picture: &mut Picture) {
    let (width, bytes) = (picture.width as usize, channels(picture));
    for row in picture.data.chunks_exact_mut(width * bytes) {
        let before = row.to_vec();
        for (place, value) in row.iter_mut().enumerate() {
            let (x, channel) = (place / bytes, place % bytes);
            let at = |step: usize| (x + step).saturating_sub(MOTION / 2).min(width - 1) * bytes + channel;
            let sum: usize = (0..MOTION).map(|step| usize::from(before[at(step)])).sum();
            *value = ((sum + MOTION / 2) / MOTION) as u8;
        }
    }
}

fn compress(picture: &mut Picture) -> Result<()> {
    let colour = if channels(picture) == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut file = vec![];
    JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
        .encode(&picture.data, picture.width, picture.height, colour)
        .context("cannot compress it as JPEG")?;
    let read = image::load_from_memory_with_format(&file, ImageFormat::Jpeg).context("cannot read its JPEG")?;
    picture.data = if channels(picture) == 1 { read.into_luma8().into_raw() } else { read.into_rgb8().into_raw() };
    Ok(())
}

fn occlude(picture: &mut Picture, random: &mut ChaCha8Rng) {
    let side = |size: u32| (size as f32 * OCCLUDED_SIDE).round() as usize;
    let (width, height) = (side(picture.width), side(picture.height));
    let left = random.random_range(0..=picture.width as usize - width);
    let top = random.random_range(0..=picture.height as usize - height);
    let bytes = channels(picture);
    for row in picture.data.chunks_exact_mut(picture.width as usize * bytes).skip(top).take(height) {
        row[left * bytes..(left + width) * bytes].fill(GREY);
    }
}

fn light_from_a_side(picture: &mut Picture, random: &mut ChaCha8Rng) {
    let (width, bytes) = (picture.width as usize, channels(picture));
    let (mut left, mut right) = SIDE_LIGHT;
    if random.random_bool(0.5) {
        std::mem::swap(&mut left, &mut right);
    }
    for row in picture.data.chunks_exact_mut(width * bytes) {
        for (x, pixel) in row.chunks_exact_mut(bytes).enumerate() {
            let factor = left + (right - left) * x as f32 / (width - 1).max(1) as f32;
            pixel.iter_mut().for_each(|value| *value = (f32::from(*value) * factor).round() as u8);
        }
    }
}

/// `None` when the bytes are not those of a picture of this size.
fn reduce(picture: &mut Picture) -> Option<()> {
    let longer = picture.width.max(picture.height);
    if longer <= FEW_PIXELS {
        return Some(());
    }
    let side = |size: u32| (f64::from(size * FEW_PIXELS) / f64::from(longer)).round().max(1.0) as u32;
    let (width, height) = (side(picture.width), side(picture.height));
    let data = std::mem::take(&mut picture.data);
    picture.data = match picture.format {
        PixelFormat::Grey => {
            let whole = GrayImage::from_raw(picture.width, picture.height, data)?;
            resize(&whole, width, height, FilterType::Triangle).into_raw()
        }
        _ => {
            let whole = RgbImage::from_raw(picture.width, picture.height, data)?;
            resize(&whole, width, height, FilterType::Triangle).into_raw()
        }
    };
    (picture.width, picture.height) = (width, height);
    Some(())
}
