//! The `MODEL.md` beside an exported emotion model.

use super::dataset::{Dataset, SourceSummary};
use super::evaluated::Evaluated;
use super::gate::{Agreement, INTEGER_TOLERANCE};
use super::lights::Share;
use super::metrics::Scores;
use super::task::EmotionTask;
use crate::export::card::{self, cell, head, input, log, net_rows, recipe, row};
use crate::export::exporter::Job;
use crate::export::measured::{Measured, of_test};
use crate::export::request::Request;
use crate::run::evaluations::evaluations;
use crate::run::finished::FinishedRun;
use emotion_models::{ModelCard, Precision};
use std::fmt::Write;

/// Columns of the log of test evaluations.
pub const LOG_COLUMNS: [&str; 7] = ["date", "data", "pictures", "accuracy", "macro F1", "calibration error", "how"];

/// How an exported emotion model does on the data.
pub struct EmotionFound {
    /// By data source and part.
    pub measured: Vec<Measured<Evaluated>>,
    /// What the export gate saw.
    pub agreement: Agreement,
}

/// The card as Markdown.
pub fn markdown(job: &Job<'_, EmotionTask>, card: &ModelCard, found: &EmotionFound) -> String {
    let Job { run, data, request } = job;
    let EmotionFound { measured, agreement } = found;
    let mut text = properties(run, card) + LIMITS;
    text += &results(data, card, measured, request);
    let best = run.best_epoch.checked_sub(1).and_then(|epoch| run.history.get(epoch));
    let figures = best.map_or(String::new(), |epoch| {
        let val = &epoch.figures.val;
        format!(" (validation loss {:.4}, accuracy {:.3} over all labels)", val.loss, val.accuracy)
    });
    let told =
        format!("Seed {}; {}{figures}. {}.", run.config.run.seed, run.chosen(), agreed(agreement, card.precision));
    text += &recipe(&run.identity.command, request, &told);
    text += &data_section(data, card);
    text += &log(&LOG_COLUMNS);
    for one in of_test(measured) {
        text += &log_row(&one.source, &one.scores.scores, "export");
    }
    // What the training run's own report saw of the test pictures.
    for line in evaluations(&run.folder).lines().skip(1) {
        let [date, pictures, accuracy, f1] = std::array::from_fn(|at| line.split(',').nth(at).unwrap_or_default());
        let how = "training report: all labels, temperature 1";
        text += &row(&[date, "all sources", pictures, accuracy, f1, "", how]);
    }
    text
}

/// A row of the log, dated today.
pub fn log_row(source: &str, scores: &Scores, how: &str) -> String {
    let figures = [scores.accuracy, scores.macro_f1, scores.ece].map(|figure| format!("{figure:.3}"));
    card::log_row(source, &[&[scores.count.to_string()][..], &figures].concat(), how)
}

/// What goes in, what comes out, and how large it is.
fn properties(run: &FinishedRun<EmotionTask>, card: &ModelCard) -> String {
    format!(
        "# {}\n\nA picture of a face in, the probability of each of {} out.\n\n\
         |  |  |\n|---|---|\n\
         | input | {} |\n\
         | output | probabilities of {}, softmax at temperature 1; the card's temperature is {} |\n\
         | thresholds | {} |\n\
         | crop | larger than the face's mean side by {:.0} % |\n\
         | faces judged | mean side of at least {} pixels, at least {:.0} % of the box in the frame, at least {:.0} % as wide as high; \
         others are unsure |\n\
         {}",
        card.name,
        listed(&card.labels),
        input(card),
        listed(&card.labels),
        card.temperature,
        card.labels.iter().zip(&card.thresholds).map(|(l, t)| format!("{l} {t}")).collect::<Vec<_>>().join(", "),
        100.0 * card.crop_margin,
        card.limits.smallest_face,
        100.0 * card.limits.least_inside,
        100.0 * card.limits.narrowest_face,
        net_rows(run.config.task.arch.name(), &run.net, card, "the layers behind the last pooling")
    )
}

