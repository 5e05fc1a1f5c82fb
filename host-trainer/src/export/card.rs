//! The common parts of both tasks' cards: how a model was made, and the log of its test evaluations.

use super::request::Request;
use crate::date::today;
use crate::failure::{Kind, failure};
use crate::files;
use crate::nets::Net;
use crate::nets::summary::grouped;
use crate::output::{say, tell};
use crate::run::command_line::quoted;
use anyhow::{Context, Result};
use emotion_models::{InputSpec, ModelCard, Precision};
use std::fmt::Write;
use std::path::Path;

/// Heading of the card's last section, to which `evaluate` adds a row.
const LOG: &str = "## Log of test evaluations";
/// What cards of earlier versions have in its place.
const FORMER_LOG: &str = "## Evaluations on test folders";

/// The log, empty but for the head of its table.
pub fn log(columns: &[&str]) -> String {
    format!(
        "{LOG}\n\nEach row is one time that the model was measured on a test folder. No figure here chose anything.\n\n{}",
        head(columns)
    )
}

/// A row of the log, dated today.
pub fn log_row(source: &str, figures: &[String], how: &str) -> String {
    row(&[&[today(), cell(source)], figures, &[cell(how)]].concat())
}

/// The head of a table.
pub fn head<S: AsRef<str>>(columns: &[S]) -> String {
    format!("{}|{}\n", row(columns), "---|".repeat(columns.len()))
}

/// A row of a table.
pub fn row<S: AsRef<str>>(cells: &[S]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// What the model reads.
pub fn input(card: &ModelCard) -> String {
    let (input, map) = (&card.input, card.input.pixel_map);
    let InputSpec { width, height, colour, .. } = input;
    let channels = colour.channels();
    format!("`[1, {channels}, {height}, {width}]` float32, {colour}, `(pixel - {}) * {}`", map.offset, map.scale)
}

/// The rows of a net and its format; `float` are the layers of an integer one that stay in floating point.
pub fn net_rows(name: &str, net: &Net, card: &ModelCard, float: &str) -> String {
    let parameters = net.parameters().iter().map(|p| p.len()).sum();
    let numbers = match card.precision {
        Precision::F32 => "float32".to_owned(),
        Precision::Int8 => format!("convolutions in 8-bit integers, {float} in float32"),
    };
    format!(
        "| net | {name}, {} parameters, {} multiply-accumulates a picture |\n\
         | format | ONNX, opset 13, {numbers}, batch of one |\n\n",
        grouped(parameters),
        grouped(net.macs())
    )
}

/// Whether a file's text is a model's card.
fn is_card(text: &str) -> bool {
    text.contains(LOG) || text.contains(FORMER_LOG)
}

/// The rows of a card's log.
fn rows(card: &str) -> impl Iterator<Item = &str> {
    let log = card.split_once(LOG).map_or("", |(_, log)| log);
    log.lines().filter(|line| line.starts_with('|')).skip(2)
}

/// A new card for the very model that `former` described, with the rows that only `former` has in its log.
fn with_former_rows(card: &str, former: &str) -> String {
    let kept = rows(former).filter(|row| !rows(card).any(|new| new == *row));
    kept.fold(card.to_owned(), |text, row| text + row + "\n")
}

/// Adds rows, each a line, to the log of the card at `path`; where there is no card, says so. `columns` begin the log of a card without one.
///
/// # Errors
/// When the card cannot be written.
pub fn append_rows(path: &Path, columns: &[&str], rows: &str, quiet: bool) -> Result<()> {
    let Some(mut text) = std::fs::read_to_string(path).ok().filter(|text| is_card(text)) else {
        tell!("host-trainer: not recorded: {} is no model card", path.display());
        return Ok(());
    };
    text.truncate(text.trim_end().len());
    text.push('\n');
    if !text.contains(LOG) {
        text = text + "\n" + &log(columns);
    }
    files::write_whole(path, (text + rows).as_bytes())
        .with_context(|| format!("the figures above could not be added to {}", path.display()))?;
    if quiet { Ok(()) } else { say!("added to {}", path.display()) }
}

/// A path as it can be typed again. Of an absolute one only the last part is kept: a card should not reveal where a
/// user's files are.
fn plain(path: &Path) -> String {
    let shown = if path.is_absolute() { path.file_name().map_or(path, Path::new) } else { path };
    quoted(&shown.to_string_lossy())
}

/// Text in a table's cell.
pub fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|")
}

/// The section on how a model was made: the commands of its run and export, and notes on them.
pub fn recipe(commands: &str, request: &Request, told: &str) -> String {
    let mut options = String::new();
    if !request.labels.is_empty() {
        let _ = write!(options, " --labels {}", request.labels.join(","));
    }
    if !request.calibrate_on.is_empty() {
        let sources: Vec<String> = request.calibrate_on.iter().map(|source| (source + 1).to_string()).collect();
        let _ = write!(options, " --calibrate-on {}", sources.join(","));
    }
    let (run, out) = (plain(&request.run), plain(&request.out));
    let note = request.note.as_ref().map_or(String::new(), |note| format!("\n\n{note}"));
    format!("## Recipe\n\n```\n{commands}\nhost-trainer export {run} --out {out}{options}\n```\n\n{told}{note}\n\n")
}

/// Writes a model and its card; a card of the very same model keeps the rows of its log.
///
/// # Errors
/// When a file cannot be written.
pub fn write(out: &Path, model: &[u8], card: String) -> Result<()> {
    if let Some(folder) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    let card_path = out.with_extension("md");
    let former = std::fs::read_to_string(&card_path).unwrap_or_default();
    let same = std::fs::read(out).is_ok_and(|former| former == model);
    let card = if same { with_former_rows(&card, &former) } else { card };
    files::write_whole(out, model)?;
    Ok(files::write_whole(&card_path, card.as_bytes())?)
}

/// The card replaces an older card, but not a user's notes that happen to have the model's name.
///
/// # Errors
/// Says that other text is there.
pub fn refuse_foreign_card(path: &Path) -> Result<()> {
    match std::fs::read_to_string(path) {
        Ok(text) if !is_card(&text) => {
            let message = format!(
                "{} is there and is no model card; the card would replace it: move it, or choose another --out",
                path.display()
            );
            Err(failure(Kind::Output, message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COLUMNS: [&str; 2] = ["date", "data"];

    #[test]
    fn an_evaluation_is_one_row_at_the_end_of_the_card() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.md");
        for (card, sections) in [(format!("# m\n\n{}", log(&COLUMNS)), 1), (format!("# m\n\n{FORMER_LOG}\n\nold\n"), 1)]
        {
            std::fs::write(&path, &card).unwrap();
            for data in ["faces", "strangers"] {
                append_rows(&path, &COLUMNS, &row(&["2026-11-30", data]), true).unwrap();
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(card.trim_end()) && text.matches(LOG).count() == sections, "{text}");
            assert!(text.ends_with("|---|---|\n| 2026-11-30 | faces |\n| 2026-11-30 | strangers |\n"), "{text}");
        }
        std::fs::write(&path, "my notes").unwrap();
        append_rows(&path, &COLUMNS, "| a | b |\n", true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my notes");
        assert!(refuse_foreign_card(&path).is_err());
    }

    #[test]
    fn a_card_written_again_keeps_each_row_once() {
        let card = |rows: &[&str]| rows.iter().fold(log(&COLUMNS), |text, data| text + &row(&["2026-11-30", data]));
        assert_eq!(with_former_rows(&card(&["a"]), &card(&["a", "b"])), card(&["a", "b"]));
        assert_eq!(with_former_rows(&card(&[]), "no card"), card(&[]));
    }
}
