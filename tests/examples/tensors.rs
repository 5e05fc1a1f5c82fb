//! Writes input tensors and our engine's answers to them, for `tests/onnx/check.py` to give to another engine.
//!
//! `tensors MODEL.onnx OUT [PICTURE...]` writes `OUT/input.f32`, little-endian floats `[N, C, H, W]` after preprocessing,
//! and `OUT/answers.json` with the shape, the labels, and the graph's probabilities at temperature 1 per picture.
//! Without pictures it draws 50 test-card faces.

use emotion_models::{Classifier, CropBox, FrameView, PixelFormat, Preprocessor, TEST_CARD_LABELS, TestCard};
use image::RgbImage;
use serde_json::json;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const DRAWN: u64 = 50;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tensors: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(model), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tensors MODEL.onnx OUT [PICTURE...]".into());
    };
    let paths: Vec<PathBuf> = arguments.collect();
    let mut classifier = Classifier::from_file(&model)?;
    let spec = classifier.card().input;
    let mut preprocessor = Preprocessor::new(&spec);
    let mut tensor = vec![0.0; spec.len()];
    let (mut tensors, mut answers, mut names) = (vec![], vec![], vec![]);
    let mut answer = |name: String, picture: &RgbImage| -> Result<(), Box<dyn Error>> {
        let frame = FrameView::new(PixelFormat::Rgb, picture.width(), picture.height(), picture.as_raw())?;
        preprocessor.tensor(&frame, CropBox::full(picture.width(), picture.height()), &mut tensor);
        tensors.extend(tensor.iter().flat_map(|value| value.to_le_bytes()));
        answers.push(classifier.raw_probabilities(&tensor)?.to_vec());
        names.push(name);
        Ok(())
    };
    for path in &paths {
        answer(path.display().to_string(), &read(path)?)?;
    }
    if paths.is_empty() {
        for seed in 0..DRAWN {
            let label = TEST_CARD_LABELS[seed as usize % TEST_CARD_LABELS.len()];
            answer(format!("test card {seed}, {label}"), &TestCard::new(seed).draw(label, seed * 7, 160, 120))?;
        }
    }
    let [_, channels, height, width] = spec.shape();
    let shape = [answers.len(), channels, height, width];
    let labels = classifier.card().labels.clone();
    std::fs::create_dir_all(&out)?;
    std::fs::write(out.join("input.f32"), tensors)?;
    let written = json!({ "shape": shape, "labels": labels, "pictures": names, "probabilities": answers });
    std::fs::write(out.join("answers.json"), serde_json::to_vec_pretty(&written)?)?;
    Ok(())
}

fn read(path: &Path) -> Result<RgbImage, Box<dyn Error>> {
    let picture = image::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(picture.into_rgb8())
}
