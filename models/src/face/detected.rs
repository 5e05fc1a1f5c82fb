//! The output of a detector: faces, each with a bounding box and a score, and which of them is the main face.

use crate::crop::CropBox;
use crate::frame::MAX_SIDE;
use crate::rect::Rect;

/// Maximum number of faces per detection.
pub const MAX_FACES: usize = 32;

/// Faces, best score first.
pub type Faces = heapless::Vec<Face, MAX_FACES>;

/// A detected face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Its bounding box, from brow or hairline to chin, in pixels of the frame; the sides are above 0.
    pub rect: Rect,
    /// How sure the model is, 0 to 1; its card has the detection threshold.
    pub score: f32,
}

impl Face {
    /// The crop for an emotion model: the square around the box's middle whose side is the box's mean side grown by the fraction
    /// `margin`. A square, since boxes of the same face differ most in where the forehead ends.
    pub fn crop(&self, margin: f32) -> CropBox {
        let side = self.rect.mean_side() * (1.0 + margin.max(-0.9));
        let side = side.round().clamp(1.0, MAX_CROP);
        let [x, y] = self.rect.centre();
        CropBox {
            x: (x - side / 2.0).round() as i32,
            y: (y - side / 2.0).round() as i32,
            width: side as u32,
            height: side as u32,
        }
    }
}

/// A face at the frame's edge counts as if it had this share less area than one in the middle.
const EDGE: f32 = 0.5;

/// How much a picture of `width` x `height` pixels is about a face: its area inside the picture, less towards the edge.
pub fn centrality(face: &Face, width: u32, height: u32) -> f32 {
    let [x, y] = face.rect.centre();
    let across = (2.0 * x / width.max(1) as f32 - 1.0).abs();
    let down = (2.0 * y / height.max(1) as f32 - 1.0).abs();
    face.rect.area() * face.rect.inside(width, height) * (1.0 - EDGE * across.max(down).min(1.0))
}

/// Whom a picture of `width` x `height` pixels is about: the largest face, one near the edge counting for less.
pub fn main_face(faces: &[Face], width: u32, height: u32) -> Option<&Face> {
    let weight = |face: &Face| centrality(face, width, height);
    faces.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))
}

/// No crop is larger: a frame's longest side, several times over.
const MAX_CROP: f32 = (MAX_SIDE * 4) as f32;

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, width: f32, height: f32) -> Face {
        Face { rect: Rect::new(x, y, width, height), score: 0.9 }
    }

    #[test]
    fn a_picture_is_about_what_it_shows() {
        let cut_off = face(-66.0, 190.0, 177.0, 220.0);
        let middle = face(268.0, 180.0, 130.0, 160.0);
        assert_eq!(main_face(&[cut_off, middle], 640, 480), Some(&middle));
        assert_eq!(main_face(&[cut_off], 640, 480), Some(&cut_off));
        let larger = face(20.0, 190.0, 177.0, 220.0);
        assert_eq!(main_face(&[middle, larger], 640, 480), Some(&larger));
    }

    #[test]
    fn crops_are_squares_about_the_middle() {
        assert_eq!(face(10.0, 20.0, 40.0, 90.0).crop(0.0), CropBox { x: 0, y: 35, width: 60, height: 60 });
        assert_eq!(face(10.0, 20.0, 40.0, 90.0).crop(0.5), CropBox { x: -15, y: 20, width: 90, height: 90 });
        let absurd = face(10.0, 20.0, f32::MAX, f32::MAX).crop(1.0);
        assert!(absurd.width >= 1);
        assert_eq!(face(10.0, 20.0, f32::NAN, 90.0).crop(0.0).width.max(1), 1);
    }
}
