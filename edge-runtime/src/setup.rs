//! From flags and files to the parts of a run.

use crate::cli::{Global, Settings};
use crate::config::{self, Config, Keys, Origin, Resolved};
use crate::exit::Failure;
use crate::precision::{self, PrecisionChoice};
use crate::source::CameraRequest;
use emotion_models::{Classifier, ModelError, shipped};
use std::num::NonZeroUsize;
use std::path::Path;

/// Name of the model inside the program, for messages.
const SHIPPED: &str = "the model inside this program";

/// The configuration as it holds: file, then flags.
pub struct Setup {
    /// What file and flags say.
    pub config: Config,
    /// Where the file was.
    pub origin: Origin,
    keys: Keys,
    /// Where the file names the model; `None` if a flag does, or nobody.
    model_place: Option<String>,
}

impl Setup {
    /// Reads the configuration file, if there is one, and puts the flags over it.
    ///
    /// # Errors
    /// A file that cannot be read, or that says something impossible.
    pub fn new(global: &Global, settings: &Settings) -> Result<Self, Failure> {
        let Some(path) = config::find(global.config.as_deref()) else {
            return Ok(Self::without_file(global, settings));
        };
        let (config, keys) = Config::read(&path)?;
        Ok(Self::compose(config, keys, Origin::File(path), global, settings))
    }

    /// The defaults with the flags over them, whatever a file says.
    pub fn without_file(global: &Global, settings: &Settings) -> Self {
        Self::compose(Config::default(), Keys::default(), Origin::Defaults, global, settings)
    }

    fn compose(mut config: Config, keys: Keys, origin: Origin, global: &Global, settings: &Settings) -> Self {
        settings.apply(&mut config);
        let mut model_place = config.model.is_some().then(|| keys.place("model"));
        if global.model.is_some() {
            config.model.clone_from(&global.model);
            model_place = None;
        }
        Self { config, origin, keys, model_place }
    }

    /// Loads the model: the configured file, or the one inside the program.
    ///
    /// # Errors
    /// As [`Classifier::from_file`]; where the configuration file names the model, with the place.
    pub fn classifier(&self) -> Result<Classifier, Failure> {
        self.classifier_in(self.config.precision, self.config.threads)
    }

    /// The same, to run in `precision` on so many threads.
    ///
    /// # Errors
    /// As [`Setup::classifier`]; a float model that is to run in integers.
    pub fn classifier_in(&self, precision: PrecisionChoice, threads: NonZeroUsize) -> Result<Classifier, Failure> {
        let loaded = match &self.config.model {
            Some(path) => {
                read(path).and_then(|bytes| precision::load(&bytes, &path.display().to_string(), precision, threads))
            }
            None => precision::load(shipped::EMOTION, SHIPPED, precision, threads),
        };
        loaded.map_err(|source| match self.model_place.clone() {
            Some(place) => Failure::ConfiguredModel { place, source },
            None => source.into(),
        })
    }

    /// What to ask of a camera.
    pub fn camera_request(&self) -> CameraRequest {
        let camera = &self.config.camera;
        CameraRequest { width: camera.width, height: camera.height, ..CameraRequest::default() }
    }

    /// Lights and thresholds for the model's labels.
    ///
    /// # Errors
    /// A mood the model lacks, a pin used twice, thresholds that contradict each other.
    pub fn resolve(&self, classifier: &Classifier) -> Result<Resolved, Failure> {
        Ok(config::resolve(&self.config, classifier.card(), &self.origin, &self.keys)?)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })
}

/// The model inside the program.
///
/// # Errors
/// As [`Classifier::from_bytes`]; none for a program that passed its tests.
pub fn shipped_classifier() -> Result<Classifier, ModelError> {
    Classifier::from_bytes(shipped::EMOTION, SHIPPED)
}
