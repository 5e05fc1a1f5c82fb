//! What the cards of both tasks share.

use super::request::Request;
use crate::failure::{Kind, failure};
use crate::files;
use crate::run::command_line::quoted;
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;

/// Heading of the list to which `evaluate` adds its results.
pub const EVALUATIONS: &str = "## Evaluations on test folders";

pub(crate) const LIMITS_HEADING: &str = "## Limits\n";

/// A path as it can be typed again; of one from the root only the last part: cards should not tell where somebody's files lie.
pub(crate) fn plain(path: &Path) -> String {
    let shown = if path.is_absolute() { path.file_name().map_or(path, Path::new) } else { path };
    quoted(&shown.to_string_lossy())
}

/// Text in a table's cell.
pub(crate) fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|")
}

/// The part of a card that lists evaluations: from their heading to the limits.
fn list(card: &str) -> Option<&str> {
    let from = card.find(EVALUATIONS)? + EVALUATIONS.len();
    Some(&card[from..from + card[from..].find(LIMITS_HEADING)?])
}

/// A new card for the very model that `former` described, with the evaluations that only `former` lists.
pub fn with_former_evaluations(card: &str, former: &str) -> String {
    let (Some(new), Some(old)) = (list(card), list(former)) else { return card.to_string() };
    let kept: String =
        old.split("### ").skip(1).filter(|one| !new.contains(*one)).map(|one| format!("### {one}")).collect();
    match card.find(LIMITS_HEADING) {
        Some(at) => format!("{}{kept}{}", &card[..at], &card[at..]),
        None => card.to_string(),
    }
}

/// The options of `export` that shape the model.
pub(crate) fn options(request: &Request) -> String {
    let mut options = String::new();
    if !request.labels.is_empty() {
        let _ = write!(options, " --labels {}", request.labels.join(","));
    }
    if !request.calibrate_on.is_empty() {
        let sources: Vec<String> = request.calibrate_on.iter().map(|source| (source + 1).to_string()).collect();
        let _ = write!(options, " --calibrate-on {}", sources.join(","));
    }
    options
}

/// Writes a model and the card beside it; a card of the very same model keeps the evaluations it lists.
pub(crate) fn write(out: &Path, model: &[u8], card: String) -> Result<()> {
    if let Some(folder) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    let card_path = out.with_extension("md");
    let former = std::fs::read_to_string(&card_path).unwrap_or_default();
    let same = std::fs::read(out).is_ok_and(|former| former == model);
    let card = if same { with_former_evaluations(&card, &former) } else { card };
    files::write_whole(out, model)?;
    Ok(files::write_whole(&card_path, card.as_bytes())?)
}

/// The card replaces an older card, not somebody's notes that happen to have the model's name.
pub(crate) fn refuse_foreign_card(path: &Path) -> Result<()> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.contains(EVALUATIONS) => {
            let message = format!(
                "{} is there and is no model card; the card would replace it: move it, or choose another --out",
                path.display()
            );
            Err(failure(Kind::Output, message))
        }
        _ => Ok(()),
    }
}