/// A row for each part of each source, and the labels of the largest part: a test folder, where there is one.
fn results(data: &Dataset, card: &ModelCard, measured: &[Measured<Evaluated>], request: &Request) -> String {
    let accuracy = ["data", "part", "pictures", "accuracy (95 % interval)", "macro F1"];
    let mut text = "## Results\n\n".to_owned()
        + &head(&[&accuracy[..], &["calibration error (calibrated: below)", "rightly lit", "calm lit"]].concat());
    for Measured { source, part, scores: Evaluated { scores, lit, .. }, remark } in measured {
        text += &row(&[
            cell(source),
            (*part).to_owned(),
            format!("{}{remark}", scores.count),
            format!("{:.3} ({:.3} to {:.3})", scores.accuracy, scores.interval95.0, scores.interval95.1),
            format!("{:.3}", scores.macro_f1),
            format!("{:.3} ({:.3})", scores.ece, scores.ece_p95),
            rate(lit.rightly),
            rate(lit.calm),
        ]);
    }
    let _ = writeln!(
        text,
        "\nEach picture went once through the engine that runs on the device. Rightly lit: of the pictures whose label has a light, \
         those that light it at the thresholds. Calm lit: of the calm ones, those that light anything. The validation part of {} chose \
         temperature and thresholds; all validation parts together chose the epoch.",
        calibrated_on(data, request)
    );
    if let Some(one) = largest(measured) {
        let of = format!("{}, {}", cell(&one.source), one.part);
        text += &format!("\n{}", head(&[&of, "precision", "recall", "F1", "pictures"]));
        for (label, class) in card.labels.iter().zip(&one.scores.scores.per_class) {
            let [precision, recall, f1] =
                [class.precision, class.recall, class.f1].map(|figure| format!("{figure:.3}"));
            text += &row(&[cell(label), precision, recall, f1, class.support.to_string()]);
        }
    }
    text + "\n"
}

/// The test part with most pictures; without any, the part with most.
fn largest(measured: &[Measured<Evaluated>]) -> Option<&Measured<Evaluated>> {
    let count = |one: &&Measured<Evaluated>| one.scores.scores.count;
    of_test(measured).max_by_key(count).or(measured.iter().max_by_key(count))
}

fn rate(share: Share) -> String {
    share.rate().map_or("-".into(), |rate| format!("{rate:.3}"))
}

/// Pictures by source, part and label, and near-copies between the parts.
fn data_section(data: &Dataset, card: &ModelCard) -> String {
    let columns = ["data".to_owned(), "part".to_owned()].into_iter().chain(data.labels.iter().map(|label| cell(label)));
    let mut text = format!("## Data\n\n{}.\n\n{}", card.training_data, head(&columns.collect::<Vec<_>>()));
    for summary in &data.sources {
        for (part, counts) in [("train", &summary.train), ("val", &summary.val), ("test", &summary.test)] {
            if counts.iter().sum::<usize>() > 0 {
                let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
                text += &row(&[&[cell(&name(summary)), part.to_owned()][..], &counts].concat());
            }
        }
    }
    let has_copies = |summary: &&SourceSummary| {
        summary.copies.test_in_train + summary.copies.test_in_val + summary.copies.val_in_train > 0
    };
    for summary in data.sources.iter().filter(has_copies) {
        let copies = summary.copies;
        let _ = writeln!(
            text,
            "\nNear-copies in {}: {} test pictures have one among its training pictures, {} among validation; {} validation pictures \
             have one among training pictures.",
            name(summary),
            copies.test_in_train,
            copies.test_in_val,
            copies.val_in_train
        );
    }
    if !data.sources.iter().any(|summary| has_copies(&summary)) {
        text += "\nNo validation or test picture has a near-copy in another part.\n";
    }
    text + &format!("\nSHA-256 over all pictures: `{}`\n\n", card.data_fingerprint)
}

/// A source's own name.
pub fn name(summary: &SourceSummary) -> String {
    summary.source.path.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned())
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
    let chosen = |(index, _): &(usize, &SourceSummary)| request.calibrates_on(*index);
    listed(&data.sources.iter().enumerate().filter(chosen).map(|(_, summary)| name(summary)).collect::<Vec<_>>())
}

fn listed(labels: &[String]) -> String {
    match labels {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => labels.join(""),
    }
}

const LIMITS: &str = "## Limits

- It names the expression that a face shows in one picture. It does not know what a person feels, and people often do not agree on \
what a face shows.
- It was measured on the pictures named below only. Other cameras, light, ages, skin tones, head poses and cultures may fare worse.
- One of its labels always wins, even where a face shows none of them. The thresholds and the runtime's filter turn weak ones into \
\"unsure\".

It must not be used to infer emotions of people at work or in schools (forbidden in the European Union by the AI Act, Article \
5(1)(f)), nor to decide anything about a person. People in view should be told that such a system runs (Article 50(3)).

";
