//! From the network's maps to boxes: peaks of the centre map, each with its offset and size (Zhou et al., "Objects as Points",
//! 2019).
//!
//! Why peaks first: a cell that is larger than its eight neighbours is a detection, and finding those is one pass over a small map. Of
//! equal neighbours the first counts, so that a plateau gives one box. The threshold is compared with logits; only peaks pay for
//! an exponential. Offsets and sizes are clamped, so that a damaged model gives no box that is none. Peaks alone are not enough: a
//! large face can have two. Non-maximum suppression keeps the better of two boxes that overlap. It also drops a box that lies mostly
//! in a better one of similar size: a mouth is taken for a face at times, and its overlap with the whole face is too small to count.

use super::detected::{Face, Faces, MAX_FACES};
use crate::card::{CELL, OUTPUTS};
use crate::rect::Rect;

/// Boxes that overlap more than this (intersection over union) are the same face.
const SAME_FACE: f32 = 0.4;
/// A box that lies to this share in a better one of at most [`LARGER`] times its area is part of the same face, such as a mouth.
const PART: f32 = 0.7;
const LARGER: f32 = 4.0;

/// Logarithms of sizes are kept within these, so that no output whatever gives a box that is no box.
const SIZES: (f32, f32) = (-3.0, 5.0);
/// No centre lies further than this from its cell's middle, in cells.
const REACH: f32 = 3.0;

/// Where the network's input lies in the frame: `frame = origin + input * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// The frame's pixel, from its left and top, where the input's first begins.
    pub origin: [f32; 2],
    /// Pixels of the frame for one of the input, on each axis; negative across where it is flipped.
    pub scale: [f32; 2],
}

impl Placement {
    /// The input is the frame.
    pub const SAME: Self = Self { origin: [0.0; 2], scale: [1.0; 2] };
}

/// The faces that `maps`, `[5, height / 8, width / 8]`, show with a score of at least `threshold`: best score first,
/// one for each face, at most [`MAX_FACES`]. Maps of another length hold none.
pub fn decode(maps: &[f32], [columns, rows]: [usize; 2], threshold: f32, placement: Placement) -> Faces {
    let area = columns * rows;
    let mut found = Faces::new();
    if area == 0 || maps.len() != OUTPUTS * area {
        return found;
    }
    let (centres, rest) = maps.split_at(area);
    let least = logit(threshold);
    for row in 0..rows {
        for column in 0..columns {
            let at = row * columns + column;
            let value = centres[at];
            // Of equal neighbours the first is the peak.
            if value < least || value.is_nan() || !is_peak(centres, [columns, rows], [column, row]) {
                continue;
            }
            let read = |map: usize| rest[map * area + at];
            let size = |map| read(map).clamp(SIZES.0, SIZES.1).exp() * CELL as f32;
            let middle = |cell: usize, map| (cell as f32 + 0.5 + read(map).clamp(-REACH, REACH)) * CELL as f32;
            let ([x, y], [width, height]) = ([middle(column, 0), middle(row, 1)], [size(2), size(3)]);
            let [left, top] = placement.origin;
            let [across, down] = placement.scale;
            let [width, height] = [width * across.abs(), height * down.abs()];
            let rect = Rect { x: left + x * across - width / 2.0, y: top + y * down - height / 2.0, width, height };
            if rect.x.is_finite() && rect.y.is_finite() {
                insert(&mut found, Face { rect, score: sigmoid(value) });
            }
        }
    }
    non_max_suppression(&found)
}

/// Keeps the best, in order.
fn insert(faces: &mut Faces, face: Face) {
    let place = faces.iter().position(|other| other.score < face.score).unwrap_or(faces.len());
    if faces.len() == MAX_FACES {
        if place == MAX_FACES {
            return;
        }
        faces.pop();
    }
    let _ = faces.insert(place, face);
}

/// Greedy non-maximum suppression (NMS): of boxes that show the same face only the best stays. `faces` come best score first.
pub(super) fn non_max_suppression(faces: &Faces) -> Faces {
    let mut kept = Faces::new();
    for face in faces {
        if !kept.iter().any(|better| is_same(better.rect, face.rect)) {
            let _ = kept.push(*face);
        }
    }
    kept
}

fn is_same(better: Rect, other: Rect) -> bool {
    let (large, small) = (better.area().max(other.area()), better.area().min(other.area()));
    let is_part = better.intersection(other) > PART * small && large < LARGER * small;
    better.iou(other) > SAME_FACE || is_part
}

