//! A machine, as its files and its answers describe it.

use super::Answers;
use std::fs;
use std::path::{Path, PathBuf};

/// A machine to look at: this one, or a recording of another.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The folder that holds its `proc`, `sys` and `etc`: `/` for this machine.
    root: PathBuf,
    /// What files do not tell.
    pub answers: Answers,
}

impl Machine {
    /// A machine whose files lie below `root`.
    pub fn new(root: &Path, answers: Answers) -> Self {
        Self { root: root.to_owned(), answers }
    }

    /// This machine. Asking takes as long as its slowest program: libcamera's list, a second on a Raspberry Pi.
    pub fn here() -> Self {
        let root = Path::new("/");
        Self::new(root, Answers::of_this_machine(&Self::new(root, Answers::default())))
    }

    /// The content of a small text file, without the NUL that ends strings of the device tree, and trimmed; `None`
    /// where it cannot be read, or is empty. `path` begins at the root, without a slash.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.root.join(path)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\0').trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Names of what lies in a folder, sorted.
    pub(super) fn entries(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Whether there is something at `path`, be it a link to nowhere.
    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.root.join(path)).is_ok()
    }

    /// The value of the first `key : value` line of `/proc/cpuinfo` with this key.
    pub(super) fn cpuinfo(&self, key: &str) -> Option<String> {
        field(&self.text("proc/cpuinfo")?, key).map(str::to_owned)
    }

    /// The board's model, as its firmware names it: `Raspberry Pi 4 Model B Rev 1.5`.
    pub(super) fn model(&self) -> Option<String> {
        self.text("proc/device-tree/model")
    }

    /// Whether the board is a Raspberry Pi.
    pub(super) fn is_pi(&self) -> bool {
        self.model().is_some_and(|model| model.starts_with("Raspberry Pi"))
    }
}

/// The value of the first `key : value` line with this key.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}
