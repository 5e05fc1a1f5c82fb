//! The colour of an input, as configuration and flags write it.

use emotion_models::Colour;
use serde::{Deserialize, Serialize};

/// Colour of the input picture, as written in files and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ColourName {
    /// One channel.
    Grey,
    /// Three channels.
    Rgb,
}

impl From<ColourName> for Colour {
    fn from(name: ColourName) -> Self {
        match name {
            ColourName::Grey => Colour::Grey,
            ColourName::Rgb => Colour::Rgb,
        }
    }
}
