//! The `MODEL.md` beside an exported face model.

use super::gate::Agreement;
use super::metrics::{FALLBACK_THRESHOLD, MAX_FALSE_POSITIVES, SIZES, Scores, TARGET_PRECISION};
use super::perturbations;
use super::photos::class_name;
use super::task::FaceTask;
use crate::export::card::{self, cell, head, input, log, net_rows, recipe, row};
use crate::export::exporter::Job;
use crate::export::measured::{Measured, in_full, of_test};
use crate::run::finished::FinishedRun;
use emotion_models::ModelCard;
use std::fmt::Write;

/// Columns of the log of test evaluations.
pub const LOG_COLUMNS: [&str; 8] =
    ["date", "data", "photos", "recall", "precision", "average precision", "false positives", "how"];

/// How an exported face model does on the data.
pub struct FaceFound {
    /// By data source and part.
    pub measured: Vec<Measured<Scores>>,
    /// On the validation photos that chose the detection threshold, perturbed.
    pub perturbed: Scores,
    /// Whether a score reaches the target precision there; if none does, the detection threshold is the fallback.
    pub on_target: bool,
    /// What the export gate saw.
    pub agreement: Agreement,
}

/// The card as Markdown.
pub fn markdown(job: &Job<'_, FaceTask>, card: &ModelCard, found: &FaceFound) -> String {
    let Job { run, data, request } = job;
    let FaceFound { measured, perturbed, on_target, agreement } = found;
    let mut text = properties(run, card) + LIMITS;
    text += &results(measured, perturbed, *on_target);
    let told = format!("Seed {}; {}. {}.", run.config.run.seed, run.chosen(), agreement.said(card.precision));
    text += &recipe(&run.identity.command, request, &told);
    let _ = write!(
        text,
        "## Data\n\n{}.\n\nSHA-256 over all training photos and boxes: `{}`\n\n{}",
        data.described,
        card.data_fingerprint,
        log(&LOG_COLUMNS)
    );
    for one in of_test(measured) {
        text += &log_row(&one.source, &one.scores, "export");
    }
    text
}

/// A row of the log, dated today.
pub fn log_row(source: &str, scores: &Scores, how: &str) -> String {
    let figures = [
        scores.photos.to_string(),
        scores.recall.shown(),
        format!("{:.3}", scores.precision),
        format!("{:.3}", scores.average_precision),
        format!("{} / {}", scores.false_positives, scores.empty_photos),
    ];
    card::log_row(source, &figures, how)
}

/// What goes in, what comes out, and how large it is.
fn properties(run: &FinishedRun<FaceTask>, card: &ModelCard) -> String {
    let [columns, rows] = run.config.task.cells();
    format!(
        "# {}\n\nA picture of a room in, where the faces are out.\n\n\
         |  |  |\n|---|---|\n\
         | input | {}, letterboxed |\n\
         | output | `face`, `[1, 5, {rows}, {columns}]`: of each 8 x 8 pixels the logit of a face's centre, the centre's offset in \
         columns and rows, and the logarithms of width and height, in units of 8 pixels |\n\
         | detection threshold | {} |\n\
         {}",
        card.name,
        input(card),
        card.thresholds[0],
        net_rows("face", &run.net, card, "the last one")
    )
}

/// A row for each part of each data set, and the faces of the last part by size and class: the test folder's, where there is one.
fn results(measured: &[Measured<Scores>], perturbed: &Scores, on_target: bool) -> String {
    let mut text = "## Results\n\n| data | part | photos | faces | recall | precision | average precision | false positives | centre \
                    within 12 % |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Measured { source, part, scores, remark } in measured {
        text += &row(&[
            cell(source),
            format!("{part}{remark}"),
            scores.photos.to_string(),
            scores.recall.faces.to_string(),
            scores.recall.shown(),
            format!("{:.3}", scores.precision),
            format!("{:.3}", scores.average_precision),
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
         passes, one of them flipped, at each place that may hold a face. All validation photos chose the epoch. {}. That set is \
         each validation photo and {} perturbed variants of it, {} photos in all. There: {}.",
        chosen_threshold(on_target),
        perturbations::COUNT - 1,
        perturbed.photos,
        line(perturbed),
    );
    if let Some(one) = in_full(measured) {
        let of = format!("{}, {}", cell(&one.source), one.part);
        text += &format!("\n{}", head(&[&of, "recall", "found", "of"]));
        let sizes = SIZES.iter().map(|(_, _, name)| format!("{name} of the width")).zip(&one.scores.by_size);
        let classes = one.scores.by_class.iter().map(|(class, recall)| (cell(class_name(class)), recall));
        for (name, recall) in sizes.chain(classes) {
            text += &row(&[name, recall.shown(), recall.found.to_string(), recall.faces.to_string()]);
        }
    }
    text + "\n"
}

/// What the detection threshold is, on the perturbed validation set.
fn chosen_threshold(on_target: bool) -> String {
    let target = format!(
        "a precision of {TARGET_PRECISION} and at most {MAX_FALSE_POSITIVES} false positives a photo without a face"
    );
    match on_target {
        true => format!("The threshold is the lowest with {target}, on the perturbed validation set"),
        false => {
            format!(
                "No score reached {target} on the perturbed validation set; {FALLBACK_THRESHOLD} was taken as threshold"
            )
        }
    }
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

const LIMITS: &str = "## Limits

- It finds faces that look at the camera, up to some 45 degrees aside. From behind, from far aside or lying down it misses many.
- Faces under 5 % of the picture's width are too few pixels to be found.
- It was measured on the photos named below only. Other cameras, light, ages and skin tones may fare worse.
- It tells where a face is, not whose.

It must not be used to watch people at work or in schools, nor to decide anything about a person. People in view should be told that \
such a system runs.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_no_score_chose_is_not_told_as_chosen() {
        let results = |on_target| results(&[], &Scores { photos: 8, ..Scores::default() }, on_target);
        assert!(
            results(true).contains("The threshold is the lowest with a precision of 0.97 and"),
            "{}",
            results(true)
        );
        assert!(results(true).contains("each validation photo and 7 perturbed variants of it, 8 photos in all"));
        let fallback = results(false);
        assert!(
            fallback.contains("No score reached a precision of 0.97 and") && fallback.contains("; 0.5 was taken"),
            "{fallback}"
        );
        assert!(!fallback.contains("the lowest"), "{fallback}");
    }
}
