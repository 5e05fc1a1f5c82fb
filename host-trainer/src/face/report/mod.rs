//! What a face model came to: precision and recall, figures by size, and photos with boxes, on a page that needs nothing else.

mod charts;
mod sheet;

use super::data::FacePhotos;
use super::detections::{PhotoDetections, text};
use super::inference::{self, FaceNet};
use super::metrics::Scores;
use super::task::FaceTask;
use crate::device::Engine;
use crate::files::write_whole;
use crate::report::page::{details, name, start};
use crate::report::svg::escape;
use crate::run::finished::FinishedRun;
use crate::task::ReportingTask;
use anyhow::Result;
use std::path::Path;

impl ReportingTask for FaceTask {
    /// Writes `report.html`, `report.txt` and the pictures into a run's folder. They show the validation photos: a test folder is for
    /// `evaluate`, once the run is chosen and exported.
    fn report(run: &Path, data: &FacePhotos) -> Result<()> {
        let run = FinishedRun::<FaceTask>::open(run)?;
        let seen: Vec<_> =
            data.val.photos.iter().filter_map(|photo| inference::letterbox(photo, &run.config.task)).collect();
        let FinishedRun { net, weights, config, .. } = &run;
        let net = FaceNet { net, weights, config: &config.task, engine: &Engine::cpu() };
        let found = net.detect(&seen.iter().collect::<Vec<_>>());
        let detections = PhotoDetections::new(&data.val, found);
        let threshold = detections.findings.threshold();
        let scores = detections.findings.at(threshold, &data.val.classes);
        let pages = pages(&detections, &scores, run.config.run.seed)?;
        let heading = format!("{}, on validation photos, the trainer's own forward pass", run.chosen());
        let words = format!("{heading}\n\n{}", text(&scores));
        let history = charts::history(&run.history, run.best_epoch)?;
        let more = format!(
            "<h2>Over the epochs</h2><div class=\"chart\">{history}</div><h2>Data</h2><p>{}</p><p class=\"soft\">SHA-256 over all \
             photos and boxes: {}</p>{}",
            escape(&data.described),
            data.fingerprint,
            details(&run)
        );
        let write = |name: &str, content: &str| write_whole(&run.folder.join(name), content.as_bytes());
        write("precision-recall.svg", &pages.curve)?;
        write("curves.svg", &history)?;
        write("sheet.svg", &pages.sheet)?;
        write("report.txt", &words)?;
        write("report.html", &page(&name(&run), &heading, "validation photos", &scores, &pages, &more))?;
        Ok(())
    }
}

/// Writes the page of an exported model's evaluation on a part of a data set.
///
/// # Errors
/// When it cannot be written.
pub fn of_model(out: &Path, model: &str, data: &str, detections: &PhotoDetections<'_>, scores: &Scores) -> Result<()> {
    let pages = pages(detections, scores, 1)?;
    let heading = format!("on {data}, through the engine that runs on the device");
    Ok(write_whole(out, page(model, &heading, data, scores, &pages, "").as_bytes())?)
}

/// A page's pictures, as SVG.
struct Pictures {
    curve: String,
    sheet: String,
}

fn pages(detections: &PhotoDetections<'_>, scores: &Scores, seed: u64) -> Result<Pictures> {
    let sheet = sheet::sheet(detections, scores.threshold, seed)?;
    Ok(Pictures { curve: charts::precision_recall(&detections.findings, scores)?, sheet })
}

fn page(name: &str, heading: &str, part: &str, scores: &Scores, pictures: &Pictures, more: &str) -> String {
    let figures = [
        (format!("{:.3}", scores.average_precision), format!("average precision, {} {part}", scores.photos)),
        (scores.recall.shown(), format!("recall of {} faces of at least 10 % of the width", scores.recall.faces)),
        (format!("{:.3}", scores.precision), format!("precision at score {:.2}", scores.threshold)),
        (
            scores.localisation.near.shown(),
            format!("of {} centres within 12 % of the face's width", scores.localisation.near.faces),
        ),
        (scores.false_positives.to_string(), format!("boxes in {} photos without a face", scores.empty_photos)),
    ];
    start(name, "face", heading, &figures)
        + &format!(
            "<h2>Precision and recall</h2><p class=\"soft\">Boxes fit from an intersection over union of 0.4 on; faces under 10 % of the \
         width are neither right nor wrong.</p><div class=\"chart\">{}</div><pre>{}</pre>\
         <h2>Photos</h2><p class=\"soft\">Dashed: ground truth. Green: found. Red: false positive. Orange: missed. \
         Grey: under 10 % of the width.</p><div class=\"sheet\">{}</div>{more}</html>\n",
            pictures.curve,
            escape(&text(scores)),
            pictures.sheet
        )
}
