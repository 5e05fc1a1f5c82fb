//! Where the faces are: a box in a frame's pixels, and the engine that finds it.

mod decode;
mod finder;
mod letterbox;
mod search;

pub use decode::{CELL, OUTPUTS, Placement, decode as decode_faces};
pub use finder::FaceFinder;
pub use letterbox::Letterbox;
pub use search::{Finder, window_about};

use crate::crop::CropBox;

/// Most faces that one look answers with.
pub const MAX_FACES: usize = 32;

/// Faces, best score first.
pub type Faces = heapless::Vec<Face, MAX_FACES>;

/// A face: a box from brow or hairline to chin, in pixels of the frame, which may reach outside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
    /// How sure the model is, 0 to 1; its card says from where on it counts.
    pub score: f32,
}

impl Face {
    /// The middle of the box: x and y.
    pub fn centre(&self) -> [f32; 2] {
        [self.x + self.width / 2.0, self.y + self.height / 2.0]
    }

    /// The mean side: the square root of the area.
    pub fn side(&self) -> f32 {
        (self.width * self.height).max(0.0).sqrt()
    }

    /// Intersection over union of two boxes, 0 to 1.
    pub fn iou(&self, other: &Face) -> f32 {
        let across = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let down = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        let common = across.max(0.0) * down.max(0.0);
        let union = self.width * self.height + other.width * other.height - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The share of the box, 0 to 1, that lies in a frame of `width` x `height` pixels.
    pub fn inside(&self, width: u32, height: u32) -> f32 {
        let across = (self.x + self.width).min(width as f32) - self.x.max(0.0);
        let down = (self.y + self.height).min(height as f32) - self.y.max(0.0);
        let area = self.width * self.height;
        if area > 0.0 { across.max(0.0) * down.max(0.0) / area } else { 0.0 }
    }

    /// What an emotion model looks at: the square about the box's middle whose side is the box's mean side grown by the fraction
    /// `margin`. A square, since boxes of the same face differ most in where the forehead ends.
    pub fn crop(&self, margin: f32) -> CropBox {
        let side = self.side() * (1.0 + margin.max(-0.9));
        let side = side.round().clamp(1.0, MAX_CROP);
        let [x, y] = self.centre();
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
    let [x, y] = face.centre();
    let across = (2.0 * x / width.max(1) as f32 - 1.0).abs();
    let down = (2.0 * y / height.max(1) as f32 - 1.0).abs();
    face.width * face.height * face.inside(width, height) * (1.0 - EDGE * across.max(down).min(1.0))
}

/// Whom a picture of `width` x `height` pixels is about: the largest face, one near the edge counting for less.
pub fn main_face(faces: &[Face], width: u32, height: u32) -> Option<&Face> {
    let weight = |face: &Face| centrality(face, width, height);
    faces.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))
}

/// No crop is larger: a frame's longest side, several times over.
const MAX_CROP: f32 = (crate::MAX_SIDE * 4) as f32;

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: Face = Face { x: 10.0, y: 20.0, width: 40.0, height: 90.0, score: 0.9 };

    #[test]
    fn boxes_overlap() {
        assert_eq!(FACE.iou(&FACE), 1.0);
        assert_eq!(FACE.iou(&Face { x: 50.0, ..FACE }), 0.0);
        let half = Face { width: 20.0, ..FACE };
        assert!((FACE.iou(&half) - 0.5).abs() < 1e-6);
        assert_eq!(FACE.iou(&Face { width: 0.0, ..FACE }), 0.0);
    }

    #[test]
    fn a_cut_off_face_is_partly_inside() {
        assert_eq!(FACE.inside(640, 480), 1.0);
        assert!((Face { x: -20.0, ..FACE }.inside(640, 480) - 0.5).abs() < 1e-6);
        assert_eq!(Face { x: 700.0, ..FACE }.inside(640, 480), 0.0);
    }

    #[test]
    fn a_picture_is_about_what_it_shows() {
        let cut_off = Face { x: -66.0, y: 190.0, width: 177.0, height: 220.0, score: 0.9 };
        let middle = Face { x: 268.0, y: 180.0, width: 130.0, height: 160.0, score: 0.6 };
        assert_eq!(main_face(&[cut_off, middle], 640, 480), Some(&middle));
        assert_eq!(main_face(&[cut_off], 640, 480), Some(&cut_off));
        let larger = Face { x: 20.0, ..cut_off };
        assert_eq!(main_face(&[middle, larger], 640, 480), Some(&larger));
    }

    #[test]
    fn crops_are_squares_about_the_middle() {
        assert_eq!(FACE.crop(0.0), CropBox { x: 0, y: 35, width: 60, height: 60 });
        assert_eq!(FACE.crop(0.5), CropBox { x: -15, y: 20, width: 90, height: 90 });
        let absurd = Face { width: f32::MAX, height: f32::MAX, ..FACE }.crop(1.0);
        assert!(absurd.width >= 1);
        assert_eq!(Face { width: f32::NAN, ..FACE }.crop(0.0).width.max(1), 1);
    }
}
