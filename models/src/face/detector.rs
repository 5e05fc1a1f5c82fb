//! A loaded face model: a part of a frame in, bounding boxes out.

use super::decode::{Placement, decode};
use super::detected::Faces;
use super::letterbox::Letterbox;
use super::multi_pass::Detector;
use crate::card::{ModelCard, OUTPUTS, Precision, Task};
use crate::classifier::check_precision;
use crate::crop::CropBox;
use crate::engine::{Engine, Input, Operators};
use crate::error::ModelError;
use crate::frame::FrameView;
use crate::graph::Reading;
use crate::onnx::{decode as decode_model, read_card, read_file};
use crate::pb::ModelProto;
use crate::profile::LayerTime;
use std::num::NonZeroUsize;
use std::path::Path;

/// A loaded face model. It owns every buffer it needs, so a frame allocates only what the engine does inside.
///
/// A clone shares the weights and is independent otherwise, so that several threads can work at once.
#[derive(Clone)]
pub struct FaceDetector {
    card: ModelCard,
    model: String,
    letterbox: Letterbox,
    precision: Precision,
    engine: Engine,
}

impl FaceDetector {
    /// Loads the model in an ONNX file.
    ///
    /// # Errors
    /// The file cannot be read, is no ONNX model, carries no card of a face model that this version reads, or its graph
    /// contradicts the card or cannot be run.
    pub fn from_file(path: &Path) -> Result<Self, ModelError> {
        let bytes = read_file(path)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Loads the model in `bytes`, an ONNX file's content; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`FaceDetector::from_file`], but for reading.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ModelError> {
        let model = decode_model(bytes).map_err(|error| error.named(name))?;
        Self::from_model(&model, name)
    }

    /// Loads a decoded model in the precision that its card names; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`FaceDetector::from_bytes`].
    pub fn from_model(model: &ModelProto, name: &str) -> Result<Self, ModelError> {
        Self::load(model, name, None, NonZeroUsize::MIN)
    }

    /// Loads a decoded model to be run in `precision` on so many threads.
    ///
    /// # Errors
    /// As [`FaceDetector::from_bytes`], and [`ModelError::NotInteger`] for a float model that is to run in integers.
    pub fn with(
        model: &ModelProto,
        name: &str,
        precision: Precision,
        threads: NonZeroUsize,
    ) -> Result<Self, ModelError> {
        Self::load(model, name, Some(precision), threads)
    }

    fn load(
        model: &ModelProto,
        name: &str,
        precision: Option<Precision>,
        threads: NonZeroUsize,
    ) -> Result<Self, ModelError> {
        let card = read_card(model).map_err(|error| error.named(name))?;
        if card.task != Task::Face {
            return Err(ModelError::WrongTask { model: name.to_owned(), task: card.task, wanted: Task::Face });
        }
        let contradiction = |detail: String| ModelError::GraphContradictsCard { model: name.to_owned(), detail };
        // The maps' own convolution stays float.
        check_precision(model, card.precision, 1).map_err(contradiction)?;
        let precision = precision.unwrap_or(card.precision);
        if precision == Precision::Int8 && card.precision == Precision::F32 {
            return Err(ModelError::NotInteger { model: name.to_owned() });
        }
        let failed = |reason| ModelError::Engine { model: name.to_owned(), doing: "load", reason };
        let reading = Reading { precision, pixels: card.input.pixel_map };
        let operators = Operators::Ours { threads: threads.get() };
        let (engine, trial) = Engine::load(model, card.input.shape(), reading, operators).map_err(failed)?;
        let wanted = OUTPUTS * card.cells().iter().product::<usize>();
        if trial.len() != wanted {
            return Err(contradiction(format!("it answers {} numbers, not {wanted}", trial.len())));
        }
        Ok(Self { letterbox: Letterbox::new(&card.input), card, model: name.to_owned(), precision, engine })
    }

    /// What the model says about itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The card's detection threshold for [`Detector::detect_multi_pass`], above 0 and at most 1.
    pub fn threshold(&self) -> f32 {
        self.card.thresholds.first().copied().unwrap_or(0.5)
    }

    /// The precision in which it runs, which may be another than its card's.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What computes the convolutions, such as `avx2 int8`; `tract` where that is the engine's own operators.
    pub fn kernel(&self) -> &'static str {
        self.engine.fused().first().map_or("tract", |fused| fused.program().kernel())
    }

    fn detect_placed(&mut self, placement: Placement, threshold: f32) -> Result<Faces, ModelError> {
        let cells = self.card.cells();
        let answer =
            self.engine.run(Input::Bytes(self.letterbox.bytes()), |maps| decode(maps, cells, threshold, placement));
        answer.map_err(|reason| self.cannot_run(reason))
    }

    /// The faces in an input tensor given as `[C, H, W]` bytes, in the input's own pixels.
    ///
    /// # Errors
    /// [`ModelError::InputLength`] for an input of another length, and those of [`Detector::detect`].
    pub fn detect_in_input(&mut self, bytes: &[u8], threshold: f32) -> Result<Faces, ModelError> {
        let cells = self.card.cells();
        self.maps(bytes, |maps| decode(maps, cells, threshold, Placement::SAME))
    }

    /// The graph's own output, `[5, height / 8, width / 8]` as [`OUTPUTS`] lists, for an input given as `[C, H, W]` bytes.
    ///
    /// # Errors
    /// As [`FaceDetector::detect_in_input`].
    pub fn maps<T>(&mut self, bytes: &[u8], read: impl FnOnce(&[f32]) -> T) -> Result<T, ModelError> {
        if bytes.len() != self.card.input.len() {
            let (model, expected) = (self.model.clone(), self.card.input.len());
            return Err(ModelError::InputLength { model, expected, found: bytes.len() });
        }
        self.engine.run(Input::Bytes(bytes), read).map_err(|reason| self.cannot_run(reason))
    }

    /// Runs the engine on whatever input is there: for measuring.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn infer(&mut self) -> Result<(), ModelError> {
        self.engine.run(Input::Bytes(self.letterbox.bytes()), |_| ()).map_err(|reason| self.cannot_run(reason))
    }

    /// The input's bytes, `[C, H, W]`, for `window` of `frame`: what [`Detector::detect`] runs on.
    pub fn preprocess(&mut self, frame: &FrameView<'_>, window: CropBox) -> &[u8] {
        self.letterbox.take(frame, window);
        self.letterbox.bytes()
    }

    /// The least time of `runs` runs, layer by layer; see [`crate::Classifier::layer_times`].
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn layer_times(&mut self, runs: usize) -> Result<Vec<LayerTime>, ModelError> {
        self.engine.layer_times(runs).map_err(|reason| self.cannot_run(reason))
    }

    fn cannot_run(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), doing: "run", reason }
    }
}

impl Detector for FaceDetector {
    fn detect(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        let placement = self.letterbox.take(frame, window);
        self.detect_placed(placement, threshold)
    }

    fn detect_flipped(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        let placement = self.letterbox.take_flipped(frame, window);
        self.detect_placed(placement, threshold)
    }

    fn detect_zoomed_out(&mut self, frame: &FrameView<'_>, share: f32, threshold: f32) -> Result<Faces, ModelError> {
        let whole = CropBox::full(frame.width(), frame.height());
        let placement = self.letterbox.take_zoomed_out(frame, whole, share);
        self.detect_placed(placement, threshold)
    }

    fn threshold(&self) -> f32 {
        FaceDetector::threshold(self)
    }

    fn input_size(&self) -> [u32; 2] {
        [self.card.input.width, self.card.input.height]
    }
}
