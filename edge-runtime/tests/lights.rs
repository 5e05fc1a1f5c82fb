//! The library's run with recording lights: the right light, and darkness at the end, however it ends.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::Event;
use edge_runtime::exit::Failure;
use edge_runtime::frame::{Clock, Frame};
use edge_runtime::lights::{Lights, Memory, MemoryPin, darken_on_panic};
use edge_runtime::mailbox::Stop;
use edge_runtime::mood::{MoodAggregator, MoodState};
use edge_runtime::pipeline::{HANG_TIMEOUT, Observer, Outcome, Pipeline, RunPlan, run};
use edge_runtime::source::{CameraRequest, Playback, SourceSpec, start};
use edge_runtime::track::{CentredSquare, FaceLocator, TrackedFaces, WhichFaces};
use emotion_models::{Classifier, CropBox, FrameView, ModelError, TEST_CARD_LABELS};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use support::{Home, test_card_model};

/// Notes which lights were lit with each state, and may end the run.
struct Notes {
    memory: Memory,
    seen: Vec<(MoodState, Vec<String>)>,
    enough: Box<dyn FnMut(&Event)>,
}

impl Observer for Notes {
    fn event(&mut self, event: &Event, _frame: Option<(&Frame, Option<CropBox>)>) {
        if event.changed {
            self.seen.push((event.state, self.memory.lit()));
        }
        (self.enough)(event);
    }
}

/// Sees no face at all.
#[derive(Default)]
struct Nobody(TrackedFaces);

impl FaceLocator for Nobody {
    fn locate(&mut self, _frame: &FrameView<'_>, _at: Duration) -> Result<&TrackedFaces, ModelError> {
        Ok(&self.0)
    }
}

fn pipeline(locator: Box<dyn FaceLocator>) -> (Pipeline<MemoryPin>, Memory) {
    let classifier = Classifier::from_bytes(test_card_model(), "test").unwrap();
    let resolved = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
    (Pipeline { locator, classifier, moods: MoodAggregator::new(resolved.filter, WhichFaces::Largest), lights }, memory)
}

fn playback(every_frame: bool, wait: bool) -> Playback {
    Playback { fps: 30.0, every_frame, repeat: false, dwell: None, wait, camera: CameraRequest::default() }
}

fn play(
    source: SourceSpec,
    every_frame: bool,
    frames: Option<u64>,
    locator: Box<dyn FaceLocator>,
    mut enough: impl FnMut(&Event, &Stop) + 'static,
) -> (Outcome, Notes) {
    let (mut pipeline, memory) = pipeline(locator);
    let (clock, stop) = (Clock::start(), Stop::default());
    let capture = start(source, playback(every_frame, true), clock, &stop);
    let plan = RunPlan {
        clock,
        stop: stop.clone(),
        frames,
        every_frame,
        period: Duration::from_millis(33),
        camera: false,
        hung: HANG_TIMEOUT,
    };
    let mut notes = Notes { memory, seen: Vec::new(), enough: Box::new(move |event| enough(event, &stop)) };
    let outcome = run(&mut pipeline, &capture, &plan, &mut notes);
    (outcome, notes)
}

#[test]
fn every_mood_of_the_test_card_lights_its_own_light() {
    let (outcome, notes) = play(SourceSpec::TestCard, true, Some(220), Box::new(CentredSquare::default()), |_, _| {});
    outcome.result.unwrap();
    let moods: Vec<_> = notes.seen.iter().filter(|(state, _)| matches!(state, MoodState::Mood(_))).collect();
    assert_eq!(moods.len(), 3, "{:?}", notes.seen);
    for ((_, lit), label) in moods.iter().zip(TEST_CARD_LABELS) {
        assert_eq!(lit, &[label, "camera"]);
    }
    assert!(notes.memory.lit().is_empty());
    assert_eq!((outcome.summary.frames, outcome.summary.dropped), (220, 0));
}

#[test]
fn without_a_face_no_mood_is_lit() {
    let (outcome, notes) = play(SourceSpec::TestCard, true, Some(60), Box::new(Nobody::default()), |event, _| {
        assert!(!matches!(event.state, MoodState::Mood(_)));
    });
    outcome.result.unwrap();
    assert_eq!(notes.seen.last().unwrap(), &(MoodState::NoFace, vec!["camera".to_owned()]));
}

