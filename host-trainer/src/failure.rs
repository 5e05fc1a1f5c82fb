//! How the program ends: one exit code for each kind of failure.

use crate::emotion::dataset::DatasetError;
use crate::files::WriteError;
use crate::nets::weights::WeightsError;
use emotion_models::{CardError, ModelError};
use std::error::Error;
use std::fmt;

/// The exit codes, as `--help` lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  an error inside the program: please report it
  2  usage: an unknown or impossible command line
  3  configuration: the file cannot be read, or says something impossible
  4  model or run: it cannot be read, is not one, or does not fit; also an export that differs from the trainer
  5  data: a folder, label or picture that cannot be used; where many are taken in, by `train`, `evaluate`, `audit`
     and `crop`, one that cannot be read is named and left out, which is no failure
  6  a strict audit found copies across the split
  7  output: a file, or standard output, cannot be written; `train` goes on when the reader of its output goes away
  8  training: the loss is no longer a number
  130  stopped by Ctrl-C, SIGTERM or SIGHUP: `train` has saved its state, `draw` has removed what it drew";

/// Exit code after Ctrl-C: 128 + SIGINT, as shells count.
pub const INTERRUPTED: u8 = 130;

/// What an error is about; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line.
    Usage = 2,
    /// A configuration file.
    Config = 3,
    /// A model or a run folder.
    Model = 4,
    /// Pictures and their folders.
    Data = 5,
    /// A strict audit's findings.
    Copies = 6,
    /// A file, or standard output.
    Output = 7,
    /// Training itself.
    Training = 8,
}

/// An error that says what it is about.
#[derive(Debug)]
struct Failure {
    kind: Kind,
    error: anyhow::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.chain().nth(1)
    }
}

/// Saying what an error is about, where its type does not.
pub trait Blame<T> {
    /// Adds `kind` to the error, unless it already has one.
    ///
    /// # Errors
    /// The same error, with its kind.
    fn blame(self, kind: Kind) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn blame(self, kind: Kind) -> anyhow::Result<T> {
        self.map_err(|error| {
            let error = error.into();
            if kind_of(&error).is_some() { error } else { Failure { kind, error }.into() }
        })
    }
}

/// An error of a kind.
pub fn failure(kind: Kind, message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> anyhow::Error {
    Failure { kind, error: anyhow::Error::msg(message) }.into()
}

/// The kind of an error; none for a bug in this program.
pub fn kind_of(error: &anyhow::Error) -> Option<Kind> {
    error.chain().find_map(|cause| match cause {
        _ if cause.is::<WriteError>() || cause.is::<ReaderGone>() => Some(Kind::Output),
        _ if matches!(cause.downcast_ref(), Some(DatasetError::Labelling { .. })) => Some(Kind::Config),
        _ if cause.is::<DatasetError>() => Some(Kind::Data),
        _ if cause.is::<ModelError>() || cause.is::<CardError>() || cause.is::<WeightsError>() => Some(Kind::Model),
        _ => cause.downcast_ref::<Failure>().map(|failure| failure.kind),
    })
}

/// The reader of standard output has read enough, as in `| head -1`.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: its reader went away")]
pub struct ReaderGone;

/// Whether nobody is there any more to be told.
pub fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<ReaderGone>())
}

/// The error and its causes in one line, without those that it already names itself.
pub fn causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use anyhow::{Context, anyhow};

    fn failed(error: anyhow::Error) -> anyhow::Result<()> {
        Err(error)
    }

    #[test]
    fn the_innermost_word_on_the_kind_counts_and_nothing_is_said_twice() {
        let error = failed(anyhow!("no such label")).blame(Kind::Usage).context("in --labels").unwrap_err();
        assert_eq!(kind_of(&error), Some(Kind::Usage));
        let again = failed(error).blame(Kind::Model).unwrap_err();
        assert_eq!(kind_of(&again), Some(Kind::Usage));
        assert_eq!(causes(&again), "in --labels: no such label");
        assert_eq!(kind_of(&anyhow!("odd")), None);
        let typed = failed(DatasetError::NoSource.into()).context("loading").blame(Kind::Config).unwrap_err();
        assert_eq!(kind_of(&typed), Some(Kind::Data));
    }
}
