//! The README's picture of the first command, made from the test card, the shipped model and the display itself.
//!
//! `MOODLIGHT_UPDATE=1 cargo test --release -p edge-runtime --test first_run_picture` redraws it.
#![allow(clippy::unwrap_used)]

#[path = "support/svg.rs"]
mod svg;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::Event;
use edge_runtime::frame::Frame;
use edge_runtime::lights::{Lights, Memory};
use edge_runtime::mood::{MoodAggregator, MoodState};
use edge_runtime::output::greeting;
use edge_runtime::output::paint::Ink;
use edge_runtime::output::panel::{PICTURE, Panel, Shown, Thumbnail, View};
use edge_runtime::pipeline::Pipeline;
use edge_runtime::setup;
use edge_runtime::source::SourceSpec;
use edge_runtime::track::{CentredSquare, WhichFaces};
use emotion_models::{
    Classifier, Colour, CropBox, DEMO_SEED, InputSpec, PixelFormat, PixelMap, Preprocessor, TestCard,
};
use std::convert::Infallible;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

const PICTURE_FILE: &str = "../docs/first-run.svg";
const COLUMNS: usize = 92;
const SCENES: [&str; 3] = ["happy", "sad", "angry"];
const MARGIN: f32 = 16.0;

/// What the display shows once `label` has been drawn for a second, and which lights are lit.
fn scene(classifier: &Classifier, label: &str) -> (Vec<String>, Vec<String>) {
    let card = classifier.card().clone();
    let resolved = resolve(&Config::default(), &card, &Origin::Defaults, &Keys::default()).unwrap();
    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
    let mut pipeline = Pipeline {
        locator: Box::new(CentredSquare::default()),
        classifier: classifier.clone(),
        moods: MoodAggregator::new(resolved.filter, WhichFaces::Largest),
        lights,
    };
    let mut frame = Frame::empty();
    let mut view = View::default();
    for number in 0..30 {
        frame.shape(PixelFormat::Rgb, 640, 480);
        frame.data = TestCard::new(DEMO_SEED).draw(label, number, 640, 480).into_raw();
        frame.time = Duration::from_secs(number) / 30;
        let judged = pipeline.frame(&frame, frame.time).unwrap();
        view.event = Some(Event {
            time: frame.time,
            frame: Some(number),
            state: judged.state,
            lit: pipeline.moods.lit(),
            changed: false,
            probabilities: judged.probabilities,
            smoothed: pipeline.moods.smoothed(),
            latency: Some(judged.timings.frame),
            inference: Some(judged.timings.inference),
            faces: judged.faces,
            picture: None,
            fault: None,
        });
    }
    let side = PICTURE as u32;
    let spec = InputSpec { width: side, height: side, colour: Colour::Rgb, pixel_map: PixelMap::UNIT };
    let mut shrink = Preprocessor::new(&spec);
    let planes = shrink.resize(&frame.view().unwrap(), CropBox::centred_square(640, 480)).to_vec();
    view.face = Thumbnail { width: PICTURE, height: PICTURE, planes };
    (view.fresh_picture, view.fps) = (true, Some(30.0));
    let mut lines = Vec::new();
    Panel::new(&resolved.wiring, Shown::Face).draw(&view, memory.bits(), Ink::True, (COLUMNS, 40), &mut lines);
    assert!(matches!(view.event.unwrap().state, MoodState::Mood(_)), "{label}");
    (lines, memory.lit())
}

fn draw(classifier: &Classifier) -> (String, Vec<Vec<String>>) {
    let scenes = SCENES.map(|label| scene(classifier, label));
    let greeting = greeting(&SourceSpec::TestCard, classifier, Some(COLUMNS), true, Ink::True);
    let head: Vec<String> =
        std::iter::once("$ cargo run --release".to_owned()).chain(greeting.lines().map(str::to_owned)).collect();
    let rows = head.len() + scenes[0].0.len();
    let (width, height) = (COLUMNS as f32 * svg::CELL.0 + 2.0 * MARGIN, rows as f32 * svg::CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' \
         font-family='ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace' font-size='13'>\n\
         <title>The first command: the test card's drawn face, and the light of its mood</title>\n\
         <rect width='{width}' height='{height}' rx='8' fill='#16181d'/>\n"
    );
    let top = |row: usize| MARGIN + row as f32 * svg::CELL.1;
    for (row, text) in head.iter().enumerate() {
        svg::line(&mut out, text, MARGIN, top(row));
    }
    for (index, ((lines, lit), label)) in scenes.iter().zip(SCENES).enumerate() {
        // Viewers that do not animate show the first scene.
        let visible = |at: usize| if at == index { "visible" } else { "hidden" };
        let values = [visible(0), visible(1), visible(2)].join(";");
        let _ = writeln!(
            out,
            "<g visibility='{}' data-drawn='{label}' data-lit='{}'>\n<animate attributeName='visibility' \
             values='{values}' dur='7.5s' calcMode='discrete' repeatCount='indefinite'/>",
            visible(0),
            lit.join(" ")
        );
        for (row, text) in lines.iter().enumerate() {
            svg::line(&mut out, text, MARGIN, top(head.len() + row));
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    (out, scenes.into_iter().map(|(_, lit)| lit).collect())
}

fn scenes_of(svg: &str) -> Vec<&str> {
    svg.lines().filter_map(|line| line.split_once("data-drawn=")).map(|(_, scene)| scene).collect()
}

#[test]
fn the_picture_shows_what_the_first_command_shows() {
    let classifier = setup::shipped_classifier().unwrap();
    let (svg, lit) = draw(&classifier);
    for (label, lit) in SCENES.iter().zip(&lit) {
        assert_eq!(lit, &[*label, "camera"]);
    }
    if std::env::var_os("MOODLIGHT_UPDATE").is_some() {
        std::fs::create_dir_all(Path::new(PICTURE_FILE).parent().unwrap()).unwrap();
        std::fs::write(PICTURE_FILE, &svg).unwrap();
    }
    let committed = std::fs::read_to_string(PICTURE_FILE).unwrap();
    assert_eq!(scenes_of(&committed), scenes_of(&svg), "draw it anew: see the top of this test");
}
