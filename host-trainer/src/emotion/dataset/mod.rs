//! Pictures in folders, as labelled bytes at the net's input size.

mod error;
mod fingerprint;
mod labelled_part;
mod labelling;
mod load;
pub mod near_duplicates;
mod picture_label;
mod picture_name;
mod picture_table;
pub mod reading;
pub mod scan;
pub mod signature;
mod source;
pub mod split;
mod store;
#[cfg(test)]
mod tests;
mod voted_folder;

pub use error::DatasetError;
pub use fingerprint::fingerprint;
pub use labelled_part::{LabelledPart, LabelledPicture};
pub use labelling::Labelling;
pub use picture_name::PictureName;
pub(crate) use picture_table::{Columns, PictureTable};
pub use source::DataSource;
pub use store::{Cache, Storage, Store};
pub use voted_folder::VotedFolder;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Which folders to read and how to split them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// Folders, each with `train/LABEL/*` and perhaps `val/` and `test/`.
    pub sources: Vec<DataSource>,
    /// The part of `train/` that becomes validation where a source has no `val/`; between 0 and 1.
    pub val_fraction: f32,
    /// Whether test pictures are read.
    pub test: bool,
    /// Seed of the split.
    pub seed: u64,
    /// How the pictures of a folder are labelled, by the folder's name.
    pub labelling: BTreeMap<String, Labelling>,
}

impl DataSpec {
    /// How the pictures of `source` are labelled.
    pub fn labelling(&self, source: &DataSource) -> Labelling {
        self.labelling.get(&source.name()).cloned().unwrap_or_default()
    }
}

/// A data set in memory.
#[derive(Debug)]
pub struct Dataset {
    /// The labels of all sources, sorted; a picture's label is an index into them.
    pub labels: Vec<String>,
    /// What the weights are fitted to.
    pub train: Arc<Split>,
    /// What chooses epochs, thresholds and temperature.
    pub val: Arc<Split>,
    /// What only measures; `None` when no source has a `test/` folder.
    pub test: Option<Arc<Split>>,
    /// SHA-256, in hexadecimal, over the sorted relative paths and contents of all pictures of all sources.
    pub fingerprint: String,
    /// Files that did not decode, each with the reason.
    pub problems: Vec<(PathBuf, String)>,
    /// What each source holds, in the order given.
    pub sources: Vec<SourceSummary>,
}

/// One part of a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// The pictures.
    pub items: Vec<Item>,
    /// `[C, H, W]` bytes of every picture of the data set, each resized whole to the net's input.
    pub store: Arc<Store>,
    /// Where each of this part's pictures lies in the store, counted in pictures.
    pub slots: Vec<u32>,
    /// Bytes of one picture: `C * H * W`.
    pub stride: usize,
    /// How often the pictures of each source are seen in an epoch.
    pub repeats: Vec<usize>,
}

/// One picture of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its file.
    pub path: PathBuf,
    /// Index into [`Dataset::labels`]; where people voted, what most of them said.
    pub label: usize,
    /// The share of the votes that each label has, where people voted.
    pub votes: Option<Box<[f32]>>,
    /// Index into [`Dataset::sources`].
    pub source: usize,
}

/// What one source holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceSummary {
    /// The folder and its repeats, as given.
    pub source: DataSource,
    /// How its pictures are labelled.
    pub labelling: Labelling,
    /// The labels it has, sorted.
    pub labels: Vec<String>,
    /// Training pictures per label of the whole data set, not repeated.
    pub train: Vec<usize>,
    /// Validation pictures per label of the whole data set.
    pub val: Vec<usize>,
    /// Test pictures per label of the whole data set.
    pub test: Vec<usize>,
    /// Whether validation pictures come from the source's own `val/` and not from `train/`.
    pub own_val: bool,
    /// Files that did not decode.
    pub undecodable: usize,
    /// Pictures that people voted on and that are used.
    pub voted: usize,
    /// Pictures that the votes leave out.
    pub voted_out: usize,
    /// SHA-256, in hexadecimal, over the sorted relative paths and contents of its pictures.
    pub fingerprint: String,
    /// Copies of its pictures.
    pub copies: CopyCounts,
}

/// How many pictures of a source are near-duplicates of another picture of the data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CopyCounts {
    /// Training and validation pictures with a copy in their own subset.
    pub kept_together: usize,
    /// Validation pictures with a copy among the training pictures.
    pub val_in_train: usize,
    /// Test pictures with a copy among the training pictures.
    pub test_in_train: usize,
    /// Test pictures with a copy among the validation pictures.
    pub test_in_val: usize,
}

impl Dataset {
    /// Which of [`Dataset::labels`] the source with this index has.
    pub fn present_labels(&self, source: usize) -> Vec<bool> {
        self.labels.iter().map(|label| self.sources[source].labels.contains(label)).collect()
    }
}

impl Split {
    /// A part that has a store to itself: `pixels` are its pictures of `stride` bytes, one after another.
    pub fn alone(items: Vec<Item>, pixels: Vec<u8>, stride: usize, repeats: Vec<usize>) -> Self {
        let slots = (0..(pixels.len() / stride.max(1)) as u32).collect();
        Split { items, store: Arc::new(pixels.into()), slots, stride, repeats }
    }

    /// The bytes `[C, H, W]` of picture `index`.
    pub fn picture(&self, index: usize) -> &[u8] {
        &self.store[self.slots[index] as usize * self.stride..][..self.stride]
    }

    /// The bytes of every picture, in order.
    pub fn pictures(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.slots.len()).map(|index| self.picture(index))
    }

    /// What is known of each label of a picture: its votes, or all for its label.
    pub fn shares(&self, index: usize, labels: usize) -> Vec<f32> {
        let item = &self.items[index];
        item.votes.as_ref().map_or_else(
            || (0..labels).map(|label| if label == item.label { 1.0 } else { 0.0 }).collect(),
            |votes| votes.to_vec(),
        )
    }

    /// The indices of an epoch's pictures before shuffling: every picture as often as its source is repeated.
    pub fn order(&self) -> Vec<u32> {
        let mut order = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            let repeat = self.repeats.get(item.source).copied().unwrap_or(1);
            order.extend(std::iter::repeat_n(index as u32, repeat));
        }
        order
    }

    /// The label of each picture.
    pub fn targets(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.label).collect()
    }
}
