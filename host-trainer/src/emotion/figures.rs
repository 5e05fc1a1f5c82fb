//! The figures that the history of an emotion run records per epoch.

use super::metrics::Scores;
use crate::run::history::{Epoch, Figures};
use serde::{Deserialize, Serialize};

/// One part's figures after an epoch; rates between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartFigures {
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

/// An epoch's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EmotionFigures {
    /// On training pictures as they were shown (augmented, mixed), while learning.
    pub train: PartFigures,
    /// On the validation part, with the averaged weights where averaging is on.
    pub val: PartFigures,
}

impl PartFigures {
    /// From scores, with the loss that was trained on where it differs.
    pub fn new(scores: &Scores, loss: f64) -> Self {
        PartFigures {
            loss,
            accuracy: scores.accuracy,
            top2: scores.top2,
            precision: scores.macro_precision,
            recall: scores.macro_recall,
            f1: scores.macro_f1,
        }
    }

    fn csv(&self) -> String {
        let PartFigures { loss, accuracy, top2, precision, recall, f1 } = self;
        format!("{loss:.6},{accuracy:.5},{top2:.5},{precision:.5},{recall:.5},{f1:.5}")
    }
}

impl Figures for EmotionFigures {
    const CSV_HEADER: &'static str = "epoch,train_loss,train_accuracy,train_top2,train_precision,train_recall,train_f1,\
        val_loss,val_accuracy,val_top2,val_precision,val_recall,val_f1,learning_rate,images_per_second,seconds";

    fn csv_line(entry: &Epoch<Self>) -> String {
        let Epoch { epoch, figures, learning_rate, images_per_second, seconds } = entry;
        let (train, val) = (figures.train.csv(), figures.val.csv());
        format!("{epoch},{train},{val},{learning_rate:.3e},{images_per_second:.1},{seconds:.1}")
    }

    fn line(entry: &Epoch<Self>, epochs: usize) -> String {
        let train = entry.figures.train;
        format!(
            "{:>3}/{epochs}  loss {:.3} acc {:.2}  {}  {:.0}/s {:.0} s",
            entry.epoch,
            train.loss,
            train.accuracy,
            entry.figures.validation(),
            entry.images_per_second,
            entry.seconds
        )
    }

    fn validation(&self) -> String {
        let val = self.val;
        format!("val loss {:.4} acc {:.3} f1 {:.3}", val.loss, val.accuracy, val.f1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epochs_line_fits_eighty_columns() {
        let part = PartFigures { loss: 2.3456, accuracy: 0.98765, f1: 0.98765, ..PartFigures::default() };
        let figures = EmotionFigures { train: part, val: part };
        let entry = Epoch { epoch: 100, figures, learning_rate: 1.25e-3, images_per_second: 12345.6, seconds: 1234.5 };
        let line = EmotionFigures::line(&entry, 100);
        assert!(line.chars().count() <= 80, "{}: {line}", line.len());
    }
}
