//! Where in a scene a person is.

use super::canvas::{Canvas, FaceTransform};
use super::expression::Motion;
use super::person::Person;

/// The box's top above the head's middle, as a share of the head's half height: the hairline.
pub(super) const HAIRLINE: f32 = 0.72;

/// Where in a scene a person's face is, but for the head's small motions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Of the middle of the face's box, from the picture's left, as a share of its width. Below 0 and above 1 it is out of view.
    pub x: f32,
    /// The same from its top, as a share of its height.
    pub y: f32,
    /// Width of the face's box as a share of the picture's width, above 0.
    pub size: f32,
}

impl Place {
    /// The view that puts the face here.
    pub(super) fn view(self, canvas: &Canvas, person: &Person, motion: &Motion) -> FaceTransform {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let [half, tall] = person.head;
        let scale = (self.size * width / (2.0 * half)).max(f32::MIN_POSITIVE);
        // Head motions are shares of the picture that the person fills; here they shrink with the person.
        let sway = motion.sway.map(|share| share * scale / person.size);
        let above = (1.0 - HAIRLINE) / 2.0 * tall * scale;
        FaceTransform::at(
            [self.x * width + sway[0], self.y * height - above + sway[1]],
            scale,
            person.roll + motion.roll,
        )
    }
}
