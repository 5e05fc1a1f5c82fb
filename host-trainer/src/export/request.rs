//! What `export` is asked for.

use std::path::PathBuf;

/// What `export` is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The run folder.
    pub run: PathBuf,
    /// The file to write.
    pub out: PathBuf,
    /// Labels to read out, in this order; all of them when empty.
    pub labels: Vec<String>,
    /// Data sources that choose temperature and thresholds, by index; all of them when empty.
    pub calibrate_on: Vec<usize>,
    /// Labels that have a light; the default wiring's where it is empty.
    pub lights: Vec<String>,
    /// By which fraction crops are larger than the face in them; measured when absent.
    pub crop_margin: Option<f32>,
    /// Name in the model's card; the file's name when absent.
    pub name: Option<String>,
    /// A remark for the card on how the model was made.
    pub note: Option<String>,
}

impl Request {
    /// Whether the validation part of this data source chooses temperature and thresholds.
    pub fn calibrates_on(&self, source: usize) -> bool {
        self.calibrate_on.is_empty() || self.calibrate_on.contains(&source)
    }
}
