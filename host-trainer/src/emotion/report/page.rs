//! `report.html`: everything about a run on one page that needs nothing else.

use crate::emotion::dataset::Dataset;
use crate::emotion::metrics::Scores;
use crate::emotion::task::EmotionTask;
use crate::report::page::{details, name, start};
use crate::report::svg::escape;
use crate::run::finished::FinishedRun;
use std::fmt::Write;

/// The page's pictures, as SVG.
pub struct Pictures {
    /// Loss and accuracy over the epochs.
    pub curves: String,
    /// Counts by true and predicted label.
    pub confusion: String,
    /// Confidence against accuracy.
    pub reliability: String,
    /// Pictures with labels.
    pub sheet: String,
}

/// The page as one HTML file.
pub fn page(
    run: &FinishedRun<EmotionTask>,
    data: &Dataset,
    part: &str,
    scores: &Scores,
    text: &str,
    pictures: &Pictures,
) -> String {
    let figures = [
        (format!("{:.3}", scores.accuracy), format!("accuracy on {} {part} pictures", scores.count)),
        (format!("{:.3} to {:.3}", scores.interval95.0, scores.interval95.1), "95 % interval".into()),
        (format!("{:.3}", scores.macro_f1), "macro F1".into()),
        (format!("{:.3}", scores.top2), "top-2 accuracy".into()),
        (format!("{:.3}", scores.ece), format!("calibration error (calibrated: below {:.3})", scores.ece_p95)),
    ];
    let line = format!("{}, {}, {} labels", run.chosen(), run.config.task.arch.name(), data.labels.len());
    let mut html = start(&name(run), "training", &line, &figures);
    let _ = write!(
        html,
        "<h2>Over the epochs</h2><p class=\"soft\">Training figures are measured while learning, on augmented pictures; the \
         grey line marks the best epoch.</p><div class=\"chart\">{}</div><h2>Where it errs</h2>\
         <div class=\"row chart\">{}{}</div><h2>Pictures</h2><p class=\"soft\">What the model says of {part} pictures, and how \
         surely. A red frame: wrong.</p><div class=\"sheet\">{}</div>",
        pictures.curves, pictures.confusion, pictures.reliability, pictures.sheet
    );
    html.push_str("<h2>Data</h2><ul>");
    for source in &data.sources {
        let count = |counts: &[usize]| counts.iter().sum::<usize>();
        let copies = source.copies;
        let _ = write!(
            html,
            "<li>{}: {} training, {} validation, {} test pictures of {}. {} test pictures have a near-copy among training or \
             validation pictures; {} files did not decode.</li>",
            escape(&source.source.to_string()),
            count(&source.train),
            count(&source.val),
            count(&source.test),
            escape(&source.labels.join(", ")),
            copies.test_in_train + copies.test_in_val,
            source.undecodable
        );
    }
    let _ = writeln!(
        html,
        "</ul><p class=\"soft\">SHA-256 over all pictures: {}</p><h2>In full</h2><pre>{}</pre>{}</html>",
        data.fingerprint,
        escape(text),
        details(run)
    );
    html
}
