//! RGB pictures as the pixel formats cameras deliver: full-range BT.601, as `PixelFormat` documents.

use emotion_models::PixelFormat;
use image::RgbImage;

/// Writes `picture` as one tight frame in `format` into `out`, replacing what was there.
///
/// Chroma is the mean of the pixels that share it.
pub fn encode(picture: &RgbImage, format: PixelFormat, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(format.frame_bytes(picture.width(), picture.height()));
    match format {
        PixelFormat::Rgb => out.extend_from_slice(picture.as_raw()),
        PixelFormat::Grey => luma(picture, out),
        PixelFormat::Yuyv | PixelFormat::Uyvy => {
            for y in 0..picture.height() {
                for x in (0..picture.width()).step_by(2) {
                    let [u, v] = chroma(picture, x, y, 1);
                    let right = (x + 1).min(picture.width() - 1);
                    let (first, second) = (brightness(picture, x, y), brightness(picture, right, y));
                    out.extend(if format == PixelFormat::Yuyv { [first, u, second, v] } else { [u, first, v, second] });
                }
            }
        }
        PixelFormat::Nv12 => {
            luma(picture, out);
            out.extend(quads(picture).flat_map(|(x, y)| chroma(picture, x, y, 2)));
        }
        PixelFormat::I420 => {
            luma(picture, out);
            for plane in 0..2 {
                out.extend(quads(picture).map(|(x, y)| chroma(picture, x, y, 2)[plane]));
            }
        }
    }
}

fn luma(picture: &RgbImage, out: &mut Vec<u8>) {
    for y in 0..picture.height() {
        out.extend((0..picture.width()).map(|x| brightness(picture, x, y)));
    }
}

/// Upper left corners of the 2x2 blocks, row by row.
fn quads(picture: &RgbImage) -> impl Iterator<Item = (u32, u32)> {
    let (width, height) = picture.dimensions();
    (0..height).step_by(2).flat_map(move |y| (0..width).step_by(2).map(move |x| (x, y)))
}

fn brightness(picture: &RgbImage, x: u32, y: u32) -> u8 {
    let [r, g, b] = picture.get_pixel(x, y).0.map(f32::from);
    (0.299 * r + 0.587 * g + 0.114 * b + 0.5) as u8
}

/// Mean U and V of two pixels side by side in each of `rows` rows; edges repeat.
fn chroma(picture: &RgbImage, x: u32, y: u32, rows: u32) -> [u8; 2] {
    let (mut r, mut g, mut b) = (0.0, 0.0, 0.0);
    for (dx, dy) in (0..rows).flat_map(|dy| [(0, dy), (1, dy)]) {
        let pixel = picture.get_pixel((x + dx).min(picture.width() - 1), (y + dy).min(picture.height() - 1));
        let share = 1.0 / (2 * rows) as f32;
        r += f32::from(pixel[0]) * share;
        g += f32::from(pixel[1]) * share;
        b += f32::from(pixel[2]) * share;
    }
    let u = -0.168_736 * r - 0.331_264 * g + 0.5 * b + 128.5;
    let v = 0.5 * r - 0.418_688 * g - 0.081_312 * b + 128.5;
    [u as u8, v as u8]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Colour, CropBox, FrameView, InputSpec, PixelMap, Preprocessor};
    use image::Rgb;

    #[test]
    fn every_format_shows_the_same_picture() {
        for (width, height) in [(64, 48), (33, 27)] {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                Rgb([40 + (x * 2) as u8, 60 + (y * 3) as u8, 120 - (x + y) as u8 / 2])
            });
            for colour in [Colour::Grey, Colour::Rgb] {
                let spec = InputSpec { width: 12, height: 12, colour, pixel_map: PixelMap::UNIT };
                let mut preprocessor = Preprocessor::new(&spec);
                let crop = CropBox::centred_square(width, height);
                let mut seen = |format| {
                    let mut data = Vec::new();
                    encode(&picture, format, &mut data);
                    assert_eq!(data.len(), format.frame_bytes(width, height));
                    let frame = FrameView::new(format, width, height, &data).unwrap();
                    preprocessor.resize(&frame, crop).to_vec()
                };
                let reference = seen(PixelFormat::Rgb);
                let others = PixelFormat::ALL
                    .into_iter()
                    .filter(|&format| colour == Colour::Grey || format != PixelFormat::Grey);
                for format in others {
                    for (a, b) in reference.iter().zip(seen(format)) {
                        assert!(a.abs_diff(b) <= 3, "{format} {colour}: {a} {b}");
                    }
                }
            }
        }
    }
}
