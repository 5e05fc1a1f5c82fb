//! `evaluate` of a face model: photos with face boxes, through the engine that runs on the device.

use super::args::EvaluateArgs;
use crate::export::card::append_row;
use crate::face::card::{LOG_COLUMNS, log_row};
use crate::face::detections::{PhotoDetections, text};
use crate::face::metrics::Scores;
use crate::face::{photos, report};
use crate::failure::{Kind, failure};
use crate::files::own_name;
use crate::output::say;
use crate::part::Part;
use crate::progress::Progress;
use anyhow::Result;
use emotion_models::FaceDetector;
use emotion_models::pb::ModelProto;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::process::ExitCode;

#[derive(Serialize)]
struct FaceReport<'a> {
    model: String,
    data: String,
    split: String,
    #[serde(flatten)]
    scores: &'a Scores,
}

/// Scores a face model and prints the result.
///
/// # Errors
/// When model or photos cannot be used.
pub fn run(args: &EvaluateArgs, model: &ModelProto) -> Result<ExitCode> {
    if let Some(page) = args.face.report.as_ref().filter(|page| page.extension().is_none_or(|end| end != "html")) {
        return Err(failure(Kind::Usage, format!("--report {} must end in .html", page.display())));
    }
    let name = args.model.display().to_string();
    let finder = match args.precision {
        Some(precision) => FaceDetector::with(model, &name, precision.into(), NonZeroUsize::MIN)?,
        None => FaceDetector::from_model(model, &name)?,
    };
    let part = args.split;
    let loaded = photos::load(std::slice::from_ref(&args.data), part, true)?;
    // Created now, so that a folder that cannot be written is reported before the detection starts.
    if let Some(folder) = args.face.report.as_ref().and_then(|page| page.parent()) {
        crate::files::make_folder(folder)?;
    }
    let progress = Progress::new("evaluating", loaded.photos.photos.len(), !args.json);
    let detections = PhotoDetections::detect(&finder, &loaded.photos, &progress)?;
    drop(progress);
    let scores = detections.findings.at(finder.threshold(), &loaded.photos.classes);
    let data = args.data.display();
    if args.json {
        let report = FaceReport { model: name, data: data.to_string(), split: part.to_string(), scores: &scores };
        say!("{}", serde_json::to_string(&report)?)?;
    } else {
        say!("{name} on {data} {part}: {} photos\n\n{}", scores.photos, text(&scores).trim_end())?;
        if loaded.unreadable > 0 {
            say!("photos left out: {}", loaded.unreadable)?;
        }
    }
    let source = own_name(&args.data);
    if let Some(page) = &args.face.report {
        report::of_model(page, &finder.card().name, &format!("{source}'s {part} photos"), &detections, &scores)?;
        if !args.json {
            say!("page: {}", page.display())?;
        }
    }
    if part == Part::Test && !args.no_record {
        let how = "evaluate".to_owned() + &args.ran_in(finder.card());
        append_row(&args.model.with_extension("md"), &LOG_COLUMNS, &log_row(&source, &scores, &how), args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}
