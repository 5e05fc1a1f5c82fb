//! The comparison that stands between a trained net and a written file.

use crate::config::Config;
use crate::dataset::Split;
use crate::device::Engine;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::train;
use anyhow::{Result, ensure};
use emotion_models::{Classifier, Probabilities};
use std::sync::Arc;

/// Largest difference of a probability between trainer and exported graph that is put down to rounding.
pub const TOLERANCE: f32 = 1e-4;

/// What the gate saw.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Pictures compared.
    pub pictures: usize,
    /// Largest difference of any probability.
    pub largest: f32,
    /// The exported graph's probabilities at temperature 1, picture by picture.
    pub probabilities: Vec<Probabilities>,
}

/// Runs a split's pictures through the trainer and through the exported model.
///
/// `outputs` are the trainer's logits that the model reads out.
///
/// # Errors
/// When a probability differs by more than [`TOLERANCE`], or the engine fails.
pub fn compare(
    net: &Net,
    weights: &Weights,
    config: &Config,
    outputs: &[usize],
    split: &Arc<Split>,
    classifier: &mut Classifier,
) -> Result<Agreement> {
    let trained = train::probabilities(net, weights, split, config, &Engine::cpu());
    let input = config.input();
    let map = input.pixel_map;
    let mut agreement = Agreement { pictures: 0, largest: 0.0, probabilities: vec![] };
    for (bytes, all) in split.pictures().zip(trained.chunks_exact(net.classes())) {
        let real: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) - map.offset) * map.scale).collect();
        let exported = classifier.raw_probabilities(&real)?;
        // Softmax over a subset of logits is the full softmax, renormalised over that subset.
        let sum: f32 = outputs.iter().map(|&o| all[o]).sum();
        for (index, &output) in outputs.iter().enumerate() {
            let difference = (exported[index] - all[output] / sum.max(f32::MIN_POSITIVE)).abs();
            agreement.largest = if difference.is_nan() { f32::INFINITY } else { agreement.largest.max(difference) };
        }
        agreement.pictures += 1;
        agreement.probabilities.push(exported);
    }
    ensure!(agreement.pictures > 0, "there are no pictures to compare trainer and exported model on");
    if agreement.largest > TOLERANCE {
        let message = format!(
            "nothing was written: on {} pictures the exported graph differs from the trainer by up to {:.2e} (allowed {TOLERANCE:.0e}); \
             this is a fault in the export, please report it",
            agreement.pictures, agreement.largest
        );
        return Err(failure(Kind::Model, message));
    }
    Ok(agreement)
}
