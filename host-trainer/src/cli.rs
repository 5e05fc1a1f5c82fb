//! The command line: one line per command.

use crate::commands;
use crate::failure::EXIT_CODES;
use clap::{Parser, Subcommand};

/// Trains small emotion classifiers on folders of face pictures, and face locators on photos, and exports them as ONNX.
#[derive(Debug, Parser)]
#[command(name = "host-trainer", version, about, arg_required_else_help = true, after_help = format!("{AFTER_HELP}{EXIT_CODES}"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
A first model on your own photos (train/angry/*.jpg, train/happy/*.jpg, ...):
  host-trainer crop SNAPSHOTS PICTURES
  host-trainer audit PICTURES
  host-trainer train --data PICTURES --out runs/mine
  host-trainer export runs/mine --out mine.onnx
  edge-runtime --model mine.onnx

";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train an emotion classifier on DIR/train/LABEL/*, or with --task face a face locator on photos, and write a run folder.
    #[command(allow_negative_numbers = true)]
    Train(Box<commands::train_args::TrainArgs>),
    /// Turn a float run into one whose convolutions compute in 8-bit integers.
    #[command(allow_negative_numbers = true)]
    Quantize(commands::quantize::QuantizeArgs),
    /// Write a run's best model as ONNX, with its card, after comparing it with the trainer.
    #[command(allow_negative_numbers = true)]
    Export(commands::export::ExportArgs),
    /// Cut a folder of whole photos to faces, to train on.
    #[command(allow_negative_numbers = true)]
    Crop(commands::crop::CropArgs),
    /// Score an exported model on a folder of labelled photos, or of photos with face boxes.
    #[command(allow_negative_numbers = true)]
    Evaluate(commands::evaluate::EvaluateArgs),
    /// Print an exported model's label and probabilities for pictures, without the limits and thresholds by which a device is unsure.
    #[command(allow_negative_numbers = true)]
    Predict(commands::predict::PredictArgs),
    /// Check a data set: counts, sizes, broken files, copies.
    #[command(allow_negative_numbers = true)]
    Audit(commands::audit::AuditArgs),
    /// Draw test-card faces as a data set, to try things out without photographs.
    #[command(allow_negative_numbers = true)]
    Draw(commands::draw::DrawArgs),
    /// Run a recipe's steps, from data sets to shipped files; what is done is not done again.
    #[command(allow_negative_numbers = true)]
    Recipe(commands::recipe::RecipeArgs),
    /// Measure how fast a net trains here, and where a step's time goes.
    #[command(allow_negative_numbers = true)]
    BenchTrain(commands::bench_train::BenchTrainArgs),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn flags_under_their_old_names_are_still_taken() {
        let parsed = |line: &str| format!("{:?}", Cli::try_parse_from(line.split(' ')).unwrap().command);
        for (old, new) in [
            ("train --out r --average 0.5", "train --out r --ema 0.5"),
            ("train --out r --rough web", "train --out r --noisy-boxes web"),
            ("train --out r --operators burn", "train --out r --operators reference"),
            ("quantize r --out q --at last", "quantize r --out q --weights last"),
            ("quantize r --out q --settle-after 3", "quantize r --out q --freeze-ranges-after 3"),
            ("quantize r --out q --calibrate-on 9", "quantize r --out q --calibration-images 9"),
        ] {
            assert_eq!(parsed(&format!("host-trainer {old}")), parsed(&format!("host-trainer {new}")), "{old}");
        }
    }
}