#[test]
fn a_missing_camera_blinks_and_is_no_success() {
    let (outcome, notes) = play(SourceSpec::Auto, false, None, Box::new(CentredSquare::default()), |event, stop| {
        assert_eq!(event.state, MoodState::Fault);
        assert!(event.time < Duration::from_secs(2), "{:?}", event.time);
        let stop = stop.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(1300));
            stop.request();
        });
    });
    assert!(matches!(outcome.result, Err(Failure::Source(_))), "{:?}", outcome.result);
    let blinks = notes.memory.history().iter().filter(|change| change.light == "camera" && change.lit).count();
    assert!((2..=4).contains(&blinks), "{blinks}");
    assert!(notes.memory.history().iter().all(|change| change.light == "camera" || !change.lit));
    assert!(notes.memory.lit().is_empty());
}

#[test]
fn a_panic_on_the_frame_path_leaves_darkness_before_anything_unwinds() {
    let (mut pipeline, memory) = pipeline(Box::new(CentredSquare::default()));
    darken_on_panic(pipeline.lights.dark_switch());
    let (clock, stop) = (Clock::start(), Stop::default());
    let capture = start(SourceSpec::TestCard, playback(true, false), clock, &stop);
    let plan = RunPlan {
        clock,
        stop: stop.clone(),
        frames: None,
        every_frame: true,
        period: Duration::from_millis(33),
        camera: false,
        hung: HANG_TIMEOUT,
    };
    let enough = Box::new(|event: &Event| assert!(event.frame < Some(3), "a test's own panic"));
    let mut notes = Notes { memory: memory.clone(), seen: Vec::new(), enough };
    let panicked = catch_unwind(AssertUnwindSafe(|| run(&mut pipeline, &capture, &plan, &mut notes))).is_err();
    stop.request();
    assert!(panicked && notes.seen[0].1 == ["angry", "camera"], "{:?}", notes.seen);
    assert!(memory.lit().is_empty(), "{:?}", memory.lit());
}

#[test]
fn a_light_that_fails_ends_the_run_and_the_others_go_dark() {
    let (mut pipeline, memory) = pipeline(Box::new(CentredSquare::default()));
    let (clock, stop) = (Clock::start(), Stop::default());
    let capture = start(SourceSpec::TestCard, playback(true, false), clock, &stop);
    let plan = RunPlan {
        clock,
        stop,
        frames: Some(200),
        every_frame: true,
        period: Duration::from_millis(33),
        camera: false,
        hung: HANG_TIMEOUT,
    };
    let failing = memory.clone();
    let enough = Box::new(move |event: &Event| {
        if event.frame == Some(3) {
            failing.fail("happy", true);
        }
    });
    let mut notes = Notes { memory: memory.clone(), seen: Vec::new(), enough };
    let outcome = run(&mut pipeline, &capture, &plan, &mut notes);
    let Err(failure) = outcome.result else { panic!("the run went on") };
    assert!(failure.to_string().contains("`happy`"), "{failure}");
    assert_eq!(failure.code(), 6);
    assert!(memory.lit().is_empty());
}

#[test]
fn a_live_source_drops_frames_instead_of_growing_old() {
    let (outcome, _) = play(SourceSpec::TestCard, false, Some(5), Box::new(CentredSquare::default()), |event, _| {
        // A judge so slow that several frames are captured meanwhile.
        std::thread::sleep(Duration::from_millis(250));
        assert!(event.latency.unwrap() < Duration::from_millis(200), "{:?}", event.latency);
    });
    outcome.result.unwrap();
    assert!(outcome.summary.dropped >= 3, "{}", outcome.summary.dropped);
}

#[test]
fn the_end_of_pictures_is_success_in_the_dark() {
    let home = Home::new();
    let picture = home.picture("happy.png", "happy");
    let source = SourceSpec::Images(picture);
    let (outcome, notes) = play(source, true, None, Box::new(CentredSquare::default()), |_, _| {});
    outcome.result.unwrap();
    assert_eq!(notes.seen, [(MoodState::Mood(1), vec!["happy".to_owned(), "camera".to_owned()])]);
    assert!(notes.memory.lit().is_empty());
}
