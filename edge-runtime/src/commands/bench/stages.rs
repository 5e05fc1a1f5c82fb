//! The stages of a run with pins in memory, and how long each took.

use super::report::{BenchReport, Fact};
use crate::exit::Failure;
use crate::histogram::{Histogram, Percentiles};
use crate::lights::{Lights, Memory, MemoryPin};
use crate::mood::MoodAggregator;
use crate::pipeline::{Pipeline, Timings};
use crate::setup::Setup;
use emotion_models::engine_description;
use std::convert::Infallible;
use std::time::Duration;

const STAGES: [&str; 6] = ["locate", "preprocess", "inference", "filter", "light", "whole frame"];

/// The stages as a run has them, with pins in memory.
pub(super) fn pipeline(setup: &Setup) -> Result<Pipeline<MemoryPin>, Failure> {
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp)))?;
    let moods = MoodAggregator::new(resolved.filter, setup.config.faces);
    Ok(Pipeline { locator: setup.locator()?, classifier, moods, lights })
}

/// How long the stages took, frame by frame.
#[derive(Default)]
pub(super) struct Stages([Histogram; 6]);

impl Stages {
    /// Counts what ran: a frame without a face has nothing to preprocess and infer.
    pub fn record(&mut self, timings: &Timings) {
        let Timings { locate, preprocess, inference, filter, light, frame } = *timings;
        for (stage, time) in self.0.iter_mut().zip([locate, preprocess, inference, filter, light, frame]) {
            if time > Duration::ZERO {
                stage.record(time);
            }
        }
    }

    pub fn percentiles(&self) -> Vec<(&'static str, Option<Percentiles>)> {
        STAGES.into_iter().zip(self.0.iter().map(Histogram::percentiles)).collect()
    }
}

pub(super) fn report(
    pipeline: &Pipeline<MemoryPin>,
    frames: String,
    stages: Vec<(&'static str, Option<Percentiles>)>,
    facts: Vec<Fact>,
) -> BenchReport {
    let card = pipeline.classifier.card();
    let (model, precision) = (card.name.clone(), pipeline.classifier.precision().to_string());
    BenchReport { model, precision, engine: engine_description(), frames, stages, facts, layers: None }
}
