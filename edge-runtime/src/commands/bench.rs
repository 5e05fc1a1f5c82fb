//! `bench`: how fast every stage is.

use super::startup::{self, Startup};
use crate::cli::{BenchArgs, Global, Settings};
use crate::event::millis;
use crate::exit::Failure;
use crate::frame::Frame;
use crate::histogram::{Histogram, Percentiles};
use crate::lights::{Lights, Memory};
use crate::locate::CentredSquare;
use crate::mood::MoodFilter;
use crate::pipeline::{Pipeline, StepError, Timings};
use crate::pixels;
use crate::setup::Setup;
use crate::source::SourceError;
use crate::summary::counted;
use emotion_models::{DEMO_SEED, TEST_CARD_LABELS, TestCard, engine_description};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// Drawn frames that go round.
const DRAWN: u64 = 12;
/// Frames before measuring begins.
const WARM_UP: u64 = 50;

const STAGES: [&str; 5] = ["preprocess", "inference", "filter", "light", "whole frame"];

struct Report {
    model: String,
    precision: String,
    engine: String,
    frames: String,
    stages: [Percentiles; 5],
    fps: f64,
    startup: Startup,
    binary: Option<u64>,
}

pub(super) fn bench(global: &Global, args: &BenchArgs) -> Result<(), Failure> {
    let setup = Setup::new(global, &Settings::default())?;
    let report = measure(&setup, args)?;
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

fn measure(setup: &Setup, args: &BenchArgs) -> Result<Report, Failure> {
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let card = classifier.card().clone();
    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp)))?;
    let filter = MoodFilter::new(resolved.filter);
    let mut pipeline = Pipeline { locator: Box::new(CentredSquare), classifier, filter, lights };

    let mut frames = draw(args);
    let mut stages: [Histogram; 5] = Default::default();
    let mut start = Instant::now();
    for number in 0..WARM_UP + args.frames {
        if number == WARM_UP {
            start = Instant::now();
        }
        // As a camera of 30 frames a second would deliver them, each mood for a second.
        let index = (number / 30 % 3) * (DRAWN / 3) + number % (DRAWN / 3);
        let frame = &mut frames[index as usize];
        frame.time = Duration::from_secs(number) / 30;
        let judged = pipeline.frame(frame, frame.time).map_err(|error| match error {
            StepError::Model(error) => Failure::Model(error),
            StepError::Lights(error) => Failure::Lights(error),
            StepError::Frame(error) => Failure::Source(SourceError::Frame(error)),
        })?;
        if number >= WARM_UP {
            let Timings { preprocess, inference, filter, light, frame } = judged.timings;
            for (stage, time) in stages.iter_mut().zip([preprocess, inference, filter, light, frame]) {
                stage.record(time);
            }
        }
    }
    let fps = args.frames as f64 / start.elapsed().as_secs_f64();
    let zero = Percentiles { p50: Duration::ZERO, p95: Duration::ZERO, p99: Duration::ZERO };
    Ok(Report {
        model: card.name,
        precision: card.precision.to_string(),
        engine: engine_description(),
        frames: format!("{} of {WIDTH}x{HEIGHT} {}", counted(args.frames, "test-card frame"), args.format),
        stages: stages.map(|stage| stage.percentiles().unwrap_or(zero)),
        fps,
        startup: startup::measure(setup.config.model.as_deref())?,
        binary: std::env::current_exe().and_then(std::fs::metadata).map(|data| data.len()).ok(),
    })
}

fn draw(args: &BenchArgs) -> Vec<Frame> {
    let card = TestCard::new(DEMO_SEED);
    (0..DRAWN)
        .map(|number| {
            let label = TEST_CARD_LABELS[(number * 3 / DRAWN) as usize];
            let mut frame = Frame::empty();
            frame.shape(args.format, WIDTH, HEIGHT);
            pixels::encode(&card.draw(label, number * 10, WIDTH, HEIGHT), args.format, &mut frame.data);
            frame
        })
        .collect()
}

impl Report {
    fn json(&self) -> Value {
        let stages: serde_json::Map<String, Value> = STAGES
            .iter()
            .zip(&self.stages)
            .map(|(name, found)| {
                let values = json!({ "p50": millis(found.p50), "p95": millis(found.p95), "p99": millis(found.p99) });
                (name.replace(' ', "_"), values)
            })
            .collect();
        json!({
            "model": self.model,
            "precision": self.precision,
            "engine": self.engine,
            "frames": self.frames,
            "stages_ms": stages,
            "frames_per_second": self.fps.round(),
            "first_mood_ms": self.startup.first_mood.map(millis),
            "peak_rss_kib": self.startup.peak_rss_kib,
            "binary_bytes": self.binary,
        })
    }

    /// Name, value: what is not a stage.
    fn others(&self) -> Vec<(&'static str, String)> {
        let unknown = || "unknown".to_owned();
        let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
        vec![
            ("frames a second, one thread", format!("{:.0}", self.fps)),
            (
                "process start to first mood",
                self.startup.first_mood.map_or_else(unknown, |time| format!("{:.0} ms", time.as_secs_f64() * 1e3)),
            ),
            ("peak memory (RSS)", self.startup.peak_rss_kib.map_or_else(unknown, |kib| mebibytes(kib * 1024))),
            ("size of the program, model included", self.binary.map_or_else(unknown, mebibytes)),
        ]
    }

    fn text(&self) -> String {
        let mut text = format!("model {} ({}), {}\n{}\n\n", self.model, self.precision, self.engine, self.frames);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{:<14}{:>12}{:>12}{:>12}", "", "p50", "p95", "p99");
        for (name, found) in STAGES.iter().zip(&self.stages) {
            let [p50, p95, p99] = [found.p50, found.p95, found.p99].map(shown);
            let _ = writeln!(text, "{name:<14}{p50:>12}{p95:>12}{p99:>12}");
        }
        text.push('\n');
        for (name, value) in self.others() {
            let _ = writeln!(text, "{name}: {value}");
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::from("| stage | p50 | p95 | p99 |\n|---|---:|---:|---:|\n");
        for (name, found) in STAGES.iter().zip(&self.stages) {
            let [p50, p95, p99] = [found.p50, found.p95, found.p99].map(shown);
            // Writing into a String cannot fail.
            let _ = writeln!(text, "| {name} | {p50} | {p95} | {p99} |");
        }
        text.push_str("\n| | |\n|---|---:|\n");
        for (name, value) in self.others() {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        let _ = writeln!(
            text,
            "\nModel `{}` ({}), {}, one thread; {}. From `edge-runtime bench --markdown`.",
            self.model, self.precision, self.engine, self.frames
        );
        text
    }
}

/// Milliseconds, or microseconds below a hundredth of one.
fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 0.01 { format!("{:.2} µs", millis * 1e3) } else { format!("{millis:.3} ms") }
}
