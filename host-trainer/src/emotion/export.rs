//! What is an emotion model's own in an export.

use super::calibrate::{self, Examples};
use super::card::EmotionFound;
use super::dataset::{Dataset, SourceSummary, Split};
use super::evaluated::Evaluated;
use super::lights::{Lights, lights};
use super::metrics::Scores;
use super::readout::outputs;
use super::task::EmotionTask;
use super::{card as written, crop_margin, gate};
use crate::export::exporter::{EXPORTED, Export, Job};
use crate::export::measured::Measured;
use crate::export::request::Request;
use crate::export::{fold, graph};
use crate::failure::{Kind, failure};
use crate::run::finished::FinishedRun;
use anyhow::{Context, Result};
use emotion_models::pb::ModelProto;
use emotion_models::{Classifier, ModelCard, Probabilities, apply_temperature, encode};
use std::sync::Arc;

impl Export for EmotionTask {
    type Found = EmotionFound;

    fn describe(job: &Job<'_, Self>) -> Result<(Vec<String>, f32, String)> {
        let Job { run, data, request } = job;
        let known = &run.identity.labels;
        let outputs = outputs(known, &request.labels);
        let outputs = outputs.with_context(|| format!("in --labels for {}", run.folder.display()))?;
        let margin = match request.crop_margin {
            Some(margin) => margin,
            None => crop_margin::measure(&data.val, &run.config.input())?.unwrap_or(crop_margin::COMMON),
        };
        Ok((outputs.iter().map(|&output| known[output].clone()).collect(), margin, training_data(data)))
    }

    fn graph(run: &FinishedRun<Self>, card: &ModelCard) -> ModelProto {
        graph::model(&card.name, &fold::fold(&run.net, &run.weights, &read_out(run, card)))
    }

    fn measure(job: &Job<'_, Self>, model: &ModelProto, card: &mut ModelCard) -> Result<EmotionFound> {
        let Job { run, data, request } = job;
        let outputs = read_out(run, card);
        let mut classifier = Classifier::from_bytes(&encode(model), EXPORTED)?;
        // Validation pictures choose temperature and thresholds; test pictures, where there are any, only measure.
        let input = run.config.input();
        let splits: Vec<_> = [&data.val].into_iter().chain(&data.test).collect();
        let agreement = gate::compare(&run.net, &run.weights, &input, &outputs, &splits, &mut classifier)?;
        agreement.check(card.precision)?;
        let examples = examples(data, &agreement.probabilities[0], &outputs, request);
        if examples.targets.is_empty() {
            let message = format!("no validation picture bears one of the labels {}", card.labels.join(", "));
            return Err(failure(Kind::Data, message));
        }
        card.temperature = calibrate::temperature(&examples);
        let lit = lights(&card.labels, &request.lights)?;
        card.thresholds = calibrate::thresholds(&examples.at(card.temperature), &card.labels, &lit);
        let lights = Lights::new(&card.labels, &card.thresholds, &request.lights)?;

        let mut measured = vec![];
        for source in 0..data.sources.len() {
            for (part, probabilities) in
                ["val", "test"].into_iter().zip(splits.iter().copied()).zip(&agreement.probabilities)
            {
                measured.extend(measure(data, source, part, probabilities, &outputs, &lights, card.temperature));
            }
        }
        for one in &measured {
            let name = one.source.split('*').next().unwrap_or_default();
            let Scores { accuracy, macro_f1, ece, .. } = one.scores.scores;
            let figures = [("accuracy", accuracy), ("macro_f1", macro_f1), ("ece", ece)];
            card.metrics.extend(figures.map(|(what, value)| (format!("{name}/{}/{what}", one.part), value)));
        }
        Ok(EmotionFound { measured, agreement })
    }

    fn markdown(job: &Job<'_, Self>, card: &ModelCard, found: &EmotionFound) -> String {
        written::markdown(job, card, found)
    }

    fn check_opens(model: &[u8]) -> Result<()> {
        Classifier::from_bytes(model, EXPORTED)?;
        Ok(())
    }
}

/// The net's outputs that the card's labels are.
fn read_out(run: &FinishedRun<EmotionTask>, card: &ModelCard) -> Vec<usize> {
    card.labels.iter().filter_map(|label| run.identity.labels.iter().position(|known| known == label)).collect()
}

/// The validation pictures that choose temperature and thresholds; every source counts as much as any other.
fn examples(data: &Dataset, probabilities: &[Probabilities], outputs: &[usize], request: &Request) -> Examples {
    let mut examples = Examples::default();
    for source in (0..data.sources.len()).filter(|&source| request.calibrates_on(source)) {
        let (picked, targets) = pick(&data.val, probabilities, outputs, |own| own == source);
        examples.weights.extend(vec![1.0 / targets.len().max(1) as f64; targets.len()]);
        examples.probabilities.extend(picked);
        examples.targets.extend(targets);
    }
    examples
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
    (part, split): (&'static str, &Arc<Split>),
    probabilities: &[Probabilities],
    outputs: &[usize],
    lights: &Lights,
    temperature: f32,
) -> Option<Measured<Evaluated>> {
    let all = split.items.iter().filter(|item| item.source == source).count();
    let (picked, targets) = pick(split, probabilities, outputs, |own| own == source);
    if targets.is_empty() {
        return None;
    }
    let flat: Vec<f32> = picked.iter().flat_map(|p| apply_temperature(p, temperature).to_vec()).collect();
    let name = data.sources[source].source.path.file_name();
    let name = name.map_or_else(|| data.sources[source].source.to_string(), |name| name.to_string_lossy().into_owned());
    let skipped = all - targets.len();
    let scores = Evaluated::new(flat, targets, lights);
    let remark = if skipped > 0 { format!(" ({skipped} of other labels left out)") } else { String::new() };
    Some(Measured { source: name, part, scores, remark })
}

/// The data in one line, without the folders it lay in.
fn training_data(data: &Dataset) -> String {
    let one = |summary: &SourceSummary| {
        let times = if summary.source.repeat > 1 {
            format!(", each seen {} times an epoch", summary.source.repeat)
        } else {
            String::new()
        };
        let name = written::name(summary);
        format!(
            "{name} ({} training pictures, {} labels{times})",
            summary.train.iter().sum::<usize>(),
            summary.labels.len()
        )
    };
    data.sources.iter().map(one).collect::<Vec<_>>().join("; ")
}
