//! `classify`: the mood of the faces in photos.

mod annotated;
mod report;
mod reporter;

use crate::cli::{ClassifyArgs, Global};
use crate::exit::Failure;
use crate::frame::Skipped;
use crate::photo::PhotoFaces;
use crate::setup::Setup;
use crate::source::{SourceError, open_picture, pictures_in};
pub(super) use annotated::Annotated;
use emotion_models::Picture;
pub(super) use reporter::Reporter;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn classify(global: &Global, args: &ClassifyArgs) -> Result<(), Failure> {
    let pictures = pictures(&args.pictures)?;
    let annotated = args.annotate.as_deref().map(|out| Annotated::new(out, &pictures)).transpose()?;
    let mut reporter = Reporter::new(&Setup::new(global, &args.settings)?, args.json, annotated)?;
    let mut stdout = io::stdout().lock();
    let mut skipped: Option<Skipped> = None;
    for path in &pictures {
        match classify_file(&mut reporter, path)? {
            Ok((picture, seen)) => reporter.report(&mut stdout, path, &picture, &seen)?,
            Err(error) if pictures.len() == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!("{error}");
                let skipped = skipped.get_or_insert_with(|| Skipped::new(pictures.len(), path));
                skipped.reasons.push(error.to_string().into());
                skipped.times += 1;
            }
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
fn classify_file(reporter: &mut Reporter, path: &Path) -> Result<Result<(Picture, PhotoFaces), SourceError>, Failure> {
    let picture = match open_picture(path) {
        Ok(picture) => picture,
        Err(error) => return Ok(Err(error)),
    };
    let seen = reporter.classify(&picture.view().map_err(SourceError::from)?)?;
    Ok(Ok((picture, seen)))
}
