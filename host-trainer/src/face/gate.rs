//! The comparison that stands between a trained face net and a written file.

use super::detections::MIN_SCORE;
use super::inference::{FaceNet, NetInput};
use super::task::FaceTask;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use crate::run::finished::FinishedRun;
use anyhow::{Result, ensure};
use emotion_models::{FaceDetector, OUTPUTS, Placement, Precision, decode_faces};

/// Largest difference of a score, or of a box's offset or size in cells, between trainer and exported float graph that is put down
/// to rounding.
const TOLERANCE: f32 = 1e-4;
/// A score of an integer graph that differs by no more than this is put down to activations that lie halfway between two numbers ...
const INTEGER_TOLERANCE: f32 = 0.02;
/// ... as long as this share of the cells that either sees something in does not differ by more.
const WITHIN_TOLERANCE: f64 = 0.99;
/// Boxes of the two are the same face from this intersection over union on.
const SAME: f32 = 0.8;
/// The score from which on a box must have its like.
const SURE: f32 = 0.5;
/// The share of such boxes that have it.
const MATCHED: f64 = 0.995;

/// What the gate saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Photos compared.
    pub photos: usize,
    /// Cells to which trainer or graph gives a score of at least [`MIN_SCORE`].
    pub cells: usize,
    /// Of them, those whose scores differ by at most 0.02.
    pub within: usize,
    /// Largest difference of a score, and in cells that see something also of a box's offsets and logarithms of sizes.
    pub largest: f32,
    /// Boxes that trainer or graph gives a score of at least 0.5.
    pub boxes: usize,
    /// Of them, those that the other sees as well.
    pub matched: usize,
}

impl Agreement {
    /// Adds a photo: the trainer's maps, `[5, rows, columns]`, and the exported graph's.
    fn add(&mut self, own: &[f32], exported: &[f32], cells: [usize; 2], placement: Placement) {
        let area = cells.iter().product::<usize>();
        self.photos += 1;
        if own.len() != OUTPUTS * area || exported.len() != own.len() {
            (self.largest, self.cells, self.boxes) = (f32::INFINITY, self.cells + 1, self.boxes + 1);
            return;
        }
        let mut differs = |difference: f32| {
            self.largest = if difference.is_nan() { f32::INFINITY } else { self.largest.max(difference) };
        };
        for cell in 0..area {
            let [mine, theirs] = [own, exported].map(|maps| sigmoid(maps[cell]));
            differs((mine - theirs).abs());
            if mine >= MIN_SCORE || theirs >= MIN_SCORE {
                (1..OUTPUTS).map(|map| map * area + cell).for_each(|at| differs((own[at] - exported[at]).abs()));
                self.cells += 1;
                self.within += usize::from((mine - theirs).abs() <= INTEGER_TOLERANCE);
            }
        }
        // The other may be a little less sure.
        let boxes = |maps: &[f32], least: f32| decode_faces(maps, cells, least, placement);
        for (one, other) in [(own, exported), (exported, own)] {
            let others = boxes(other, SURE / 2.0);
            for face in boxes(one, SURE) {
                self.boxes += 1;
                self.matched += usize::from(others.iter().any(|other| other.rect.iou(face.rect) >= SAME));
            }
        }
    }

    /// Shares of cells within the tolerance, and of boxes matched.
    fn shares(&self) -> (f64, f64) {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        (share(self.within, self.cells), share(self.matched, self.boxes))
    }

    /// What the gate saw, as a sentence for the card.
    pub fn said(&self, precision: Precision) -> String {
        let (within, matched) = self.shares();
        let Agreement { photos, largest, boxes, .. } = self;
        match precision {
            Precision::F32 => format!(
                "Trainer and exported graph agree within {largest:.1e} (largest difference of a cell's score or box, {photos} photos)"
            ),
            Precision::Int8 => format!(
                "Of {boxes} boxes that trainer or exported graph gives a score of at least {SURE} on {photos} photos, {:.2} % have \
                 their like in the other's (intersection over union of at least {SAME}); {:.2} % of the cells' scores differ by at \
                 most {INTEGER_TOLERANCE} (largest difference of a score or box {largest:.2})",
                100.0 * matched,
                100.0 * within
            ),
        }
    }

