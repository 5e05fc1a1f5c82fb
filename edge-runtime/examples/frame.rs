//! Draws one test-card frame as a camera would deliver it, for tests that stand in for one.
//!
//! `frame WHAT SEED FORMAT WIDTH HEIGHT [ROW_BYTES] > FILE`, with FORMAT `mjpg` for a JPEG picture, or yuyv, nv12, i420, grey,
//! rgb. WHAT is a label, for a face that fills the picture; `LABEL@X,Y,SIZE` for somebody in a room, with the middle and the width
//! of the face as shares of the picture's sides; `room` for the room with nobody in it; `wall` for nothing at all. With ROW_BYTES the luma rows are padded to a multiple of so many bytes, and I420's chroma rows to half of that, as
//! libcamera pads them.

use edge_runtime::pixels;
use emotion_models::{PixelFormat, Place, TestCard, is_reserved_seed};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

const JPEG_QUALITY: u8 = 90;
/// A bare wall's grey.
const WALL: u8 = 150;
/// What a padding byte holds: neither black nor grey, so that a reader that takes it for a pixel shows it.
const PADDING: u8 = 0xff;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("frame: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, seed, format, width, height, row_bytes) = match arguments.as_slice() {
        [what, seed, format, width, height] => (what, seed, format, width, height, None),
        [what, seed, format, width, height, row_bytes] => (what, seed, format, width, height, Some(row_bytes)),
        _ => return Err("usage: frame WHAT SEED FORMAT WIDTH HEIGHT [ROW_BYTES]".into()),
    };
    let seed: u64 = seed.parse()?;
    if !is_reserved_seed(seed) {
        return Err(format!("seed {seed} is one the trainer learns from; tests use those below 1000").into());
    }
    let (card, width, height) = (TestCard::new(seed), width.parse()?, height.parse()?);
    let picture = match what.split_once('@') {
        Some((label, place)) => card.scene(Some((label, parsed(place)?)), 0, width, height),
        None if what == "room" => card.scene(None, 0, width, height),
        None if what == "wall" => RgbImage::from_pixel(width, height, Rgb([WALL; 3])),
        None => card.draw(what, 0, width, height),
    };
    let mut bytes = Vec::new();
    if format == "mjpg" {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&picture)?;
    } else {
        pixels::encode(&picture, format.parse()?, &mut bytes);
    }
    if let Some(multiple) = row_bytes {
        bytes = padded(&bytes, format.parse()?, picture.width() as usize, multiple.parse()?)?;
    }
    Ok(io::stdout().write_all(&bytes)?)
}

/// `X,Y,SIZE`.
fn parsed(place: &str) -> Result<Place, Box<dyn Error>> {
    let numbers = place.split(',').map(str::parse).collect::<Result<Vec<f32>, _>>()?;
    let [x, y, size] = numbers[..] else { return Err(format!("{place} is no place: X,Y,SIZE").into()) };
    Ok(Place { x, y, size })
}

/// The rows of a tight grey or I420 frame, each filled up.
fn padded(tight: &[u8], format: PixelFormat, width: usize, multiple: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let luma_rows = match format {
        PixelFormat::Grey => tight.len() / width,
        PixelFormat::I420 => tight.len() * 2 / 3 / width,
        other => return Err(format!("rows are padded in i420 and grey frames, not in {other}").into()),
    };
    let (luma, chroma) = tight.split_at(luma_rows * width);
    let stride = width.next_multiple_of(multiple);
    let mut out = Vec::with_capacity(tight.len() * stride / width);
    let mut rows = |plane: &[u8], width: usize, stride: usize| {
        for row in plane.chunks(width) {
            out.extend_from_slice(row);
            out.resize(out.len() + stride - width, PADDING);
        }
    };
    rows(luma, width, stride);
    rows(chroma, width / 2, stride / 2);
    Ok(out)
}
