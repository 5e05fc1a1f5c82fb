//! The test card's scene: a mood stays while the face moves, and nothing is lit that no face in view supports.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::FacesInView;
use edge_runtime::frame::Frame;
use edge_runtime::lights::{Lights, Memory, MemoryPin};
use edge_runtime::mood::{MoodAggregator, MoodState};
use edge_runtime::pipeline::Pipeline;
use edge_runtime::track::{Tracker, WhichFaces};
use emotion_models::{
    Classifier, CropBox, DEMO_SEED, Detector, Face, FaceDetector, Faces, FrameView, ModelError, PixelFormat, Place,
    Rect, Scene, TEST_CARD_LABELS, TestCard, shipped,
};
use image::RgbImage;
use serde_json::Value;
use std::convert::Infallible;
use std::f32::consts::{PI, TAU};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Home, json_lines, run};

const SIZE: (u32, u32) = (640, 480);
/// Frames of a turn: 2.5 s at 30 frames a second.
const TURN: u64 = 75;
const FPS: f64 = 30.0;
/// Frames in 300 ms, within which a face that is there again must be found and its mood lit.
const SOON: u64 = 9;
/// Frames after which a light goes out with nobody in view: the hold time of 0.5 s.
const HOLD: u64 = 15;

/// Knows where the faces are, so that the test is not one of the face model.
#[derive(Clone, Default)]
struct KnownFaces(Arc<Mutex<Vec<Rect>>>);

impl KnownFaces {
    fn tell(&self, faces: impl IntoIterator<Item = Rect>) {
        *self.0.lock().unwrap() = faces.into_iter().collect();
    }
}

impl Detector for KnownFaces {
    fn detect(&mut self, photo: &FrameView<'_>, _: CropBox, _: f32) -> Result<Faces, ModelError> {
        // A face model sees a face as long as about half of it is in view.
        let faces = self.0.lock().unwrap();
        let seen = faces.iter().filter(|rect| rect.inside(photo.width(), photo.height()) > 0.45);
        Ok(seen.map(|&rect| Face { rect, score: 0.9 }).collect())
    }

    fn detect_zoomed_out(&mut self, _: &FrameView<'_>, _: f32, _: f32) -> Result<Faces, ModelError> {
        Ok(Faces::new())
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn input_size(&self) -> [u32; 2] {
        [160, 120]
    }
}

fn shipped_finder() -> FaceDetector {
    FaceDetector::from_bytes(shipped::FACE, "the shipped face model").unwrap()
}

/// What a frame came to.
struct SceneFrame {
    faces: FacesInView,
    state: MoodState,
}

impl SceneFrame {
    fn anybody(&self) -> bool {
        !self.faces.is_empty()
    }
}

/// A run's pipeline with the shipped emotion model and the default settings, whose time is the frames' own.
struct Watch {
    pipeline: Pipeline<MemoryPin>,
    memory: Memory,
    frame: Frame,
}

impl Watch {
    fn new(finder: impl Detector + 'static, which: WhichFaces) -> Self {
        let classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped model").unwrap();
        let resolved = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
        let memory = Memory::new(&resolved.wiring);
        let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
        let moods = MoodAggregator::new(resolved.filter, which);
        let pipeline = Pipeline { locator: Box::new(Tracker::new(finder, which)), classifier, moods, lights };
        Self { pipeline, memory, frame: Frame::empty() }
    }

