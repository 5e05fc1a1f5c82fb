//! Where the drawn face lies.

use super::TestCard;
use super::canvas::{Canvas, View};
use super::expression::Motion;
use crate::face::Face;

/// The box's top above the head's middle, as a share of the head's half height: the hairline.
const HAIRLINE: f32 = 0.72;

impl TestCard {
    /// The face's box, hairline to chin, in what [`TestCard::draw`] draws at frame number `frame`; its score is 1.
    pub fn face(&self, frame: u64, width: u32, height: u32) -> Face {
        let canvas = Canvas::unpainted(width.max(1), height.max(1));
        let view = View::new(&canvas, &self.person, &Motion::at(&self.person, frame));
        let [half, tall] = self.person.head;
        let corners =
            [[-half, 0.0], [half, 0.0], [0.0, -HAIRLINE * tall], [0.0, tall]].map(|corner| view.pixel(corner));
        let range = |axis: usize| {
            let values = corners.map(|corner| corner[axis]);
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            (low, values.into_iter().fold(f32::NEG_INFINITY, f32::max) - low)
        };
        let ((x, width), (y, height)) = (range(0), range(1));
        Face { x, y, width, height, score: 1.0 }
    }
}
