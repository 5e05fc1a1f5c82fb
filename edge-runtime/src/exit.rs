//! How the program ends: one exit code for each kind of failure.

use crate::config::ConfigError;
use crate::lights::LightsError;
use crate::source::SourceError;
use emotion_models::ModelError;
use std::io;
use std::path::PathBuf;

/// The exit codes, as `--help` lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  success; `run` also when its input ends, --frames is reached, or SIGINT or SIGTERM stops it in good order
  1  an error inside the program: please report it
  2  usage: an unknown or impossible command line
  3  configuration: the file cannot be read, or says something impossible
  4  model: it cannot be read, or is not one this program can run
  5  source: no camera, a picture that does not decode, a pipe cut inside a frame or without one; also after a fault that the run recovered from
  6  lights: they cannot be driven
  7  output: standard output was closed by its reader (without a word, as in `| head -1`), or it or a file cannot be written
  10 `doctor` has warnings, and no problems
  11 `doctor` has problems
  130, 143  a run that did not end within two seconds of SIGINT or SIGTERM: ended by force, its lights dark";

/// Exit code of `doctor` with warnings and no problems.
pub const DOCTOR_WARNING: u8 = 10;
/// Exit code of `doctor` with problems.
pub const DOCTOR_PROBLEM: u8 = 11;

/// Why the program ends without success.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model that the configuration file names.
    #[error("{place}: {source}")]
    ConfiguredModel {
        /// File, line and key.
        place: String,
        /// What is wrong with the model.
        source: ModelError,
    },
    /// The source of frames.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The lights.
    #[error(transparent)]
    Lights(#[from] LightsError),
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A file that was asked for.
    #[error("cannot write {}: {source}; check the path, its permissions and the space left", path.display())]
    Written {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A bug in this program.
    #[error("{0}; this is an error in the program, please report it")]
    Internal(String),
}

impl Failure {
    /// Whether a float model was to run in integers.
    pub fn is_not_integer(&self) -> bool {
        let (Self::Model(error) | Self::ConfiguredModel { source: error, .. }) = self else { return false };
        matches!(error, ModelError::NotInteger { .. })
    }

    /// Whether the reader of standard output went away.
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code, as [`EXIT_CODES`] says.
    pub fn code(&self) -> u8 {
        match self {
            Self::Internal(_) => 1,
            Self::Usage(_) => 2,
            Self::Config(_) => 3,
            Self::Model(_) | Self::ConfiguredModel { .. } => 4,
            Self::Source(_) => 5,
            Self::Lights(_) => 6,
            Self::Output(_) | Self::Written { .. } => 7,
        }
    }
}
