//! Where the drawn face lies.

use super::TestCard;
use super::canvas::{Canvas, FaceTransform};
use super::expression::Motion;
use super::person::Person;
use crate::rect::Rect;

/// The box's top above the head's middle, as a share of the head's half height: the hairline.
const HAIRLINE: f32 = 0.72;

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

impl TestCard {
    /// The face's box, hairline to chin, in what [`TestCard::draw`] draws at frame number `frame`.
    pub fn face(&self, frame: u64, width: u32, height: u32) -> Rect {
        let canvas = Canvas::unpainted(width.max(1), height.max(1));
        self.face_in(&FaceTransform::new(&canvas, &self.person, &Motion::at(&self.person, frame)))
    }

    /// The face's box for a person at `place` in what [`TestCard::scene`] draws.
    pub fn face_at(&self, place: Place, frame: u64, width: u32, height: u32) -> Rect {
        let canvas = Canvas::unpainted(width.max(1), height.max(1));
        self.face_in(&place.view(&canvas, &self.person, &Motion::at(&self.person, frame)))
    }

    fn face_in(&self, view: &FaceTransform) -> Rect {
        let [half, tall] = self.person.head;
        let corners =
            [[-half, 0.0], [half, 0.0], [0.0, -HAIRLINE * tall], [0.0, tall]].map(|corner| view.pixel(corner));
        let range = |axis: usize| {
            let values = corners.map(|corner| corner[axis]);
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            (low, values.into_iter().fold(f32::NEG_INFINITY, f32::max) - low)
        };
        let ((x, width), (y, height)) = (range(0), range(1));
        Rect { x, y, width, height }
    }
}
