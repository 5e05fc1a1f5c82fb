//! The frames of a source as they come: a camera's rate, and the latency from capture to light.

use super::report::{BenchReport, Fact, mebibytes};
use super::stages::{Stages, pipeline, report};
use crate::exit::Failure;
use crate::frame::Clock;
use crate::histogram::Histogram;
use crate::mailbox::{Stop, Taken};
use crate::memory::peak_rss_kib;
use crate::plural::counted;
use crate::setup::Setup;
use crate::source::{self, Playback, SourceError, SourceSpec};
use emotion_models::Colour;
use std::time::{Duration, Instant};

/// Frames before measuring begins: a camera finds its exposure, caches fill.
const WARM_UP: u64 = 10;
/// How long a source may give no frames before the measurement ends.
const FRAME_TIMEOUT: Duration = Duration::from_secs(15);

/// Judges `frames` frames of `source`, or as many as there are.
pub(super) fn measure(setup: &Setup, source: &SourceSpec, frames: u64) -> Result<BenchReport, Failure> {
    let mut pipeline = pipeline(setup)?;
    let (clock, stop) = (Clock::start(), Stop::default());
    let mut camera = setup.camera_request();
    camera.colour = pipeline.classifier.card().input.colour == Colour::Rgb;
    let (fps, dwell) = (setup.config.fps, setup.config.dwell);
    let playback = Playback { fps, every_frame: false, repeat: true, dwell, wait: false, camera };
    let capture = source::start(source.clone(), playback, clock, &stop);

    let (mut stages, mut latency) = (Stages::default(), Histogram::default());
    let (mut processed, mut size) = (0, String::new());
    let (mut faults, mut failing) = (0u64, false);
    let (mut start, mut dropped, mut last_frame_at) = (Instant::now(), 0, Instant::now());
    while latency.count() < frames {
        match capture.take(FRAME_TIMEOUT.saturating_sub(last_frame_at.elapsed()).min(Duration::from_millis(200))) {
            Taken::Item(frame) => {
                (last_frame_at, failing) = (Instant::now(), false);
                let timings = pipeline.frame(&frame, clock.now())?.timings;
                processed += 1;
                if processed > WARM_UP {
                    stages.record(&timings);
                    latency.record(clock.now().saturating_sub(frame.captured));
                } else {
                    (start, dropped) = (last_frame_at, capture.dropped());
                    size = format!("{}x{} {}", frame.width, frame.height, frame.format);
                }
                capture.give_back(frame);
            }
            Taken::Retrying(reason) if last_frame_at.elapsed() >= FRAME_TIMEOUT => {
                stop.request();
                return Err(SourceError::StoppedInFault(reason.to_string()).into());
            }
            Taken::Nothing if last_frame_at.elapsed() >= FRAME_TIMEOUT => {
                stop.request();
                let reason = "it has delivered no frame for 15 seconds";
                return Err(SourceError::StoppedInFault(reason.to_owned()).into());
            }
            Taken::Retrying(reason) if !std::mem::replace(&mut failing, true) => {
                tracing::warn!("{reason}");
                faults += 1;
            }
            Taken::Nothing | Taken::Retrying(_) => {}
            Taken::End(end) => {
                end?;
                break;
            }
        }
    }
    stop.request();
    let measured = latency.count();
    if measured == 0 {
        let reason = format!("the source ended after {}, too early to measure", counted(processed, "frame"));
        return Err(SourceError::StoppedInFault(reason).into());
    }
    let rate = measured as f64 / start.elapsed().as_secs_f64();
    let mut stages = stages.percentiles();
    stages.push(("camera to light", latency.percentiles()));
    let facts = vec![
        Fact::new("frames_per_second", "frames a second, as the source gave them", Some(rate), |rate| {
            format!("{rate:.1}")
        }),
        Fact::new("dropped", "frames that a newer one replaced", Some(capture.dropped() - dropped), |count| {
            count.to_string()
        }),
        Fact::new("unusable", "frames that were short or damaged", Some(capture.bad()), |count| count.to_string()),
        Fact::new("faults", "times the source failed and was opened again", Some(faults), |count| count.to_string()),
        Fact::new("peak_rss_kib", "peak memory (RSS)", peak_rss_kib(), |kib| mebibytes(kib * 1024)),
    ];
    let frames = format!("{} of {size} from {}", counted(measured, "frame"), source.description());
    Ok(report(&pipeline, frames, stages, facts))
}
