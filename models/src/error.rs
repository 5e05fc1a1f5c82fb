//! Why a model cannot be used.

use crate::card::{CONTRACT_VERSION, CardError, Task};
use std::path::PathBuf;

/// What to do about a file that is not a usable Moodlight model.
const GET_ONE: &str = "take a model that `host-trainer export` wrote";

/// Why a model cannot be loaded or run. Each message says what failed, on what, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("cannot read the model {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The bytes are no ONNX model: something else, cut short or damaged.
    #[error("{model} is not a complete ONNX model ({reason}): copy it again, or {GET_ONE}")]
    NotOnnx {
        /// The model's file or name.
        model: String,
        /// What the decoder found.
        reason: String,
    },
    /// An ONNX model without a model card.
    #[error("{model} is an ONNX model without a Moodlight card, so its labels and input are unknown: {GET_ONE}")]
    NoCard {
        /// The model's file or name.
        model: String,
    },
    /// A card of another contract version.
    #[error(
        "{model} keeps contract version {found}, this program version {CONTRACT_VERSION}: \
         export the model again with a `host-trainer` of this release, or take the program of the model's"
    )]
    ContractVersion {
        /// The model's file or name.
        model: String,
        /// The version the card states.
        found: String,
    },
    /// A card that is incomplete or makes no sense.
    #[error("the card of {model} cannot be used: {source}; export the model again with `host-trainer export`")]
    Card {
        /// The model's file or name.
        model: String,
        /// What is wrong with it.
        source: CardError,
    },
    /// The graph's input or output is not what the card says.
    #[error(
        "the card of {model} contradicts its graph: {detail}; one was changed without the other: \
         export the model again with `host-trainer export`"
    )]
    GraphContradictsCard {
        /// The model's file or name.
        model: String,
        /// What contradicts what.
        detail: String,
    },
    /// A face model where an emotion model belongs, or the reverse.
    #[error("{model} is a model for the task `{task}`, and one for `{wanted}` belongs here: name another file")]
    WrongTask {
        /// The model's file or name.
        model: String,
        /// What its card says it is for.
        task: Task,
        /// What is needed.
        wanted: Task,
    },
    /// The engine cannot load or run the graph.
    #[error("the engine cannot {doing} {model}: {reason}; export the model again with `host-trainer export`")]
    Engine {
        /// The model's file or name.
        model: String,
        /// What was being done: `load`, `run`.
        doing: &'static str,
        /// What the engine says.
        reason: String,
    },
    /// A float model that is to run in integers.
    #[error(
        "{model} computes in float32 and cannot run in int8: quantise it with `host-trainer quantize`, or ask for f32 or auto"
    )]
    NotInteger {
        /// The model's file or name.
        model: String,
    },
    /// The input handed over does not fit the model.
    #[error("{model} takes {expected} input values, {found} were given")]
    InputLength {
        /// The model's file or name.
        model: String,
        /// Values the model takes.
        expected: usize,
        /// Values given.
        found: usize,
    },
}

impl ModelError {
    /// The error with the model's name in place of the one it had.
    pub fn named(mut self, name: &str) -> Self {
        match &mut self {
            Self::Read { .. } => {}
            Self::NotOnnx { model, .. }
            | Self::NoCard { model }
            | Self::ContractVersion { model, .. }
            | Self::Card { model, .. }
            | Self::GraphContradictsCard { model, .. }
            | Self::WrongTask { model, .. }
            | Self::Engine { model, .. }
            | Self::NotInteger { model }
            | Self::InputLength { model, .. } => name.clone_into(model),
        }
        self
    }
}
