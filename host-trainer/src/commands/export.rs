//! `export`: from a run to a model file and its card.

use crate::export::request::Request;
use crate::failure::{Blame, Kind, failure};
use crate::output::say;
use crate::{emotion, face};
use anyhow::{Context, Result};
use clap::Args;
use emotion_models::Task;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Run folder.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// File to write; its card goes beside it as .md.
    #[arg(long, value_name = "MODEL.onnx")]
    pub out: PathBuf,
    /// Labels to read out, separated by commas; all of them by default.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub labels: Vec<String>,
    /// Data sources (1 is the first --data of the run) whose validation part chooses temperature and thresholds, or the
    /// detection threshold; all by default.
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    pub calibrate_on: Vec<usize>,
    /// By which fraction of the face's mean side the training crops are larger than the face; measured on the validation pictures
    /// by default.
    #[arg(long, value_name = "SHARE")]
    pub crop_margin: Option<f32>,
    /// Name in the model's card.
    #[arg(long)]
    pub name: Option<String>,
    /// A remark for the card on how the model was made.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// Exports a run's best epoch.
///
/// # Errors
/// A run or data that cannot be used, a graph that differs from the trainer, or files that cannot be written.
pub fn run(args: &ExportArgs) -> Result<ExitCode> {
    if !args.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        let message = format!("--out {} must end in .onnx; the card goes beside it as .md", args.out.display());
        return Err(failure(Kind::Usage, message));
    }
    let from_one = |n: &usize| n.checked_sub(1).context("--calibrate-on counts from 1").blame(Kind::Usage);
    let calibrate_on = args.calibrate_on.iter().map(from_one);
    let request = Request {
        run: args.run.clone(),
        out: args.out.clone(),
        labels: args.labels.clone(),
        calibrate_on: calibrate_on.collect::<Result<_>>()?,
        crop_margin: args.crop_margin,
        name: args.name.clone(),
        note: args.note.clone(),
    };
    if face::task_of(&request.run.join("config.toml")) == Task::Face {
        return face::export::run(&request);
    }
    let (card, measured) = emotion::export::export(&request)?;
    say!("{}: {}", args.out.display(), card.labels.join(", "))?;
    let thresholds = card.labels.iter().zip(&card.thresholds).map(|(label, threshold)| format!("{label} {threshold}"));
    say!("temperature {}; thresholds {}", card.temperature, thresholds.collect::<Vec<_>>().join(", "))?;
    say!("crops are larger than the face by {:.0} %", 100.0 * card.crop_margin)?;
    for one in &measured {
        let scores = &one.scores;
        say!(
            "{} {}: accuracy {:.3} ({:.3} to {:.3}), macro F1 {:.3}, ECE {:.3} (95th percentile if calibrated {:.3}), {} pictures",
            one.source,
            one.part,
            scores.accuracy,
            scores.interval95.0,
            scores.interval95.1,
            scores.macro_f1,
            scores.ece,
            scores.ece_p95,
            scores.count
        )?;
    }
    say!("card: {}", args.out.with_extension("md").display())?;
    Ok(ExitCode::SUCCESS)
}
