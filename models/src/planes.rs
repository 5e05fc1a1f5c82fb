//! Where each pixel format keeps what grey and RGB outputs need.

use crate::frame::PixelFormat;
use crate::input::Colour;
use crate::resample::Term;

/// How one plane of a pixel format contributes to the output's channels.
pub(crate) struct PlaneUse {
    pub plane: usize,
    /// Rows of the frame that share a row of the plane.
    pub rows: usize,
    /// Pixels of a row that share `bytes` bytes.
    pub group: usize,
    pub bytes: usize,
    /// Per output channel, where its share of a pixel lies; empty when the plane does not count for it.
    pub channels: &'static [&'static [Term]],
}

const fn term(group: usize, step: usize, offset: usize, weight: f32) -> Term {
    Term { group, step, offset, weight }
}

// Luma of planar formats, of YUYV and of UYVY; the bytes of RGB.
const Y: Term = term(1, 1, 0, 1.0);
const YUYV_Y: Term = term(1, 2, 0, 1.0);
const UYVY_Y: Term = term(1, 2, 1, 1.0);
const RED: Term = term(1, 3, 0, 1.0);
const GREEN: Term = term(1, 3, 1, 1.0);
const BLUE: Term = term(1, 3, 2, 1.0);

// ITU-R BT.601 luma.
const RED_TO_Y: Term = term(1, 3, 0, 0.299);
const GREEN_TO_Y: Term = term(1, 3, 1, 0.587);
const BLUE_TO_Y: Term = term(1, 3, 2, 0.114);

// ITU-R BT.601 with JFIF's full range: R = Y + 1.402 V', G = Y - 0.344136 U' - 0.714136 V', B = Y + 1.772 U', where
// U' and V' are chroma minus 128.
const V_TO_R: f32 = 1.402;
const U_TO_G: f32 = -0.344_136;
const V_TO_G: f32 = -0.714_136;
const U_TO_B: f32 = 1.772;
const CHROMA_BIAS: [f32; 3] = [-128.0 * V_TO_R, -128.0 * (U_TO_G + V_TO_G), -128.0 * U_TO_B];

const YUYV_U_TO_G: Term = term(2, 4, 1, U_TO_G);
const YUYV_U_TO_B: Term = term(2, 4, 1, U_TO_B);
const YUYV_V_TO_R: Term = term(2, 4, 3, V_TO_R);
const YUYV_V_TO_G: Term = term(2, 4, 3, V_TO_G);

const UYVY_U_TO_G: Term = term(2, 4, 0, U_TO_G);
const UYVY_U_TO_B: Term = term(2, 4, 0, U_TO_B);
const UYVY_V_TO_R: Term = term(2, 4, 2, V_TO_R);
const UYVY_V_TO_G: Term = term(2, 4, 2, V_TO_G);

const NV12_U_TO_G: Term = term(2, 2, 0, U_TO_G);
const NV12_U_TO_B: Term = term(2, 2, 0, U_TO_B);
const NV12_V_TO_R: Term = term(2, 2, 1, V_TO_R);
const NV12_V_TO_G: Term = term(2, 2, 1, V_TO_G);

const I420_U_TO_G: Term = term(2, 1, 0, U_TO_G);
const I420_U_TO_B: Term = term(2, 1, 0, U_TO_B);
const I420_V_TO_R: Term = term(2, 1, 0, V_TO_R);
const I420_V_TO_G: Term = term(2, 1, 0, V_TO_G);

type Channels = &'static [&'static [Term]];

const fn full(group: usize, bytes: usize, channels: Channels) -> PlaneUse {
    PlaneUse { plane: 0, rows: 1, group, bytes, channels }
}

const fn chroma(plane: usize, bytes: usize, channels: Channels) -> PlaneUse {
    PlaneUse { plane, rows: 2, group: 2, bytes, channels }
}

static LUMA_TO_GREY: [PlaneUse; 1] = [full(1, 1, &[&[Y]])];
static LUMA_TO_RGB: [PlaneUse; 1] = [full(1, 1, &[&[Y], &[Y], &[Y]])];
static YUYV_TO_GREY: [PlaneUse; 1] = [full(2, 4, &[&[YUYV_Y]])];
static UYVY_TO_GREY: [PlaneUse; 1] = [full(2, 4, &[&[UYVY_Y]])];
static RGB_TO_GREY: [PlaneUse; 1] = [full(1, 3, &[&[RED_TO_Y, GREEN_TO_Y, BLUE_TO_Y]])];
static RGB_TO_RGB: [PlaneUse; 1] = [full(1, 3, &[&[RED], &[GREEN], &[BLUE]])];
static YUYV_TO_RGB: [PlaneUse; 1] =
    [full(2, 4, &[&[YUYV_Y, YUYV_V_TO_R], &[YUYV_Y, YUYV_U_TO_G, YUYV_V_TO_G], &[YUYV_Y, YUYV_U_TO_B]])];
static UYVY_TO_RGB: [PlaneUse; 1] =
    [full(2, 4, &[&[UYVY_Y, UYVY_V_TO_R], &[UYVY_Y, UYVY_U_TO_G, UYVY_V_TO_G], &[UYVY_Y, UYVY_U_TO_B]])];
static NV12_TO_RGB: [PlaneUse; 2] =
    [full(1, 1, &[&[Y], &[Y], &[Y]]), chroma(1, 2, &[&[NV12_V_TO_R], &[NV12_U_TO_G, NV12_V_TO_G], &[NV12_U_TO_B]])];
static I420_TO_RGB: [PlaneUse; 3] = [
    full(1, 1, &[&[Y], &[Y], &[Y]]),
    chroma(1, 1, &[&[], &[I420_U_TO_G], &[I420_U_TO_B]]),
    chroma(2, 1, &[&[I420_V_TO_R], &[I420_V_TO_G], &[]]),
];

/// The planes that count for `colour`, and what to add to each channel. Resizing and these colour maps are linear, so
/// resizing first and converting the few remaining pixels gives the same result as converting the whole frame.
pub(crate) fn planes(format: PixelFormat, colour: Colour) -> (&'static [PlaneUse], [f32; 3]) {
    match (format, colour) {
        (PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420, Colour::Grey) => (&LUMA_TO_GREY, [0.0; 3]),
        (PixelFormat::Yuyv, Colour::Grey) => (&YUYV_TO_GREY, [0.0; 3]),
        (PixelFormat::Uyvy, Colour::Grey) => (&UYVY_TO_GREY, [0.0; 3]),
        (PixelFormat::Rgb, Colour::Grey) => (&RGB_TO_GREY, [0.0; 3]),
        (PixelFormat::Grey, Colour::Rgb) => (&LUMA_TO_RGB, [0.0; 3]),
        (PixelFormat::Rgb, Colour::Rgb) => (&RGB_TO_RGB, [0.0; 3]),
        (PixelFormat::Yuyv, Colour::Rgb) => (&YUYV_TO_RGB, CHROMA_BIAS),
        (PixelFormat::Uyvy, Colour::Rgb) => (&UYVY_TO_RGB, CHROMA_BIAS),
        (PixelFormat::Nv12, Colour::Rgb) => (&NV12_TO_RGB, CHROMA_BIAS),
        (PixelFormat::I420, Colour::Rgb) => (&I420_TO_RGB, CHROMA_BIAS),
    }
}
