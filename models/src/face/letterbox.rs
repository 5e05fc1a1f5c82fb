//! Letterbox: a part of a frame in a network's input, its aspect ratio kept and what is left over filled with mid grey.
//!
//! Why not stretch: the network has learned faces of natural proportions. What is left over gets the byte that the pixel map makes
//! 0, which is also what the network pads its maps with. A window of nearly the input's aspect ratio is stretched all the same:
//! the error is below half a cell, and filling costs time. Flipping and zooming out happen here, since only here is it known how
//! to map boxes back to the frame: a [`Placement`] is one origin and one scale an axis, and flipping makes a scale negative.

use super::decode::Placement;
use crate::crop::CropBox;
use crate::frame::FrameView;
use crate::input::InputSpec;
use crate::preprocess::Preprocessor;

/// Around the picture: the byte that the pixel map makes 0.
const PADDING: u8 = 128;

/// A window whose aspect ratio differs from the input's by less than this is stretched: half a cell of the maps in 160 pixels.
const STRETCHED: f64 = 0.025;

/// Resizes windows of frames into a network's input. It owns every buffer, and allocates nothing for a window once it has seen one
/// of the same size.
#[derive(Clone)]
pub struct Letterbox {
    spec: InputSpec,
    preprocessor: Preprocessor,
    /// Size of the picture within the input.
    size: [u32; 2],
    bytes: Vec<u8>,
}

impl Letterbox {
    /// Buffers for inputs as `spec` describes them.
    pub fn new(spec: &InputSpec) -> Self {
        Self {
            spec: *spec,
            preprocessor: Preprocessor::new(spec),
            size: [spec.width, spec.height],
            bytes: vec![PADDING; spec.len()],
        }
    }

    /// Takes `window`, clamped into the frame, and says where the input came to lie in the frame.
    pub fn take(&mut self, frame: &FrameView<'_>, window: CropBox) -> Placement {
        self.take_zoomed_out(frame, window, 1.0)
    }

    /// Like [`Letterbox::take`] with the window at `share`, above 0 and at most 1, of the size at which it would fit, in the middle.
    pub fn take_zoomed_out(&mut self, frame: &FrameView<'_>, window: CropBox, share: f32) -> Placement {
        let window = window.clamp_to(frame.width(), frame.height());
        let own = [self.spec.width, self.spec.height];
        let size = fitted([window.width, window.height], own);
        let size = if share < 1.0 { size.map(|side| ((side as f32 * share) as u32).max(1)) } else { size };
        if size != self.size {
            let spec = InputSpec { width: size[0], height: size[1], ..self.spec };
            (self.preprocessor, self.size) = (Preprocessor::new(&spec), size);
        }
        let picture = self.preprocessor.resize(frame, window);
        let [left, top] = [0, 1].map(|axis| ((own[axis] - size[axis]) / 2) as usize);
        if size == own {
            self.bytes.copy_from_slice(picture);
        } else {
            self.bytes.fill(PADDING);
            let planes = self.bytes.chunks_exact_mut(own[0] as usize * own[1] as usize);
            for (plane, picture) in planes.zip(picture.chunks_exact(size[0] as usize * size[1] as usize)) {
                let rows = plane.chunks_exact_mut(own[0] as usize).skip(top);
                for (row, picture) in rows.zip(picture.chunks_exact(size[0] as usize)) {
                    row[left..left + size[0] as usize].copy_from_slice(picture);
                }
            }
        }
        let scale = [window.width as f32 / size[0] as f32, window.height as f32 / size[1] as f32];
        let origin = [window.x as f32 - left as f32 * scale[0], window.y as f32 - top as f32 * scale[1]];
        Placement { origin, scale }
    }

