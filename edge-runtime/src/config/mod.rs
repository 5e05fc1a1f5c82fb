//! The configuration: the file, with the flags over it, and the defaults for the rest.

mod keys;
mod lamp;
mod places;
mod read;
mod reference;
mod resolve;
mod salvage;
mod setting;
mod settings;
#[cfg(test)]
mod tests;
mod write;

pub use keys::Keys;
pub use lamp::{DEFAULT_MOODS, LampConfig};
pub use places::find;
pub use reference::reference;
pub use resolve::{Resolved, lamps, resolve};
pub use setting::{Setting, Takes};
pub use settings::{CameraConfig, Config, FilterConfig, LightsConfig, SETTINGS, setting};
use std::path::PathBuf;
pub use write::write;

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No file was found.
    Defaults,
    /// This file.
    File(PathBuf),
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says something impossible: where, and what is allowed.
    #[error("{place}: {message}")]
    Refused {
        /// File, line and key.
        place: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
}
