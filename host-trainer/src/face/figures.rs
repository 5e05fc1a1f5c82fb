//! The figures that the history of a face run records per epoch.

use super::metrics::Scores;
use crate::run::history::{Epoch, Figures};
use serde::{Deserialize, Serialize};

/// An epoch's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaceFigures {
    /// Mean loss over the epoch's scenes.
    pub loss: f64,
    /// On the validation photos, with the averaged weights where averaging is on.
    pub val: Scores,
    /// Hard negatives found on training photos without faces, that scenes may show.
    #[serde(rename = "mistakes")]
    pub hard_negatives: usize,
}

impl Figures for FaceFigures {
    const CSV_HEADER: &'static str = "epoch,loss,val_average_precision,val_recall,val_precision,val_threshold,\
        val_false_alarms,learning_rate,images_per_second,mistakes,seconds";

    fn csv_line(entry: &Epoch<Self>) -> String {
        let FaceFigures { loss, val, hard_negatives } = &entry.figures;
        format!(
            "{},{loss:.5},{:.5},{:.5},{:.5},{:.4},{},{:.3e},{:.1},{hard_negatives},{:.1}",
            entry.epoch,
            val.average_precision,
            val.recall.rate(),
            val.precision,
            val.threshold,
            val.false_positives,
            entry.learning_rate,
            entry.images_per_second,
            entry.seconds
        )
    }

    fn line(entry: &Epoch<Self>, epochs: usize) -> String {
        format!(
            "epoch {}/{epochs}: loss {:.4}, {}; {} hard negatives, {:.0} scenes/s, {:.0} s",
            entry.epoch,
            entry.figures.loss,
            entry.figures.validation(),
            entry.figures.hard_negatives,
            entry.images_per_second,
            entry.seconds
        )
    }

    fn validation(&self) -> String {
        format!(
            "val AP {:.4}, recall {:.3} at precision {:.3} (threshold {:.2}), {} false positives",
            self.val.average_precision,
            self.val.recall.rate(),
            self.val.precision,
            self.val.threshold,
            self.val.false_positives
        )
    }
}
