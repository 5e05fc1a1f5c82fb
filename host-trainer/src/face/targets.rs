//! The training targets of a scene.

use super::scenes::compose::SceneFace;
use emotion_models::{CELL, OUTPUTS, Rect};

/// The maps of a batch, each `[N, cells]` in row order but for [`Targets::boxes`].
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// 1 at the cell of a face's centre, falling off around it (Zhou et al. 2019).
    pub heat: Vec<f32>,
    /// 1 where a face's centre is.
    pub centres: Vec<f32>,
    /// 0 in cells that do not count: about ignored faces.
    pub counts: Vec<f32>,
    /// `[N, 4, cells]`: offset right and down in cells, logarithms of width and height in cells.
    pub boxes: Vec<f32>,
    /// How much a cell's box counts.
    pub weights: Vec<f32>,
}

/// The standard deviation of the bump about a centre, as a share of the box's sides.
const SPREAD: f32 = 0.12;
/// Cells whose bump is at least this high learn the box too.
const LEARNS_BOX: f32 = 0.5;
/// How much a noisy box counts: face crops come without boxes, and box styles differ between data sets, so that
/// the photos' own boxes say where a face begins and ends.
const NOISY_BOX_WEIGHT: f32 = 0.15;
/// How far around an ignored face nothing counts, as a share of its sides.
const AROUND_IGNORED: f32 = 0.6;

impl Targets {
    /// Adds a scene's maps of `columns` x `rows` cells.
    pub fn push(&mut self, faces: &[SceneFace], [columns, rows]: [usize; 2]) {
        let area = columns * rows;
        let start = self.heat.len();
        let boxes = self.boxes.len();
        self.heat.resize(start + area, 0.0);
        self.centres.resize(start + area, 0.0);
        self.counts.resize(start + area, 1.0);
        self.weights.resize(start + area, 0.0);
        self.boxes.resize(boxes + (OUTPUTS - 1) * area, 0.0);
        let cell = CELL as f32;
        for face in faces {
            let Rect { x: left, y: top, width, height } = face.rect.map(|side| side / cell);
            let centre = [left + width / 2.0, top + height / 2.0];
            let own = centre.map(|at| at.floor());
            for row in 0..rows {
                for column in 0..columns {
                    let index = start + row * columns + column;
                    let away = [column as f32 + 0.5 - centre[0], row as f32 + 0.5 - centre[1]];
                    if face.ignored {
                        if away[0].abs() < AROUND_IGNORED * width + 0.5 && away[1].abs() < AROUND_IGNORED * height + 0.5
                        {
                            self.counts[index] = 0.0;
                        }
                        continue;
                    }
                    let at_centre = own == [column as f32, row as f32];
                    let spread = [width, height].map(|side| (SPREAD * side).max(0.5));
                    let bump = (-0.5 * ((away[0] / spread[0]).powi(2) + (away[1] / spread[1]).powi(2))).exp();
                    let bump = if at_centre { 1.0 } else { bump };
                    // Of two faces the nearer one rules a cell.
                    if bump > self.heat[index] || at_centre {
                        self.heat[index] = bump;
                        if bump >= LEARNS_BOX {
                            let values = [-away[0], -away[1], width.max(1e-3).ln(), height.max(1e-3).ln()];
                            for (map, value) in values.into_iter().enumerate() {
                                self.boxes[boxes + map * area + index - start] = value;
                            }
                            self.weights[index] = if face.noisy { NOISY_BOX_WEIGHT * bump } else { bump };
                        }
                    }
                    if at_centre {
                        self.centres[index] = 1.0;
                        self.counts[index] = 1.0;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotion_models::{Placement, decode_faces};

    #[test]
    fn what_the_targets_say_is_decoded_to_the_faces() {
        let faces = [[20.0, 30.0, 24.0, 32.0], [90.0, 20.0, 60.0, 80.0], [70.0, 100.0, 10.0, 12.0]];
        let faces = faces.map(|rect| SceneFace { rect: rect.into(), ignored: false, noisy: false });
        let mut targets = Targets::default();
        targets.push(&[], [20, 15]);
        targets.push(&faces, [20, 15]);
        let logits = targets.heat[300..].iter().map(|&heat| if heat == 1.0 { 4.0 } else { -4.0 });
        let maps: Vec<f32> = logits.chain(targets.boxes[1200..].iter().copied()).collect();
        let found = decode_faces(&maps, [20, 15], 0.5, Placement::SAME);
        assert_eq!(found.len(), 3);
        for SceneFace { rect, .. } in faces {
            assert!(found.iter().any(|face| face.rect.iou(rect) > 0.99), "{found:?}");
        }
        assert_eq!(targets.centres.iter().sum::<f32>(), 3.0);
    }

    #[test]
    fn noisy_boxes_count_for_less_and_their_centres_for_as_much() {
        let maps = |noisy| {
            let mut targets = Targets::default();
            targets.push(&[SceneFace { rect: Rect::new(20.0, 30.0, 24.0, 32.0), ignored: false, noisy }], [20, 15]);
            targets
        };
        let (fine, noisy) = (maps(false), maps(true));
        assert_eq!((&fine.heat, &fine.boxes, &fine.centres), (&noisy.heat, &noisy.boxes, &noisy.centres));
        let sum = |targets: &Targets| targets.weights.iter().sum::<f32>();
        assert!((sum(&noisy) - NOISY_BOX_WEIGHT * sum(&fine)).abs() < 1e-6 && sum(&fine) >= 1.0);
    }

    #[test]
    fn ignored_faces_do_not_count() {
        let mut targets = Targets::default();
        targets.push(&[SceneFace { rect: Rect::new(20.0, 30.0, 6.0, 8.0), ignored: true, noisy: false }], [20, 15]);
        assert_eq!(targets.heat.iter().sum::<f32>(), 0.0);
        let silent = targets.counts.iter().filter(|&&counts| counts == 0.0).count();
        assert!((1..9).contains(&silent), "{silent}");
    }
}
