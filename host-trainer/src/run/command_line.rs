//! The command line that made a run, as it can be typed again.

use super::checkpoint;
use anyhow::Result;
use std::path::Path;

/// The commands that made the run: those of the run it starts from, then its own.
pub(crate) fn commands(init: Option<&Path>) -> Result<String> {
    match init.filter(|from| from.is_dir()) {
        Some(from) => Ok(format!("{}\n{}", checkpoint::load_best(from)?.1.command, command())),
        None => Ok(command()),
    }
}

/// The command line as it can be typed again, with the program's plain name.
pub(crate) fn command() -> String {
    let words = std::env::args().skip(1).map(|word| quoted(&plain_path(&word)));
    std::iter::once("host-trainer".to_string()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Folders outside the working folder are named by their last part: a card should not reveal where a user's files are.
fn plain_path(word: &str) -> String {
    match Path::new(word).file_name() {
        Some(name) if Path::new(word).is_absolute() => name.to_string_lossy().into_owned(),
        _ => word.to_string(),
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./,:+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
