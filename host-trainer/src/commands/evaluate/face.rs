//! `evaluate` of a face model: photos with face boxes, through the engine that runs on the device.

use super::args::EvaluateArgs;
use crate::export::card::append_rows;
use crate::face::card::{LOG_COLUMNS, log_row};
use crate::face::detections::{PhotoDetections, text};
use crate::face::metrics::Scores;
use crate::face::report::Section;
use crate::face::{photos, report};
use crate::files::{make_folder, own_name};
use crate::output::say;
use crate::part::Part;
use crate::progress::Progress;
use crate::report::table::Table;
use anyhow::Result;
use emotion_models::FaceDetector;
use emotion_models::pb::ModelProto;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

#[derive(Serialize)]
struct FaceReport<'a> {
    model: String,
    data: String,
    split: String,
    #[serde(flatten)]
    scores: &'a Scores,
}

/// What was found in a folder's photos.
struct Searched {
    scores: Scores,
    unreadable: usize,
    /// Its part of the page, where one is asked for.
    section: Option<Section>,
}

/// Scores a face model and prints the result.
///
/// # Errors
/// When model or photos cannot be used.
pub fn run(args: &EvaluateArgs, model: &ModelProto) -> Result<ExitCode> {
    let name = args.model.display().to_string();
    let finder = match args.precision {
        Some(precision) => FaceDetector::with(model, &name, precision.into(), NonZeroUsize::MIN)?,
        None => FaceDetector::from_model(model, &name)?,
    };
    let mut searched = args.data.iter().map(|data| search(args, data, &finder)).collect::<Result<Vec<_>>>()?;
    let table = table(args, &searched);
    match args.json {
        true => print_json(args, &searched)?,
        false => print(args, &searched, &table)?,
    }
    if let Some(page) = &args.report {
        let sections: Vec<Section> = searched.iter_mut().filter_map(|one| one.section.take()).collect();
        report::of_model(page, &finder.card().name, &table, &sections)?;
        if !args.json {
            say!("page: {}", page.display())?;
        }
    }
    if args.split == Part::Test && !args.no_record {
        let how = "evaluate".to_owned() + &args.ran_in(finder.card());
        let rows = args.data.iter().zip(&searched).map(|(data, one)| log_row(&own_name(data), &one.scores, &how));
        append_rows(&args.model.with_extension("md"), &LOG_COLUMNS, &rows.collect::<String>(), args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Searches the photos of one folder.
fn search(args: &EvaluateArgs, data: &Path, finder: &FaceDetector) -> Result<Searched> {
    let part = args.split;
    let loaded = photos::load(&[data.to_path_buf()], part, true)?;
    // Created now, so that a folder that cannot be written is reported before the evaluation starts.
    if let Some(folder) = args.report.as_ref().and_then(|page| page.parent()) {
        make_folder(folder)?;
    }
    let progress = Progress::new("evaluating", loaded.photos.photos.len(), !args.json);
    let detections = PhotoDetections::detect(finder, &loaded.photos, &progress)?;
    drop(progress);
    let scores = detections.findings.at(finder.threshold(), &loaded.photos.classes);
    let place = format!("{}'s {part} photos", own_name(data));
    let section = args.report.as_ref().map(|_| report::section(&place, &detections, &scores)).transpose()?;
    Ok(Searched { scores, unreadable: loaded.unreadable, section })
}

/// Prints an object for one folder, an array for several.
fn print_json(args: &EvaluateArgs, searched: &[Searched]) -> Result<()> {
    let mut reports = vec![];
    for (data, Searched { scores, .. }) in args.data.iter().zip(searched) {
        let (model, data) = (args.model.display().to_string(), data.display().to_string());
        reports.push(FaceReport { model, data, split: args.split.to_string(), scores });
    }
    match &reports[..] {
        [one] => say!("{}", serde_json::to_string(one)?),
        several => say!("{}", serde_json::to_string(several)?),
    }
}

/// Prints the figures of one folder in full, those of several as a table.
fn print(args: &EvaluateArgs, searched: &[Searched], table: &Table) -> Result<()> {
    let (model, part) = (args.model.display(), args.split);
    match (&args.data[..], searched) {
        ([data], [one]) => {
            let words = text(&one.scores);
            say!("{model} on {} {part}: {} photos\n\n{}", data.display(), one.scores.photos, words.trim_end())?;
        }
        _ => say!("{model} on {part}\n\n{}", table.text().trim_end())?,
    }
    let unreadable: usize = searched.iter().map(|one| one.unreadable).sum();
    if unreadable > 0 { say!("photos left out: {unreadable}") } else { Ok(()) }
}

/// A row a folder.
fn table(args: &EvaluateArgs, searched: &[Searched]) -> Table {
    let mut table =
        Table::new(["data", "photos", "average precision", "recall", "precision", "centres near", "false positives"]);
    for (title, Searched { scores, .. }) in args.titles().iter().zip(searched) {
        table.push(
            title,
            [
                scores.photos.to_string(),
                format!("{:.4}", scores.average_precision),
                scores.recall.shown(),
                format!("{:.3}", scores.precision),
                scores.localisation.near.shown(),
                format!("{} in {}", scores.false_positives, scores.empty_photos),
            ],
        );
    }
    table
}
