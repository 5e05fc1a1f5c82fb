//! The comparison that stands between a trained net and a written file.

use super::dataset::Split;
use super::inference::probabilities;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use anyhow::{Result, ensure};
use emotion_models::{Classifier, InputSpec, Precision, Probabilities};
use std::sync::Arc;

/// Largest difference of a probability between trainer and exported float graph that is put down to rounding.
pub const TOLERANCE: f32 = 1e-4;
/// An activation of an integer graph that lies halfway between two numbers may become either, by the order in which the trainer
/// adds. A probability that differs by no more than this is put down to that ...
pub const INTEGER_TOLERANCE: f32 = 0.02;
/// ... as long as this share of probabilities does not ...
const WITHIN_TOLERANCE: f64 = 0.99;
/// ... and this share of pictures gets the same label.
const SAME_LABEL: f64 = 0.995;

/// What the gate saw.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// Pictures compared.
    pub pictures: usize,
    /// Pictures to which both give the same label.
    pub same_label: usize,
    /// Probabilities compared.
    pub compared: usize,
    /// Of them, those that differ by at most [`INTEGER_TOLERANCE`].
    pub within: usize,
    /// Largest difference of any probability.
    pub largest: f32,
    /// The exported graph's probabilities at temperature 1, by split and picture.
    pub probabilities: Vec<Vec<Probabilities>>,
}

impl Agreement {
    /// Adds a picture: the trainer's probabilities of all labels, and the exported graph's of `outputs`.
    fn add(&mut self, all: &[f32], outputs: &[usize], exported: &Probabilities) {
        // Softmax over a subset of logits is the full softmax, renormalised over that subset.
        let sum: f32 = outputs.iter().map(|&o| all[o]).sum();
        for (index, &output) in outputs.iter().enumerate() {
            let difference = (exported[index] - all[output] / sum.max(f32::MIN_POSITIVE)).abs();
            self.largest = if difference.is_nan() { f32::INFINITY } else { self.largest.max(difference) };
            self.within += usize::from(difference <= INTEGER_TOLERANCE);
        }
        let top = (0..outputs.len()).max_by(|&a, &b| all[outputs[a]].total_cmp(&all[outputs[b]]));
        self.same_label += usize::from(top == Some(exported.top().0));
        self.compared += outputs.len();
        self.pictures += 1;
    }

    /// Refuses a graph that is not what the trainer computes.
    ///
    /// # Errors
    /// Says by how much they differ, and how much is allowed in `precision`.
    pub fn check(&self, precision: Precision) -> Result<()> {
        ensure!(self.pictures > 0, "there are no pictures to compare trainer and exported model on");
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        let (labels, within) = (share(self.same_label, self.pictures), share(self.within, self.compared));
        let (pictures, largest) = (self.pictures, self.largest);
        let message = match precision {
            Precision::F32 if largest > TOLERANCE => format!(
                "nothing was written: on {pictures} pictures the exported graph differs from the trainer by up to {largest:.2e} \
                 (allowed {TOLERANCE:.0e}); this is a fault in the export, please report it"
            ),
            Precision::Int8 if labels < SAME_LABEL || within < WITHIN_TOLERANCE => format!(
                "nothing was written: on {pictures} pictures the exported integer graph gives {:.2} % the trainer's label (wanted \
                 {:.1} %), and {:.2} % of its probabilities lie within {INTEGER_TOLERANCE} of the trainer's (wanted {:.0} %); this is \
                 a fault in the export, please report it",
                100.0 * labels,
                100.0 * SAME_LABEL,
                100.0 * within,
                100.0 * WITHIN_TOLERANCE
            ),
            _ => return Ok(()),
        };
        Err(failure(Kind::Model, message))
    }
}

/// Runs the pictures of splits through the trainer and through the exported model.
///
/// `outputs` are the trainer's logits that the model reads out. What is seen has yet to be [`Agreement::check`]ed.
///
/// # Errors
/// When the engine fails.
pub fn compare(
    net: &Net,
    weights: &Weights,
    input: &InputSpec,
    outputs: &[usize],
    splits: &[&Arc<Split>],
    classifier: &mut Classifier,
) -> Result<Agreement> {
    let mut agreement = Agreement::default();
    for split in splits {
        let trained = probabilities(net, weights, split, input, &Engine::cpu());
        let mut all_exported = vec![];
        for (bytes, all) in split.pictures().zip(trained.chunks_exact(net.classes())) {
            let real: Vec<f32> = bytes.iter().map(|&byte| input.pixel_map.real(f32::from(byte))).collect();
            let exported = classifier.raw_probabilities(&real)?;
            agreement.add(all, outputs, &exported);
            all_exported.push(exported);
        }
        agreement.probabilities.push(all_exported);
    }
    Ok(agreement)
}
