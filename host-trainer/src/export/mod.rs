//! From a run to a model file that others can read, and its card.

pub mod card;
pub mod fold;
pub mod gate;
pub mod onnx;
mod qlinear;

use crate::emotion::dataset::{DataSource, DataSpec, Dataset, Split, Storage};
use crate::emotion::metrics::{Scores, score};
use crate::emotion::{calibrate, crop_margin};
use crate::failure::{Blame, Kind, failure};
use crate::files;
use crate::nets::Net;
use crate::nets::weights::Weights;
use crate::run::checkpoint::{self, Identity};
use crate::run::config::Config;
use crate::run::history::Epoch;
use anyhow::{Context, Result, ensure};
use emotion_models::{Classifier, ModelCard, Precision, Probabilities, Task, apply_temperature, embed, encode};
use gate::Agreement;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `export` is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The run folder.
    pub run: PathBuf,
    /// The file to write.
    pub out: PathBuf,
    /// Labels to read out, in this order; all of them when empty.
    pub labels: Vec<String>,
    /// Data sources that choose temperature and thresholds, by index; all of them when empty.
    pub calibrate_on: Vec<usize>,
    /// By which fraction crops are larger than the face in them; measured when absent.
    pub crop_margin: Option<f32>,
    /// Name in the model's card; the file's name when absent.
    pub name: Option<String>,
    /// A remark for the card on how the model was made.
    pub note: Option<String>,
}

/// A finished run, read back.
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// What it was trained on.
    pub identity: Identity,
    /// Its net.
    pub net: Net,
    /// The weights of its best epoch.
    pub weights: Weights,
    /// Its epochs.
    pub history: Vec<Epoch>,
    /// The best epoch, counted from 1; 0 for a quantised run as it was before its first epoch.
    pub best_epoch: usize,
}

impl Run {
    /// Reads a run folder.
    ///
    /// # Errors
    /// When it is no run folder, or has no finished epoch.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("config.toml");
        if !path.exists() {
            let message = format!("{} is no run folder: it has no config.toml", folder.display());
            return Err(failure(Kind::Model, message));
        }
        let config = Config::read(&path, None)?;
        let (weights, identity) = checkpoint::load_best(folder)?;
        let (state, _) = checkpoint::load(folder)?;
        let net = config.build_net(identity.labels.len())?;
        let best_epoch = state.stopping.best.map_or(0, |(epoch, _)| epoch);
        Ok(Run { folder: folder.into(), config, identity, net, weights, history: state.history, best_epoch })
    }

    /// The pictures it was trained on.
    ///
    /// # Errors
    /// When they are gone or have changed.
    pub fn data(&self) -> Result<Dataset> {
        let sources = self.config.data.sources.iter().map(|source| source.parse::<DataSource>());
        let spec = DataSpec {
            sources: sources.collect::<Result<_, _>>()?,
            val_fraction: self.config.data.val_fraction,
            seed: self.config.seed,
        };
        let storage = Storage::near(self.config.data.cache, &self.folder);
        let data = Dataset::load(&spec, &self.config.input(), &storage, true)?;
        if data.fingerprint != self.identity.data_fingerprint {
            let sources = self.config.data.sources.join(", ");
            let message = format!(
                "the pictures of {sources} have changed since the run; export needs the ones it was trained on"
            );
            return Err(failure(Kind::Data, message));
        }
        Ok(data)
    }

    /// Indices of labels among the run's, all of them when none is named.
    ///
    /// # Errors
    /// Names a label the run does not have, or that is named twice.
    pub fn outputs(&self, labels: &[String]) -> Result<Vec<usize>> {
        outputs(&self.identity.labels, labels).with_context(|| format!("in --labels for {}", self.folder.display()))
    }
}

