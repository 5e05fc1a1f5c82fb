//! What a file that lies beside the data sets calls their pictures.

use super::load::relative_path;
use super::{DataSource, Split};

/// A picture's path within its data set, and the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureName {
    /// The name of the data set's folder.
    pub folder: String,
    /// Its path there, with `/` between folders.
    pub path: String,
}

impl PictureName {
    /// The names of the pictures of `split`, whose data sets are `sources`.
    pub fn all(split: &Split, sources: &[DataSource]) -> Vec<Self> {
        let one =
            |source: &DataSource, path| PictureName { folder: source.name(), path: relative_path(&source.path, path) };
        split.items.iter().map(|item| one(&sources[item.source], &item.path)).collect()
    }

    /// The path with the folder's name in front.
    pub fn whole(&self) -> String {
        format!("{}/{}", self.folder, self.path)
    }
}
