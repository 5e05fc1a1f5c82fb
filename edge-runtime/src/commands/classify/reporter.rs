//! The models that classify photos, and where their answers go: standard output and annotated copies.

use super::annotated::Annotated;
use super::report::PhotoReport;
use crate::annotate::annotate;
use crate::exit::Failure;
use crate::lights::LampWiring;
use crate::photo::{PhotoClassifier, PhotoFaces};
use crate::setup::Setup;
use crate::track::WhichFaces;
use emotion_models::{Classifier, FaceDetector, FrameView, Picture};
use std::io::Write;
use std::path::Path;

/// Classifies photos and reports each.
pub(in crate::commands) struct Reporter {
    photos: PhotoClassifier<FaceDetector, Classifier>,
    labels: Vec<String>,
    moods: Vec<LampWiring>,
    choice: WhichFaces,
    json: bool,
    annotated: Option<Annotated>,
}

impl Reporter {
    /// Opens the models of `setup`.
    pub(in crate::commands) fn new(setup: &Setup, json: bool, annotated: Option<Annotated>) -> Result<Self, Failure> {
        let classifier = setup.classifier()?;
        let resolved = setup.resolve(&classifier)?;
        let labels = classifier.card().labels.clone();
        let photos = PhotoClassifier { finder: setup.finder()?, classifier, filter: resolved.filter };
        Ok(Self { photos, labels, moods: resolved.wiring.moods, choice: setup.config.faces, json, annotated })
    }

    /// The faces of a photo, with their moods.
    pub(in crate::commands) fn classify(&mut self, view: &FrameView<'_>) -> Result<PhotoFaces, Failure> {
        Ok(self.photos.classify(view)?)
    }

    /// Writes what was seen in `picture`, which is called `name`.
    pub(in crate::commands) fn report(
        &mut self,
        out: &mut impl Write,
        name: &Path,
        picture: &Picture,
        seen: &PhotoFaces,
    ) -> Result<(), Failure> {
        let (choice, searched) = (self.choice, self.photos.finder.is_some());
        let verdict = self.photos.verdict(seen, choice);
        let report = PhotoReport { picture: name, seen, verdict, labels: &self.labels, searched, choice };
        if self.json {
            writeln!(out, "{}", report.json())?;
        } else {
            report.write(out)?;
        }
        if let Some(annotated) = &mut self.annotated {
            let mean = verdict.as_ref().filter(|_| choice == WhichFaces::Average && seen.faces.len() > 1);
            annotated.save(name, &annotate(picture, seen, mean, &self.moods))?;
        }
        Ok(())
    }
}
