//! The `MODEL.md` beside an exported face model.

use super::gate::Agreement;
use super::measured::Measured;
use super::metrics::{MAX_FALSE_POSITIVES, Scores, TARGET_PRECISION};
use super::run::FaceRun;
use crate::date::today;
use crate::export::card::{EVALUATIONS, LIMITS_HEADING, cell, options, plain};
use crate::export::request::Request;
use crate::nets::summary::grouped;
use emotion_models::{ModelCard, Precision};
use std::fmt::Write;

/// The card as Markdown. `perturbed` is what was found in the validation photos, plain and perturbed, `agreement` what the export
/// gate saw.
pub fn markdown(
    run: &FaceRun,
    described: &str,
    card: &ModelCard,
    perturbed: &Scores,
    measured: &[Measured],
    agreement: &Agreement,
    request: &Request,
) -> String {
    let parameters: usize = run.net.parameters().iter().map(|p| p.len()).sum();
    let input = &card.input;
    let map = input.pixel_map;
    let [columns, rows] = run.config.cells();
    let mut text = format!(
        "# {}\n\nA picture of a room in, where the faces are out.\n\n\
         |  |  |\n|---|---|\n\
         | architecture | face, {} parameters, {} multiply-accumulates a picture |\n\
         | input | `[1, {}, {}, {}]` float32, {}, `(pixel - {}) * {}`, letterboxed |\n\
         | output | `face`, `[1, 5, {rows}, {columns}]`: of each 8 x 8 pixels the logit of a face's centre, the centre's offset in \
         columns and rows, and the logarithms of width and height, in units of 8 pixels |\n\
         | score needed | {} |\n\
         | opset | 13, {}, batch of one |\n\n",
        card.name,
        grouped(parameters),
        grouped(run.net.macs()),
        input.colour.channels(),
        input.height,
        input.width,
        input.colour,
        map.offset,
        map.scale,
        card.thresholds[0],
        match card.precision {
            Precision::F32 => "float32",
            Precision::Int8 => "convolutions in 8-bit integers, the last one in float32",
        }
    );
    let _ = write!(
        text,
        "## How it was made\n\n```\n{}\nhost-trainer export {} --out {}{}\n```\n\nSeed {}; {}. {}.{}\n\n\
         ## Data\n\n{described}.\n\nSHA-256 over all training photos and boxes: `{}`\n\n\
         ## Figures\n\nEach photo searched as `classify` searches one, through the engine that runs on the device: a look at \
         the whole, one from further away for faces that fill it, and two looks from nearer, one of them in a mirror, at each \
         place that may hold a face (in a camera's frame, at the three likeliest places, and none from further away); the score is \
         that of the looks' mean logit, one less for boxes under 10 % of the width and for those seen from further away. A box fits a face \
         from an intersection over union of 0.4 on; one on a face under 10 % of the photo's width is neither right nor wrong, every \
         other box that fits none is wrong. The score needed was chosen on the validation photos as they are, mirrored, darker, \
         brighter, flat, cut at two corners and blurred: the lowest with a precision of at least {} there and at most {} boxes a \
         photo without a face. Over all of these, {} photos: {}.\n\n",
        run.identity.command,
        plain(&request.run),
        plain(&request.out),
        options(request),
        run.config.seed,
        run.best(),
        agreement.said(card.precision),
        request.note.as_ref().map_or(String::new(), |note| format!("\n\n{note}")),
        card.data_fingerprint,
        TARGET_PRECISION,
        MAX_FALSE_POSITIVES,
        perturbed.photos,
        line(perturbed),
    );
    for one in measured.iter().filter(|one| one.part == "val") {
        let chose = if one.chose { "epoch and score" } else { "the epoch" };
        section(&mut text, one, &format!("validation photos: they chose {chose}"));
    }
    let _ = writeln!(text, "{EVALUATIONS}\n");
    for one in measured.iter().filter(|one| one.part == "test") {
        section(&mut text, one, &format!("test folder, {}", today()));
    }
    if !measured.iter().any(|one| one.part == "test") {
        let _ = writeln!(text, "None: the data has no test folder.\n");
    }
    text + LIMITS
}

/// A card's text with one more evaluation on a test folder, dated today; `remark` follows the date.
pub fn with_evaluation(text: &str, measured: &Measured, remark: &str) -> String {
    let mut added = String::new();
    section(&mut added, measured, &format!("test folder, {}{remark}", today()));
    match text.find(LIMITS_HEADING) {
        Some(at) => format!("{}{added}{}", &text[..at], &text[at..]),
        None => format!("{text}\n{added}"),
    }
}

/// The main figures in a line.
pub fn line(scores: &Scores) -> String {
    format!(
        "recall {:.3} at precision {:.3} ({} faces of at least 10 % of the width), average precision {:.4}, {} boxes in {} photos \
         without a face",
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

fn section(text: &mut String, one: &Measured, what: &str) {
    let scores = &one.scores;
    let _ = write!(
        text,
        "### {}: {what}\n\n{} photos, score needed {:.3}: recall **{}** at precision **{:.3}**, average precision **{:.4}**; {} \
         boxes in {} photos without a face.\n\n| faces | recall | found | of |\n|---|---|---|---|\n",
        one.source,
        scores.photos,
        scores.threshold,
        scores.recall.shown(),
        scores.precision,
        scores.average_precision,
        scores.false_positives,
        scores.empty_photos
    );
    let mut row = |name: &str, recall: super::metrics::Recall| {
        let _ = writeln!(text, "| {name} | {} | {} | {} |", recall.shown(), recall.found, recall.faces);
    };
    row("at least 10 % of the width", scores.recall);
    for ((_, _, name), recall) in super::metrics::SIZES.iter().zip(&scores.by_size) {
        row(name, *recall);
    }
    for (class, recall) in &scores.by_class {
        row(&class_name(class), *recall);
    }
    let centres = &scores.localisation;
    let _ = writeln!(
        text,
        "\nPhotos with one face, over 15 % of the width: centre within 12 % of the face's width for {} ({} of {}), median \
         distance of those found {:.1} %. By class, in % of the width; right and down are mean and standard deviation of those found:\n\n\
         | faces | within 12 % | of | median | right | down |\n|---|---|---|---|---|---|",
        centres.near.percent(),
        centres.near.found,
        centres.near.faces,
        100.0 * centres.median
    );
    for (class, centres) in &scores.localisation_by_class {
        let (near, median) = (centres.near, 100.0 * centres.median);
        let (class, across, down) = (class_name(class), centres.offset(0), centres.offset(1));
        let _ = writeln!(text, "| {class} | {} | {} | {median:.1} | {across} | {down} |", near.found, near.faces);
    }
    text.push('\n');
}

const LIMITS: &str = "## Limits

- It finds faces that look at the camera, up to some 45 degrees aside; from behind, from far aside or lying down it misses many.
- Faces under 5 % of the picture's width are too few pixels to be found.
- Measured on the photos named above; other cameras, light, ages and skin tones may fare worse, and have not been measured here one by one.
- It tells where a face is, not whose.

## Must not be used

- to watch people at work or in schools;
- to decide anything about a person.

People in view should be told that such a system runs.
";
