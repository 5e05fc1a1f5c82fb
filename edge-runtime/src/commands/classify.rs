//! `classify`: the mood of the faces in photos.

mod annotated;
mod report;

use crate::annotate::annotate;
use crate::cli::{ClassifyArgs, Global};
use crate::exit::Failure;
use crate::frame::Skipped;
use crate::photo::{CropClassifier, PhotoClassifier, PhotoFaces};
use crate::setup::Setup;
use crate::source::{SourceError, open_picture, pictures_in};
use crate::track::WhichFaces;
pub(super) use annotated::Annotated;
use emotion_models::Detector;
use emotion_models::Picture;
pub(super) use report::PhotoReport;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn classify(global: &Global, args: &ClassifyArgs) -> Result<(), Failure> {
    let pictures = pictures(&args.pictures)?;
    let mut annotated = args.annotate.as_deref().map(|out| Annotated::new(out, &pictures)).transpose()?;
    let setup = Setup::new(global, &args.settings)?;
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let finder = setup.finder()?;
    let (searched, choice) = (finder.is_some(), setup.config.faces);
    let labels = classifier.card().labels.clone();
    let mut photos = PhotoClassifier { finder, classifier, filter: resolved.filter };
    let mut stdout = io::stdout().lock();
    let mut skipped: Option<Skipped> = None;
    for path in &pictures {
        let (picture, seen) = match classify_file(&mut photos, path)? {
            Ok(seen) => seen,
            Err(error) if pictures.len() == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!("{error}");
                let skipped = skipped.get_or_insert_with(|| Skipped::new(pictures.len(), path));
                skipped.reasons.push(error.to_string().into());
                skipped.times += 1;
                continue;
            }
        };
        let verdict = photos.verdict(&seen, choice);
        let report = PhotoReport { picture: path, seen: &seen, verdict, labels: &labels, searched, choice };
        if args.json {
            writeln!(stdout, "{}", report.json())?;
        } else {
            report.write(&mut stdout)?;
        }
        if let Some(annotated) = &mut annotated {
            let mean = verdict.as_ref().filter(|_| choice == WhichFaces::Average && seen.faces.len() > 1);
            annotated.save(path, &annotate(&picture, &seen, mean, &resolved.wiring.moods))?;
        }
    }
    stdout.flush()?;
    skipped.map_or(Ok(()), |skipped| Err(SourceError::Pictures(Arc::new(skipped)).into()))
}

/// The files that are named, and those in the folders that are.
fn pictures(named: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut all = Vec::new();
    for path in named {
        if path.is_dir() {
            all.extend(pictures_in(path)?);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

/// The model's failure ends the command; a picture's does not.
fn classify_file<F: Detector, J: CropClassifier>(
    photos: &mut PhotoClassifier<F, J>,
    path: &Path,
) -> Result<Result<(Picture, PhotoFaces), SourceError>, Failure> {
    let picture = match open_picture(path) {
        Ok(picture) => picture,
        Err(error) => return Ok(Err(error)),
    };
    let seen = photos.classify(&picture.view().map_err(SourceError::from)?)?;
    Ok(Ok((picture, seen)))
}
