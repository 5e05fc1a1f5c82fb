//! `report.html`: everything about a run on one page that needs nothing else.

use crate::emotion::dataset::Dataset;
use crate::emotion::metrics::Scores;
use crate::nets::summary::summary;
use crate::report::style::STYLE;
use crate::report::svg::escape;
use crate::run::finished::Run;
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
pub fn page(run: &Run, data: &Dataset, part: &str, scores: &Scores, text: &str, pictures: &Pictures) -> String {
    let name = run.folder.file_name().map_or("run".into(), |name| name.to_string_lossy().into_owned());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}: Moodlight training report</title>\
         <style>{STYLE}</style><h1>{0}</h1><p class=\"soft\">{1}, {2:?}, {3} labels</p>",
        escape(&name),
        run.reported_epoch(),
        run.config.arch.name(),
        data.labels.len()
    );
    html.push_str("<div class=\"figures\">");
    let figures = [
        (format!("{:.3}", scores.accuracy), format!("accuracy on {} {part} pictures", scores.count)),
        (format!("{:.3} to {:.3}", scores.interval95.0, scores.interval95.1), "95 % interval".into()),
        (format!("{:.3}", scores.macro_f1), "macro F1".into()),
        (format!("{:.3}", scores.top2), "top-2 accuracy".into()),
        (format!("{:.3}", scores.ece), format!("calibration error (calibrated: below {:.3})", scores.ece_p95)),
    ];
    for (figure, meaning) in figures {
        let _ = write!(html, "<div><b>{figure}</b><span class=\"soft\">{meaning}</span></div>");
    }
    let _ = write!(
        html,
        "</div><h2>Over the epochs</h2><p class=\"soft\">Training figures are measured while learning, on augmented pictures; the \
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
    let _ = write!(
        html,
        "</ul><p class=\"soft\">SHA-256 over all pictures: {}</p><h2>In full</h2><pre>{}</pre>\
         <details><summary>Command and configuration</summary><pre>{}\n\n{}</pre></details>\
         <details><summary>Network</summary><pre>{}</pre></details></html>\n",
        data.fingerprint,
        escape(text),
        escape(&run.identity.command),
        escape(&run.config.to_toml().unwrap_or_default()),
        escape(&summary(&run.net))
    );
    html
}
