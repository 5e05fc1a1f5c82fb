//! A loaded emotion model: a crop in, probabilities out.

use crate::card::{ModelCard, Precision, Task};
use crate::crop::CropBox;
use crate::engine::{Engine, Input, Operators, listed};
use crate::error::ModelError;
use crate::frame::FrameView;
use crate::fused::Fused;
use crate::graph::Reading;
use crate::onnx::{decode, read_card, read_file};
use crate::pb::ModelProto;
use crate::preprocess::Preprocessor;
use crate::probabilities::{Probabilities, apply_temperature};
use crate::profile::LayerTime;
use std::num::NonZeroUsize;
use std::path::Path;

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
    precision: Precision,
    engine: Engine,
}

impl Classifier {
    /// Loads the model in an ONNX file.
    ///
    /// # Errors
    /// The file cannot be read, is no ONNX model, carries no card this version reads, or its graph contradicts the
    /// card or cannot be run.
    pub fn from_file(path: &Path) -> Result<Self, ModelError> {
        let bytes = read_file(path)?;
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

    /// Loads a decoded model in the precision that its card names; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Classifier::from_bytes`].
    pub fn from_model(model: &ModelProto, name: &str) -> Result<Self, ModelError> {
        let card = read_card(model).map_err(|error| error.named(name))?;
        Self::load(model, card, name, None, Operators::Ours { threads: 1 })
    }

    /// Loads a decoded model to be run in `precision`. An integer model runs in both: in floating point it computes on the real
    /// numbers that its weights stand for, and rounds no activations.
    ///
    /// # Errors
    /// As [`Classifier::from_bytes`], and [`ModelError::NotInteger`] for a float model that is to run in integers.
    pub fn with_precision(model: &ModelProto, name: &str, precision: Precision) -> Result<Self, ModelError> {
        Self::with(model, name, precision, NonZeroUsize::MIN)
    }

    /// [`Classifier::with_precision`] on so many threads; a layer is shared among them where that is measured to be faster at load.
    ///
    /// # Errors
    /// As [`Classifier::with_precision`].
    pub fn with(
        model: &ModelProto,
        name: &str,
        precision: Precision,
        threads: NonZeroUsize,
    ) -> Result<Self, ModelError> {
        let card = read_card(model).map_err(|error| error.named(name))?;
        Self::load(model, card, name, Some(precision), Operators::Ours { threads: threads.get() })
    }

    /// Loads a decoded model to be run in floating point by tract's own operators, to compare ours with.
    ///
    /// # Errors
    /// As [`Classifier::from_bytes`].
    pub fn reference(model: &ModelProto, name: &str) -> Result<Self, ModelError> {
        let card = read_card(model).map_err(|error| error.named(name))?;
        Self::load(model, card, name, Some(Precision::F32), Operators::Tracts)
    }

    fn load(
        model: &ModelProto,
        card: ModelCard,
        name: &str,
        precision: Option<Precision>,
        operators: Operators,
    ) -> Result<Self, ModelError> {
        let precision = precision.unwrap_or(card.precision);
        let contradiction = |detail: String| ModelError::GraphContradictsCard { model: name.to_owned(), detail };
        if card.task != Task::Emotion {
            return Err(ModelError::WrongTask { model: name.to_owned(), task: card.task, wanted: Task::Emotion });
        }
        check_precision(model, card.precision, 0).map_err(contradiction)?;
        if precision == Precision::Int8 && card.precision == Precision::F32 {
            return Err(ModelError::NotInteger { model: name.to_owned() });
        }
        // One run on mid grey shows that the graph works, and that it ends in a softmax, before any camera opens.
        let failed = |reason| ModelError::Engine { model: name.to_owned(), doing: "load", reason };
        let reading = Reading { precision, pixels: card.input.pixel_map };
        let (engine, trial) = Engine::load(model, card.input.shape(), reading, operators).map_err(failed)?;
        let sum: f32 = trial.iter().sum();
        let inside = trial.iter().all(|value| (0.0..=1.0 + SUM_TOLERANCE).contains(value));
        if trial.len() != card.labels.len() || !inside || (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(contradiction(format!(
                "its output on mid grey, {}, is no set of {} probabilities: is the softmax missing?",
                listed(&trial),
                card.labels.len()
            )));
        }
        Ok(Self { preprocessor: Preprocessor::new(&card.input), card, model: name.to_owned(), precision, engine })
    }

    /// What the model says about itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The precision in which it runs, which may be another than its card's.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What computes the convolutions, such as `avx2 int8`; `tract` where that is the engine's own operators.
    pub fn kernel(&self) -> &'static str {
        self.engine.fused().first().map_or("tract", |fused| fused.program().kernel())
    }

