//! `bench`: how fast every stage is.

mod live;
mod precision;
mod report;
mod synthetic;

use super::startup;
use crate::cli::{BenchArgs, Global, Settings};
use crate::exit::Failure;
use crate::histogram::{Histogram, Percentiles};
use crate::lights::{Lights, Memory, MemoryPin};
use crate::mood::Moods;
use crate::pipeline::{Pipeline, StepError, Timings};
use crate::setup::Setup;
use crate::source::SourceError;
use emotion_models::engine_description;
use report::{Fact, Report};
use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

const STAGES: [&str; 6] = ["locate", "preprocess", "inference", "filter", "light", "whole frame"];

pub(super) fn bench(global: &Global, args: &BenchArgs) -> Result<(), Failure> {
    let setup =
        Setup::new(global, &Settings { precision: args.precision, threads: args.threads, ..Settings::default() })?;
    let mut report = match &args.source {
        None => synthetic::measure(&setup, args)?,
        Some(source) => live::measure(&setup, source, args.frames)?,
    };
    report.engine += &match setup.config.threads.get() {
        1 => ", one thread".to_owned(),
        threads => format!(", {threads} threads"),
    };
    let (facts, layers) = precision::measure(&setup, args.layers)?;
    report.facts.splice(0..0, facts);
    report.layers = layers;
    let text = if args.json {
        format!("{}\n", report.json())
    } else if args.markdown {
        report.markdown()
    } else {
        report.text()
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// The stages as a run has them, with pins in memory.
fn pipeline(setup: &Setup) -> Result<Pipeline<MemoryPin>, Failure> {
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp)))?;
    let moods = Moods::new(resolved.filter, setup.config.faces);
    Ok(Pipeline { locator: setup.locator()?, classifier, moods, lights })
}

/// How long the stages took, frame by frame.
#[derive(Default)]
struct Stages([Histogram; 6]);

impl Stages {
    /// Counts what ran: a frame without a face has nothing to preprocess and infer.
    fn record(&mut self, timings: &Timings) {
        let Timings { locate, preprocess, inference, filter, light, frame } = *timings;
        for (stage, time) in self.0.iter_mut().zip([locate, preprocess, inference, filter, light, frame]) {
            if time > Duration::ZERO {
                stage.record(time);
            }
        }
    }

    fn percentiles(&self) -> Vec<(&'static str, Option<Percentiles>)> {
        STAGES.into_iter().zip(self.0.iter().map(Histogram::percentiles)).collect()
    }
}

fn failure(error: StepError) -> Failure {
    match error {
        StepError::Model(error) => Failure::Model(error),
        StepError::Lights(error) => Failure::Lights(error),
        StepError::Frame(error) => Failure::Source(SourceError::Frame(error)),
    }
}

fn report(
    pipeline: &Pipeline<MemoryPin>,
    frames: String,
    stages: Vec<(&'static str, Option<Percentiles>)>,
    facts: Vec<Fact>,
) -> Report {
    let card = pipeline.classifier.card();
    let (model, precision) = (card.name.clone(), pipeline.classifier.precision().to_string());
    Report { model, precision, engine: engine_description(), frames, stages, facts, layers: None }
}
