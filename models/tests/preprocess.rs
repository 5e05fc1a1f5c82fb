//! The preprocessor against a plain float reference, and what must hold for any picture.
#![allow(clippy::unwrap_used)]

use emotion_models::{Colour, CropBox, FrameView, InputSpec, PixelFormat, PixelMap, Preprocessor};
use proptest::prelude::*;

const UNIT: PixelMap = PixelMap { offset: 0.0, scale: 1.0 };

fn spec(width: u32, height: u32, colour: Colour) -> InputSpec {
    InputSpec { width, height, colour, pixel_map: UNIT }
}

/// A picture as floats, `[C, H, W]`.
struct Picture {
    width: usize,
    height: usize,
    channels: Vec<Vec<f64>>,
}

impl Picture {
    fn new(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [f64; 3]) -> Self {
        let mut channels = vec![Vec::new(); 3];
        for y in 0..height {
            for x in 0..width {
                for (channel, value) in channels.iter_mut().zip(pixel(x, y)) {
                    channel.push(value);
                }
            }
        }
        Self { width, height, channels }
    }

    fn grey(&self) -> Vec<f64> {
        let [r, g, b] = &self.channels[..] else { unreachable!() };
        r.iter().zip(g).zip(b).map(|((r, g), b)| 0.299 * r + 0.587 * g + 0.114 * b).collect()
    }

    /// One channel's crop, resized: every output weighs every pixel of the crop by the triangle filter.
    fn resized(&self, channel: &[f64], crop: CropBox, width: usize, height: usize) -> Vec<f64> {
        let weights = |source: usize, target: usize, index: usize| -> Vec<f64> {
            let scale = source as f64 / target as f64;
            let centre = (index as f64 + 0.5) * scale - 0.5;
            let raw: Vec<f64> =
                (0..source).map(|at| (1.0 - (at as f64 - centre).abs() / scale.max(1.0)).max(0.0)).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|weight| weight / sum).collect()
        };
        assert!(
            crop.x as usize + crop.width as usize <= self.width
                && crop.y as usize + crop.height as usize <= self.height
        );
        let across: Vec<_> = (0..width).map(|x| weights(crop.width as usize, width, x)).collect();
        let down: Vec<_> = (0..height).map(|y| weights(crop.height as usize, height, y)).collect();
        let narrow: Vec<Vec<f64>> = (0..crop.height as usize)
            .map(|y| {
                let start = (crop.y as usize + y) * self.width + crop.x as usize;
                let row = &channel[start..start + crop.width as usize];
                across.iter().map(|weights| weights.iter().zip(row).map(|(w, v)| w * v).sum()).collect()
            })
            .collect();
        let mut out = Vec::new();
        for weights in &down {
            for x in 0..width {
                out.push(weights.iter().zip(&narrow).map(|(weight, row)| weight * row[x]).sum());
            }
        }
        out
    }
}