    /// Frame number `number`, of 30 a second.
    fn see(&mut self, number: u64, picture: RgbImage) -> SceneFrame {
        self.frame.shape(PixelFormat::Rgb, SIZE.0, SIZE.1);
        self.frame.data = picture.into_raw();
        self.frame.time = Duration::from_secs_f64(number as f64 / FPS);
        let judged = self.pipeline.frame(&self.frame, self.frame.time).unwrap();
        let state = match judged.state {
            MoodState::Mood(index) => of_test_card(&self.pipeline.classifier.card().labels[index]),
            other => other,
        };
        SceneFrame { faces: judged.faces, state }
    }
}

/// A mood by its place among the test card's labels, whatever other labels the model has.
fn of_test_card(label: &str) -> MoodState {
    let known = TEST_CARD_LABELS.iter().position(|known| *known == label);
    MoodState::Mood(known.unwrap_or(TEST_CARD_LABELS.len()))
}

/// Every frame of two rounds of the scene.
fn watched(finder: impl Detector + 'static, mut tell: impl FnMut(Option<Rect>)) -> Vec<SceneFrame> {
    let scene = Scene::new(DEMO_SEED, TURN);
    let mut watch = Watch::new(finder, WhichFaces::Largest);
    let frames = 0..2 * Scene::TURNS * TURN;
    let seen = frames.map(|number| {
        tell(scene.face(number, SIZE.0, SIZE.1));
        watch.see(number, scene.draw(number, SIZE.0, SIZE.1))
    });
    seen.collect()
}

/// Holds states against the scene: each turn brings its own mood, or nobody, once and for good; on the way there is no other than
/// the former one, and unsure where somebody comes into view or leaves it.
fn holds(states: &[MoodState]) {
    let of_turn = |turn: usize| if turn < TEST_CARD_LABELS.len() { MoodState::Mood(turn) } else { MoodState::NoFace };
    for (index, states) in states.chunks(TURN as usize).enumerate() {
        let turn = index % Scene::TURNS as usize;
        let (before, own) = (of_turn((turn + Scene::TURNS as usize - 1) % Scene::TURNS as usize), of_turn(turn));
        let mut runs = states.to_vec();
        runs.dedup();
        // Of the very first frame there is no former state.
        let way = if index == 0 && runs[0] == MoodState::Unsure { &runs[1..] } else { &runs[..] };
        let passes: &[&[MoodState]] =
            &[&[before, own], &[before, MoodState::Unsure, own], &[own], &[MoodState::Unsure, own]];
        assert!(passes.contains(&way), "turn {index}: {runs:?}");
        let arrived = states.iter().rposition(|state| *state != own).map_or(0, |last| last + 1);
        assert!(arrived <= 45, "turn {index}: only after {arrived} frames");
    }
}

fn states(seen: &[SceneFrame]) -> Vec<MoodState> {
    seen.iter().map(|seen| seen.state).collect()
}

#[test]
fn a_mood_stays_while_the_face_walks_and_goes_with_it() {
    let told = KnownFaces::default();
    holds(&states(&watched(told.clone(), |truth| told.tell(truth))));
}

#[test]
fn the_shipped_face_model_sees_who_is_there_and_nobody_else() {
    let seen = watched(shipped_finder(), |_| {});
    holds(&states(&seen));
    let scene = Scene::new(DEMO_SEED, TURN);
    let (mut missed, mut invented, mut there) = (0, 0, 0);
    for (number, seen) in seen.iter().enumerate() {
        match scene.face(number as u64, SIZE.0, SIZE.1).map(|face| face.inside(SIZE.0, SIZE.1)) {
            Some(inside) if inside > 0.95 => {
                there += 1;
                missed += u32::from(!seen.anybody());
            }
            None => invented += u32::from(seen.anybody()),
            Some(_) => {}
        }
    }
    assert!(missed * 20 <= there && invented == 0, "{missed} of {there} missed, {invented} where nobody is");
}

#[test]
fn one_mood_is_held_from_the_first_frames_of_a_walk_to_its_end() {
    const FRAMES: u64 = 150;
    for (label, name) in TEST_CARD_LABELS.into_iter().enumerate() {
        let card = TestCard::new(DEMO_SEED);
        let mut watch = Watch::new(shipped_finder(), WhichFaces::Largest);
        let seen: Vec<SceneFrame> = (0..FRAMES)
            .map(|number| {
                // Across the room and half back, nearer and away again.
                let share = number as f32 / FRAMES as f32;
                let x = 0.5 - 0.26 * (1.5 * PI * share).cos();
                let (y, size) = (0.47 + 0.05 * (TAU * share).sin(), 0.16 + 0.08 * (PI * share).sin());
                watch.see(number, card.scene(Some((name, Place { x, y, size })), number, SIZE.0, SIZE.1))
            })
            .collect();
        let lit = seen.iter().position(|seen| seen.state == MoodState::Mood(label)).unwrap_or(usize::MAX);
        assert!(lit <= SOON as usize, "{name}: frame {lit}");
        let changed: Vec<_> =
            seen.iter().enumerate().skip(lit).filter(|(_, seen)| seen.state != MoodState::Mood(label)).collect();
        assert!(
            changed.is_empty(),
            "{name}: {:?}",
            changed.iter().map(|(at, seen)| (at, seen.state)).collect::<Vec<_>>()
        );
        let mut ids: Vec<u32> = seen.iter().filter_map(|seen| seen.faces.first()).map(|face| face.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{name}: the same person all the way");
    }
}

#[test]
fn a_face_that_was_lost_is_missed_and_found_again_within_300_ms() {
    let card = TestCard::new(DEMO_SEED);
    let first = Place { x: 0.4, y: 0.5, size: 0.2 };
    // Where they were, and somewhere else.
    for then in [first, Place { x: 0.66, y: 0.44, size: 0.17 }] {
        let mut watch = Watch::new(shipped_finder(), WhichFaces::Largest);
        let mut see = |number: u64, place: Option<Place>| {
            watch.see(number, card.scene(place.map(|place| ("happy", place)), number, SIZE.0, SIZE.1))
        };
        let happy = MoodState::Mood(1);
        for number in 0..30 {
            let seen = see(number, Some(first));
            assert!(number < SOON || seen.state == happy, "frame {number}: {:?}", seen.state);
        }
        for number in 30..75 {
            let seen = see(number, None);
            assert!(!seen.anybody(), "somebody in an empty room at frame {number}");
            assert_eq!(seen.state, if number < 30 + HOLD { happy } else { MoodState::NoFace }, "frame {number}");
        }
        let back: Vec<SceneFrame> = (75..105).map(|number| see(number, Some(then))).collect();
        let found = back.iter().position(SceneFrame::anybody).unwrap_or(usize::MAX);
        let lit = back.iter().position(|seen| seen.state == happy).unwrap_or(usize::MAX);
        assert!(found < SOON as usize && lit < SOON as usize, "found after {found} frames, lit after {lit}");
        assert!(back.iter().skip(lit).all(|seen| seen.state == happy));
    }
}

#[test]
fn a_face_hidden_for_a_moment_is_the_same_and_its_mood_stays() {
    let card = TestCard::new(DEMO_SEED);
    let place = Place { x: 0.4, y: 0.5, size: 0.2 };
    let mut watch = Watch::new(shipped_finder(), WhichFaces::Largest);
    let mut ids = Vec::new();
    for number in 0..60 {
        let hidden = (30..36).contains(&number);
        let shown = (!hidden).then_some(("happy", place));
        let seen = watch.see(number, card.scene(shown, number, SIZE.0, SIZE.1));
        assert!(number < SOON || seen.state == MoodState::Mood(1), "frame {number}: {:?}", seen.state);
        assert!(!hidden || !seen.anybody(), "frame {number}");
        assert!(!(36 + SOON..).contains(&number) || seen.anybody(), "frame {number}");
        ids.extend(seen.faces.first().map(|face| face.id));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[test]
fn who_leaves_with_their_face_half_outside_leaves_no_light_behind() {
    let card = TestCard::new(DEMO_SEED);
    let told = KnownFaces::default();
    let mut watch = Watch::new(told.clone(), WhichFaces::Largest);
    let place = Place { x: 0.3, y: 0.5, size: 0.2 };
    let there = card.face_at(place, 0, SIZE.0, SIZE.1);
    for number in 0..30 {
        told.tell([there]);
        watch.see(number, card.scene(Some(("happy", place)), number, SIZE.0, SIZE.1));
    }
    assert_eq!(watch.memory.lit(), ["happy", "camera"]);
    // Steps of half a face to the left, until the middle is two pixels outside.
    let mut number = 30;
    let mut left = there.x;
    while left > -2.0 - there.width / 2.0 {
        left = (left - there.width / 2.0).max(-2.0 - there.width / 2.0);
        told.tell([Rect { x: left, ..there }]);
        assert!(watch.see(number, card.scene(None, number, SIZE.0, SIZE.1)).anybody(), "{left}");
        number += 1;
    }
    told.tell([]);
    let gone: Vec<MoodState> =
        (number..number + 60).map(|number| watch.see(number, card.scene(None, number, SIZE.0, SIZE.1)).state).collect();
    assert!(gone[2 * HOLD as usize..].iter().all(|state| *state == MoodState::NoFace), "{gone:?}");
    assert_eq!(watch.memory.lit(), ["camera"]);
}

#[test]
fn of_many_faces_every_tracked_one_is_classified_in_every_frame() {
    let told = KnownFaces::default();
    let mut watch = Watch::new(told.clone(), WhichFaces::All);
    let face = |at: u32, width: f32| {
        let (x, y) = (20.0 + 210.0 * (at % 3) as f32, 30.0 + 230.0 * (at / 3) as f32);
        Rect::new(x, y, width, 1.2 * width)
    };
    for number in 0..120 {
        // The first is the largest, and then shrinks to the smallest of six.
        let first = (160.0 - number as f32).max(60.0);
        told.tell([face(0, first)].into_iter().chain((1..6).map(|at| face(at, 90.0))));
        let seen = watch.see(number, RgbImage::from_pixel(SIZE.0, SIZE.1, image::Rgb([120; 3])));
        assert!(number < 40 || seen.faces.len() == 6, "frame {number}: {}", seen.faces.len());
        for face in &seen.faces {
            assert!(face.probabilities.is_some() && face.state.is_some(), "frame {number}: {face:?}");
        }
    }
}

#[test]
fn empty_rooms_light_nothing() {
    let mut wrong = Vec::new();
    for seed in 0..12 {
        let card = TestCard::new(seed);
        for number in [0, 40, 95] {
            let mut watch = Watch::new(shipped_finder(), WhichFaces::Largest);
            let seen = watch.see(number, card.scene(None, number, SIZE.0, SIZE.1));
            if seen.anybody() {
                wrong.push((seed, number, seen.state));
            }
        }
    }
    // One detection may fail, as the face model's card reports; the demo's room is the one that users see.
    assert!(wrong.len() <= 1 && wrong.iter().all(|&(seed, ..)| seed != DEMO_SEED), "{wrong:?}");
}

/// The state of each frame.
fn told(events: &[Value]) -> Vec<MoodState> {
    let frames = events.iter().filter(|event| event["frame"].is_u64());
    let state = |event: &Value| match event["mood"].as_str() {
        Some(mood) => of_test_card(mood),
        None if event["state"] == "unsure" => MoodState::Unsure,
        None if event["state"] == "no_face" => MoodState::NoFace,
        None => MoodState::Fault,
    };
    frames.map(state).collect()
}

#[test]
fn a_run_on_the_scene_lights_each_mood_and_then_none() {
    let home = Home::new();
    let frames = (2 * Scene::TURNS * TURN).to_string();
    let ran = run(&mut home.bare(&["--source", "test-card:scene", "--every-frame", "--frames", &frames, "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    holds(&told(&json_lines(&ran.out)));
}
