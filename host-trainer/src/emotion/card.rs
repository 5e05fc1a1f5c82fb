//! The `MODEL.md` beside an exported model.

use super::dataset::{Dataset, SourceSummary};
use super::gate::{Agreement, INTEGER_TOLERANCE};
use super::measured::Measured;
use crate::date::today;
use crate::export::card::{EVALUATIONS, LIMITS_HEADING, cell, options, plain};
use crate::export::request::Request;
use crate::nets::summary::grouped;
use crate::run::evaluations::evaluations;
use crate::run::finished::Run;
use emotion_models::{ModelCard, Precision};
use std::fmt::Write;

/// The card as Markdown. `agreement` is what the export gate saw.
pub fn markdown(
    run: &Run,
    data: &Dataset,
    card: &ModelCard,
    measured: &[Measured],
    agreement: &Agreement,
    request: &Request,
) -> String {
    let mut text = String::new();
    let parameters: usize = run.net.parameters().iter().map(|p| p.len()).sum();
    let input = &card.input;
    let map = input.pixel_map;
    let best = run.best_epoch.checked_sub(1).and_then(|epoch| run.history.get(epoch));
    let _ = write!(
        text,
        "# {}\n\nA picture of a face in, the probability of each of {} out.\n\n\
         |  |  |\n|---|---|\n\
         | architecture | {}, {} parameters, {} multiply-accumulates a picture |\n\
         | input | `[1, {}, {}, {}]` float32, {}, `(pixel - {}) * {}` |\n\
         | output | probabilities of {}, softmax at temperature 1; the card's temperature is {} |\n\
         | thresholds | {} |\n\
         | crop | larger than the face's mean side by {:.0} % |\n\
         | faces judged | mean side of at least {} pixels, at least {:.0} % of the box in the frame, at least {:.0} % as wide as high; \
         others are unsure |\n\
         | opset | 13, {}, batch of one |\n\n",
        card.name,
        listed(&card.labels),
        run.config.arch.name(),
        grouped(parameters),
        grouped(run.net.macs()),
        input.colour.channels(),
        input.height,
        input.width,
        input.colour,
        map.offset,
        map.scale,
        listed(&card.labels),
        card.temperature,
        card.labels.iter().zip(&card.thresholds).map(|(l, t)| format!("{l} {t}")).collect::<Vec<_>>().join(", "),
        100.0 * card.crop_margin,
        card.limits.smallest_face,
        100.0 * card.limits.least_inside,
        100.0 * card.limits.narrowest_face,
        match card.precision {
            Precision::F32 => "float32",
            Precision::Int8 => "convolutions in 8-bit integers, the layers behind the last pooling in float32",
        }
    );
    let _ = write!(
        text,
        "## How it was made\n\n```\n{}\nhost-trainer export {} --out {}{}\n```\n\n\
         Seed {}; {}{}. {}.{}\n\n## Data\n\n{}.\n\nSHA-256 over all pictures: `{}`\n\n\
         | source | part | {} |\n|---|---|{}|\n",
        run.identity.command,
        plain(&request.run),
        plain(&request.out),
        options(request),
        run.config.seed,
        chosen(run),
        best.map_or(String::new(), |e| format!(
            " (validation loss {:.4}, accuracy {:.3} over all labels)",
            e.val.loss, e.val.accuracy
        )),
        agreed(agreement, card.precision),
        request.note.as_ref().map_or(String::new(), |note| format!("\n\n{note}")),
        card.training_data,
        card.data_fingerprint,
        data.labels.iter().map(|label| cell(label)).collect::<Vec<_>>().join(" | "),
        data.labels.iter().map(|_| "---").collect::<Vec<_>>().join("|")
    );
    for summary in &data.sources {
        let name = summary.source.path.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned());
        for (part, counts) in [("train", &summary.train), ("val", &summary.val), ("test", &summary.test)] {
            if counts.iter().sum::<usize>() > 0 {
                let counts = counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
                let _ = writeln!(text, "| {name} | {part} | {counts} |");
            }
        }
    }
    for summary in &data.sources {
        let name = summary.source.path.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned());
        let copies = summary.copies;
        let _ = writeln!(
            text,
            "\n{name}: {} test pictures have a near-copy among its training pictures, {} among validation; {} validation pictures \
             have one among training pictures.",
            copies.test_in_train, copies.test_in_val, copies.val_in_train
        );
    }
    let _ = writeln!(
        text,
        "\n## Figures\n\nOne forward pass, through the engine that runs on the device. The validation part of {} chose temperature and \
         thresholds.\n",
        calibrated_on(data, request)
    );
    for one in measured.iter().filter(|one| one.part == "val") {
        let with = if data.sources.len() > 1 { "with the other sources' it" } else { "it" };
        section(&mut text, one, &card.labels, &format!("validation part: {with} chose the epoch"));
    }
    let _ = writeln!(text, "{EVALUATIONS}\n");
    for one in measured.iter().filter(|one| one.part == "test") {
        section(&mut text, one, &card.labels, &format!("test folder, {}", today()));
    }
    let looks = evaluations(&run.folder);
    if looks.lines().count() > 1 {
        let _ = writeln!(
            text,
            "The training run's own report looked at the test pictures too (all labels, temperature 1, trainer's forward pass):\n"
        );
        let _ = writeln!(text, "| date | pictures | accuracy | macro F1 |\n|---|---|---|---|");
        for look in looks.lines().skip(1) {
            let _ = writeln!(text, "| {} |", look.replace(',', " | "));
        }
        text.push('\n');
    }
    if !measured.iter().any(|one| one.part == "test") {
        let _ = writeln!(text, "None: the data has no test folder.\n");
    }
    text.push_str(LIMITS);
    text
}

