use std::path::PathBuf;

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A folder or file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder lacks `train/`, or `train/` lacks label folders.
    #[error("{} has no train/ folder with one folder per label (found: {found}); put pictures at {}/train/LABEL/, or have nothing but a folder per label there", path.display(), path.display())]
    NoTrain {
        /// The data set's folder.
        path: PathBuf,
        /// What the folder holds instead.
        found: String,
    },
    /// No part of the folder holds a picture.
    #[error("{} holds no pictures in train/, val/ or test/ (one folder per label below them); found {found}", path.display())]
    NoPictures {
        /// The data set's folder.
        path: PathBuf,
        /// What the folder holds instead.
        found: String,
    },
    /// A part that was asked for by name is missing.
    #[error("{} has no folder {part}/ with one folder per label (found: {found})", path.display())]
    NoPart {
        /// The data set's folder.
        path: PathBuf,
        /// The part asked for.
        part: String,
        /// What the folder holds instead.
        found: String,
    },
    /// A label's folder holds no picture that decodes.
    #[error("label folder {} holds no usable picture (found: {found}); add pictures or remove the folder", path.display())]
    EmptyLabel {
        /// The label's folder.
        path: PathBuf,
        /// What the folder holds instead.
        found: String,
    },
    /// Fewer than two labels.
    #[error("a classifier needs at least 2 labels, found {count} in {place}: {found}")]
    TooFewLabels {
        /// How many there are.
        count: usize,
        /// Where they were searched for.
        place: String,
        /// Their names.
        found: String,
    },
    /// More labels than a model can have.
    #[error("a model has at most {limit} labels, found {count} in {place}: {found}")]
    TooManyLabels {
        /// How many there are.
        count: usize,
        /// The most a model can have.
        limit: usize,
        /// Where they were searched for.
        place: String,
        /// Their names.
        found: String,
    },
    /// `val/` or `test/` has other labels than `train/`.
    #[error("labels differ in {}: train/ has {train}; {part}/ has {other}; {difference}", path.display())]
    LabelsDiffer {
        /// The data set's folder.
        path: PathBuf,
        /// The part that differs from `train/`.
        part: String,
        /// Labels of `train/`.
        train: String,
        /// Labels of the other part.
        other: String,
        /// Which labels are missing or extra.
        difference: String,
    },
    /// A label's folder has a name that is not UTF-8.
    #[error("the name of label folder {} is not UTF-8; rename it", path.display())]
    LabelName {
        /// The label's folder.
        path: PathBuf,
    },
    /// A file of votes does not say what it should.
    #[error("cannot use the votes in {}: {reason}", path.display())]
    Votes {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration says how a folder is labelled that is no data source, or says something impossible.
    #[error("data.labelling.{name}: {reason}")]
    Labelling {
        /// The folder's name there.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A data source that does not read as `DIR` or `DIR*N`.
    #[error("data source `{0}` is not DIR or DIR*N with N at least 1")]
    Source(String),
    /// A label's folder has a name that a model's card cannot hold.
    #[error("`{}` in {} cannot be a label: no commas, control characters or space around it; rename the folder", label.escape_debug(), path.display())]
    Label {
        /// The data set's folder.
        path: PathBuf,
        /// The label.
        label: String,
    },
    /// Nothing could be set aside to choose epochs by.
    #[error(
        "no picture could be set aside for validation: within each label all look alike; add other pictures, or a val/ folder"
    )]
    NoValidation,
    /// The same folder was given as two sources.
    #[error("{} is given twice; to repeat a data set write {}*2", path.display(), path.display())]
    SourceTwice {
        /// The folder.
        path: PathBuf,
    },
    /// No source at all.
    #[error("no data set is named; give one with --data DIR")]
    NoSource,
    /// No room, or no right, to keep decoded pictures on disk.
    #[error("cannot keep {mib} MiB of decoded pictures in {}: {source}; make room there, or say --cache memory", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// How much room they need.
        mib: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// The validation fraction does not lie between 0 and 1.
    #[error("the validation fraction must lie between 0 and 1, both excluded, not {0}")]
    ValFraction(f32),
}