/// Indices of the labels to read out among those a model knows; all of them when none is named.
///
/// # Errors
/// Names a label the model does not know or that is named twice; one label alone is refused too.
pub fn outputs(known: &[String], labels: &[String]) -> Result<Vec<usize>> {
    if labels.is_empty() {
        return Ok((0..known.len()).collect());
    }
    let index = |(at, label): (usize, &String)| {
        ensure!(!labels[..at].contains(label), "the label {label} is named twice");
        let found = known.iter().position(|own| own == label);
        found.with_context(|| format!("the label {label} is not among those it knows: {}", known.join(", ")))
    };
    let outputs = labels.iter().enumerate().map(index).collect::<Result<Vec<_>>>().blame(Kind::Usage)?;
    if outputs.len() < 2 {
        return Err(failure(Kind::Usage, "at least two labels are needed"));
    }
    Ok(outputs)
}

/// The exported model's figures on one source's part.
pub struct Measured {
    /// The source as it was given.
    pub source: String,
    /// `val` or `test`.
    pub part: &'static str,
    /// Pictures left out because the model lacks their label.
    pub skipped: usize,
    /// The figures, at the card's temperature.
    pub scores: Scores,
}

/// Writes the model and the `.md` beside it, and returns the card and what was measured.
///
/// # Errors
/// When the run or its pictures are not there, trainer and exported graph differ, or a file cannot be written; then
/// nothing was written.
pub fn export(request: &Request) -> Result<(ModelCard, Vec<Measured>)> {
    let run = Run::open(&request.run)?;
    let data = run.data()?;
    let outputs = run.outputs(&request.labels)?;
    let labels: Vec<String> = outputs.iter().map(|&output| run.identity.labels[output].clone()).collect();
    if let Some(source) = request.calibrate_on.iter().find(|&&source| source >= data.sources.len()) {
        let message = format!("--calibrate-on {}: the run's data sources end at {}", source + 1, data.sources.len());
        return Err(failure(Kind::Usage, message));
    }
    let card_path = request.out.with_extension("md");
    refuse_foreign_card(&card_path)?;
    let stem = || request.out.file_stem().map_or("emotion".into(), |stem| stem.to_string_lossy().into_owned());
    let precision = if run.net.is_quantized() { Precision::Int8 } else { Precision::F32 };
    let crop_margin = match request.crop_margin {
        Some(margin) => margin,
        None => crop_margin::measure(&data.val, &run.config.input())?.unwrap_or(crop_margin::COMMON),
    };
    let mut card = ModelCard {
        name: request.name.clone().unwrap_or_else(stem),
        task: Task::Emotion,
        input: run.config.input(),
        crop_margin,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.5; labels.len()],
        precision,
        training_data: training_data(&data),
        data_fingerprint: run.identity.data_fingerprint.clone(),
        metrics: Default::default(),
        labels,
    };
    let mut model = onnx::model(&card.name, &fold::fold(&run.net, &run.weights, &outputs));
    gate::check_convolutions(&run.net, &model)?;
    embed(&mut model, &card);
    let mut classifier = Classifier::from_bytes(&encode(&model), "the exported model")?;

    // Validation pictures choose temperature and thresholds; test pictures, where there are any, only measure.
    let mut compare =
        |split: &Arc<Split>| gate::compare(&run.net, &run.weights, &run.config, &outputs, split, &mut classifier);
    let val = compare(&data.val)?;
    let test = data.test.as_ref().map(&mut compare).transpose()?;
    let agreement = Agreement::together([Some(&val), test.as_ref()].into_iter().flatten());
    agreement.check(precision)?;
    let chosen = |source: usize| request.calibrate_on.is_empty() || request.calibrate_on.contains(&source);
    let (probabilities, targets) = pick(&data.val, &val.probabilities, &outputs, chosen);
    if targets.is_empty() {
        let message = format!("no validation picture bears one of the labels {}", card.labels.join(", "));
        return Err(failure(Kind::Data, message));
    }
    card.temperature = calibrate::temperature(&probabilities, &targets);
    let at_temperature: Vec<Probabilities> =
        probabilities.iter().map(|p| apply_temperature(p, card.temperature)).collect();
    card.thresholds = calibrate::thresholds(&at_temperature, &targets, card.labels.len());

    let mut measured = vec![];
    for source in 0..data.sources.len() {
        let parts = [("val", Some((&data.val, &val))), ("test", data.test.as_ref().zip(test.as_ref()))];
        for (part, found) in parts {
            let Some((split, agreement)) = found else { continue };
            measured.extend(measure(&data, source, part, split, &agreement.probabilities, &outputs, card.temperature));
        }
    }
    for one in &measured {
        let name =
            Path::new(&one.source).file_name().map_or(one.source.clone(), |name| name.to_string_lossy().into_owned());
        let name = name.split('*').next().unwrap_or_default().to_string();
        for (what, value) in
            [("accuracy", one.scores.accuracy), ("macro_f1", one.scores.macro_f1), ("ece", one.scores.ece)]
        {
            card.metrics.insert(format!("{name}/{}/{what}", one.part), value);
        }
    }
    card.validate()?;
    embed(&mut model, &card);
    let bytes = encode(&model);
    Classifier::from_bytes(&bytes, "the exported model")?;

    let text = card::markdown(&run, &data, &card, &measured, &agreement, request);
    write(&request.out, &bytes, text)?;
    Ok((card, measured))
}

