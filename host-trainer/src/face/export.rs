//! From a face run to a model file that others can read, and its card.

use super::card;
use super::detections::PhotoDetections;
use super::gate::{self, Agreement};
use super::inference;
use super::measured::Measured;
use super::perturbations;
use super::photos;
use super::run::FaceRun;
use crate::emotion::dataset::scan::Part;
use crate::export::card::{refuse_foreign_card, write};
use crate::export::convolutions::check_convolutions;
use crate::export::request::Request;
use crate::export::{fold, graph};
use crate::failure::{Kind, failure};
use crate::output::{say, tell};
use crate::progress::Progress;
use anyhow::Result;
use emotion_models::{FACE_LABEL, FaceDetector, ModelCard, Precision, Task, embed, encode};
use std::process::ExitCode;

/// Whoever exports a locator that finds less than this share of the validation photos' faces is told so.
const MIN_RECALL: f64 = 0.5;

/// Exports a face run's best epoch and prints what it came to.
///
/// # Errors
/// When the run or its photos are not there, trainer and exported graph differ, or a file cannot be written; then nothing was
/// written.
pub fn run(request: &Request) -> Result<ExitCode> {
    if !request.labels.is_empty() {
        return Err(failure(Kind::Usage, "--labels is for emotion models; a face model has one label"));
    }
    if request.crop_margin.is_some() {
        return Err(failure(
            Kind::Usage,
            "--crop-margin is for emotion models; a face model finds faces, and crops none",
        ));
    }
    refuse_foreign_card(&request.out.with_extension("md"))?;
    let run = FaceRun::open(&request.run)?;
    let roots = run.config.data.roots();
    if let Some(source) = request.calibrate_on.iter().find(|&&source| source >= roots.len()) {
        let message = format!("--calibrate-on {}: the run's data sources end at {}", source + 1, roots.len());
        return Err(failure(Kind::Usage, message));
    }
    let data = run.data()?;
    let test = photos::load(&roots, Part::Test, false)?.photos;

    let precision = if run.net.is_quantized() { Precision::Int8 } else { Precision::F32 };
    let stem = || request.out.file_stem().map_or("face".into(), |stem| stem.to_string_lossy().into_owned());
    let mut card = ModelCard {
        name: request.name.clone().unwrap_or_else(stem),
        task: Task::Face,
        labels: vec![FACE_LABEL.to_owned()],
        input: run.config.input(),
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.5],
        precision,
        training_data: data.described.clone(),
        data_fingerprint: run.identity.data_fingerprint.clone(),
        metrics: Default::default(),
    };
    let mut model = graph::maps(&card.name, &fold::fold(&run.net, &run.weights, &[]));
    check_convolutions(&run.net, &model)?;
    embed(&mut model, &card);
    let mut finder = FaceDetector::from_bytes(&encode(&model), "the exported model")?;

    let mut agreement = Agreement::default();
    for photos in [&*data.val, &test] {
        let seen: Vec<_> = photos.photos.iter().filter_map(|photo| inference::letterbox(photo, &run.config)).collect();
        agreement = agreement.and(gate::compare(&run, &seen, &mut finder)?);
    }
    agreement.check(precision)?;

    // Validation photos, synthetic ones among them, choose the threshold; test photos, where there are any, only measure.
    let chooses = |source: usize| request.calibrate_on.is_empty() || request.calibrate_on.contains(&source);
    let choosing = data.val.filtered(|photo| photo.source(&roots).is_none_or(chooses));
    if !choosing.photos.iter().any(|photo| photo.source(&roots).is_some()) {
        let message = "no photo of the sources that --calibrate-on names was set aside for validation: where one source has a folder val/, the others give none";
        return Err(failure(Kind::Data, message));
    }
    let passes = perturbations::COUNT * choosing.photos.len() + data.val.photos.len() + test.photos.len();
    let progress = Progress::new("measuring", passes, true);
    let perturbed = perturbations::detect_perturbed(&finder, &choosing, &progress)?;
    card.thresholds = vec![perturbed.threshold()];
    let perturbed = perturbed.at(card.thresholds[0], &[]);
    let mut sources: Vec<(Option<usize>, String, bool)> = vec![];
    for (source, name) in photos::names(&roots).into_iter().enumerate() {
        sources.push((Some(source), name, chooses(source)));
    }
    sources.push((None, photos::SYNTHETIC.to_owned(), true));
    let mut measured = vec![];
    for (part, photos) in [("val", &*data.val), ("test", &test)] {
        for (source, name, chose) in &sources {
            let own = photos.filtered(|photo| photo.source(&roots) == *source);
            if own.photos.is_empty() {
                continue;
            }
            let detections = PhotoDetections::detect(&finder, &own, &progress)?;
            let scores = detections.findings.at(card.thresholds[0], &own.classes);
            measured.push(Measured { source: name.clone(), chose: *chose, part, scores });
        }
    }
    drop(progress);
    for Measured { source, part, scores, .. } in &measured {
        let figures = [
            ("average_precision", scores.average_precision),
            ("recall", scores.recall.rate()),
            ("precision", scores.precision),
        ];
        card.metrics.extend(figures.map(|(what, value)| (format!("{source}/{part}/{what}"), value)));
    }
    card.validate()?;
    embed(&mut model, &card);
    let bytes = encode(&model);
    FaceDetector::from_bytes(&bytes, "the exported model")?;
    let text = card::markdown(&run, &data.described, &card, &perturbed, &measured, &agreement, request);
    write(&request.out, &bytes, text)?;

    say!("{}: detection threshold {}", request.out.display(), card.thresholds[0])?;
    say!("perturbed validation set, each photo in {} ways: {}", perturbations::COUNT, card::line(&perturbed))?;
    for Measured { source, part, scores, .. } in &measured {
        say!("{source} {part}: {}", card::line(scores))?;
    }
    say!("card: {}", request.out.with_extension("md").display())?;
    let found = perturbed.recall.rate();
    if found < MIN_RECALL {
        let percent = 100.0 * found;
        tell!(
            "warning: it finds {percent:.0} % of the validation photos' faces at the precision asked for: train it for more epochs, or on more photos"
        );
    }
    Ok(ExitCode::SUCCESS)
}