    /// How many layers are shared among threads, those that were measured to be faster so at load; and how many there are.
    pub fn shared_layers(&self) -> (usize, usize) {
        let of = |fused: &&Fused| (fused.program().shared(), fused.plan().steps.len());
        self.engine.fused().iter().map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// Both stages: the probabilities, at the card's temperature, for what `crop` of `frame` shows.
    ///
    /// # Errors
    /// As [`Classifier::infer`].
    pub fn classify(&mut self, frame: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
        self.preprocess(frame, crop);
        self.infer()
    }

    /// The first stage: turns `crop` of `frame`, clamped into the frame, into the input's bytes.
    pub fn preprocess(&mut self, frame: &FrameView<'_>, crop: CropBox) {
        self.preprocessor.resize(frame, crop);
    }

    /// The second stage: the probabilities for the input's bytes, at the card's temperature, in the card's label order.
    ///
    /// # Errors
    /// [`ModelError::Engine`] when the engine fails or returns a value that is not a number.
    pub fn infer(&mut self) -> Result<Probabilities, ModelError> {
        let answer = self.engine.run(Input::Bytes(self.preprocessor.bytes()), Probabilities::from_slice);
        Ok(apply_temperature(&self.read(answer)?, self.card.temperature))
    }

    /// The graph's own output, at temperature 1, for an input tensor given as `[C, H, W]` real numbers.
    ///
    /// # Errors
    /// [`ModelError::InputLength`] for an input of another length, and those of [`Classifier::infer`].
    pub fn raw_probabilities(&mut self, input: &[f32]) -> Result<Probabilities, ModelError> {
        if input.len() != self.card.input.len() {
            let (model, expected) = (self.model.clone(), self.card.input.len());
            return Err(ModelError::InputLength { model, expected, found: input.len() });
        }
        let answer = self.engine.run(Input::Reals(input), Probabilities::from_slice);
        self.read(answer)
    }

    fn read(&self, answer: Result<Option<Probabilities>, String>) -> Result<Probabilities, ModelError> {
        let answer = answer.and_then(|values| values.ok_or_else(|| "it answers no probabilities".to_owned()));
        answer.map_err(|reason| self.cannot_run(reason))
    }

    /// The least time of `runs` runs, layer by layer, and last what is left of a whole run: the input's bytes, the layers after
    /// the convolutions, the engine's own work.
    ///
    /// # Errors
    /// As [`Classifier::infer`].
    pub fn layer_times(&mut self, runs: usize) -> Result<Vec<LayerTime>, ModelError> {
        self.engine.layer_times(runs).map_err(|reason| self.cannot_run(reason))
    }

    fn cannot_run(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), doing: "run", reason }
    }
}

/// Holds the precision that a card names against the graph's convolutions, of which the last may be float in an integer graph
/// that ends in `float_heads` of them.
pub(crate) fn check_precision(model: &ModelProto, precision: Precision, float_heads: usize) -> Result<(), String> {
    let count =
        |kind: &str| model.graph.iter().flat_map(|graph| &graph.node).filter(|node| node.op_type == kind).count();
    let (float, integer) = (count("Conv"), count("QLinearConv"));
    match precision {
        Precision::F32 if integer > 0 => {
            Err(format!("{integer} convolutions of the graph are integer, the card says float32"))
        }
        Precision::Int8 if float > float_heads || integer == 0 => Err(format!(
            "the card says int8, and of the graph's {} convolutions {integer} are integer",
            float + integer
        )),
        _ => Ok(()),
    }
}