/// A pseudo-random byte for a position: full-contrast noise, the hardest case for rounding.
fn noise(seed: u64, x: usize, y: usize, channel: usize) -> u8 {
    let mut value = seed ^ (x as u64) << 40 ^ (y as u64) << 20 ^ channel as u64;
    for _ in 0..3 {
        value = (value ^ value >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (value >> 56) as u8
}

fn to_yuv([r, g, b]: [f64; 3]) -> [u8; 3] {
    let byte = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    [
        byte(0.299 * r + 0.587 * g + 0.114 * b),
        byte(128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b),
        byte(128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b),
    ]
}

/// The frame's bytes in `format`, with `padding` bytes after each luma row; chroma is that of the group's first pixel.
fn encode(
    format: PixelFormat,
    width: usize,
    height: usize,
    padding: usize,
    pixel: impl Fn(usize, usize) -> [u8; 3],
) -> (Vec<u8>, usize) {
    let rgb = |x: usize, y: usize| pixel(x.min(width - 1), y.min(height - 1));
    let yuv = |x: usize, y: usize| to_yuv(rgb(x, y).map(f64::from));
    let stride = format.row_bytes(width as u32) + padding;
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut bytes = Vec::new();
    let mut row = |values: Vec<u8>, stride: usize| {
        bytes.extend_from_slice(&values);
        bytes.resize(bytes.len() + stride - values.len(), 0xA5);
    };
    for y in 0..height {
        let values = match format {
            PixelFormat::Rgb => (0..width).flat_map(|x| rgb(x, y)).collect(),
            PixelFormat::Yuyv => (0..half_width)
                .flat_map(|pair| {
                    let [first, u, v] = yuv(2 * pair, y);
                    [first, u, yuv(2 * pair + 1, y)[0], v]
                })
                .collect(),
            PixelFormat::Uyvy => (0..half_width)
                .flat_map(|pair| {
                    let [first, u, v] = yuv(2 * pair, y);
                    [u, first, v, yuv(2 * pair + 1, y)[0]]
                })
                .collect(),
            _ => (0..width).map(|x| yuv(x, y)[0]).collect(),
        };
        row(values, stride);
    }
    let chroma = |channel: usize, x: usize, y: usize| yuv(2 * x, 2 * y)[channel];
    match format {
        PixelFormat::Nv12 => {
            for y in 0..half_height {
                let values = (0..half_width).flat_map(|x| [chroma(1, x, y), chroma(2, x, y)]).collect();
                row(values, stride + stride % 2);
            }
        }
        PixelFormat::I420 => {
            for channel in [1, 2] {
                for y in 0..half_height {
                    row((0..half_width).map(|x| chroma(channel, x, y)).collect(), stride.div_ceil(2));
                }
            }
        }
        _ => {}
    }
    (bytes, stride)
}

fn resize(
    format: PixelFormat,
    size: (usize, usize),
    padding: usize,
    pixel: impl Fn(usize, usize) -> [u8; 3],
    crop: CropBox,
    spec: &InputSpec,
) -> Vec<u8> {
    let (bytes, stride) = encode(format, size.0, size.1, padding, pixel);
    let frame = FrameView::with_stride(format, size.0 as u32, size.1 as u32, stride, &bytes).unwrap();
    Preprocessor::new(spec).resize(&frame, crop).to_vec()
}

fn largest_difference(left: &[u8], right: &[u8]) -> u8 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(left, right)| left.abs_diff(*right)).max().unwrap()
}

