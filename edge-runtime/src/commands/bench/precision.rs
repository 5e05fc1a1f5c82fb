//! The same model in each precision that it runs in, turn by turn, and layer by layer.

use super::report::{Fact, Layers};
use crate::exit::Failure;
use crate::histogram::Histogram;
use crate::precision::PrecisionChoice;
use crate::setup::Setup;
use emotion_models::{Classifier, Precision};
use std::num::NonZeroUsize;
use std::time::Instant;

/// Most threads that are tried unasked: as many cores as a Raspberry Pi has.
const MAX_THREADS: usize = 4;

/// Runs of each precision.
const RUNS: usize = 300;

/// The median of one inference in each precision, on one thread and on several, and, where asked for, the least time of each
/// layer on one.
pub(super) fn measure(setup: &Setup, layers: bool) -> Result<(Vec<Fact>, Option<Layers>), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut classifiers = Vec::new();
    // As many as are asked for, or as there are cores.
    let several = Some(setup.config.threads.get()).filter(|&asked| asked > 1).unwrap_or(cores.min(MAX_THREADS));
    for threads in [1, several] {
        if threads > 1 || classifiers.is_empty() {
            classifiers.extend(each_precision(setup, threads)?.into_iter().map(|classifier| (threads, classifier)));
        }
    }
    let mut histograms = vec![Histogram::default(); classifiers.len()];
    for _ in 0..RUNS {
        for ((_, classifier), histogram) in classifiers.iter_mut().zip(&mut histograms) {
            let began = Instant::now();
            classifier.infer()?;
            histogram.record(began.elapsed());
        }
    }
    let facts = classifiers.iter().zip(&histograms).map(|((threads, classifier), histogram)| {
        let (key, name) = match (classifier.precision(), *threads) {
            (Precision::F32, 1) => ("inference_f32_ms", "inference in f32, median"),
            (Precision::Int8, 1) => ("inference_int8_ms", "inference in int8, median"),
            (Precision::F32, _) => ("inference_f32_threads_ms", "the same in f32 on several threads"),
            (Precision::Int8, _) => ("inference_int8_threads_ms", "the same in int8 on several threads"),
        };
        let median = histogram.percentiles().map(|found| found.p50.as_secs_f64() * 1e3);
        let how = match (*threads, classifier.shared_layers()) {
            (1, _) => classifier.kernel().to_owned(),
            (threads, (0, _)) => format!("{threads} threads: no layer gains by them, one does it all"),
            (threads, (shared, all)) => format!("{threads} threads, which share {shared} of {all} layers"),
        };
        Fact::new(key, name, median, |millis| format!("{millis:.3} ms ({how})"))
    });
    let facts = facts.collect();
    let mut alone: Vec<Classifier> =
        classifiers.into_iter().filter(|(threads, _)| *threads == 1).map(|(_, classifier)| classifier).collect();
    let layers = layers.then(|| table(&mut alone)).transpose()?;
    Ok((facts, layers))
}

/// The model in each precision that it can run in.
fn each_precision(setup: &Setup, threads: usize) -> Result<Vec<Classifier>, Failure> {
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let mut classifiers = vec![setup.classifier_in(PrecisionChoice::F32, threads)?];
    match setup.classifier_in(PrecisionChoice::Int8, threads) {
        Ok(classifier) => classifiers.push(classifier),
        Err(failure) if failure.is_not_integer() => {}
        Err(other) => return Err(other),
    }
    Ok(classifiers)
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
