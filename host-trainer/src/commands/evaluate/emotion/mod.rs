//! `evaluate` of an emotion model: labelled pictures, through the engine that runs on the device.

mod evaluator;
mod folder;
mod print;
mod tables;

use super::args::EvaluateArgs;
use crate::commands::face_search::Search;
use crate::commands::labellings::labellings;
use crate::emotion::card::{LOG_COLUMNS, log_row};
use crate::emotion::evaluated::legend;
use crate::emotion::lights::Lights;
use crate::emotion::readout::outputs;
use crate::emotion::report::evaluation::{Subject, page, section};
use crate::emotion::slices::Slices;
use crate::export::card::append_rows;
use crate::failure::{Blame, Kind, failure};
use crate::files::{make_folder, own_name, write_whole};
use crate::output::say;
use crate::part::Part;
use anyhow::{Context, Result};
use emotion_models::pb::ModelProto;
use emotion_models::{Classifier, ModelCard};
use evaluator::{Evaluator, FolderResult};
use folder::Folder;
use print::Found;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tables::{groups, of_folders, of_groups, of_robustness};

/// Scores the model and prints the result.
///
/// # Errors
/// When model or a folder cannot be used, a label is not the model's, no picture bears one of its labels, or a file that was asked
/// for cannot be read or written.
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
    let thresholds: Vec<f32> = outputs.iter().map(|&output| card.thresholds[output]).collect();
    let lights = Lights::new(&labels, &thresholds, &args.emotion.lights)?;
    let folders = find_folders(args, &labels)?;
    let slices = args.emotion.slices.as_ref().map(|asked| find_slices(asked, &folders)).transpose()?;
    // Created now, so that a folder that cannot be written is reported before the evaluation starts.
    if let Some(folder) = args.report.as_ref().and_then(|page| page.parent()) {
        make_folder(folder)?;
    }

    let mut evaluator = Evaluator::new(classifier, search, outputs, args.emotion.robustness);
    let result = folders.into_iter().map(|folder| {
        let title = folder.title.clone();
        let result = evaluator.folder(folder, &lights, !args.json);
        if args.data.len() > 1 { result.with_context(|| format!("in {title}")) } else { result }
    });
    let result = result.collect::<Result<Vec<_>>>()?;
    let by_group = slices.as_ref().map(|slices| {
        let all: Vec<_> = result.iter().map(|result| groups(result, slices, &lights)).collect();
        (slices.column.as_str(), all)
    });
    let groups = by_group.as_ref().map(|(column, all)| (*column, all.as_slice()));
    let found = Found { labels: &labels, lights: &lights, folders: &result, groups };
    match args.json {
        true => print::json(args, &found)?,
        false => print::text(args, &found)?,
    }
    if let Some(path) = &args.report {
        write_page(path, args, &card, &found, &mut evaluator)?;
        if !args.json {
            say!("page: {}", path.display())?;
        }
    }
    if args.split == Part::Test && !args.no_record {
        record(args, &card, &labels, &result)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The pictures of every folder.
fn find_folders(args: &EvaluateArgs, labels: &[String]) -> Result<Vec<Folder>> {
    let labellings = match &args.emotion.config {
        Some(config) => labellings(config, &args.data)?,
        None => Default::default(),
    };
    let find = |(data, title): (&PathBuf, String)| {
        Folder::find((data, &title), args.split, labels, labellings.get(&own_name(data))).blame(Kind::Data)
    };
    args.data.iter().zip(args.titles()).map(find).collect()
}

/// The groups, of which at least one picture must be among those that are evaluated.
fn find_slices(asked: &str, folders: &[Folder]) -> Result<Slices> {
    let slices = Slices::read(asked)?;
    let mut pictures = folders.iter().flat_map(|folder| &folder.pictures);
    if pictures.clone().any(|picture| slices.lists(&picture.name)) {
        return Ok(slices);
    }
    let example = pictures.next().map_or("test/LABEL/1.png", |picture| picture.name.as_str());
    let message = format!(
        "{} of --slices lists none of the pictures: its column `file` must have their paths within the folder, such as {example}",
        slices.file.display()
    );
    Err(failure(Kind::Data, message))
}

/// Writes the page with a section for each folder.
fn write_page(
    path: &Path,
    args: &EvaluateArgs,
    card: &ModelCard,
    found: &Found<'_>,
    evaluator: &mut Evaluator,
) -> Result<()> {
    let Found { labels, lights, folders, groups } = found;
    let titles = args.titles().join(", ");
    let line = format!("on the {} pictures of {titles}, through the engine that runs on the device", args.split.name());
    let subject = Subject { model: &card.name, line: &line, labels, lights, input: &card.input };
    let mut sections = vec![];
    for (index, result) in folders.iter().enumerate() {
        let robustness = of_robustness(&[result]).map(|table| ("Robustness".to_owned(), table));
        let slices =
            groups.map(|(column, all)| (format!("By {column}"), of_groups(column, &[(None, all[index].as_slice())])));
        let tables: Vec<_> = robustness.into_iter().chain(slices).collect();
        let Folder { title, pictures, .. } = &result.folder;
        let bytes = |picture: usize| evaluator.bytes(&pictures[picture].path);
        sections.push(section(&subject, title, &result.evaluated, &tables, bytes)?);
    }
    let html = page(&subject, &of_folders(folders), &legend(labels, lights), &sections);
    Ok(write_whole(path, html.as_bytes())?)
}

/// Adds a row for each folder to the log in the model's card.
fn record(args: &EvaluateArgs, card: &ModelCard, labels: &[String], folders: &[FolderResult]) -> Result<()> {
    let row = |result: &FolderResult| {
        log_row(&own_name(&result.folder.data), &result.evaluated.scores, &how(args, labels, card, result))
    };
    let rows: String = folders.iter().map(row).collect();
    append_rows(&args.model.with_extension("md"), &LOG_COLUMNS, &rows, args.json)
}

/// How the pictures were taken and the model run, for the card's log.
fn how(args: &EvaluateArgs, labels: &[String], model: &ModelCard, result: &FolderResult) -> String {
    let mut how = match args.emotion.search.no_face_search {
        true => "evaluate, pictures taken whole".to_owned(),
        false => "evaluate, faces searched for".to_owned(),
    };
    if result.no_face > 0 {
        how += &format!(" ({} more pictures show none)", result.no_face);
    }
    if labels.len() < model.labels.len() {
        how += &format!(", {} read out", labels.join(", "));
    }
    if result.folder.relabelled {
        how += ", labelled as a configuration says";
    }
    if result.folder.voted_out > 0 {
        how += &format!(" (votes leave {} out)", result.folder.voted_out);
    }
    how + &args.ran_in(model)
}
