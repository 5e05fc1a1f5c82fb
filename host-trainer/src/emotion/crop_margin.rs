//! By how much training crops are larger than the face in them: what a device then has to cut out of a frame.

use super::dataset::Split;
use anyhow::Result;
use emotion_models::{Detector, FaceDetector, FrameView, InputSpec, PixelFormat, main_face, shipped};

/// The margin of crops in which no face is found: about that of common expression data sets.
pub const COMMON: f32 = 0.2;
/// Pictures searched, spread evenly.
const SAMPLE: usize = 400;
/// Below this share of pictures with a face found, the finder does not understand the crops.
const FOUND: f32 = 0.25;
/// Around a crop, as wide as the crop itself in all: a face finder expects a face with something around it.
const FIELD: usize = 2;

/// The median over validation pictures, rounded to hundredths, with the shipped face model; `None` where it finds too few faces.
///
/// # Errors
/// When the engine fails.
pub fn measure(split: &Split, input: &InputSpec) -> Result<Option<f32>> {
    let mut finder = FaceDetector::from_bytes(shipped::FACE, "the shipped face model")?;
    let (width, height) = (input.width as usize, input.height as usize);
    let count = split.items.len();
    let step = count.div_ceil(SAMPLE).max(1);
    let mut margins = vec![];
    for index in (0..count).step_by(step) {
        let field = field(split.picture(index), width, height);
        let (wide, high) = ((FIELD * width) as u32, (FIELD * height) as u32);
        let Ok(view) = FrameView::new(PixelFormat::Grey, wide, high, &field) else { return Ok(None) };
        let faces = finder.detect_in_photo(&view, finder.threshold())?;
        let side = main_face(&faces, wide, high).map(|face| face.rect.mean_side()).filter(|side| *side > 0.0);
        margins.extend(side.map(|side| ((width * height) as f32).sqrt() / side - 1.0));
    }
    if margins.is_empty() || (margins.len() as f32) < FOUND * count.div_ceil(step) as f32 {
        return Ok(None);
    }
    margins.sort_by(f32::total_cmp);
    let median = margins[margins.len() / 2].clamp(-0.4, 2.0);
    Ok(Some((100.0 * median).round() / 100.0))
}

/// A picture's luma in the middle of an even field of its mean.
fn field(picture: &[u8], width: usize, height: usize) -> Vec<u8> {
    let plane = width * height;
    let luma = |at: usize| match picture.len() / plane {
        1 => picture[at],
        _ => {
            let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(picture[channel * plane + at]));
            // ITU-R BT.601, in 256ths.
            ((77 * red + 150 * green + 29 * blue + 128) >> 8) as u8
        }
    };
    let mean = ((0..plane).map(|at| u64::from(luma(at))).sum::<u64>() / plane.max(1) as u64) as u8;
    let mut field = vec![mean; FIELD * FIELD * plane];
    let (left, top) = ((FIELD - 1) * width / 2, (FIELD - 1) * height / 2);
    for row in 0..height {
        let start = (top + row) * FIELD * width + left;
        (0..width).for_each(|column| field[start + column] = luma(row * width + column));
    }
    field
}
