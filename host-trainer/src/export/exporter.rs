//! From a finished run to a model file that others can read, and its card. What differs between tasks is in [`Export`].

use super::card::{refuse_foreign_card, write};
use super::convolutions::check_convolutions;
use super::request::Request;
use crate::failure::{Kind, failure};
use crate::nets::Net;
use crate::run::config::TaskConfig;
use crate::run::finished::FinishedRun;
use crate::task::Task;
use anyhow::Result;
use emotion_models::pb::ModelProto;
use emotion_models::{ModelCard, Precision, embed, encode};

/// What is exported.
pub struct Job<'a, T: Task> {
    /// The run.
    pub run: FinishedRun<T>,
    /// The data it was trained on.
    pub data: T::Data,
    /// What was asked for.
    pub request: &'a Request,
}

/// What messages call a model that has no file yet.
pub const EXPORTED: &str = "the exported model";

/// A task whose nets can be exported.
pub trait Export: Task {
    /// How the model does on the data, for the card.
    type Found;

    /// Labels that the model reads out, by which fraction crops are larger than the face, and the data in words, without the
    /// folders it lay in.
    ///
    /// # Errors
    /// When the request names impossible ones.
    fn describe(job: &Job<'_, Self>) -> Result<(Vec<String>, f32, String)>;

    /// The graph of a net that reads out the card's labels.
    fn graph(run: &FinishedRun<Self>, card: &ModelCard) -> ModelProto;

    /// Compares the exported `model` with the trainer, chooses the card's thresholds and temperature on validation data, and
    /// puts its figures into the card.
    ///
    /// # Errors
    /// When trainer and model differ, or there is nothing to choose on.
    fn measure(job: &Job<'_, Self>, model: &ModelProto, card: &mut ModelCard) -> Result<Self::Found>;

    /// The card as Markdown.
    fn markdown(job: &Job<'_, Self>, card: &ModelCard, found: &Self::Found) -> String;

    /// Opens the model as a device does.
    ///
    /// # Errors
    /// When the engine refuses it.
    fn check_opens(model: &[u8]) -> Result<()>;
}

/// Writes the model of a run's best epoch and the `.md` beside it, and returns the card and what was measured.
///
/// # Errors
/// When the run or its data are not there, trainer and exported graph differ, or a file cannot be written; then nothing was
/// written.
pub fn export<T: Export>(request: &Request) -> Result<(ModelCard, T::Found)> {
    refuse_foreign_card(&request.out.with_extension("md"))?;
    let run = FinishedRun::<T>::open(&request.run)?;
    let sources = run.config.task.sources().len();
    if let Some(source) = request.calibrate_on.iter().find(|&&source| source >= sources) {
        let message = format!("--calibrate-on {}: the run's data sources end at {sources}", source + 1);
        return Err(failure(Kind::Usage, message));
    }
    let data = run.data()?;
    let job = Job { run, data, request };
    let run = &job.run;
    let (labels, crop_margin, training_data) = T::describe(&job)?;
    let stem =
        || request.out.file_stem().map_or(T::Config::TASK.to_string(), |stem| stem.to_string_lossy().into_owned());
    let mut card = ModelCard {
        name: request.name.clone().unwrap_or_else(stem),
        task: T::Config::TASK,
        input: run.config.input(),
        crop_margin,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.5; labels.len()],
        precision: precision(&run.net),
        training_data,
        data_fingerprint: run.identity.data_fingerprint.clone(),
        metrics: Default::default(),
        labels,
    };
    let mut model = T::graph(run, &card);
    check_convolutions(&run.net, &model)?;
    embed(&mut model, &card);
    let found = T::measure(&job, &model, &mut card)?;
    card.validate()?;
    embed(&mut model, &card);
    let bytes = encode(&model);
    T::check_opens(&bytes)?;
    write(&request.out, &bytes, T::markdown(&job, &card, &found))?;
    Ok((card, found))
}

fn precision(net: &Net) -> Precision {
    if net.is_quantized() { Precision::Int8 } else { Precision::F32 }
}
