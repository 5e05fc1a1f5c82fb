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
use crate::report::page::{boxes, details, name, start};
use crate::report::svg::escape;
use crate::report::table::Table;
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

/// One data set's part of the page of an exported model's evaluation.
pub struct Section {
    /// What it was measured on, such as `faces's test photos`.
    data: String,
    figures: Vec<(String, String)>,
    body: String,
}

/// What was found in the photos `data`, for `of_model`.
///
/// # Errors
/// When a chart cannot be laid out.
pub fn section(data: &str, detections: &PhotoDetections<'_>, scores: &Scores) -> Result<Section> {
    let body = body(scores, &pages(detections, scores, 1)?);
    Ok(Section { data: data.to_owned(), figures: figures(data, scores), body })
}

/// Writes the page of an exported model's evaluation; of several data sets `table` has the figures side by side.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn of_model(out: &Path, model: &str, table: &Table, sections: &[Section]) -> Result<()> {
    let engine = "through the engine that runs on the device";
    let html = match sections {
        [one] => start(model, "face", &format!("on {}, {engine}", one.data), &one.figures) + &one.body,
        several => {
            let part = |one: &Section| format!("<h2>{}</h2>{}{}", escape(&one.data), boxes(&one.figures), one.body);
            let parts: String = several.iter().map(part).collect();
            format!("{}<h2>Figures</h2>{}{parts}", start(model, "face", engine, &[]), table.html())
        }
    };
    Ok(write_whole(out, (html + "</html>\n").as_bytes())?)
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
    start(name, "face", heading, &figures(part, scores)) + &body(scores, pictures) + more + "</html>\n"
}

/// The main figures, each with its meaning.
fn figures(part: &str, scores: &Scores) -> Vec<(String, String)> {
    vec![
        (format!("{:.3}", scores.average_precision), format!("average precision, {} {part}", scores.photos)),
        (scores.recall.shown(), format!("recall of {} faces of at least 10 % of the width", scores.recall.faces)),
        (format!("{:.3}", scores.precision), format!("precision at score {:.2}", scores.threshold)),
        (
            scores.localisation.near.shown(),
            format!("of {} centres within 12 % of the face's width", scores.localisation.near.faces),
        ),
        (scores.false_positives.to_string(), format!("boxes in {} photos without a face", scores.empty_photos)),
    ]
}

/// The curve, the figures as text, and the photos.
fn body(scores: &Scores, pictures: &Pictures) -> String {
    format!(
        "<h2>Precision and recall</h2><p class=\"soft\">Boxes fit from an intersection over union of 0.4 on; faces under 10 % of the \
         width are neither right nor wrong.</p><div class=\"chart\">{}</div><pre>{}</pre>\
         <h2>Photos</h2><p class=\"soft\">Dashed: ground truth. Green: found. Red: false positive. Orange: missed. \
         Grey: under 10 % of the width.</p><div class=\"sheet\">{}</div>",
        pictures.curve,
        escape(&text(scores)),
        pictures.sheet
    )
}
