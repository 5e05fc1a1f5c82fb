//! `report.html`: everything about a run on one page that needs nothing else.

use super::svg::escape;
use crate::emotion::dataset::Dataset;
use crate::emotion::metrics::Scores;
use crate::export::Run;
use crate::nets::summary::summary;
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

pub(crate) const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fbfaf8; --line: #d8d4cc; --soft: #6b675f }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --paper: #17181a; --line: #3a3b3e; --soft: #a09c93 } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.2rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem }
p, li { color: var(--ink) } .soft { color: var(--soft) }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0 }
.figures div { border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; min-width: 8rem }
.figures b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums }
svg { max-width: 100%; height: auto; border-radius: 8px } .row { display: flex; flex-wrap: wrap; gap: 1rem }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; padding: .8rem; font-size: .82rem }
summary { cursor: pointer; margin: 1rem 0 }
@media (prefers-color-scheme: dark) { .chart svg { filter: invert(.9) hue-rotate(180deg) }
  .sheet > svg > rect:first-child { fill: none } .sheet text:not([fill]) { fill: var(--ink) }
  .sheet text[fill=\"#2a8f4f\"] { fill: #5fbf83 } .sheet text[fill=\"#c0392b\"] { fill: #f0796b } }
";

/// The page as one HTML file.
pub fn page(run: &Run, data: &Dataset, part: &str, scores: &Scores, text: &str, pictures: &Pictures) -> String {
    let name = run.folder.file_name().map_or("run".into(), |name| name.to_string_lossy().into_owned());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}: Moodlight training report</title>\
         <style>{STYLE}</style><h1>{0}</h1><p class=\"soft\">{1}, {2:?}, {3} labels</p>",
        escape(&name),
        super::best(run),
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
