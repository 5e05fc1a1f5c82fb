//! `evaluate` of an emotion model: labelled pictures, through the engine that runs on the device.

use super::args::EvaluateArgs;
use crate::commands::face_search::Search;
use crate::emotion::card::{LOG_COLUMNS, log_row};
use crate::emotion::dataset::scan::{describe, label_folders};
use crate::emotion::metrics::{Scores, score};
use crate::emotion::readout::{outputs, subset};
use crate::export::card::append_row;
use crate::failure::{Blame, Kind, failure};
use crate::files::own_name;
use crate::output::{say, tell};
use crate::part::Part;
use crate::progress::Progress;
use crate::threads::share_out;
use anyhow::{Context, Result, bail, ensure};
use emotion_models::pb::ModelProto;
use emotion_models::{Classifier, ModelCard, Picture, Preprocessor, Probabilities};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Serialize)]
struct EmotionReport<'a> {
    model: String,
    data: String,
    split: &'a str,
    labels: &'a [String],
    skipped: usize,
    undecodable: usize,
    no_face: usize,
    #[serde(flatten)]
    scores: &'a Scores,
}

/// A picture with its label's index among those read out.
type Labelled = (PathBuf, usize);

/// Scores the model and prints the result.
///
/// # Errors
/// When model or folder cannot be used, a label is not the model's, or no picture bears one of its labels.
pub fn run(args: &EvaluateArgs, model: &ModelProto) -> Result<ExitCode> {
    let name = args.model.display().to_string();
    let classifier = match args.precision {
        Some(precision) => Classifier::with_precision(model, &name, precision.into())?,
        None => Classifier::from_model(model, &name)?,
    };
    let card = classifier.card().clone();
    let search = Search::open(&args.emotion.search, card.crop_margin)?;
    let outputs = outputs(&card.labels, &args.emotion.labels)
        .with_context(|| format!("in --labels for {}", args.model.display()))?;
    let labels: Vec<String> = outputs.iter().map(|&output| card.labels[output].clone()).collect();
    let (pictures, skipped) = pictures(&args.data, args.split, &labels).blame(Kind::Data)?;

    let progress = Progress::new("evaluating", pictures.len(), !args.json);
    let input = vec![0.0; card.input.len()];
    let judge = PhotoClassifier { classifier, search, preprocessor: Preprocessor::new(&card.input), input };
    let found = share_out(&judge, &pictures, &progress, |judge, (path, _)| {
        Some(judge.classify(path).map(|raw| raw.map(|raw| subset(&raw, &outputs, card.temperature))))
    });
    drop(progress);

    let (mut probabilities, mut targets, mut undecodable, mut no_face) = (vec![], vec![], 0, 0);
    for ((path, target), found) in pictures.iter().zip(found) {
        match found {
            Ok(None) => no_face += 1,
            Ok(Some(row)) => {
                probabilities.extend_from_slice(&row);
                targets.push(*target);
            }
            Err(reason) => {
                tell!("left out {}: {reason}", path.display());
                undecodable += 1;
            }
        }
    }
    if targets.is_empty() {
        let message = match no_face {
            0 => format!("not one of {} pictures could be read", pictures.len()),
            _ => {
                format!("no face found in {no_face} of {} pictures; --no-face-search takes each whole", pictures.len())
            }
        };
        return Err(failure(Kind::Data, message));
    }
    let scores = score(&probabilities, &targets, labels.len());
    let report = EmotionReport {
        model: name,
        data: args.data.display().to_string(),
        split: args.split.name(),
        labels: &labels,
        skipped,
        undecodable,
        no_face,
        scores: &scores,
    };
    match args.json {
        true => say!("{}", serde_json::to_string(&report)?)?,
        false => print(&report)?,
    }
    if args.split == Part::Test && !args.no_record {
        let row = log_row(&own_name(&args.data), &scores, &how(args, &labels, &card, no_face));
        append_row(&args.model.with_extension("md"), &LOG_COLUMNS, &row, args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The part's pictures whose label is read out, and how many bear another one.
fn pictures(data: &Path, split: Part, labels: &[String]) -> Result<(Vec<Labelled>, usize)> {
    let folder = data.join(split.name());
    ensure!(folder.is_dir(), "{} has no folder {}/; {}", data.display(), split.name(), describe(data));
    let (mut pictures, mut skipped, mut seen) = (vec![], 0, vec![]);
    for (label, files) in label_folders(&folder)? {
        match labels.iter().position(|own| *own == label) {
            Some(target) => pictures.extend(files.pictures.into_iter().map(|path| (path, target))),
            None => skipped += files.pictures.len(),
        }
        seen.push(label);
    }
    if pictures.is_empty() {
        bail!(
            "no picture in {} bears one of the labels {}; found {}",
            folder.display(),
            labels.join(", "),
            seen.join(", ")
        );
    }
    Ok((pictures, skipped))
}

/// Searches one photo after another for its face, and classifies that.
#[derive(Clone)]
struct PhotoClassifier {
    classifier: Classifier,
    search: Search,
    preprocessor: Preprocessor,
    input: Vec<f32>,
}

impl PhotoClassifier {
    /// Raw probabilities of a photo's face; `None` where no face is found.
    fn classify(&mut self, path: &Path) -> Result<Option<Probabilities>> {
        let picture = Picture::open(path)?;
        let frame = picture.view()?;
        let Some((crop, _)) = self.search.crop(&frame)? else { return Ok(None) };
        self.preprocessor.tensor(&frame, crop, &mut self.input);
        Ok(Some(self.classifier.raw_probabilities(&self.input)?))
    }
}

/// How the pictures were taken and the model run, for the card's log.
fn how(args: &EvaluateArgs, labels: &[String], model: &ModelCard, no_face: usize) -> String {
    let mut how = match args.emotion.search.no_face_search {
        true => "evaluate, pictures taken whole".to_owned(),
        false => "evaluate, faces searched for".to_owned(),
    };
    if no_face > 0 {
        how += &format!(" ({no_face} more pictures show none)");
    }
    if labels.len() < model.labels.len() {
        how += &format!(", {} read out", labels.join(", "));
    }
    how + &args.ran_in(model)
}

fn print(report: &EmotionReport<'_>) -> Result<()> {
    let scores = report.scores;
    say!("{} on {} {}", report.model, report.data, report.split)?;
    let mut counts = format!("{} pictures", scores.count);
    if report.skipped > 0 {
        counts += &format!(", {} more bear labels that the model lacks", report.skipped);
    }
    if report.no_face > 0 {
        counts += &format!(", no face found in {} more (--no-face-search takes pictures whole)", report.no_face);
    }
    if report.undecodable > 0 {
        counts += &format!(", {} more could not be read", report.undecodable);
    }
    say!("{counts}\n\n{}", crate::emotion::report::text::scores(report.labels, scores).trim_end())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::TestCard;

    #[test]
    fn pictures_with_other_labels_are_skipped_and_counted() {
        let root = tempfile::tempdir().unwrap();
        for label in ["happy", "sad", "bored"] {
            let folder = root.path().join("test").join(label);
            std::fs::create_dir_all(&folder).unwrap();
            TestCard::new(1).draw(label, 0, 16, 16).save(folder.join("1.png")).unwrap();
        }
        let labels = ["sad".to_owned(), "happy".to_owned()];
        let (found, skipped) = pictures(root.path(), Part::Test, &labels).unwrap();
        assert_eq!(found.iter().map(|(_, target)| *target).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(skipped, 1);
        let error = pictures(root.path(), Part::Test, &["calm".to_owned(), "shy".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("bored, happy, sad"), "{error}");
        let error = pictures(root.path(), Part::Val, &labels).unwrap_err();
        assert!(error.to_string().contains("val/"), "{error}");
    }
}
