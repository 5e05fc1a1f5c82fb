//! The architectures that `--arch` offers.

use super::{Net, Options, compact, lenet};
use emotion_models::InputSpec;
use serde::{Deserialize, Serialize};

/// The architectures that `--arch` offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// A residual net of dense 3x3 convolutions on a small grey picture.
    Compact,
    /// The Keras LeNet that this project grew from: two convolutions and three dense layers on a large colour picture.
    Lenet,
}

impl Architecture {
    /// As flags and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Compact => "compact",
            Architecture::Lenet => "lenet",
        }
    }

    /// Builds the layers for an input and a number of labels.
    ///
    /// # Errors
    /// When the input is too small for the net's poolings.
    pub fn build(self, input: &InputSpec, labels: usize, options: &Options) -> Result<Net, String> {
        let net = match self {
            Architecture::Compact => compact(input, labels, options),
            Architecture::Lenet => lenet(input, labels, options),
        };
        match net.nodes.iter().find(|node| node.shape.contains(&0)) {
            Some(node) => Err(format!(
                "a {}x{} input leaves nothing after layer {}; use a larger --size",
                input.width, input.height, node.name
            )),
            None => Ok(net),
        }
    }
}
