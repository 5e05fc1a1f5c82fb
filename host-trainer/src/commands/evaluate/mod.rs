//! `evaluate`: an exported model on labelled pictures or photos with face boxes, through the engine that runs on the device.

mod args;
mod emotion;
mod face;

pub use args::EvaluateArgs;

use super::task_flags::TaskFlags;
use crate::failure::{Kind, failure};
use anyhow::Result;
use emotion_models::pb::ModelProto;
use emotion_models::{ModelError, Task, decode, read_card};
use std::path::Path;
use std::process::ExitCode;

/// Scores the model and prints the result.
///
/// # Errors
/// When model or data cannot be used.
pub fn run(args: &EvaluateArgs, given: &TaskFlags) -> Result<ExitCode> {
    let model = read(&args.model)?;
    let task = read_card(&model).map_or(Task::Emotion, |card| card.task);
    given.refuse_other(task)?;
    if let Some(page) = args.report.as_ref().filter(|page| page.extension().is_none_or(|end| end != "html")) {
        return Err(failure(Kind::Usage, format!("--report {} must end in .html", page.display())));
    }
    match task {
        Task::Emotion => emotion::run(args, &model),
        Task::Face => face::run(args, &model),
    }
}

/// Reads the model's file.
fn read(path: &Path) -> Result<ModelProto, ModelError> {
    let bytes = emotion_models::read_file(path)?;
    decode(&bytes).map_err(|error| error.named(&path.display().to_string()))
}
