//! `predict`: an exported model's label and probabilities for pictures.

use super::face_search::{Search, SearchArgs};
use crate::emotion::dataset::scan;
use crate::failure::{Kind, failure};
use crate::output::say;
use anyhow::{Result, ensure};
use clap::Args;
use emotion_models::{Classifier, Face, Picture, Probabilities, printable_path};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Exported model.
    #[arg(long, value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// How the face in each is found.
    #[command(flatten)]
    pub search: SearchArgs,
    /// Photos, or folders of them; of each photo, the largest face near the middle.
    #[arg(required = true, value_name = "PICTURE")]
    pub pictures: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    picture: String,
    /// `None` where no face is found.
    label: Option<&'a str>,
    /// Left, top, width and height, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<[f32; 4]>,
    probabilities: std::collections::BTreeMap<String, f32>,
}

/// What a photo shows.
struct Classified {
    probabilities: Probabilities,
    face: Option<Face>,
}

/// Prints a line for each picture.
///
/// # Errors
/// When a model cannot be used. A picture that does not decode is named, the others are still predicted, and the exit code
/// is that of data.
pub fn run(args: &PredictArgs) -> Result<ExitCode> {
    let mut classifier = Classifier::from_file(&args.model)?;
    let mut search = Search::open(&args.search, classifier.card().crop_margin)?;
    let labels = classifier.card().labels.clone();
    let mut failed = 0;
    let pictures = pictures(&args.pictures)?;
    for path in &pictures {
        match predict(&mut classifier, &mut search, path) {
            Ok(seen) => print(path, &labels, seen.as_ref(), args.json)?,
            Err(reason) => {
                crate::output::tell!("host-trainer: cannot predict {}: {reason}", path.display());
                failed += 1;
            }
        }
    }
    if failed > 0 {
        crate::output::tell!("host-trainer: {failed} of {} pictures could not be predicted", pictures.len());
        return Ok(ExitCode::from(Kind::Data as u8));
    }
    Ok(ExitCode::SUCCESS)
}

/// The files that are named, and those in the folders that are.
fn pictures(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = vec![];
    for path in named {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let found = scan::pictures(path)?;
        ensure!(!found.is_empty(), failure(Kind::Data, format!("{} holds no pictures", path.display())));
        all.extend(found);
    }
    Ok(all)
}

fn predict(classifier: &mut Classifier, search: &mut Search, path: &Path) -> Result<Option<Classified>> {
    let picture = Picture::open_leniently(path)?.picture;
    let frame = picture.view()?;
    let Some((crop, face)) = search.crop(&frame)? else { return Ok(None) };
    let probabilities = classifier.classify(&frame, crop)?;
    Ok(Some(Classified { probabilities, face }))
}

fn print(path: &Path, labels: &[String], seen: Option<&Classified>, json: bool) -> Result<()> {
    let named = |seen: &Classified| -> Vec<(String, f32)> {
        labels.iter().cloned().zip(seen.probabilities.iter().copied()).collect()
    };
    let picture = printable_path(path);
    let label = seen.map(|seen| labels[seen.probabilities.top().0].as_str());
    if json {
        let face = seen.and_then(|seen| seen.face).map(|face| face.rect.into());
        let probabilities = seen.map(named).unwrap_or_default().into_iter().collect();
        return say!("{}", serde_json::to_string(&Prediction { picture, label, face, probabilities })?);
    }
    let Some((seen, label)) = seen.zip(label) else {
        return say!("{picture}: no face (--no-face-search takes it whole)");
    };
    let all: Vec<String> = named(seen).iter().map(|(label, p)| format!("{label} {p:.3}")).collect();
    say!("{picture}: {label}  ({})", all.join(", "))
}
