//! Synthetic frames, as fast as they can be processed, and what only a process of its own can show.

use super::report::{BenchReport, Fact, mebibytes};
use super::stages::{Stages, pipeline, report};
use crate::cli::BenchArgs;
use crate::commands::startup;
use crate::event::millis;
use crate::exit::Failure;
use crate::frame::Frame;
use crate::pixels;
use crate::plural::counted;
use crate::setup::Setup;
use emotion_models::{DEMO_SEED, TEST_CARD_LABELS, TestCard};
use std::time::{Duration, Instant};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// Drawn frames that go round.
const DRAWN: u64 = 12;
/// Frames before measuring begins.
const WARM_UP: u64 = 50;

pub(super) fn measure(setup: &Setup, args: &BenchArgs) -> Result<BenchReport, Failure> {
    let mut pipeline = pipeline(setup)?;
    let mut frames = draw(args);
    let mut stages = Stages::default();
    let mut start = Instant::now();
    for number in 0..WARM_UP + args.frames {
        if number == WARM_UP {
            start = Instant::now();
        }
        // As a camera of 30 frames a second would deliver them, each mood for a second.
        let index = (number / 30 % 3) * (DRAWN / 3) + number % (DRAWN / 3);
        let frame = &mut frames[index as usize];
        frame.time = Duration::from_secs(number) / 30;
        let judged = pipeline.frame(frame, frame.time)?;
        if number >= WARM_UP {
            stages.record(&judged.timings);
        }
    }
    let fps = args.frames as f64 / start.elapsed().as_secs_f64();
    let frames = format!("{} of {WIDTH}x{HEIGHT} {}", counted(args.frames, "test-card frame"), args.format);
    let started = startup::measure(setup.config.model.as_deref())?;
    let binary = std::env::current_exe().and_then(std::fs::metadata).map(|data| data.len()).ok();
    let facts = vec![
        Fact::new("frames_per_second", "frames a second", Some(fps.round()), |fps| format!("{fps:.0}")),
        Fact::new("first_mood_ms", "process start to first mood", started.first_mood.map(millis), |millis| {
            format!("{millis:.0} ms")
        }),
        Fact::new("peak_rss_kib", "peak memory (RSS)", started.peak_rss_kib, |kib| mebibytes(kib * 1024)),
        Fact::new("binary_bytes", "size of the program, model included", binary, mebibytes),
    ];
    Ok(report(&pipeline, frames, stages.percentiles(), facts))
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
