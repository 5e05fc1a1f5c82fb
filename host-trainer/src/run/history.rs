//! What each epoch brought.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// One line of `history.csv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch<F> {
    /// Counted from 1; 0 is the run as it started.
    pub epoch: usize,
    /// The task's figures for it.
    #[serde(flatten)]
    pub figures: F,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// Training examples per second.
    pub images_per_second: f64,
    /// Whole epoch with validation.
    pub seconds: f64,
}

/// The figures that a task records per epoch.
pub trait Figures: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// The first line of `history.csv`.
    const CSV_HEADER: &'static str;

    /// An epoch's line in `history.csv`, without its end.
    fn csv_line(entry: &Epoch<Self>) -> String;

    /// An epoch in words, out of `epochs`.
    fn line(entry: &Epoch<Self>, epochs: usize) -> String;

    /// The figures on the validation part, in words.
    fn validation(&self) -> String;
}

/// The history as a CSV file.
pub fn csv<F: Figures>(history: &[Epoch<F>]) -> String {
    let lines = history.iter().map(|entry| F::csv_line(entry) + "\n");
    format!("{}\n{}", F::CSV_HEADER, lines.collect::<String>())
}
