//! What is a face model's own in an export.

use super::card::FaceFound;
use super::detections::PhotoDetections;
use super::gate::Agreement;
use super::task::FaceTask;
use super::{card, gate, inference, perturbations, photos};
use crate::export::exporter::{EXPORTED, Export, Job};
use crate::export::measured::Measured;
use crate::export::{fold, graph};
use crate::failure::{Kind, failure};
use crate::part::Part;
use crate::progress::Progress;
use crate::run::finished::FinishedRun;
use crate::task::Data;
use anyhow::Result;
use emotion_models::pb::ModelProto;
use emotion_models::{FaceDetector, ModelCard, encode};

impl Export for FaceTask {
    type Found = FaceFound;

    fn describe(job: &Job<'_, Self>) -> Result<(Vec<String>, f32, String)> {
        Ok((job.data.labels(), 0.0, job.data.described.clone()))
    }

    fn graph(run: &FinishedRun<Self>, card: &ModelCard) -> ModelProto {
        graph::maps(&card.name, &fold::fold(&run.net, &run.weights, &[]))
    }

    fn measure(job: &Job<'_, Self>, model: &ModelProto, card: &mut ModelCard) -> Result<FaceFound> {
        let Job { run, data, request } = job;
        let mut finder = FaceDetector::from_bytes(&encode(model), EXPORTED)?;
        let config = &run.config.task;
        let roots = config.data.roots();
        let test = photos::load(&roots, Part::Test, false)?.photos;
        let mut agreement = Agreement::default();
        for photos in [&*data.val, &test] {
            let seen: Vec<_> = photos.photos.iter().filter_map(|photo| inference::letterbox(photo, config)).collect();
            gate::compare(run, &seen, &mut finder, &mut agreement)?;
        }
        agreement.check(card.precision)?;

        // Validation photos, synthetic ones among them, choose the threshold; test photos, where there are any, only measure.
        let chooses = |source| request.calibrates_on(source);
        let choosing = data.val.filtered(|photo| photo.source(&roots).is_none_or(chooses));
        if !choosing.photos.iter().any(|photo| photo.source(&roots).is_some()) {
            let message = "no photo of the sources that --calibrate-on names was set aside for validation: where one source has a folder val/, the others give none";
            return Err(failure(Kind::Data, message));
        }
        let passes = perturbations::COUNT * choosing.photos.len() + data.val.photos.len() + test.photos.len();
        let progress = Progress::new("measuring", passes, true);
        let perturbed = perturbations::detect_perturbed(&finder, &choosing, &progress)?;
        let on_target = perturbed.target_threshold().is_some();
        let threshold = perturbed.threshold();
        card.thresholds = vec![threshold];
        let perturbed = perturbed.at(threshold, &[]);
        let named = photos::names(&roots).into_iter().enumerate();
        let mut sources: Vec<_> = named.map(|(source, name)| (Some(source), name, chooses(source))).collect();
        sources.push((None, photos::SYNTHETIC.to_owned(), true));
        let mut measured = vec![];
        for (part, photos) in [("val", &*data.val), ("test", &test)] {
            for (source, name, chose) in &sources {
                let own = photos.filtered(|photo| photo.source(&roots) == *source);
                if own.photos.is_empty() {
                    continue;
                }
                let detections = PhotoDetections::detect(&finder, &own, &progress)?;
                let scores = detections.findings.at(threshold, &own.classes);
                let remark = if *chose && part == "val" { " (chose the threshold)" } else { "" };
                measured.push(Measured { source: name.clone(), part, scores, remark: remark.into() });
            }
        }
        for Measured { source, part, scores, .. } in &measured {
            let figures = [
                ("average_precision", scores.average_precision),
                ("recall", scores.recall.rate()),
                ("precision", scores.precision),
            ];
            card.metrics.extend(figures.map(|(what, value)| (format!("{source}/{part}/{what}"), value)));
        }
        Ok(FaceFound { measured, perturbed, on_target, agreement })
    }

    fn markdown(job: &Job<'_, Self>, card: &ModelCard, found: &FaceFound) -> String {
        card::markdown(job, card, found)
    }

    fn check_opens(model: &[u8]) -> Result<()> {
        FaceDetector::from_bytes(model, EXPORTED)?;
        Ok(())
    }
}
