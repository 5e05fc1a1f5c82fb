//! A run's evaluations on its test pictures.

use crate::date::today;
use crate::emotion::metrics::Scores;
use crate::files::write_whole;
use anyhow::Result;
use std::path::Path;

const HEADER: &str = "date,pictures,accuracy,macro_f1,epoch";
/// The column of the epoch whose weights were evaluated.
const EPOCH: usize = 4;

/// The list of a run's evaluations on its test pictures, for the model's card.
pub fn evaluations(run: &Path) -> String {
    std::fs::read_to_string(run.join("evaluations.csv")).unwrap_or_default()
}

/// Adds an evaluation of the weights of `epoch`. The same weights once more, as where a finished run has its report made again,
/// add nothing.
pub(crate) fn note_evaluation(run: &Path, epoch: usize, scores: &Scores) -> Result<()> {
    let former = evaluations(run);
    // Rows of former versions have no epoch.
    let rows: Vec<&str> = former.lines().skip(1).collect();
    let epoch = epoch.to_string();
    if rows.last().and_then(|row| row.split(',').nth(EPOCH)) == Some(epoch.as_str()) {
        return Ok(());
    }
    let Scores { count, accuracy, macro_f1, .. } = scores;
    let row = format!("{},{count},{accuracy:.4},{macro_f1:.4},{epoch}", today());
    let lines = std::iter::once(HEADER).chain(rows).chain([row.as_str()]);
    let list: String = lines.map(|line| format!("{line}\n")).collect();
    Ok(write_whole(&run.join("evaluations.csv"), list.as_bytes())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_weights_are_noted_once() {
        let folder = tempfile::tempdir().unwrap();
        let scores = Scores { count: 24, accuracy: 0.75, macro_f1: 0.5, ..Scores::default() };
        let epochs = || -> Vec<String> {
            let list = evaluations(folder.path());
            list.lines().map(|line| line.split(',').skip(1).collect::<Vec<_>>().join(",")).collect()
        };
        for epoch in [3, 3, 5, 5] {
            note_evaluation(folder.path(), epoch, &scores).unwrap();
        }
        assert_eq!(epochs(), ["pictures,accuracy,macro_f1,epoch", "24,0.7500,0.5000,3", "24,0.7500,0.5000,5"]);
        let former = "date,pictures,accuracy,macro_f1\n2026-01-02,24,0.7500,0.5000\n";
        std::fs::write(folder.path().join("evaluations.csv"), former).unwrap();
        note_evaluation(folder.path(), 5, &scores).unwrap();
        assert_eq!(epochs(), ["pictures,accuracy,macro_f1,epoch", "24,0.7500,0.5000", "24,0.7500,0.5000,5"]);
    }
}