/// Writes a model and the card beside it; a card of the very same model keeps the evaluations it lists.
pub(crate) fn write(out: &Path, model: &[u8], card: String) -> Result<()> {
    if let Some(folder) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    let card_path = out.with_extension("md");
    let former = std::fs::read_to_string(&card_path).unwrap_or_default();
    let same = std::fs::read(out).is_ok_and(|former| former == model);
    let card = if same { card::with_former_evaluations(&card, &former) } else { card };
    files::write_whole(out, model)?;
    Ok(files::write_whole(&card_path, card.as_bytes())?)
}

/// The card replaces an older card, not somebody's notes that happen to have the model's name.
pub(crate) fn refuse_foreign_card(path: &Path) -> Result<()> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.contains(card::EVALUATIONS) => {
            let message = format!(
                "{} is there and is no model card; the card would replace it: move it, or choose another --out",
                path.display()
            );
            Err(failure(Kind::Output, message))
        }
        _ => Ok(()),
    }
}

/// The probabilities and (subset) targets of a split's pictures whose source is chosen and whose label is read out.
fn pick(
    split: &Split,
    probabilities: &[Probabilities],
    outputs: &[usize],
    chosen: impl Fn(usize) -> bool,
) -> (Vec<Probabilities>, Vec<usize>) {
    let picked =
        split.items.iter().zip(probabilities).filter(|(item, _)| chosen(item.source)).filter_map(|(item, p)| {
            let target = outputs.iter().position(|&output| output == item.label)?;
            Some((*p, target))
        });
    picked.unzip()
}

fn measure(
    data: &Dataset,
    source: usize,
    part: &'static str,
    split: &Split,
    probabilities: &[Probabilities],
    outputs: &[usize],
    temperature: f32,
) -> Option<Measured> {
    let all = split.items.iter().filter(|item| item.source == source).count();
    let (picked, targets) = pick(split, probabilities, outputs, |own| own == source);
    if targets.is_empty() {
        return None;
    }
    let flat: Vec<f32> = picked.iter().flat_map(|p| apply_temperature(p, temperature).to_vec()).collect();
    let scores = score(&flat, &targets, outputs.len());
    let name = data.sources[source].source.path.file_name();
    let name = name.map_or_else(|| data.sources[source].source.to_string(), |name| name.to_string_lossy().into_owned());
    Some(Measured { source: name, part, skipped: all - targets.len(), scores })
}

/// The data in one line, without the folders it lay in.
fn training_data(data: &Dataset) -> String {
    let one = |summary: &crate::emotion::dataset::SourceSummary| {
        let name = summary.source.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let times = if summary.source.repeat > 1 {
            format!(", each seen {} times an epoch", summary.source.repeat)
        } else {
            String::new()
        };
        let name = name.unwrap_or_else(|| "data".into());
        format!(
            "{name} ({} training pictures, {} labels{times})",
            summary.train.iter().sum::<usize>(),
            summary.labels.len()
        )
    };
    data.sources.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod qlinear_tests;
#[cfg(test)]
pub(crate) mod tests;
