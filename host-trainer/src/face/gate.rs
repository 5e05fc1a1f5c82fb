//! The comparison that stands between a trained face net and a written file.

use super::look::{self, LEAST_SCORE, Seen};
use super::run::FaceRun;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use anyhow::{Result, ensure};
use emotion_models::{FaceFinder, Precision, decode_faces};

/// Largest difference of a score between trainer and exported float graph that is put down to rounding.
const TOLERANCE: f32 = 1e-4;
/// A score of an integer graph that differs by no more than this is put down to activations that lie halfway between two numbers ...
const INTEGER_TOLERANCE: f32 = 0.05;
/// ... as long as this share of the boxes that either sees does not.
const WITHIN_TOLERANCE: f64 = 0.95;
/// Boxes of the two are the same face from this intersection over union on.
const SAME: f32 = 0.8;
/// The score from which on a box must have its like.
const SURE: f32 = 0.5;
/// The share of such boxes that have it.
const MATCHED: f64 = 0.98;

/// What the gate saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Photos compared.
    pub photos: usize,
    /// Cells to which trainer or graph gives a score of at least [`LEAST_SCORE`].
    pub cells: usize,
    /// Of them, those whose scores differ by at most 0.05.
    pub within: usize,
    /// Largest difference of a score.
    pub largest: f32,
    /// Boxes that trainer or graph gives a score of at least 0.5.
    pub boxes: usize,
    /// Of them, those that the other sees as well.
    pub matched: usize,
}

impl Agreement {
    /// The figures of two together.
    pub fn and(self, other: Self) -> Self {
        Agreement {
            photos: self.photos + other.photos,
            cells: self.cells + other.cells,
            within: self.within + other.within,
            largest: self.largest.max(other.largest),
            boxes: self.boxes + other.boxes,
            matched: self.matched + other.matched,
        }
    }

    /// Shares of cells within the tolerance, and of boxes matched.
    fn shares(&self) -> (f64, f64) {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        (share(self.within, self.cells), share(self.matched, self.boxes))
    }

    /// In words.
    pub fn said(&self, precision: Precision) -> String {
        let (within, matched) = self.shares();
        let Agreement { photos, largest, boxes, .. } = self;
        match precision {
            Precision::F32 => format!(
                "Trainer and exported graph agree within {largest:.1e} (largest difference of a cell's score, {photos} photos)"
            ),
            Precision::Int8 => format!(
                "Of {boxes} boxes that trainer or exported graph gives a score of at least {SURE} on {photos} photos, {:.2} % have \
                 their like in the other's (intersection over union of at least {SAME}); {:.2} % of the cells' scores differ by at \
                 most {INTEGER_TOLERANCE} (largest difference {largest:.2})",
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
                format!("wanted: {:.0} % and {:.0} %", 100.0 * MATCHED, 100.0 * WITHIN_TOLERANCE)
            }
            _ => return Ok(()),
        };
        let said = self.said(precision);
        let message = format!("nothing was written. {said}; {wanted}. This is a fault in the export, please report it");
        Err(failure(Kind::Model, message))
    }
}

/// Runs photos through the trainer and through the exported model. What is seen has yet to be [`Agreement::check`]ed.
///
/// # Errors
/// When the engine fails.
pub fn compare(run: &FaceRun, seen: &[Seen], finder: &mut FaceFinder) -> Result<Agreement> {
    let inputs: Vec<&[u8]> = seen.iter().map(|seen| seen.bytes.as_slice()).collect();
    let trained = look::maps(&run.net, &run.weights, &run.config, &Engine::cpu(), &inputs);
    let cells = run.config.cells();
    let mut agreement = Agreement { photos: seen.len(), ..Agreement::default() };
    for (seen, own) in seen.iter().zip(&trained) {
        let exported = finder.maps(&seen.bytes, <[f32]>::to_vec)?;
        for (own, exported) in own.iter().zip(&exported).take(cells.iter().product()) {
            let (own, exported) = (sigmoid(*own), sigmoid(*exported));
            let difference = (own - exported).abs();
            agreement.largest = if difference.is_nan() { f32::INFINITY } else { agreement.largest.max(difference) };
            if own >= LEAST_SCORE || exported >= LEAST_SCORE {
                agreement.cells += 1;
                agreement.within += usize::from(difference <= INTEGER_TOLERANCE);
            }
        }
        // The other may be a little less sure.
        let boxes = |maps: &[f32], least: f32| decode_faces(maps, cells, least, seen.placement);
        for (one, other) in [(own, &exported), (&exported, own)] {
            let others = boxes(other, SURE / 2.0);
            for face in boxes(one, SURE) {
                agreement.boxes += 1;
                agreement.matched += usize::from(others.iter().any(|other| other.iou(&face) >= SAME));
            }
        }
    }
    Ok(agreement)
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
        let fine = Agreement { photos: 9, cells: 100, within: 99, largest: 5e-5, boxes: 100, matched: 99 };
        fine.check(Precision::F32).unwrap();
        fine.check(Precision::Int8).unwrap();
        let error = Agreement { largest: 0.01, ..fine }.check(Precision::F32).unwrap_err();
        assert!(error.to_string().contains("1.0e-2"), "{error}");
        Agreement { matched: 90, ..fine }.check(Precision::Int8).unwrap_err();
        Agreement { within: 90, ..fine }.check(Precision::Int8).unwrap_err();
        Agreement { photos: 0, ..fine }.check(Precision::F32).unwrap_err();
    }
}
