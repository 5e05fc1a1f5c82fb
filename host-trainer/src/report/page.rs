//! What the report pages of both tasks share.

use super::svg::escape;
use crate::nets::summary::summary;
use crate::run::finished::FinishedRun;
use crate::task::Task;

/// A page's start: its title, a line below it, and the main figures, each with its meaning. `</html>` ends the page.
pub(crate) fn start(title: &str, kind: &str, line: &str, figures: &[(String, String)]) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}: Moodlight {kind} report</title>\
         <style>{STYLE}</style><h1>{0}</h1><p class=\"soft\">{1}</p>{2}",
        escape(title),
        escape(line),
        boxes(figures)
    )
}

/// The main figures of a page or of a part of it, each in a box with its meaning.
pub(crate) fn boxes(figures: &[(String, String)]) -> String {
    let figure = |(figure, meaning): &(String, String)| {
        format!("<div><b>{figure}</b><span class=\"soft\">{}</span></div>", escape(meaning))
    };
    format!("<div class=\"figures\">{}</div>", figures.iter().map(figure).collect::<String>())
}

/// The name of a run's folder.
pub(crate) fn name<T: Task>(run: &FinishedRun<T>) -> String {
    run.folder.file_name().map_or("run".into(), |name| name.to_string_lossy().into_owned())
}

/// What made a run, folded away.
pub(crate) fn details<T: Task>(run: &FinishedRun<T>) -> String {
    format!(
        "<details><summary>Command and configuration</summary><pre>{}\n\n{}</pre></details>\
         <details><summary>Network</summary><pre>{}</pre></details>",
        escape(&run.identity.command),
        escape(&run.config.to_toml().unwrap_or_default()),
        escape(&summary(&run.net))
    )
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fbfaf8; --line: #d8d4cc; --soft: #6b675f }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --paper: #17181a; --line: #3a3b3e; --soft: #a09c93 } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.2rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem }
p, li { color: var(--ink) } .soft { color: var(--soft) }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0 }
.figures div { border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; min-width: 8rem }
.figures b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums }
svg { max-width: 100%; height: auto; border-radius: 8px } .row { display: grid; align-items: start; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)) }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; padding: .8rem; font-size: .82rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .4rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
summary { cursor: pointer; margin: 1rem 0 }
@media (prefers-color-scheme: dark) { .chart svg { filter: invert(.9) hue-rotate(180deg) }
  .sheet > svg > rect:first-child { fill: none } .sheet text:not([fill]) { fill: var(--ink) }
  .sheet text[fill=\"#2a8f4f\"] { fill: #5fbf83 } .sheet text[fill=\"#c0392b\"] { fill: #f0796b } }
";
