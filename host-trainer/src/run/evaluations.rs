//! A run's evaluations on its test pictures.

use crate::date::today;
use crate::emotion::metrics::Scores;
use crate::files::write_whole;
use anyhow::Result;
use std::path::Path;

/// The list of a run's evaluations on its test pictures, for the model's card.
pub fn evaluations(run: &Path) -> String {
    std::fs::read_to_string(run.join("evaluations.csv")).unwrap_or_default()
}

pub(crate) fn note_evaluation(run: &Path, scores: &Scores) -> Result<()> {
    let header = "date,pictures,accuracy,macro_f1\n";
    let mut list = evaluations(run);
    if list.is_empty() {
        list = header.into();
    }
    list.push_str(&format!("{},{},{:.4},{:.4}\n", today(), scores.count, scores.accuracy, scores.macro_f1));
    Ok(write_whole(&run.join("evaluations.csv"), list.as_bytes())?)
}
