//! Runs frames through the pipeline's stages with a marker between them, to count each stage's instructions.
//!
//! `stages FRAMES [f32|int8|reference]` judges so many 640x480 YUYV frames of the test card with the model inside the program, in
//! the precision that its card names or in another; `reference` is f32 by tract's own operators. A mark is one byte written to
//! standard error: `-` and `l` with nothing between them but what a mark costs, `p` after tracking the face, `i` after
//! preprocessing, `f` after inference, `.` after filter and lights. Frames are drawn beforehand: somebody in half the height of
//! the frame. Every 30th frame is searched whole.

use edge_runtime::config::{self, Config, Keys, Origin};
use edge_runtime::lights::{Lights, Memory};
use edge_runtime::mood::{MoodFilter, Observation};
use edge_runtime::pixels;
use edge_runtime::track::{FaceLocator, Tracker, WhichFaces};
use emotion_models::{
    Classifier, DEMO_SEED, FaceDetector, FrameView, PixelFormat, Precision, TEST_CARD_LABELS, TestCard, decode, shipped,
};
use image::imageops::replace;
use image::{Rgb, RgbImage};
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// Frames a mood lasts, so that the lights change now and then.
const TURN: usize = 30;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let usage = "usage: stages FRAMES [f32|int8|reference]";
    let frames: usize = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let (model, name) = (decode(shipped::EMOTION)?, "the shipped model");
    let asked = std::env::args().nth(2);
    let precision = if asked.as_deref() == Some("int8") { Precision::Int8 } else { Precision::F32 };
    let finder = FaceDetector::with(&decode(shipped::FACE)?, "the shipped face model", precision, NonZeroUsize::MIN)?;
    let mut classifier = match asked.as_deref() {
        None => Classifier::from_model(&model, name)?,
        Some("reference" | "stock") => Classifier::reference(&model, name)?,
        Some(precision) => Classifier::with_precision(&model, name, precision.parse().map_err(|_| usage)?)?,
    };
    let resolved = config::resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default())?;
    let memory = Memory::new(&resolved.wiring);
    let mut lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp)))?;
    let mut filter = MoodFilter::new(resolved.filter);
    let mut locator = Tracker::new(finder, WhichFaces::Largest);
    let drawn = TEST_CARD_LABELS.map(|label| {
        let mut bytes = Vec::new();
        let mut room = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([96, 90, 84]));
        replace(&mut room, &TestCard::new(DEMO_SEED).draw(label, 0, WIDTH / 2, HEIGHT / 2), 200, 120);
        pixels::encode(&room, PixelFormat::Yuyv, &mut bytes);
        bytes
    });
    let mut marks = io::stderr();
    for number in 0..frames {
        let time = Duration::from_secs(number as u64) / 30;
        let view = FrameView::new(PixelFormat::Yuyv, WIDTH, HEIGHT, &drawn[number / TURN % drawn.len()])?;
        marks.write_all(b"-")?;
        marks.write_all(b"l")?;
        let face = locator.locate(&view, time)?.first().ok_or("no face")?.face;
        marks.write_all(b"p")?;
        let crop = face.crop(classifier.card().crop_margin);
        classifier.preprocess(&view, crop);
        marks.write_all(b"i")?;
        let probabilities = classifier.infer()?;
        marks.write_all(b"f")?;
        let state = filter.observe(time, Observation::Face(&probabilities));
        lights.show(state, true, time)?;
        marks.write_all(b".")?;
    }
    Ok(())
}
