//! The arguments of `evaluate`.

use crate::commands::face_search::SearchArgs;
use crate::commands::task_flags::EMOTION;
use crate::files::own_name;
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
    /// Folder with test/LABEL/* (or the part that --split names), or with photos and face boxes for a face model; may be given
    /// several times, for a table with a row a folder.
    #[arg(long, value_name = "DIR", required = true)]
    pub data: Vec<PathBuf>,
    /// Which part of the folders.
    #[arg(long, value_enum, default_value_t = Part::Test)]
    pub split: Part,
    /// Precision to run it in; by default its card's. An int8 model runs in f32 too, without quantising its activations.
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionName>,
    /// Print one JSON object; of several folders an array with one each.
    #[arg(long)]
    pub json: bool,
    /// Write a page with curves and pictures: for an emotion model calibration, risk against coverage, the operating curve and the
    /// confusion matrix; for a face model the precision-recall curve.
    #[arg(long, value_name = "PAGE.html")]
    pub report: Option<PathBuf>,
    /// Do not add a row to the log of test evaluations in the card beside the model.
    #[arg(long)]
    pub no_record: bool,
    /// Those of emotion models.
    #[command(flatten, next_help_heading = EMOTION)]
    pub emotion: EmotionArgs,
}

impl EvaluateArgs {
    /// What each folder is called: its own name, or its path where two have the same name.
    pub fn titles(&self) -> Vec<String> {
        let names: Vec<String> = self.data.iter().map(|data| own_name(data)).collect();
        let alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
        let title =
            |(name, data): (&String, &PathBuf)| if alone(name) { name.clone() } else { data.display().to_string() };
        names.iter().zip(&self.data).map(title).collect()
    }

    /// Whether an emotion model's evaluation goes beyond the figures of each label of one folder.
    pub fn is_detailed(&self) -> bool {
        let EmotionArgs { config, lights, robustness, slices, .. } = &self.emotion;
        let one = self.data.len() == 1 && self.report.is_none() && lights.is_empty() && !robustness;
        !one || config.is_some() || slices.is_some()
    }

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
    /// Training configuration whose [data.labelling.NAME] says how the pictures of a folder of that name are labelled.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Labels that have a light, separated by commas; by default angry, happy and sad, or all where the model has none of these.
    /// A table then tells which moods are lit rightly and which calm faces are lit.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,...")]
    pub lights: Vec<String>,
    /// Tell the accuracy on perturbed pictures too: dark, noisy, blurred, compressed, occluded, shifted, lit from one side, small
    /// and cropped wide.
    #[arg(long)]
    pub robustness: bool,
    /// Tell the figures of each group that a CSV's column names; its column `file` has the pictures' paths within the folder.
    #[arg(long, value_name = "FILE.csv:COLUMN")]
    pub slices: Option<String>,
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
