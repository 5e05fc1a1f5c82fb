//! How a picture looks, in few numbers: enough to find its copies after re-encoding, resizing, a change of brightness or
//! contrast, or mirroring.

use emotion_models::{Colour, CropBox, FrameView, InputSpec, PixelMap, Preprocessor};
use std::f32::consts::PI;

/// Rows and columns of the thumbnail.
const SIDE: usize = 24;
const AREA: usize = SIDE * SIDE;
/// Rows and columns of the lowest cosine frequencies whose signs make the hash.
const FREQUENCIES: usize = 8;

/// Of 64 bits, how many may differ between pictures that are then compared as thumbnails.
pub const HASH_DISTANCE: u32 = 12;

/// Bits of the hash that flip when the picture is mirrored: those of odd horizontal frequency, in every byte.
const ODD_COLUMNS: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// The number of bits in which `b` differs from `a` or from the hash of the flipped `a`, whichever is less.
#[inline]
pub fn hash_distance(a: u64, b: u64) -> u32 {
    let difference = a ^ b;
    let (even, odd) = ((difference & !ODD_COLUMNS).count_ones(), (difference & ODD_COLUMNS).count_ones());
    even + odd.min(ODD_COLUMNS.count_ones() - odd)
}

/// A 24 x 24 grey thumbnail and the 64 signs of its lowest cosine frequencies (a perceptual hash).
#[derive(Clone, Debug)]
pub struct Signature {
    hash: u64,
    thumbnail: [u8; AREA],
    sum: u32,
    /// Square root of the summed squared deviations from the mean; 0 for a picture of one tone.
    spread: f32,
}

/// How two pictures resemble each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resemblance {
    /// Normalised correlation of the thumbnails, -1 to 1; brightness and contrast do not count.
    pub correlation: f32,
    /// Whether one is the other flipped.
    pub mirrored: bool,
}

impl Signature {
    /// The perceptual hash.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The better of the straight and the mirrored comparison; no correlation with a picture of one tone.
    pub fn compare(&self, other: &Self) -> Resemblance {
        let straight = self.correlate(other, &other.thumbnail);
        let mirrored = self.correlate(other, &other.mirrored_thumbnail());
        if mirrored > straight {
            Resemblance { correlation: mirrored, mirrored: true }
        } else {
            Resemblance { correlation: straight, mirrored: false }
        }
    }

    fn correlate(&self, other: &Self, thumbnail: &[u8; AREA]) -> f32 {
        if self.spread == 0.0 || other.spread == 0.0 {
            return 0.0;
        }
        let product: u32 = self.thumbnail.iter().zip(thumbnail).map(|(&a, &b)| u32::from(a) * u32::from(b)).sum();
        let covariance = f64::from(product) - f64::from(self.sum) * f64::from(other.sum) / AREA as f64;
        covariance as f32 / (self.spread * other.spread)
    }

    fn mirrored_thumbnail(&self) -> [u8; AREA] {
        let mut mirrored = self.thumbnail;
        for row in mirrored.chunks_exact_mut(SIDE) {
            row.reverse();
        }
        mirrored
    }
}

/// Makes signatures; owns its buffers.
pub struct Signer {
    preprocessor: Preprocessor,
    cosines: [[f32; SIDE]; FREQUENCIES],
}

impl Default for Signer {
    fn default() -> Self {
        let pixel_map = PixelMap { offset: 0.0, scale: 1.0 };
        let spec = InputSpec { width: SIDE as u32, height: SIDE as u32, colour: Colour::Grey, pixel_map };
        let cosine =
            |frequency: usize, place: usize| (PI / SIDE as f32 * (place as f32 + 0.5) * frequency as f32).cos();
        let cosines = std::array::from_fn(|frequency| std::array::from_fn(|place| cosine(frequency, place)));
        Self { preprocessor: Preprocessor::new(&spec), cosines }
    }
}

impl Signer {
    /// The signature of a whole picture.
    pub fn sign(&mut self, frame: &FrameView<'_>) -> Signature {
        let bytes = self.preprocessor.resize(frame, CropBox::full(frame.width(), frame.height()));
        let mut thumbnail = [0; AREA];
        thumbnail.copy_from_slice(bytes);
        let sum: u32 = thumbnail.iter().map(|&byte| u32::from(byte)).sum();
        let squares: u32 = thumbnail.iter().map(|&byte| u32::from(byte).pow(2)).sum();
        let spread = (f64::from(squares) - f64::from(sum).powi(2) / AREA as f64).max(0.0).sqrt() as f32;
        Signature { hash: self.hash(&thumbnail), thumbnail, sum, spread }
    }

    /// Bit `8 * v + u` is the sign of the cosine coefficient of vertical frequency `v` and horizontal frequency `u`;
    /// the constant one is left out, so brightness does not count, and signs do not change with contrast.
    fn hash(&self, thumbnail: &[u8; AREA]) -> u64 {
        let mut rows = [[0f32; FREQUENCIES]; SIDE];
        for (row, pixels) in rows.iter_mut().zip(thumbnail.chunks_exact(SIDE)) {
            for (value, cosine) in row.iter_mut().zip(&self.cosines) {
                *value = pixels.iter().zip(cosine).map(|(&pixel, cosine)| f32::from(pixel) * cosine).sum();
            }
        }
        let mut hash = 0;
        for vertical in 0..FREQUENCIES {
            for horizontal in 0..FREQUENCIES {
                let cosine = &self.cosines[vertical];
                let value: f32 = rows.iter().zip(cosine).map(|(row, cosine)| row[horizontal] * cosine).sum();
                if value > 0.0 && (vertical, horizontal) != (0, 0) {
                    hash |= 1 << (FREQUENCIES * vertical + horizontal);
                }
            }
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::dataset::near_duplicates::SAME_PICTURE;
    use emotion_models::{PixelFormat, TestCard};
    use image::imageops;

    fn sign(picture: &image::RgbImage) -> Signature {
        let view = FrameView::new(PixelFormat::Rgb, picture.width(), picture.height(), picture.as_raw()).unwrap();
        Signer::default().sign(&view)
    }

    fn near_duplicate(a: &Signature, b: &Signature) -> bool {
        hash_distance(a.hash(), b.hash()) <= HASH_DISTANCE && a.compare(b).correlation > SAME_PICTURE
    }

    #[test]
    fn changed_copies_are_recognised_and_other_people_are_not() {
        let original = TestCard::new(1).draw("happy", 0, 160, 160);
        let signature = sign(&original);
        let brighter = imageops::brighten(&original, 15);
        let flatter = imageops::contrast(&original, -20.0);
        let smaller = imageops::resize(&original, 64, 64, imageops::FilterType::Triangle);
        let mirrored = imageops::flip_horizontal(&original);
        for copy in [&brighter, &flatter, &smaller, &mirrored] {
            assert!(near_duplicate(&signature, &sign(copy)));
        }
        assert!(signature.compare(&sign(&mirrored)).mirrored);
        assert!(!near_duplicate(&signature, &sign(&imageops::rotate90(&original))));
    }

    #[test]
    fn one_tone_resembles_nothing() {
        let blank = sign(&image::RgbImage::from_pixel(30, 30, image::Rgb([90, 90, 90])));
        assert_eq!(blank.compare(&blank).correlation, 0.0);
    }
}
