//! `export`: from a run to a model file and its card.

use super::task_flags::{EMOTION, TaskFlags};
use crate::emotion::EmotionTask;
use crate::emotion::card::EmotionFound;
use crate::emotion::evaluated::Evaluated;
use crate::export::exporter::export;
use crate::export::request::Request;
use crate::face::card::{FaceFound, line};
use crate::face::metrics::TARGET_PRECISION;
use crate::face::{FaceTask, perturbations};
use crate::failure::{Blame, Kind, failure};
use crate::output::{say, tell};
use crate::run::config::task_of;
use anyhow::{Context, Result};
use clap::Args;
use emotion_models::{ModelCard, Task};
use std::path::PathBuf;
use std::process::ExitCode;

/// Export warns of a locator with a lower recall on the validation photos than this.
const MIN_RECALL: f64 = 0.5;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Run folder.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// File to write; its card goes beside it as .md.
    #[arg(long, value_name = "MODEL.onnx")]
    pub out: PathBuf,
    /// Data sources (1 is the first --data of the run) whose validation part chooses temperature and thresholds, or the
    /// detection threshold; all by default.
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    pub calibrate_on: Vec<usize>,
    /// Name in the model's card.
    #[arg(long)]
    pub name: Option<String>,
    /// A remark for the card on how the model was made.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Those of emotion models.
    #[command(flatten, next_help_heading = EMOTION)]
    pub emotion: EmotionArgs,
}

/// What only an emotion model's export knows.
#[derive(Debug, Args)]
pub struct EmotionArgs {
    /// Labels to read out, separated by commas; all of them by default.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub labels: Vec<String>,
    /// Labels that have a light, separated by commas: their thresholds keep calm faces dark; by default angry, happy and sad, or
    /// all where the model has none of these.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub lights: Vec<String>,
    /// By which fraction of the face's mean side the training crops are larger than the face; measured on the validation pictures
    /// by default.
    #[arg(long, value_name = "SHARE")]
    pub crop_margin: Option<f32>,
}

/// Exports a run's best epoch.
///
/// # Errors
/// A run or data that cannot be used, a graph that differs from the trainer, or files that cannot be written.
pub fn run(args: &ExportArgs, given: &TaskFlags) -> Result<ExitCode> {
    if !args.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        let message = format!("--out {} must end in .onnx; the card goes beside it as .md", args.out.display());
        return Err(failure(Kind::Usage, message));
    }
    let from_one = |n: &usize| n.checked_sub(1).context("--calibrate-on counts from 1").blame(Kind::Usage);
    let calibrate_on = args.calibrate_on.iter().map(from_one);
    let request = Request {
        run: args.run.clone(),
        out: args.out.clone(),
        labels: args.emotion.labels.clone(),
        calibrate_on: calibrate_on.collect::<Result<_>>()?,
        lights: args.emotion.lights.clone(),
        crop_margin: args.emotion.crop_margin,
        name: args.name.clone(),
        note: args.note.clone(),
    };
    let task = task_of(&request.run.join("config.toml"));
    given.refuse_other(task)?;
    match task {
        Task::Emotion => {
            let (card, found) = export::<EmotionTask>(&request)?;
            say_emotion(&request, &card, &found)?;
        }
        Task::Face => {
            let (card, found) = export::<FaceTask>(&request)?;
            say_face(&request, &card, &found)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say_emotion(request: &Request, card: &ModelCard, found: &EmotionFound) -> Result<()> {
    say!("{}: {}", request.out.display(), card.labels.join(", "))?;
    let thresholds = card.labels.iter().zip(&card.thresholds).map(|(label, threshold)| format!("{label} {threshold}"));
    say!("temperature {}; thresholds {}", card.temperature, thresholds.collect::<Vec<_>>().join(", "))?;
    say!("crops are larger than the face by {:.0} %", 100.0 * card.crop_margin)?;
    for one in &found.measured {
        let Evaluated { scores, lit, .. } = &one.scores;
        let lit = [(lit.rightly, "rightly lit"), (lit.calm, "calm lit")];
        let lit = lit.iter().filter_map(|(share, what)| Some(format!(", {what} {:.3}", share.rate()?)));
        say!(
            "{} {}: accuracy {:.3} ({:.3} to {:.3}), macro F1 {:.3}, ECE {:.3} (95th percentile if calibrated {:.3}){}, {} pictures",
            one.source,
            one.part,
            scores.accuracy,
            scores.interval95.0,
            scores.interval95.1,
            scores.macro_f1,
            scores.ece,
            scores.ece_p95,
            lit.collect::<String>(),
            scores.count
        )?;
    }
    say!("card: {}", request.out.with_extension("md").display())
}

fn say_face(request: &Request, card: &ModelCard, found: &FaceFound) -> Result<()> {
    say!("{}: detection threshold {}", request.out.display(), card.thresholds[0])?;
    let variants = perturbations::COUNT - 1;
    say!("validation photos, and {variants} perturbed variants of each: {}", line(&found.perturbed))?;
    for one in &found.measured {
        say!("{} {}: {}", one.source, one.part, line(&one.scores))?;
    }
    say!("card: {}", request.out.with_extension("md").display())?;
    let recall = found.perturbed.recall.rate();
    let advice = "train it for more epochs, or on more photos";
    if !found.on_target {
        tell!(
            "warning: no score reached a precision of {TARGET_PRECISION} on the validation photos; {} was taken as threshold: {advice}",
            card.thresholds[0]
        );
    } else if recall < MIN_RECALL {
        let percent = 100.0 * recall;
        tell!("warning: it finds {percent:.0} % of the validation photos' faces at the precision asked for: {advice}");
    }
    Ok(())
}
