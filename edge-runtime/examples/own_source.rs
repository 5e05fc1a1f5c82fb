//! A source and lights of one's own, in one file: `own_source FRAMES` takes frames that this program makes, and prints each light that
//! changes.

use edge_runtime::config::{self, Config, Keys, Origin};
use edge_runtime::event::Event;
use edge_runtime::frame::{Clock, Frame};
use edge_runtime::lights::{LampWiring, LightBackend, Lights};
use edge_runtime::mailbox::Stop;
use edge_runtime::mood::MoodAggregator;
use edge_runtime::pipeline::{HANG_TIMEOUT, Observer, Pipeline, RunPlan, run};
use edge_runtime::source::{CameraRequest, FrameSource, Playback, SourceError, start_own};
use edge_runtime::track::{Tracker, WhichFaces};
use emotion_models::{Classifier, CropBox, DEMO_SEED, FaceDetector, PixelFormat, TEST_CARD_LABELS, TestCard, shipped};
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FPS: f64 = 10.0;
/// Frames that a mood lasts.
const TURN: u64 = 20;

/// Delivers frames: here a drawn face, elsewhere what an industrial camera or a game gives.
struct OwnSource(TestCard);

impl FrameSource for OwnSource {
    fn fill(&mut self, number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        let label = TEST_CARD_LABELS[(number / TURN) as usize % TEST_CARD_LABELS.len()];
        frame.shape(PixelFormat::Rgb, 320, 240);
        frame.data = self.0.draw(label, number, 320, 240).into_raw();
        Ok(true)
    }
}

/// Shows lights: here as lines of text.
struct OwnLights;

impl LightBackend for OwnLights {
    type Error = Infallible;

    fn show(&mut self, light: &LampWiring, level: f32) -> Result<(), Infallible> {
        println!("{} ({}): {level}", light.name, light.colour.name());
        Ok(())
    }
}

struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event, _: Option<(&Frame, Option<CropBox>)>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let frames = std::env::args().nth(1).ok_or("usage: own_source FRAMES")?.parse()?;
    let (clock, stop) = (Clock::start(), Stop::default());
    let camera = CameraRequest::default();
    let playback = Playback { fps: FPS, every_frame: true, repeat: false, dwell: None, wait: false, camera };
    let open = |_: &Playback| Ok(Box::new(OwnSource(TestCard::new(DEMO_SEED))) as Box<dyn FrameSource>);
    let capture = start_own(open, false, playback, clock, &stop);

    let classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped emotion model")?;
    let finder = FaceDetector::from_bytes(shipped::FACE, "the shipped face model")?;
    let resolved = config::resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default())?;
    let lights = Lights::of_backend(&resolved.wiring, Arc::new(Mutex::new(OwnLights)))?;
    let moods = MoodAggregator::new(resolved.filter, WhichFaces::Largest);
    let locator = Box::new(Tracker::new(finder, WhichFaces::Largest));
    let mut pipeline = Pipeline { locator, classifier, moods, lights };
    let period = Duration::from_secs_f64(1.0 / FPS);
    let plan =
        RunPlan { clock, stop, frames: Some(frames), every_frame: true, period, camera: false, hung: HANG_TIMEOUT };
    Ok(run(&mut pipeline, &capture, &plan, &mut Quiet).result?)
}
