//! The arguments of `evaluate`.

use crate::commands::face_search::SearchArgs;
use crate::commands::task_flags::{EMOTION, FACE};
use crate::part::Part;
use clap::{Args, ValueEnum};
use emotion_models::{ModelCard, Precision};
use std::path::PathBuf;

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Exported model.
    #[arg(long, value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// Folder with test/LABEL/* (or the part that --split names), or with photos and face boxes for a face model.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Which part of the folder.
    #[arg(long, value_enum, default_value_t = Part::Test)]
    pub split: Part,
    /// Precision to run it in; by default its card's. An int8 model runs in f32 too, without quantising its activations.
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionName>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Do not add a row to the log of test evaluations in the card beside the model.
    #[arg(long)]
    pub no_record: bool,
    /// Those of emotion models.
    #[command(flatten, next_help_heading = EMOTION)]
    pub emotion: EmotionArgs,
    /// Those of face models.
    #[command(flatten, next_help_heading = FACE)]
    pub face: FaceArgs,
}

impl EvaluateArgs {
    /// For the card's log, in which precision the model was run, where that is not its own.
    pub fn ran_in(&self, model: &ModelCard) -> String {
        let other = self.precision.map(Precision::from).filter(|&precision| precision != model.precision);
        other.map_or(String::new(), |precision| format!(", run in {precision}"))
    }
}

/// What only the evaluation of an emotion model knows.
#[derive(Debug, Args)]
pub struct EmotionArgs {
    /// How the face in each photo is found.
    #[command(flatten)]
    pub search: SearchArgs,
    /// Read out these labels only, by softmax over their logits.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub labels: Vec<String>,
}

/// What only the evaluation of a face model knows.
#[derive(Debug, Args)]
pub struct FaceArgs {
    /// Write a page with the precision-recall curve and photos with their boxes.
    #[arg(long, value_name = "PAGE.html")]
    pub report: Option<PathBuf>,
}

/// The precisions that a model may run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// 32-bit floating point.
    F32,
    /// 8-bit integers.
    Int8,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::F32 => Precision::F32,
            PrecisionName::Int8 => Precision::Int8,
        }
    }
}
