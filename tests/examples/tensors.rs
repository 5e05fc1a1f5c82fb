//! Writes input tensors and our engine's answers to them, for `tests/onnx/check.py` to give to another engine.
//!
//! `tensors MODEL.onnx OUT [PICTURE...]` writes `OUT/input.f32`, little-endian floats `[N, C, H, W]` after preprocessing,
//! and `OUT/answers.json` with the shape, the labels, and per picture what the graph answers: an emotion model's probabilities at
//! temperature 1, a face model's maps. For an integer model `OUT/maps.i8` holds the numbers of every map inside, picture by
//! picture, and the JSON object tells whose they are and how large. Without pictures it draws 50 test-card faces.

use emotion_models::{
    Classifier, CropBox, FaceDetector, FrameView, ModelCard, ModelError, PixelFormat, Precision, Preprocessor,
    TEST_CARD_LABELS, Task, TestCard, decode, layer_maps, read_card,
};
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

/// Either kind of model.
enum Model {
    Emotion(Classifier),
    Face(FaceDetector),
}

impl Model {
    fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let task = read_card(&decode(&std::fs::read(path)?)?)?.task;
        Ok(match task {
            Task::Emotion => Self::Emotion(Classifier::from_file(path)?),
            Task::Face => Self::Face(FaceDetector::from_file(path)?),
        })
    }

    fn card(&self) -> &ModelCard {
        match self {
            Self::Emotion(classifier) => classifier.card(),
            Self::Face(finder) => finder.card(),
        }
    }

    /// The graph's answer to an input's bytes and the real numbers that they stand for.
    fn answer(&mut self, bytes: &[u8], tensor: &[f32]) -> Result<Vec<f32>, ModelError> {
        match self {
            Self::Emotion(classifier) => Ok(classifier.raw_probabilities(tensor)?.to_vec()),
            Self::Face(finder) => finder.maps(bytes, <[f32]>::to_vec),
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(path), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tensors MODEL.onnx OUT [PICTURE...]".into());
    };
    let paths: Vec<PathBuf> = arguments.collect();
    let mut model = Model::open(&path)?;
    let (graph, name_of_model) = (decode(&std::fs::read(&path)?)?, path.display().to_string());
    let spec = model.card().input;
    let labels = model.card().labels.clone();
    let mut preprocessor = Preprocessor::new(&spec);
    let integer = model.card().precision == Precision::Int8;
    let (mut tensors, mut answers, mut names, mut numbers, mut layers) = (vec![], vec![], vec![], vec![], vec![]);
    let mut answer = |name: String, picture: &RgbImage| -> Result<(), Box<dyn Error>> {
        let frame = FrameView::new(PixelFormat::Rgb, picture.width(), picture.height(), picture.as_raw())?;
        let bytes = preprocessor.resize(&frame, CropBox::full(picture.width(), picture.height()));
        let tensor: Vec<f32> = bytes.iter().map(|&byte| spec.pixel_map.real(f32::from(byte))).collect();
        tensors.extend(tensor.iter().flat_map(|value| value.to_le_bytes()));
        let maps = if integer { layer_maps(&graph, &name_of_model, bytes)? } else { Vec::new() };
        numbers.extend(maps.iter().flat_map(|map| &map.numbers).map(|&number| number as u8));
        layers = maps
            .iter()
            .map(|map| json!({ "name": map.name, "added": map.added, "pooled": map.pooled, "shape": map.shape }))
            .collect();
        answers.push(model.answer(bytes, &tensor)?);
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
    std::fs::create_dir_all(&out)?;
    std::fs::write(out.join("input.f32"), tensors)?;
    std::fs::write(out.join("maps.i8"), numbers)?;
    let written = json!({ "shape": shape, "labels": labels, "pictures": names, "answers": answers, "layers": layers });
    std::fs::write(out.join("answers.json"), serde_json::to_vec_pretty(&written)?)?;
    Ok(())
}

fn read(path: &Path) -> Result<RgbImage, Box<dyn Error>> {
    let picture = image::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(picture.into_rgb8())
}