    /// Refuses a graph that is not what the trainer computes.
    ///
    /// # Errors
    /// Says by how much they differ, and how much is allowed in `precision`.
    pub fn check(&self, precision: Precision) -> Result<()> {
        ensure!(self.photos > 0, "there are no photos to compare trainer and exported model on");
        let (within, matched) = self.shares();
        let wanted = match precision {
            Precision::F32 if self.largest > TOLERANCE => format!("wanted: within {TOLERANCE:.0e}"),
            Precision::Int8 if self.cells > 0 && within < WITHIN_TOLERANCE || self.boxes > 0 && matched < MATCHED => {
                format!("wanted: {:.1} % and {:.0} %", 100.0 * MATCHED, 100.0 * WITHIN_TOLERANCE)
            }
            _ => return Ok(()),
        };
        let said = self.said(precision);
        let message = format!("nothing was written. {said}; {wanted}. This is a fault in the export, please report it");
        Err(failure(Kind::Model, message))
    }
}

/// Runs photos through the trainer and through the exported model, and adds what is seen, which has yet to be
/// [`Agreement::check`]ed.
///
/// # Errors
/// When the engine fails.
pub fn compare(
    run: &FinishedRun<FaceTask>,
    seen: &[NetInput],
    finder: &mut FaceDetector,
    agreement: &mut Agreement,
) -> Result<()> {
    let FinishedRun { net, weights, config, .. } = run;
    let net = FaceNet { net, weights, config: &config.task, engine: &Engine::cpu() };
    let trained = net.maps(&seen.iter().collect::<Vec<_>>());
    let cells = config.task.cells();
    for (seen, own) in seen.iter().zip(&trained) {
        let exported = finder.maps(&seen.bytes, <[f32]>::to_vec)?;
        agreement.add(own, &exported, cells, seen.placement);
    }
    Ok(())
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_graph_that_computes_something_else_is_refused() {
        let fine = Agreement { photos: 9, cells: 100, within: 99, largest: 5e-5, boxes: 1000, matched: 999 };
        fine.check(Precision::F32).unwrap();
        fine.check(Precision::Int8).unwrap();
        let error = Agreement { largest: 0.01, ..fine }.check(Precision::F32).unwrap_err();
        assert!(error.to_string().contains("1.0e-2"), "{error}");
        Agreement { matched: 990, ..fine }.check(Precision::Int8).unwrap_err();
        Agreement { within: 90, ..fine }.check(Precision::Int8).unwrap_err();
        Agreement { photos: 0, ..fine }.check(Precision::F32).unwrap_err();
    }

    #[test]
    fn a_graph_that_puts_boxes_elsewhere_is_refused() {
        let cells = [4, 3];
        // One face, two cells wide and high, in a cell of the middle row.
        let mut own = vec![0.0; OUTPUTS * 12];
        own[..12].fill(-9.0);
        own[6] = 3.0;
        (own[3 * 12 + 6], own[4 * 12 + 6]) = (2f32.ln(), 2f32.ln());
        let compared = |change: &dyn Fn(&mut [f32])| {
            let mut exported = own.clone();
            change(&mut exported);
            let mut agreement = Agreement::default();
            agreement.add(&own, &exported, cells, Placement::SAME);
            agreement
        };
        let same = compared(&|_| ());
        assert_eq!(same, Agreement { photos: 1, cells: 1, within: 1, largest: 0.0, boxes: 2, matched: 2 });
        same.check(Precision::F32).unwrap();
        for map in 1..OUTPUTS {
            let moved = compared(&|maps| maps[map * 12 + 6] += 0.5);
            moved.check(Precision::F32).unwrap_err();
            moved.check(Precision::Int8).unwrap_err();
        }
        compared(&|maps| maps[0] = 1.0).check(Precision::Int8).unwrap_err();
        compared(&|maps| maps[0] = f32::NAN).check(Precision::F32).unwrap_err();
    }
}
