//! Small pictures for the display, shrunk from a frame.

use crate::frame::Frame;
use emotion_models::{Colour, CropBox, InputSpec, PixelMap, Preprocessor, Rect};

/// A small picture. A character cell shows two of its pixels, one above the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Planes of red, green and blue bytes.
    pub planes: Vec<u8>,
}

impl Thumbnail {
    /// Red, green and blue at a place; `None` outside.
    pub(super) fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let inside = x < self.width && y < self.height;
        inside.then(|| [0, 1, 2].map(|plane| self.planes[(plane * self.height + y) * self.width + x]))
    }
}

/// The pictures that a display shows beside the lights, by the room it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Pictures {
    /// None.
    #[default]
    None,
    /// The face.
    Face,
    /// The whole frame.
    Frame,
    /// The whole frame, and a small picture of the face.
    Both,
    /// The same, larger.
    Large,
}

/// Most rows of pixels, and the side of the largest square.
pub const PICTURE: usize = 28;
/// Columns between two pictures.
pub(super) const GAP: usize = 2;

impl Pictures {
    const ALL: [Self; 5] = [Self::None, Self::Face, Self::Frame, Self::Both, Self::Large];

    /// The most pixels across and down that the whole frame gets.
    pub fn frame(self) -> Option<[usize; 2]> {
        match self {
            Self::None | Self::Face => None,
            Self::Frame | Self::Both => Some([PICTURE, PICTURE]),
            Self::Large => Some([PICTURE * 4 / 3, PICTURE]),
        }
    }

    /// Side of the face's square picture.
    pub fn face(self) -> Option<usize> {
        match self {
            Self::None | Self::Frame => None,
            Self::Both => Some(18),
            Self::Face | Self::Large => Some(PICTURE),
        }
    }

    /// Columns that the pictures take together.
    pub(super) fn columns(self) -> usize {
        let (frame, face) = (self.frame().map(|[width, _]| width), self.face());
        frame.into_iter().chain(face).sum::<usize>() + if frame.and(face).is_some() { GAP } else { 0 }
    }

    pub(super) fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn of_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or_default()
    }
}

/// Shrinks frames, with buffers for one size at a time.
#[derive(Default)]
pub(super) struct Shrinker(Option<(u32, u32, Preprocessor)>);

impl Shrinker {
    /// Shrinks a part of a frame to at most `width` x `height` pixels, in its own proportions. Returns whether there are pixels.
    pub(super) fn shrink(&mut self, frame: &Frame, crop: CropBox, most: [usize; 2], out: &mut Thumbnail) -> bool {
        let Ok(pixels) = frame.view() else { return false };
        let crop = crop.clamp_to(frame.width, frame.height);
        let (width, height) = fitted(crop.width, crop.height, most);
        if !matches!(&self.0, Some(kept) if (kept.0, kept.1) == (width, height)) {
            let spec = InputSpec { width, height, colour: Colour::Rgb, pixel_map: PixelMap::UNIT };
            self.0 = Some((width, height, Preprocessor::new(&spec)));
        }
        let Some((_, _, shrink)) = &mut self.0 else { return false };
        (out.width, out.height) = (width as usize, height as usize);
        out.planes.clear();
        out.planes.extend_from_slice(shrink.resize(&pixels, crop));
        true
    }
}

/// The largest size of these proportions that fits.
fn fitted(width: u32, height: u32, [most_width, most_height]: [usize; 2]) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (most_width as f64 / width).min(most_height as f64 / height);
    let side = |own: f64, most: usize| ((own * scale).round() as u32).clamp(1, most as u32);
    (side(width, most_width), side(height, most_height))
}

/// Whether a pixel of a thumbnail lies on the outline of a box, which is in pixels of a frame `frame_width` wide.
pub(super) fn is_on_outline(rect: Rect, frame_width: u32, thumbnail: &Thumbnail, x: usize, y: usize) -> bool {
    let scale = thumbnail.width as f32 / frame_width.max(1) as f32;
    let pixel = |value: f32, most: usize| (value * scale).floor().clamp(0.0, most.saturating_sub(1) as f32) as usize;
    let (left, right) = (pixel(rect.x, thumbnail.width), pixel(rect.x + rect.width, thumbnail.width));
    let (top, bottom) = (pixel(rect.y, thumbnail.height), pixel(rect.y + rect.height, thumbnail.height));
    let (across, down) = ((left..=right).contains(&x), (top..=bottom).contains(&y));
    across && down && (x == left || x == right || y == top || y == bottom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_proportions() {
        assert_eq!(fitted(640, 480, [37, 28]), (37, 28));
        assert_eq!(fitted(1920, 1080, [28, 28]), (28, 16));
        assert_eq!(fitted(480, 640, [28, 28]), (21, 28));
        assert_eq!(fitted(10_000, 1, [28, 28]), (28, 1));
    }

    #[test]
    fn a_box_is_drawn_where_the_face_is() {
        let thumbnail = Thumbnail { width: 32, height: 24, planes: vec![0; 3 * 32 * 24] };
        let on = |x, y| is_on_outline(Rect::new(160.0, 120.0, 200.0, 200.0), 640, &thumbnail, x, y);
        assert!(on(8, 6) && on(18, 16) && on(8, 10) && on(12, 6));
        assert!(!on(9, 7) && !on(7, 6) && !on(19, 16));
        // What lies outside is drawn at the edge.
        assert!(is_on_outline(Rect::new(-90.0, -90.0, 200.0, 200.0), 640, &thumbnail, 0, 0));
    }

    #[test]
    fn every_choice_survives_its_code() {
        for pictures in Pictures::ALL {
            assert_eq!(Pictures::of_code(pictures.code()), pictures);
        }
        assert_eq!(Pictures::Both.columns(), 48);
    }
}