    /// Like [`Letterbox::take`], flipped from left to right.
    pub fn take_flipped(&mut self, frame: &FrameView<'_>, window: CropBox) -> Placement {
        let Placement { origin: [left, top], scale: [across, down] } = self.take(frame, window);
        let columns = self.spec.width as usize;
        self.bytes.chunks_exact_mut(columns).for_each(<[u8]>::reverse);
        Placement { origin: [left + columns as f32 * across, top], scale: [-across, down] }
    }

    /// The input's bytes, `[C, H, W]`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The largest size of a window's proportions that fits into the input.
fn fitted(window: [u32; 2], input: [u32; 2]) -> [u32; 2] {
    let share = [0, 1].map(|axis| f64::from(input[axis]) / f64::from(window[axis].max(1)));
    if (share[0] / share[1] - 1.0).abs() < STRETCHED {
        return input;
    }
    let least = share[0].min(share[1]);
    [0, 1].map(|axis| ((f64::from(window[axis]) * least).round() as u32).clamp(1, input[axis]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::frame::PixelFormat;
    use crate::input::{Colour, PixelMap};

    const SPEC: InputSpec = InputSpec { width: 16, height: 12, colour: Colour::Grey, pixel_map: PixelMap::SIGNED };

    #[test]
    fn a_high_window_stands_between_grey_bars() {
        let pixels = vec![200; 30 * 60];
        let frame = FrameView::new(PixelFormat::Grey, 30, 60, &pixels).unwrap();
        let mut letterbox = Letterbox::new(&SPEC);
        let placement = letterbox.take(&frame, CropBox::full(30, 60));
        let row = &letterbox.bytes()[..16];
        assert_eq!(row, [[PADDING; 5].as_slice(), &[200; 6], &[PADDING; 5]].concat());
        assert_eq!(placement, Placement { origin: [-25.0, 0.0], scale: [5.0, 5.0] });
    }

    #[test]
    fn flipped_left_is_right_and_the_placement_maps_back_to_the_frame() {
        // Bright in the left half.
        let pixels: Vec<u8> = (0..64 * 48).map(|at| if at % 64 < 32 { 200 } else { 10 }).collect();
        let frame = FrameView::new(PixelFormat::Grey, 64, 48, &pixels).unwrap();
        let mut letterbox = Letterbox::new(&SPEC);
        let placement = letterbox.take_flipped(&frame, CropBox::full(64, 48));
        // But for the two columns where both halves meet.
        assert_eq!((&letterbox.bytes()[..7], &letterbox.bytes()[9..16]), (&[10; 7][..], &[200; 7][..]));
        assert_eq!(placement, Placement { origin: [64.0, 0.0], scale: [-4.0, 4.0] });
    }

    #[test]
    fn a_smaller_picture_has_grey_all_around() {
        let pixels = vec![200; 64 * 48];
        let frame = FrameView::new(PixelFormat::Grey, 64, 48, &pixels).unwrap();
        let mut letterbox = Letterbox::new(&SPEC);
        let placement = letterbox.take_zoomed_out(&frame, CropBox::full(64, 48), 0.5);
        let bright = letterbox.bytes().iter().filter(|&&byte| byte == 200).count();
        assert_eq!((bright, letterbox.bytes()[3 * 16 + 4]), (8 * 6, 200));
        assert_eq!(placement, Placement { origin: [-32.0, -24.0], scale: [8.0, 8.0] });
    }

    #[test]
    fn a_window_of_the_inputs_proportions_fills_it() {
        let pixels = vec![7; 640 * 480];
        let frame = FrameView::new(PixelFormat::Grey, 640, 480, &pixels).unwrap();
        let mut letterbox = Letterbox::new(&SPEC);
        letterbox.take(&frame, CropBox { x: 0, y: 0, width: 10, height: 400 });
        let placement = letterbox.take(&frame, CropBox { x: 100, y: 90, width: 161, height: 120 });
        assert!(letterbox.bytes().iter().all(|&byte| byte == 7));
        assert_eq!(placement.origin, [100.0, 90.0]);
        assert!((placement.scale[0] - 161.0 / 16.0).abs() < 1e-6);
    }
}
