//! A teacher that is a model: it answers each picture as it is after augmentation.

use super::config::TeacherConfig;
use crate::failure::{Blame, Kind, failure};
use anyhow::{Context, Result};
use emotion_models::{Classifier, CropBox, FrameView, Preprocessor, apply_temperature};

/// A model with buffers of its own.
#[derive(Clone)]
pub(super) struct ModelTeacher {
    classifier: Classifier,
    preprocessor: Preprocessor,
    tensor: Vec<f32>,
    /// Its file.
    name: String,
    /// For each of its outputs the data's label.
    labels: Vec<Option<usize>>,
}

impl ModelTeacher {
    /// Opens the model of `config` for data with these labels.
    pub(super) fn open(config: &TeacherConfig, labels: &[String]) -> Result<Self> {
        let (classifier, _) = config.open_model()?;
        let name = config.model.as_deref().map_or(String::new(), |path| path.display().to_string());
        let card = classifier.card();
        let names = if config.labels.is_empty() { &card.labels } else { &config.labels };
        if names.len() != card.labels.len() {
            let message = format!(
                "the teacher {name} has {} outputs, and its [[teachers]] names {} labels",
                card.labels.len(),
                names.len()
            );
            return Err(failure(Kind::Config, message));
        }
        let known: Vec<Option<usize>> =
            names.iter().map(|name| labels.iter().position(|label| label == name)).collect();
        if known.iter().flatten().count() < 2 {
            let message = format!(
                "the teacher {name} knows {}, and the data bears {}: name its labels in the data's words in a [[teachers]] table",
                names.join(", "),
                labels.join(", ")
            );
            return Err(failure(Kind::Config, message));
        }
        let preprocessor = Preprocessor::new(&card.input);
        Ok(ModelTeacher { tensor: vec![0.0; card.input.len()], preprocessor, name, labels: known, classifier })
    }

    /// The data's labels that it knows, with their probabilities.
    ///
    /// # Errors
    /// When the engine fails, or an answer is not a number.
    pub(super) fn answer(&mut self, frame: &FrameView<'_>) -> Result<Vec<(usize, f32)>> {
        let whole = CropBox::full(frame.width(), frame.height());
        self.preprocessor.tensor(frame, whole, &mut self.tensor);
        let raw = self.classifier.raw_probabilities(&self.tensor);
        let raw = raw.with_context(|| format!("the teacher {} cannot answer a training picture", self.name));
        let answer = apply_temperature(&raw.blame(Kind::Model)?, self.classifier.card().temperature);
        Ok(self.labels.iter().zip(answer.iter()).filter_map(|(label, p)| Some(((*label)?, *p))).collect())
    }
}
