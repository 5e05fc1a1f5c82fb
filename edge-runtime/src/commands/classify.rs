//! `classify`: the mood of the faces in photos.

mod annotated;
mod report;

use crate::annotate::annotate;
use crate::cli::{ClassifyArgs, Global};
use crate::exit::Failure;
use crate::frame::Skipped;
use crate::photo::{MoodJudge, PhotoJudge, Seen};
use crate::setup::Setup;
use crate::source::{SourceError, open_picture};
use crate::track::WhichFaces;
use annotated::Annotated;
use emotion_models::Detector;
use emotion_models::Picture;
use report::Told;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) fn classify(global: &Global, args: &ClassifyArgs) -> Result<(), Failure> {
    let mut annotated = args.annotate.as_deref().map(|out| Annotated::new(out, &args.pictures)).transpose()?;
    let setup = Setup::new(global, &args.settings)?;
    let classifier = setup.classifier()?;
    let resolved = setup.resolve(&classifier)?;
    let finder = setup.finder()?;
    let (searched, choice) = (finder.is_some(), setup.config.faces);
    let labels = classifier.card().labels.clone();
    let mut judge = PhotoJudge { finder, judge: classifier, filter: resolved.filter };
    let mut stdout = io::stdout().lock();
    let mut skipped: Option<Skipped> = None;
    for path in &args.pictures {
        let (picture, seen) = match look(&mut judge, path)? {
            Ok(seen) => seen,
            Err(error) if args.pictures.len() == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!("{error}");
                let skipped = skipped.get_or_insert_with(|| Skipped::new(args.pictures.len(), path));
                skipped.reasons.push(error.to_string().into());
                skipped.times += 1;
                continue;
            }
        };
        let verdict = judge.verdict(&seen, choice);
        let told = Told { picture: path, seen: &seen, verdict, labels: &labels, searched, choice };
        if args.json {
            writeln!(stdout, "{}", told.json())?;
        } else {
            told.write(&mut stdout)?;
        }
        if let Some(annotated) = &mut annotated {
            let together = verdict.as_ref().filter(|_| choice == WhichFaces::Average && seen.faces.len() > 1);
            annotated.save(path, &annotate(&picture, &seen, together, &resolved.wiring.moods))?;
        }
    }
    stdout.flush()?;
    skipped.map_or(Ok(()), |skipped| Err(SourceError::Pictures(Arc::new(skipped)).into()))
}

/// The model's failure ends the command; a picture's does not.
fn look<F: Detector, J: MoodJudge>(
    judge: &mut PhotoJudge<F, J>,
    path: &Path,
) -> Result<Result<(Picture, Seen), SourceError>, Failure> {
    let picture = match open_picture(path) {
        Ok(picture) => picture,
        Err(error) => return Ok(Err(error)),
    };
    let seen = judge.look(&picture.view().map_err(SourceError::from)?)?;
    Ok(Ok((picture, seen)))
}
