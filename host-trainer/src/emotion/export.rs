//! From a run to a model file that others can read, and its card.

use super::dataset::{Dataset, SourceSummary, Split};
use super::gate::{self, Agreement};
use super::measured::Measured;
use super::metrics::score;
use super::{calibrate, card as written, crop_margin};
use crate::export::card::{refuse_foreign_card, write};
use crate::export::convolutions::check_convolutions;
use crate::export::request::Request;
use crate::export::{fold, graph};
use crate::failure::{Kind, failure};
use crate::run::finished::Run;
use anyhow::Result;
use emotion_models::{Classifier, ModelCard, Precision, Probabilities, Task, apply_temperature, embed, encode};
use std::path::Path;
use std::sync::Arc;

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
    let mut model = graph::model(&card.name, &fold::fold(&run.net, &run.weights, &outputs));
    check_convolutions(&run.net, &model)?;
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

    let text = written::markdown(&run, &data, &card, &measured, &agreement, request);
    write(&request.out, &bytes, text)?;
    Ok((card, measured))
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
    let one = |summary: &SourceSummary| {
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
