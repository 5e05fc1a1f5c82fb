//! `classify`: the mood in pictures.

use crate::cli::{ClassifyArgs, Global, Settings};
use crate::event::Labelled;
use crate::exit::Failure;
use crate::frame::Skipped;
use crate::setup::Setup;
use crate::source::{SourceError, open_picture};
use emotion_models::{Classifier, Probabilities};
use serde_json::json;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) fn classify(global: &Global, args: &ClassifyArgs) -> Result<(), Failure> {
    let setup = Setup::new(global, &Settings::default())?;
    let mut classifier = setup.classifier()?;
    let filter = setup.resolve(&classifier)?.filter;
    let labels = classifier.card().labels.clone();
    let mut stdout = io::stdout().lock();
    let mut skipped: Option<Skipped> = None;
    for path in &args.pictures {
        let probabilities = match judge(&mut classifier, path)? {
            Ok(probabilities) => probabilities,
            Err(error) if args.pictures.len() == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!("{error}");
                let skipped = skipped.get_or_insert_with(|| Skipped::new(args.pictures.len(), path));
                skipped.reasons.push(error.to_string().into());
                skipped.times += 1;
                continue;
            }
        };
        let (top, probability) = probabilities.top();
        let sure = probability >= filter.enter(top);
        if args.json {
            let object = json!({
                "picture": path.to_string_lossy(),
                "label": labels[top],
                "sure": sure,
                "probabilities": Labelled { values: probabilities, labels: &labels },
            });
            writeln!(stdout, "{object}")?;
        } else {
            let all: Vec<String> =
                labels.iter().zip(probabilities.iter()).map(|(label, value)| format!("{label} {value:.2}")).collect();
            let doubt = if sure { "" } else { ", unsure" };
            writeln!(stdout, "{}: {}{doubt} ({})", path.display(), labels[top], all.join(", "))?;
        }
    }
    stdout.flush()?;
    skipped.map_or(Ok(()), |skipped| Err(SourceError::Pictures(Arc::new(skipped)).into()))
}

/// The model's failure ends the command; a picture's does not.
fn judge(classifier: &mut Classifier, path: &Path) -> Result<Result<Probabilities, SourceError>, Failure> {
    let picture = match open_picture(path) {
        Ok(picture) => picture,
        Err(error) => return Ok(Err(error)),
    };
    let view = picture.view().map_err(SourceError::from)?;
    let crop = emotion_models::CropBox::centred_square(picture.width, picture.height);
    Ok(Ok(classifier.classify(&view, crop)?))
}
