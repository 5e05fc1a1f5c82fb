//! `predict`: an exported model's label and probabilities for pictures.

use crate::failure::Kind;
use crate::output::say;
use anyhow::Result;
use clap::Args;
use emotion_models::{Classifier, CropBox, Picture, Probabilities};
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
    /// Pictures of faces; each is taken whole, as in training.
    #[arg(required = true, value_name = "PICTURE")]
    pub pictures: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    picture: String,
    label: &'a str,
    probabilities: std::collections::BTreeMap<&'a str, f32>,
}

/// Prints a line for each picture.
///
/// # Errors
/// When the model cannot be used. A picture that does not decode is named, the others are still predicted, and the exit code
/// is that of data.
pub fn run(args: &PredictArgs) -> Result<ExitCode> {
    let mut classifier = Classifier::from_file(&args.model)?;
    let labels = classifier.card().labels.clone();
    let mut failed = 0;
    for path in &args.pictures {
        match predict(&mut classifier, path) {
            Ok(probabilities) => print(path, &labels, &probabilities, args.json)?,
            Err(reason) => {
                crate::output::tell!("host-trainer: cannot predict {}: {reason}", path.display());
                failed += 1;
            }
        }
    }
    if failed > 0 {
        crate::output::tell!("host-trainer: {failed} of {} pictures could not be predicted", args.pictures.len());
        return Ok(ExitCode::from(Kind::Data as u8));
    }
    Ok(ExitCode::SUCCESS)
}

fn predict(classifier: &mut Classifier, path: &Path) -> Result<Probabilities, String> {
    let picture = Picture::open(path).map_err(|error| error.to_string())?;
    let frame = picture.view().map_err(|error| error.to_string())?;
    let whole = CropBox::full(picture.width, picture.height);
    classifier.classify(&frame, whole).map_err(|error| error.to_string())
}

fn print(path: &Path, labels: &[String], probabilities: &Probabilities, json: bool) -> Result<()> {
    let named = labels.iter().map(String::as_str).zip(probabilities.iter().copied());
    let picture = path.display().to_string();
    let label = labels[probabilities.top().0].as_str();
    if json {
        say!("{}", serde_json::to_string(&Prediction { picture, label, probabilities: named.collect() })?)
    } else {
        let all: Vec<String> = named.map(|(label, p)| format!("{label} {p:.3}")).collect();
        say!("{picture}: {label}  ({})", all.join(", "))
    }
}
