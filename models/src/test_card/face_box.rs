//! The box of the drawn face.

use super::canvas::{Canvas, FaceTransform};
use super::expression::Motion;
use super::place::HAIRLINE;
use super::{Place, TestCard};
use crate::rect::Rect;

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
