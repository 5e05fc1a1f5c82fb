//! What a face model came to: precision and recall, figures by size, and photos with boxes, on a page that needs nothing else.

mod charts;
mod sheet;

use super::data::Data;
use super::detections::{PhotoDetections, text};
use super::inference;
use super::metrics::Scores;
use super::run::FaceRun;
use crate::device::Engine;
use crate::files::write_whole;
use crate::nets::summary::summary;
use crate::report::style::STYLE;
use crate::report::svg::escape;
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;

/// Writes `report.html`, `report.txt` and the pictures into a run's folder. They show the validation photos: a test folder is for
/// `evaluate`, once the run is chosen and exported.
///
/// # Errors
/// When the run cannot be read back or a file not be written.
pub fn of_run(run: &Path, data: &Data) -> Result<()> {
    let run = FaceRun::open(run)?;
    let seen: Vec<_> = data.val.photos.iter().filter_map(|photo| inference::letterbox(photo, &run.config)).collect();
    let found =
        inference::detect(&run.net, &run.weights, &run.config, &Engine::cpu(), &seen.iter().collect::<Vec<_>>());
    let detections = PhotoDetections::new(&data.val, found);
    let threshold = detections.findings.threshold();
    let scores = detections.findings.at(threshold, &data.val.classes);
    let pages = pages(&detections, &scores, run.config.seed)?;
    let heading = format!("{}, on validation photos, the trainer's own forward pass", run.best());
    let words = format!("{heading}\n\n{}", text(&scores));
    let history = charts::history(&run.history, run.best_epoch)?;
    let more = format!(
        "<h2>Over the epochs</h2><div class=\"chart\">{history}</div><h2>Data</h2><p>{}</p><p class=\"soft\">SHA-256 over all \
         photos and boxes: {}</p><details><summary>Command and configuration</summary><pre>{}\n\n{}</pre></details>\
         <details><summary>Network</summary><pre>{}</pre></details>",
        escape(&data.described),
        data.fingerprint,
        escape(&run.identity.command),
        escape(&run.config.to_toml()?),
        escape(&summary(&run.net))
    );
    let write = |name: &str, content: &str| write_whole(&run.folder.join(name), content.as_bytes());
    write("precision-recall.svg", &pages.curve)?;
    write("curves.svg", &history)?;
    write("sheet.svg", &pages.sheet)?;
    write("report.txt", &words)?;
    let name = run.folder.file_name().map_or("run".into(), |name| name.to_string_lossy().into_owned());
    write("report.html", &page(&name, &heading, "validation photos", &scores, &pages, &more))?;
    Ok(())
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
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}: Moodlight face report</title>\
         <style>{STYLE}</style><h1>{0}</h1><p class=\"soft\">{1}</p><div class=\"figures\">",
        escape(name),
        escape(heading)
    );
    let figures = [
        (format!("{:.3}", scores.average_precision), format!("average precision, {} {part}", scores.photos)),
        (scores.recall.shown(), format!("recall of {} faces of at least 10 % of the width", scores.recall.faces)),
        (format!("{:.3}", scores.precision), format!("precision at score {:.2}", scores.threshold)),
        (
            scores.localisation.near.shown(),
            format!("of {} centres within 12 % of the face's width", scores.localisation.near.faces),
        ),
    ];
    for (figure, meaning) in figures {
        let _ = write!(html, "<div><b>{figure}</b><span class=\"soft\">{}</span></div>", escape(&meaning));
    }
    let _ = writeln!(
        html,
        "<div><b>{}</b><span class=\"soft\">boxes in {} photos without a face</span></div></div>\
         <h2>Precision and recall</h2><p class=\"soft\">Boxes fit from an intersection over union of 0.4 on; faces under 10 % of the \
         width are neither right nor wrong.</p><div class=\"chart\">{}</div><pre>{}</pre>\
         <h2>Photos</h2><p class=\"soft\">Dashed: ground truth. Green: found. Red: false positive. Orange: missed. \
         Grey: under 10 % of the width.</p><div class=\"sheet\">{}</div>{more}</html>",
        scores.false_positives,
        scores.empty_photos,
        pictures.curve,
        escape(&text(scores)),
        pictures.sheet
    );
    html
}