#[test]
fn equals_the_float_reference_to_the_rounding() {
    let cases = [
        ((640, 480), CropBox::centred_square(640, 480), (64, 64)),
        ((640, 480), CropBox::full(640, 480), (96, 64)),
        ((640, 480), CropBox { x: 33, y: 17, width: 301, height: 227 }, (64, 64)),
        ((300, 1700), CropBox::full(300, 1700), (48, 64)),
        ((64, 64), CropBox::full(64, 64), (64, 64)),
        ((65, 63), CropBox::full(65, 63), (64, 64)),
        ((48, 48), CropBox::full(48, 48), (64, 64)),
        ((101, 50), CropBox { x: 5, y: 3, width: 1, height: 1 }, (8, 8)),
        ((256, 256), CropBox { x: 1, y: 1, width: 255, height: 255 }, (256, 256)),
    ];
    for (seed, ((width, height), crop, (out_width, out_height))) in cases.into_iter().enumerate() {
        let pixel = |x, y| [0, 1, 2].map(|channel| noise(seed as u64, x, y, channel));
        let picture = Picture::new(width, height, |x, y| pixel(x, y).map(f64::from));
        for colour in [Colour::Grey, Colour::Rgb] {
            let spec = spec(out_width as u32, out_height as u32, colour);
            let expected: Vec<f64> = match colour {
                Colour::Grey => picture.resized(&picture.grey(), crop, out_width, out_height),
                Colour::Rgb => (0..3)
                    .flat_map(|channel| picture.resized(&picture.channels[channel], crop, out_width, out_height))
                    .collect(),
            };
            let found = resize(PixelFormat::Rgb, (width, height), 0, pixel, crop, &spec);
            assert_eq!(found.len(), expected.len());
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let off = (f64::from(*found) - expected).abs();
                assert!(off < 0.502, "case {seed} {colour} value {index}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn a_fine_checkerboard_turns_mid_grey() {
    let pixel = |x: usize, y: usize| [if (x + y).is_multiple_of(2) { 0 } else { 255 }; 3];
    for format in [PixelFormat::Grey, PixelFormat::Rgb, PixelFormat::Yuyv, PixelFormat::Nv12] {
        for side in [64, 96] {
            let out = resize(format, (640, 480), 0, pixel, CropBox::full(640, 480), &spec(side, side, Colour::Grey));
            assert!(out.iter().all(|value| (126..=129).contains(value)), "{format} {side}: {out:?}");
        }
    }
}

#[test]
fn a_smaller_picture_is_interpolated() {
    let ramp = |x: usize, _: usize| [(5 * x) as u8; 3];
    let out = resize(PixelFormat::Grey, (48, 48), 0, ramp, CropBox::full(48, 48), &spec(64, 64, Colour::Grey));
    assert!(out[..64].windows(2).all(|pair| pair[1] >= pair[0] && pair[1] - pair[0] <= 5), "{:?}", &out[..64]);
    assert_eq!((out[0], out[63]), (0, 235));
}

#[test]
fn the_pixel_map_is_applied_to_whole_bytes() {
    let pixel = |x: usize, y: usize| [noise(3, x, y, 0); 3];
    let (bytes, _) = encode(PixelFormat::Grey, 100, 80, 0, pixel);
    let frame = FrameView::new(PixelFormat::Grey, 100, 80, &bytes).unwrap();
    let mut preprocessor = Preprocessor::new(&InputSpec { pixel_map: PixelMap::SIGNED, ..spec(32, 32, Colour::Grey) });
    let mut tensor = vec![0.0; 32 * 32];
    preprocessor.tensor(&frame, CropBox::full(100, 80), &mut tensor);
    let bytes = preprocessor.resize(&frame, CropBox::full(100, 80));
    for (real, byte) in tensor.iter().zip(bytes) {
        assert_eq!(*real, (f32::from(*byte) - 128.0) / 128.0);
    }
}

#[test]
fn a_preprocessor_forgets_the_last_frame() {
    let spec = spec(64, 64, Colour::Grey);
    let mut used = Preprocessor::new(&spec);
    let sizes = [(640, 480), (20, 30), (1000, 700), (640, 480), (63, 64)];
    for (seed, (width, height)) in sizes.into_iter().enumerate() {
        for format in PixelFormat::ALL {
            let (bytes, _) = encode(format, width, height, 0, |x, y| [0, 1, 2].map(|c| noise(seed as u64, x, y, c)));
            let frame = FrameView::new(format, width as u32, height as u32, &bytes).unwrap();
            for crop in
                [CropBox::centred_square(width as u32, height as u32), CropBox { x: 3, y: 2, width: 15, height: 9 }]
            {
                assert_eq!(used.resize(&frame, crop), Preprocessor::new(&spec).resize(&frame, crop));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_constant_picture_stays_constant(
        value in any::<u8>(), width in 1usize..300, height in 1usize..300, out_width in 8u32..80, out_height in 8u32..80,
        x in -50i32..300, y in -50i32..300, w in 1u32..300, h in 1u32..300,
    ) {
        for format in PixelFormat::ALL {
            for colour in [Colour::Grey, Colour::Rgb] {
                let out = resize(format, (width, height), 3, |_, _| [value; 3], CropBox { x, y, width: w, height: h }, &spec(out_width, out_height, colour));
                prop_assert!(out.iter().all(|&found| found == value), "{} {}", format, colour);
            }
        }
    }

    #[test]
    fn grey_is_the_same_from_every_format(
        seed in any::<u64>(), width in 1usize..200, height in 1usize..200, padding in 0usize..9, side in 8u32..100,
        x in -20i32..200, y in -20i32..200, w in 1u32..220, h in 1u32..220,
    ) {
        let pixel = |x, y| [0, 1, 2].map(|channel| noise(seed, x, y, channel));
        let crop = CropBox { x, y, width: w, height: h };
        let spec = spec(side, side, Colour::Grey);
        let rgb = resize(PixelFormat::Rgb, (width, height), padding, pixel, crop, &spec);
        for format in [PixelFormat::Grey, PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Nv12, PixelFormat::I420] {
            let other = resize(format, (width, height), padding, pixel, crop, &spec);
            // Luma was rounded to a byte once more.
            prop_assert!(largest_difference(&rgb, &other) <= 1, "{}", format);
        }
    }

    #[test]
    fn colours_are_the_same_from_every_format(
        seed in any::<u64>(), width in 1usize..100, height in 1usize..100, padding in 0usize..9, side in 8u32..100,
        x in -20i32..100, y in -20i32..100, w in 1u32..120, h in 1u32..120,
    ) {
        // Blocks of two by two pixels share their colour, as in every format with halved chroma.
        let pixel = |x: usize, y: usize| [0, 1, 2].map(|channel| noise(seed, x / 2, y / 2, channel));
        let crop = CropBox { x, y, width: w, height: h };
        let spec = spec(side, side, Colour::Rgb);
        let rgb = resize(PixelFormat::Rgb, (width, height), padding, pixel, crop, &spec);
        for format in [PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Nv12, PixelFormat::I420] {
            let other = resize(format, (width, height), padding, pixel, crop, &spec);
            // Rounding Y, U and V to bytes moves red and blue by up to 0.5 + 1.772 / 2.
            prop_assert!(largest_difference(&rgb, &other) <= 2, "{}", format);
        }
    }
}
