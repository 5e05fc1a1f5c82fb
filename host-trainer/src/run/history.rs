//! What each epoch brought.

use crate::emotion::metrics::Scores;
use serde::{Deserialize, Serialize};

/// One part's figures after an epoch; rates between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Mean loss (on validation: negative log-likelihood, without weights and smoothing).
    pub loss: f64,
    /// Share of pictures whose label is the most probable.
    pub accuracy: f64,
    /// Share of pictures whose label is among the two most probable.
    pub top2: f64,
    /// Mean over labels.
    pub precision: f64,
    /// Mean over labels.
    pub recall: f64,
    /// Mean over labels.
    pub f1: f64,
}

impl Figures {
    /// From scores, with the loss that was trained on where it differs.
    pub fn new(scores: &Scores, loss: f64) -> Self {
        Figures {
            loss,
            accuracy: scores.accuracy,
            top2: scores.top2,
            precision: scores.macro_precision,
            recall: scores.macro_recall,
            f1: scores.macro_f1,
        }
    }
}

/// One line of `history.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// On training pictures as they were shown (augmented, mixed), while learning.
    pub train: Figures,
    /// On the validation part, with the averaged weights where averaging is on.
    pub val: Figures,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// Training pictures per second.
    pub images_per_second: f64,
    /// Whole epoch with validation.
    pub seconds: f64,
}

const HEADER: &str = "epoch,train_loss,train_accuracy,train_top2,train_precision,train_recall,train_f1,\
val_loss,val_accuracy,val_top2,val_precision,val_recall,val_f1,learning_rate,images_per_second,seconds\n";

/// The history as a CSV file.
pub fn csv(history: &[Epoch]) -> String {
    let figures = |f: &Figures| {
        format!("{:.6},{:.5},{:.5},{:.5},{:.5},{:.5}", f.loss, f.accuracy, f.top2, f.precision, f.recall, f.f1)
    };
    let line = |e: &Epoch| {
        let (train, val) = (figures(&e.train), figures(&e.val));
        let rest = format!("{:.3e},{:.1},{:.1}", e.learning_rate, e.images_per_second, e.seconds);
        format!("{},{train},{val},{rest}\n", e.epoch)
    };
    HEADER.to_string() + &history.iter().map(line).collect::<String>()
}
