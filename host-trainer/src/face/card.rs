//! The `MODEL.md` beside an exported face model.

use super::gate::Agreement;
use super::measured::Measured;
use super::metrics::{MAX_FALSE_POSITIVES, SIZES, Scores, TARGET_PRECISION};
use super::task::FaceTask;
use crate::date::today;
use crate::export::card::{cell, log, recipe, row};
use crate::export::request::Request;
use crate::nets::summary::grouped;
use crate::run::finished::FinishedRun;
use emotion_models::{ModelCard, Precision};
use std::fmt::Write;

/// Columns of the log of test evaluations.
pub const LOG_COLUMNS: [&str; 8] =
    ["date", "data", "photos", "recall", "precision", "average precision", "false positives", "how"];

/// The card as Markdown. `perturbed` is what was found in the validation photos, plain and perturbed, `agreement` what the export
/// gate saw.
pub fn markdown(
    run: &FinishedRun<FaceTask>,
    described: &str,
    card: &ModelCard,
    perturbed: &Scores,
    measured: &[Measured],
    agreement: &Agreement,
    request: &Request,
) -> String {
    let mut text = properties(run, card) + LIMITS;
    text += &results(measured, perturbed);
    let told = format!("Seed {}; {}. {}.", run.config.run.seed, run.chosen(), agreement.said(card.precision));
    text += &recipe(&run.identity.command, request, &told);
    let _ = write!(
        text,
        "## Data\n\n{described}.\n\nSHA-256 over all training photos and boxes: `{}`\n\n{}",
        card.data_fingerprint,
        log(&LOG_COLUMNS)
    );
    for one in measured.iter().filter(|one| one.part == "test") {
        text += &log_row(&one.source, &one.scores, "export");
    }
    text
}

/// A row of the log, dated today.
pub fn log_row(source: &str, scores: &Scores, how: &str) -> String {
    row(&[
        today(),
        cell(source),
        scores.photos.to_string(),
        scores.recall.shown(),
        format!("{:.3}", scores.precision),
        format!("{:.4}", scores.average_precision),
        format!("{} / {}", scores.false_positives, scores.empty_photos),
        cell(how),
    ])
}

/// What goes in, what comes out, and how large it is.
fn properties(run: &FinishedRun<FaceTask>, card: &ModelCard) -> String {
    let parameters: usize = run.net.parameters().iter().map(|p| p.len()).sum();
    let (input, map) = (&card.input, card.input.pixel_map);
    let [columns, rows] = run.config.task.cells();
    format!(
        "# {}\n\nA picture of a room in, where the faces are out.\n\n\
         |  |  |\n|---|---|\n\
         | input | `[1, {}, {}, {}]` float32, {}, `(pixel - {}) * {}`, letterboxed |\n\
         | output | `face`, `[1, 5, {rows}, {columns}]`: of each 8 x 8 pixels the logit of a face's centre, the centre's offset in \
         columns and rows, and the logarithms of width and height, in units of 8 pixels |\n\
         | detection threshold | {} |\n\
         | net | face, {} parameters, {} multiply-accumulates a picture |\n\
         | format | ONNX, opset 13, {}, batch of one |\n\n",
        card.name,
        input.colour.channels(),
        input.height,
        input.width,
        input.colour,
        map.offset,
        map.scale,
        card.thresholds[0],
        grouped(parameters),
        grouped(run.net.macs()),
        match card.precision {
            Precision::F32 => "float32",
            Precision::Int8 => "convolutions in 8-bit integers, the last one in float32",
        }
    )
}

/// A row for each part of each data set, and the faces of the last part by size and class: the test folder's, where there is one.
fn results(measured: &[Measured], perturbed: &Scores) -> String {
    let mut text = "## Results\n\n| data | part | photos | faces | recall | precision | average precision | false positives | centre \
                    within 12 % |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Measured { source, chose, part, scores } in measured {
        text += &row(&[
            cell(source),
            if *chose && *part == "val" { "val (chose the threshold)" } else { part }.to_owned(),
            scores.photos.to_string(),
            scores.recall.faces.to_string(),
            scores.recall.shown(),
            format!("{:.3}", scores.precision),
            format!("{:.4}", scores.average_precision),
            format!("{} / {}", scores.false_positives, scores.empty_photos),
            scores.localisation.near.percent(),
        ]);
    }
    let _ = writeln!(
        text,
        "\nFaces count from 10 % of the photo's width. A box finds a face from an intersection over union of 0.4 on. False positives \
         are boxes in photos without a face, over the number of such photos. The last column is of photos with one face, over 15 % \
         of the width: how often the box's centre is within 12 % of the face's width.\n\n\
         Each photo had the engine's multi-pass detection, as `classify` does it: the whole photo, a pass zoomed out, and two zoomed \
         passes, one of them flipped, at each place that may hold a face. All validation photos chose the epoch. The threshold is \
         the lowest with a precision of {TARGET_PRECISION} and at most {MAX_FALSE_POSITIVES} false positives a photo without a \
         face, on the perturbed validation set: each photo plain and in seven other ways, {} in all. There: {}.",
        perturbed.photos,
        line(perturbed),
    );
    if let Some(one) = measured.iter().rfind(|one| one.part == "test").or(measured.last()) {
        let _ = writeln!(text, "\n| {}, {} | recall | found | of |\n|---|---|---|---|", cell(&one.source), one.part);
        let sizes = SIZES.iter().map(|(_, _, name)| format!("{name} of the width")).zip(&one.scores.by_size);
        let classes = one.scores.by_class.iter().map(|(class, recall)| (class_name(class), recall));
        for (name, recall) in sizes.chain(classes) {
            text += &row(&[name, recall.shown(), recall.found.to_string(), recall.faces.to_string()]);
        }
    }
    text + "\n"
}

/// The main figures in a line.
pub fn line(scores: &Scores) -> String {
    format!(
        "recall {:.3} at precision {:.3} ({} faces of at least 10 % of the width), average precision {:.4}, {} false positives in {} \
         photos without a face",
        scores.recall.rate(),
        scores.precision,
        scores.recall.faces,
        scores.average_precision,
        scores.false_positives,
        scores.empty_photos
    )
}

fn class_name(class: &str) -> String {
    cell(if class.is_empty() { "unnamed" } else { class })
}

const LIMITS: &str = "## Limits

- It finds faces that look at the camera, up to some 45 degrees aside. From behind, from far aside or lying down it misses many.
- Faces under 5 % of the picture's width are too few pixels to be found.
- It was measured on the photos named below only. Other cameras, light, ages and skin tones may fare worse.
- It tells where a face is, not whose.

It must not be used to watch people at work or in schools, nor to decide anything about a person. People in view should be told that \
such a system runs.

";
