//! The same model in each arithmetic that it runs in, turn by turn, and layer by layer.

use super::report::{Fact, Layers};
use crate::exit::Failure;
use crate::histogram::Histogram;
use crate::precision::PrecisionChoice;
use crate::setup::Setup;
use emotion_models::{Classifier, ModelError, Precision};
use std::time::Instant;

/// Runs of each arithmetic.
const RUNS: usize = 300;

/// The median of one inference in each arithmetic, and, where asked for, the least time of each layer.
pub(super) fn measure(setup: &Setup, layers: bool) -> Result<(Vec<Fact>, Option<Layers>), Failure> {
    let mut classifiers = vec![setup.classifier_in(PrecisionChoice::F32)?];
    match setup.classifier_in(PrecisionChoice::Int8) {
        Ok(classifier) => classifiers.push(classifier),
        Err(
            Failure::Model(ModelError::NotInteger { .. })
            | Failure::ConfiguredModel { source: ModelError::NotInteger { .. }, .. },
        ) => {}
        Err(other) => return Err(other),
    }
    let mut histograms = vec![Histogram::default(); classifiers.len()];
    for _ in 0..RUNS {
        for (classifier, histogram) in classifiers.iter_mut().zip(&mut histograms) {
            let began = Instant::now();
            classifier.infer()?;
            histogram.record(began.elapsed());
        }
    }
    let facts = classifiers.iter().zip(&histograms).map(|(classifier, histogram)| {
        let (key, name) = match classifier.precision() {
            Precision::F32 => ("inference_f32_ms", "inference in f32, median"),
            Precision::Int8 => ("inference_int8_ms", "inference in int8, median"),
        };
        let median = histogram.percentiles().map(|found| found.p50.as_secs_f64() * 1e3);
        let kernel = classifier.kernel();
        Fact::new(key, name, median, |millis| format!("{millis:.3} ms ({kernel})"))
    });
    let facts = facts.collect();
    let layers = layers.then(|| table(&mut classifiers)).transpose()?;
    Ok((facts, layers))
}

fn table(classifiers: &mut [Classifier]) -> Result<Layers, Failure> {
    let kernels = classifiers.iter().map(|classifier| classifier.kernel().to_owned()).collect();
    let mut rows: Vec<(String, usize, Vec<std::time::Duration>)> = Vec::new();
    for (index, classifier) in classifiers.iter_mut().enumerate() {
        for layer in classifier.layer_times(RUNS)? {
            match rows.iter_mut().find(|row| row.0 == layer.name) {
                Some(row) => row.2.push(layer.time),
                None if index == 0 => rows.push((layer.name, layer.macs, vec![layer.time])),
                None => {}
            }
        }
    }
    Ok(Layers { kernels, rows })
}
