//! What the live display draws in terminals of several sizes, held against screens in `tests/screens/`.
//!
//! `MOODLIGHT_UPDATE=1 cargo test -p edge-runtime --test screens` draws them anew.
#![allow(clippy::unwrap_used)]

use edge_runtime::event::{Event, FaceInView};
use edge_runtime::lights::{LampWiring, LightColour, Wiring};
use edge_runtime::mood::{MoodSet, MoodState};
use edge_runtime::output::paint::Ink;
use edge_runtime::output::panel::{Panel, Pictures, Shown, Thumbnail, View};
use edge_runtime::track::RejectReason;
use emotion_models::{Face, Probabilities, Rect};
use std::path::Path;
use std::time::Duration;

const SIZES: [(usize, usize); 4] = [(40, 12), (60, 16), (80, 24), (120, 40)];

fn wiring() -> Wiring {
    let lamp =
        |name: &str, pin, colour, dark| LampWiring { name: name.to_owned(), pin, colour, active_low: false, dark };
    let moods = vec![
        lamp("angry", Some(17), LightColour::Red, false),
        lamp("disgust", None, LightColour::Orange, true),
        lamp("fear", None, LightColour::Magenta, true),
        lamp("happy", Some(27), LightColour::Green, false),
        lamp("neutral", None, LightColour::Cyan, true),
        lamp("sad", Some(22), LightColour::Blue, false),
        lamp("surprise", None, LightColour::Yellow, true),
    ];
    Wiring { moods, camera: lamp("camera", Some(23), LightColour::White, false) }
}

/// A disc on a slope, in numbers that every machine reckons alike.
fn picture([width, height]: [usize; 2]) -> Thumbnail {
    let mut planes = Vec::new();
    for plane in 0..3 {
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let (across, down) = (2 * x as i64 - width as i64, 2 * y as i64 - height as i64);
            let disc = 4 * (across * across + down * down) < (height * height) as i64;
            let shade = if disc { 215 - 30 * plane } else { 30 + (x * 60 / width) as i64 + 25 * plane };
            planes.push(shade as u8);
        }
    }
    Thumbnail { width, height, planes }
}

fn view(pictures: Pictures, state: MoodState, picture_name: Option<&str>) -> View {
    let rejected = (state == MoodState::Unsure).then_some(RejectReason::TooSmall);
    let face = Face { rect: Rect::new(240.0, 120.0, 160.0, 220.0), score: 0.93 };
    let seen = FaceInView { id: 1, face, probabilities: None, rejected, state: Some(state) };
    let event = Event {
        frame: Some(7),
        state,
        lit: MoodSet::of(state),
        smoothed: Probabilities::from_slice(&[0.01, 0.0, 0.02, 0.9, 0.05, 0.01, 0.01]),
        latency: Some(Duration::from_micros(1200)),
        inference: Some(Duration::from_micros(900)),
        faces: [seen].into_iter().collect(),
        picture: picture_name.map(Into::into),
        ..Event::default()
    };
    let frame = pictures.frame().map(|[width, _]| picture([width, width * 3 / 4])).unwrap_or_default();
    let face = pictures.face().map(|side| picture([side, side])).unwrap_or_default();
    View { event: Some(event), fps: Some(29.6), face, frame, frame_width: 640, fresh_picture: true, ended: false }
}

fn screen(shown: Shown, state: MoodState, name: Option<&str>, size: (usize, usize), ink: Ink) -> String {
    let panel = Panel::new(&wiring(), shown);
    let lit = match state {
        MoodState::Mood(index) => 1 << index | 1 << 7,
        _ => 1 << 7,
    };
    let mut lines = Vec::new();
    panel.draw(&view(panel.pictures(size), state, name), lit, ink, size, &mut lines);
    assert!(lines.len() <= size.1, "{size:?}");
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn hold(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(name);
    if std::env::var_os("MOODLIGHT_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, drawn, "{name} differs: see the top of this test");
}

#[test]
fn screens_are_as_they_were() {
    let happy = MoodState::Mood(3);
    for size in SIZES {
        let columns = size.0;
        let scene = |ink| screen(Shown::Frame, happy, None, size, ink);
        hold(&format!("scene-{columns}.txt"), &scene(Ink::None));
        hold(&format!("scene-{columns}-256.txt"), &scene(Ink::Indexed));
        hold(&format!("face-{columns}.txt"), &screen(Shown::Face, happy, None, size, Ink::None));
        let name = Some("holiday/a-rather-long-name-of-a-picture.jpg");
        hold(&format!("unsure-{columns}.txt"), &screen(Shown::Frame, MoodState::Unsure, name, size, Ink::None));
    }
}
