//! From flags and files to the parts of a run.

use crate::cli::{Flags, Global};
use crate::config::{self, Config, Keys, Origin, Resolved};
use crate::exit::Failure;
use crate::precision::{self, PrecisionChoice};
use crate::source::CameraRequest;
use crate::track::{CentredSquare, FaceLocator, Tracker};
use emotion_models::{AutoTune, Classifier, FaceDetector, ModelError, read_file, shipped};
use std::num::NonZeroUsize;
use std::path::Path;

/// Names of the models inside the program, for messages.
const SHIPPED: &str = "the model inside this program";
const SHIPPED_FACE: &str = "the face model inside this program";

/// The configuration as it holds: file, then flags.
pub struct Setup {
    /// What file and flags say.
    pub config: Config,
    /// Where the file was.
    pub origin: Origin,
    keys: Keys,
    /// Where the file names the model, and the face model; `None` if a flag names it, or neither does.
    model_place: Option<String>,
    face_model_place: Option<String>,
}

impl Setup {
    /// Reads the configuration file, if there is one, and puts the flags over it.
    ///
    /// # Errors
    /// A file that cannot be read, or that says something impossible.
    pub fn new<const S: usize>(global: &Global, flags: &Flags<S>) -> Result<Self, Failure> {
        let Some(path) = config::find(global.config.as_deref()) else {
            return Ok(Self::without_file(global, flags));
        };
        let (config, keys) = Config::read(&path)?;
        Ok(Self::compose((config, keys, Origin::File(path)), global, flags))
    }

    /// The defaults with the flags over them, whatever a file says.
    pub fn without_file<const S: usize>(global: &Global, flags: &Flags<S>) -> Self {
        Self::compose((Config::default(), Keys::default(), Origin::Defaults), global, flags)
    }

    /// The defaults, with the lights of a file that is refused as far as it names any, and the flags over them.
    pub fn with_lights_of_broken_file<const S: usize>(global: &Global, flags: &Flags<S>) -> Self {
        let mut setup = Self::without_file(global, flags);
        if let Some(path) = config::find(global.config.as_deref()) {
            setup.config.lights = Config::salvage_lights(&path);
            flags.apply(&mut setup.config);
        }
        setup
    }

    fn compose<const S: usize>(read: (Config, Keys, Origin), global: &Global, flags: &Flags<S>) -> Self {
        let (mut config, keys, origin) = read;
        flags.apply(&mut config);
        let mut model_place = config.model.is_some().then(|| keys.place("model"));
        if global.model.is_some() {
            config.model.clone_from(&global.model);
            model_place = None;
        }
        let mut face_model_place = config.face_model.is_some().then(|| keys.place("face_model"));
        if global.face_model.is_some() {
            config.face_model.clone_from(&global.face_model);
            (config.face_search, face_model_place) = (true, None);
        }
        config.face_search &= !global.no_face_search;
        Self { config, origin, keys, model_place, face_model_place }
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
        let (file, own) = (self.config.model.as_deref(), (shipped::EMOTION, SHIPPED));
        load(file, own, precision, threads, self.model_place.as_deref())
    }

    /// Loads the face model: the configured file, or the one inside the program; `None` where frames are not searched.
    ///
    /// # Errors
    /// As [`FaceDetector::from_file`]; where the configuration file names the model, with the place.
    pub fn finder(&self) -> Result<Option<FaceDetector>, Failure> {
        if !self.config.face_search {
            return Ok(None);
        }
        // A float model has no integers to run in, whatever is asked of the other.
        let finder = self.finder_in(self.config.precision, self.config.threads);
        match finder {
            Err(failure) if failure.is_not_integer() => {
                self.finder_in(PrecisionChoice::F32, self.config.threads).map(Some)
            }
            finder => finder.map(Some),
        }
    }

    /// The same, to run in `precision` on so many threads, whether frames are searched or not.
    ///
    /// # Errors
    /// As [`Setup::finder`]; a float model that is to run in integers.
    pub fn finder_in(&self, precision: PrecisionChoice, threads: NonZeroUsize) -> Result<FaceDetector, Failure> {
        let (file, own) = (self.config.face_model.as_deref(), (shipped::FACE, SHIPPED_FACE));
        load(file, own, precision, threads, self.face_model_place.as_deref())
    }

    /// What finds faces in a run's frames.
    ///
    /// # Errors
    /// As [`Setup::finder`].
    pub fn locator(&self) -> Result<Box<dyn FaceLocator>, Failure> {
        Ok(match self.finder()? {
            Some(finder) => Box::new(Tracker::new(finder, self.config.faces)),
            None => Box::new(CentredSquare::default()),
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

/// A model from its file, or the program's own; `place` is where a configuration names the file.
fn load<M: AutoTune>(
    file: Option<&Path>,
    (own, own_name): (&[u8], &str),
    precision: PrecisionChoice,
    threads: NonZeroUsize,
    place: Option<&str>,
) -> Result<M, Failure> {
    let loaded = match file {
        Some(path) => {
            read_file(path).and_then(|bytes| precision::load(&bytes, &path.display().to_string(), precision, threads))
        }
        None => precision::load(own, own_name, precision, threads),
    };
    loaded.map_err(|source| match place {
        Some(place) => Failure::ConfiguredModel { place: place.to_owned(), source },
        None => source.into(),
    })
}

/// The model inside the program.
///
/// # Errors
/// As [`Classifier::from_bytes`]; none for a program that passed its tests.
pub fn shipped_classifier() -> Result<Classifier, ModelError> {
    Classifier::from_bytes(shipped::EMOTION, SHIPPED)
}
