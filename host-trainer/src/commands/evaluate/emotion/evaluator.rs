//! Every picture of a folder through the engine that runs on the device.

use super::folder::{Folder, Labelled};
use crate::commands::face_search::Search;
use crate::emotion::evaluated::Evaluated;
use crate::emotion::lights::Lights;
use crate::emotion::readout::{subset, top};
use crate::emotion::robustness::Perturbation;
use crate::emotion::robustness_figures::Robustness;
use crate::failure::{Kind, failure};
use crate::output::tell;
use crate::progress::Progress;
use crate::threads::share_out;
use anyhow::{Context, Result};
use emotion_models::{Classifier, CropBox, FrameView, Picture, Preprocessor, Probabilities};
use std::path::Path;

/// Searches one photo after another for its face, and classifies that.
#[derive(Clone)]
pub struct Evaluator {
    classifier: Classifier,
    search: Search,
    preprocessor: Preprocessor,
    input: Vec<f32>,
    outputs: Vec<usize>,
    robustness: bool,
}

/// What was found on a folder.
pub struct FolderResult {
    /// The folder, with the evaluated pictures alone.
    pub folder: Folder,
    /// Files that could not be read.
    pub undecodable: usize,
    /// Photos in which no face was found.
    pub no_face: usize,
    /// What the model said of each of the folder's pictures, and the figures.
    pub evaluated: Evaluated,
    /// Accuracy on perturbed pictures, where it was asked for.
    pub robustness: Option<Robustness>,
}

/// What the model says of a picture.
struct Answer {
    /// Of the labels read out, at the card's temperature.
    probabilities: Probabilities,
    /// Its label under each perturbation, where that was asked for.
    perturbed: Vec<usize>,
}

impl Evaluator {
    /// An evaluator that reads out the `outputs` of a model and, for `robustness`, classifies each picture perturbed too.
    pub fn new(classifier: Classifier, search: Search, outputs: Vec<usize>, robustness: bool) -> Self {
        let spec = classifier.card().input;
        let input = vec![0.0; spec.len()];
        Evaluator { classifier, search, preprocessor: Preprocessor::new(&spec), input, outputs, robustness }
    }

    /// Evaluates every picture of a folder; `visible` shows how far it is.
    ///
    /// # Errors
    /// When not one picture could be evaluated.
    pub fn folder(&self, folder: Folder, lights: &Lights, visible: bool) -> Result<FolderResult> {
        let progress = Progress::new("evaluating", folder.pictures.len(), visible);
        let found = share_out(self, &folder.pictures, &progress, |evaluator, picture| Some(evaluator.picture(picture)));
        drop(progress);
        let all = folder.pictures.len();
        let mut evaluable = Folder { pictures: vec![], ..folder };
        let (mut probabilities, mut perturbed, mut undecodable, mut no_face) = (vec![], vec![], 0, 0);
        for (picture, found) in folder.pictures.into_iter().zip(found) {
            match found {
                Ok(None) => no_face += 1,
                Ok(Some(answer)) => {
                    probabilities.extend_from_slice(&answer.probabilities);
                    perturbed.push(answer.perturbed);
                    evaluable.pictures.push(picture);
                }
                Err(reason) => {
                    tell!("left out {}: {reason}", picture.path.display());
                    undecodable += 1;
                }
            }
        }
        if evaluable.pictures.is_empty() {
            let message = match no_face {
                0 => format!("not one of {all} pictures could be read"),
                _ => format!("no face found in {no_face} of {all} pictures; --no-face-search takes each whole"),
            };
            return Err(failure(Kind::Data, message));
        }
        let targets: Vec<usize> = evaluable.pictures.iter().map(|picture| picture.target).collect();
        let evaluated = Evaluated::new(probabilities, targets, lights);
        let figures = || Robustness::new(evaluated.scores.accuracy, &evaluated.targets, &perturbed);
        let robustness = self.robustness.then(figures);
        Ok(FolderResult { folder: evaluable, undecodable, no_face, evaluated, robustness })
    }

    /// The bytes `[C, H, W]` of a photo's face as the net sees them.
    ///
    /// # Errors
    /// When the file is no longer as it was.
    pub fn bytes(&mut self, path: &Path) -> Result<Vec<u8>> {
        let changed = || format!("{} changed during the evaluation", path.display());
        let picture = Picture::open(path).with_context(changed)?;
        let frame = picture.view()?;
        let (crop, _) = self.search.crop(&frame)?.with_context(changed)?;
        Ok(self.preprocessor.resize(&frame, crop).to_vec())
    }

    /// What the model says of a photo's face; `None` where no face is found.
    fn picture(&mut self, labelled: &Labelled) -> Result<Option<Answer>> {
        let picture = Picture::open(&labelled.path)?;
        let frame = picture.view()?;
        let Some((crop, _)) = self.search.crop(&frame)? else { return Ok(None) };
        let probabilities = self.classify(&frame, crop)?;
        let mut perturbed = vec![];
        if self.robustness {
            for perturbation in Perturbation::ALL {
                let changed = perturbation.apply(&picture, crop, &labelled.name)?;
                let whole = CropBox::full(changed.width, changed.height);
                perturbed.push(top(&self.classify(&changed.view()?, whole)?));
            }
        }
        Ok(Some(Answer { probabilities, perturbed }))
    }

    fn classify(&mut self, frame: &FrameView<'_>, crop: CropBox) -> Result<Probabilities> {
        self.preprocessor.tensor(frame, crop, &mut self.input);
        let raw = self.classifier.raw_probabilities(&self.input)?;
        Ok(subset(&raw, &self.outputs, self.classifier.card().temperature))
    }
}
