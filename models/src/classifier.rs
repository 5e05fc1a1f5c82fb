//! A loaded emotion model: a crop in, probabilities out.

use crate::card::{ModelCard, Task};
use crate::crop::CropBox;
use crate::engine::{Engine, listed};
use crate::error::ModelError;
use crate::frame::FrameView;
use crate::onnx::{decode, read_card};
use crate::preprocess::Preprocessor;
use crate::probabilities::{Probabilities, apply_temperature};
use std::path::Path;
use tract_onnx::pb::ModelProto;

/// Largest distance from 1 of the sum of what a graph calls probabilities.
const SUM_TOLERANCE: f32 = 1e-3;

/// A loaded emotion model. It owns every buffer it needs, so a frame allocates only what the engine does inside.
///
/// A clone shares the weights and is independent otherwise, so that several threads can work at once.
#[derive(Clone)]
pub struct Classifier {
    card: ModelCard,
    model: String,
    preprocessor: Preprocessor,
    /// The input tensor's `[C, H, W]` real numbers.
    input: Vec<f32>,
    engine: Engine,
}

impl Classifier {
    /// Loads the model in an ONNX file.
    ///
    /// # Errors
    /// The file cannot be read, is no ONNX model, carries no card this version reads, or its graph contradicts the
    /// card or cannot be run.
    pub fn from_file(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Loads the model in `bytes`, an ONNX file's content; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Classifier::from_file`], but for reading.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ModelError> {
        let model = decode(bytes).map_err(|error| error.named(name))?;
        Self::from_model(&model, name)
    }

    /// Loads a decoded model; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Classifier::from_bytes`].
    pub fn from_model(model: &ModelProto, name: &str) -> Result<Self, ModelError> {
        let card = read_card(model).map_err(|error| error.named(name))?;
        let contradiction = |detail: String| ModelError::GraphContradictsCard { model: name.to_owned(), detail };
        if card.task != Task::Emotion {
            return Err(contradiction(format!("its task is `{}`, a classifier needs `emotion`", card.task)));
        }
        // One run on mid grey shows that the graph works, and that it ends in a softmax, before any camera opens.
        let input = vec![card.input.pixel_map.real(128.0); card.input.len()];
        let failed = |reason| ModelError::Engine { model: name.to_owned(), doing: "load", reason };
        let (engine, trial) = Engine::load(model, card.input.shape(), &input).map_err(failed)?;
        let sum: f32 = trial.iter().sum();
        let inside = trial.iter().all(|value| (0.0..=1.0 + SUM_TOLERANCE).contains(value));
        if trial.len() != card.labels.len() || !inside || (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(contradiction(format!(
                "its output on mid grey, {}, is no set of {} probabilities: is the softmax missing?",
                listed(&trial),
                card.labels.len()
            )));
        }
        Ok(Self { preprocessor: Preprocessor::new(&card.input), card, model: name.to_owned(), input, engine })
    }

    /// What the model says about itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Both stages: the probabilities, at the card's temperature, for what `crop` of `frame` shows.
    ///
    /// # Errors
    /// As [`Classifier::infer`].
    pub fn classify(&mut self, frame: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
        self.preprocess(frame, crop);
        self.infer()
    }

    /// The first stage: turns `crop` of `frame`, clamped into the frame, into the input tensor.
    pub fn preprocess(&mut self, frame: &FrameView<'_>, crop: CropBox) {
        self.preprocessor.tensor(frame, crop, &mut self.input);
    }

    /// The second stage: the probabilities for the input tensor, at the card's temperature, in the card's label order.
    ///
    /// # Errors
    /// [`ModelError::Engine`] when the engine fails or answers with something that is not a number.
    pub fn infer(&mut self) -> Result<Probabilities, ModelError> {
        let raw = self.engine.run(&self.input).map_err(|reason| self.cannot_run(reason))?;
        Ok(apply_temperature(&raw, self.card.temperature))
    }

    /// The graph's own output, at temperature 1, for an input tensor given as `[C, H, W]` real numbers.
    ///
    /// # Errors
    /// [`ModelError::InputLength`] for an input of another length, and those of [`Classifier::infer`].
    pub fn raw_probabilities(&mut self, input: &[f32]) -> Result<Probabilities, ModelError> {
        if input.len() != self.input.len() {
            let (model, expected) = (self.model.clone(), self.input.len());
            return Err(ModelError::InputLength { model, expected, found: input.len() });
        }
        self.engine.run(input).map_err(|reason| self.cannot_run(reason))
    }

    fn cannot_run(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), doing: "run", reason }
    }
}