/// Which epoch was exported.
fn chosen(run: &Run) -> String {
    match (run.best_epoch, run.history.len()) {
        (0, epochs) if run.config.quantize.is_none() => {
            let monitor = run.config.monitor.name();
            format!("as it began; none of {epochs} epochs was better by validation {monitor}")
        }
        (0, 0) => "quantised after training, without further epochs".into(),
        (0, epochs) => format!(
            "quantised; none of {epochs} epochs of training with rounding was better by validation {} than none at all",
            run.config.monitor.name()
        ),
        (best, epochs) => {
            format!("the best of {epochs} epochs by validation {} was epoch {best}", run.config.monitor.name())
        }
    }
}

/// How well trainer and exported graph agree.
fn agreed(agreement: &Agreement, precision: Precision) -> String {
    let (pictures, largest) = (agreement.pictures, agreement.largest);
    match precision {
        Precision::F32 => format!(
            "Trainer and exported graph agree within {largest:.1e} (largest difference of a probability, {pictures} pictures)"
        ),
        Precision::Int8 => format!(
            "Trainer and exported graph give the same label to {} of {pictures} pictures, and {:.2} % of the probabilities differ by at \
             most {INTEGER_TOLERANCE} (largest difference {largest:.2})",
            agreement.same_label,
            100.0 * agreement.within as f64 / agreement.compared.max(1) as f64
        ),
    }
}

/// The sources whose validation part chose temperature and thresholds.
fn calibrated_on(data: &Dataset, request: &Request) -> String {
    let chosen =
        |(index, _): &(usize, &SourceSummary)| request.calibrate_on.is_empty() || request.calibrate_on.contains(index);
    let name = |(_, summary): (usize, &SourceSummary)| {
        summary.source.path.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned())
    };
    listed(&data.sources.iter().enumerate().filter(chosen).map(name).collect::<Vec<_>>())
}

/// A card's text with one more evaluation on a test folder, dated today; `remark` follows the date.
pub fn with_evaluation(text: &str, measured: &Measured, labels: &[String], remark: &str) -> String {
    let mut added = String::new();
    section(&mut added, measured, labels, &format!("test folder, {}{remark}", today()));
    match text.find(LIMITS_HEADING) {
        Some(at) => format!("{}{added}{}", &text[..at], &text[at..]),
        None => format!("{text}\n{added}"),
    }
}

fn section(text: &mut String, one: &Measured, labels: &[String], what: &str) {
    let scores = &one.scores;
    let pictures: usize = scores.per_class.iter().map(|class| class.support).sum();
    let _ = write!(
        text,
        "### {}: {what}\n\n{pictures} pictures{}: accuracy **{:.3}** (95 % interval {:.3} to {:.3}), macro F1 **{:.3}**, \
         expected calibration error {:.3} (a perfectly calibrated model of the same confidences stays below {:.3} \
         in 95 of 100 draws).\n\n| label | precision | recall | F1 | pictures |\n|---|---|---|---|---|\n",
        one.source,
        if one.skipped > 0 {
            format!(" ({} more bear labels this model does not have)", one.skipped)
        } else {
            String::new()
        },
        scores.accuracy,
        scores.interval95.0,
        scores.interval95.1,
        scores.macro_f1,
        scores.ece,
        scores.ece_p95,
    );
    for (label, class) in labels.iter().zip(&scores.per_class) {
        let _ = writeln!(
            text,
            "| {} | {:.3} | {:.3} | {:.3} | {} |",
            cell(label),
            class.precision,
            class.recall,
            class.f1,
            class.support
        );
    }
    text.push('\n');
}

pub(crate) fn listed(labels: &[String]) -> String {
    match labels {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => labels.join(""),
    }
}

const LIMITS: &str = "## Limits

- It names the expression a face shows in one picture. It does not know what a person feels, and people often do not agree on what a face shows.
- Measured on the pictures named above; other cameras, light, ages, skin tones, head poses and cultures may fare worse, and have not been measured here one by one.
- Always one of its labels wins: a face that shows none of them, or a picture without a face, still gets probabilities. The thresholds and the runtime's filter turn weak ones into \"unsure\".

## Must not be used

- to infer emotions of people at work or in schools (forbidden in the European Union by the AI Act, Article 5(1)(f));
- to decide anything about a person.

People in view should be told that such a system runs (AI Act, Article 50(3)).
";