fn is_peak(centres: &[f32], [columns, rows]: [usize; 2], [column, row]: [usize; 2]) -> bool {
    let own = centres[row * columns + column];
    for y in row.saturating_sub(1)..(row + 2).min(rows) {
        for x in column.saturating_sub(1)..(column + 2).min(columns) {
            let other = centres[y * columns + x];
            let before = (y, x) < (row, column);
            if other > own || (before && other == own) {
                return false;
            }
        }
    }
    true
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// The sigmoid's inverse; never lets all or nothing pass by rounding.
fn logit(probability: f32) -> f32 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).ln()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const GRID: [usize; 2] = [20, 15];

    fn maps(faces: &[(usize, usize, f32, [f32; 4])]) -> Vec<f32> {
        let area = GRID[0] * GRID[1];
        let mut maps = vec![0.0; OUTPUTS * area];
        maps[..area].fill(-9.0);
        for &(column, row, value, rest) in faces {
            let at = row * GRID[0] + column;
            maps[at] = value;
            for (map, value) in rest.into_iter().enumerate() {
                maps[(map + 1) * area + at] = value;
            }
        }
        maps
    }

    #[test]
    fn a_peak_becomes_a_box_in_the_frame() {
        let size = 3f32.ln();
        let maps = maps(&[(4, 2, 2.0, [0.25, -0.5, size, 4f32.ln()])]);
        let placement = Placement { origin: [100.0, 50.0], scale: [4.0, 2.0] };
        let found = decode(&maps, GRID, 0.5, placement);
        let face = found[0];
        assert_eq!(found.len(), 1);
        assert!((face.rect.width - 96.0).abs() < 1e-3 && (face.rect.height - 64.0).abs() < 1e-3, "{face:?}");
        let [x, y] = face.rect.centre();
        assert!(
            (x - (100.0 + 4.75 * 8.0 * 4.0)).abs() < 1e-3 && (y - (50.0 + 2.0 * 8.0 * 2.0)).abs() < 1e-3,
            "{face:?}"
        );
        assert!((face.score - 0.880_797).abs() < 1e-5);

        let flipped = Placement { origin: [740.0, 50.0], scale: [-4.0, 2.0] };
        let face = decode(&maps, GRID, 0.5, flipped)[0];
        assert!((face.rect.width - 96.0).abs() < 1e-3 && (face.rect.height - 64.0).abs() < 1e-3, "{face:?}");
        assert!((face.rect.centre()[0] - (740.0 - 4.75 * 8.0 * 4.0)).abs() < 1e-3, "{face:?}");
    }

    #[test]
    fn neighbours_and_overlapping_boxes_are_one_face() {
        let size = [0.0, 0.0, 3f32.ln(), 3f32.ln()];
        let found = decode(&maps(&[(4, 4, 2.0, size), (5, 4, 1.9, size)]), GRID, 0.5, Placement::SAME);
        assert_eq!(found.len(), 1);
        let found =
            decode(&maps(&[(4, 4, 1.0, size), (6, 4, 2.0, [-1.0, 0.0, size[2], size[3]])]), GRID, 0.5, Placement::SAME);
        assert_eq!(found.len(), 1);
        assert!(found[0].score > 0.85);
        let found = decode(&maps(&[(4, 4, 1.0, size), (10, 4, 2.0, size)]), GRID, 0.5, Placement::SAME);
        assert_eq!(found.len(), 2);
        assert!(found[0].score > found[1].score);
        assert_eq!(decode(&maps(&[(4, 4, 1.0, size)]), GRID, 0.9, Placement::SAME).len(), 0);
    }

    #[test]
    fn a_plateau_has_one_peak() {
        let size = [0.0, 0.0, -2.0, -2.0];
        let all: Vec<_> = (3..9).map(|column| (column, 5, 1.0, size)).collect();
        assert_eq!(decode(&maps(&all), GRID, 0.5, Placement::SAME).len(), 1);
    }

    proptest! {
        #[test]
        fn any_maps_give_boxes_with_sense(values in prop::collection::vec(any::<f32>(), 5 * 12), threshold in any::<f32>()) {
            for Face { rect, score } in decode(&values, [4, 3], threshold, Placement { origin: [-5.0, 3.0], scale: [2.0; 2] }) {
                prop_assert!(rect.width > 0.0 && rect.height > 0.0 && rect.x.is_finite() && rect.y.is_finite());
                prop_assert!((0.0..=1.0).contains(&score));
            }
        }
    }
}
