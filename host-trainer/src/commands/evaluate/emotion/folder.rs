//! A folder's pictures with the labels that the model is asked about.

use crate::emotion::dataset::scan::{Layout, describe};
use crate::emotion::dataset::{LabelledPart, Labelling};
use crate::part::Part;
use anyhow::{Result, bail, ensure};
use std::path::{Path, PathBuf};

/// A picture with its label's index among those read out.
pub struct Labelled {
    /// Its file.
    pub path: PathBuf,
    /// Its path within the folder.
    pub name: String,
    /// Its label.
    pub target: usize,
}

/// One part of a folder.
pub struct Folder {
    /// The folder, as it was given.
    pub data: PathBuf,
    /// What it is called in tables.
    pub title: String,
    /// Whether a configuration says how it is labelled.
    pub relabelled: bool,
    /// The pictures whose label is read out.
    pub pictures: Vec<Labelled>,
    /// Pictures that bear another label.
    pub skipped: usize,
    /// Pictures that people's votes leave out.
    pub voted_out: usize,
}

impl Folder {
    /// Finds the pictures of the part `split` that bear one of `labels`.
    ///
    /// # Errors
    /// A folder without that part or without such a picture, or votes that cannot be used.
    pub fn find(
        (data, title): (&Path, &str),
        split: Part,
        labels: &[String],
        labelling: Option<&Labelling>,
    ) -> Result<Self> {
        let part = Layout::folder(data, split)?;
        ensure!(part.is_dir(), "{} has no folder {}/; {}", data.display(), split.name(), describe(data));
        let found = LabelledPart::read(data, split, &labelling.cloned().unwrap_or_default())?;
        let mut folder = Folder {
            data: data.into(),
            title: title.into(),
            relabelled: labelling.is_some(),
            pictures: vec![],
            skipped: 0,
            voted_out: found.voted_out,
        };
        let targets: Vec<Option<usize>> =
            found.labels.iter().map(|label| labels.iter().position(|own| own == label)).collect();
        for picture in found.pictures {
            match targets[picture.label] {
                Some(target) => folder.pictures.push(Labelled { path: picture.path, name: picture.name, target }),
                None => folder.skipped += 1,
            }
        }
        if folder.pictures.is_empty() {
            let votes = match found.voted_out {
                0 => String::new(),
                count => format!("; people's votes leave {count} pictures out"),
            };
            bail!(
                "no picture in {} bears one of the labels {}; found {}{votes}",
                part.display(),
                labels.join(", "),
                found.labels.join(", ")
            );
        }
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::TestCard;

    #[test]
    fn pictures_with_other_labels_are_skipped_and_counted() {
        let root = tempfile::tempdir().unwrap();
        for label in ["happy", "sad", "bored"] {
            let folder = root.path().join("test").join(label);
            std::fs::create_dir_all(&folder).unwrap();
            TestCard::new(1).draw(label, 0, 16, 16).save(folder.join("1.png")).unwrap();
        }
        let find = |split, labels: [&str; 2], labelling: Option<&Labelling>| {
            Folder::find((root.path(), "faces"), split, &labels.map(str::to_owned), labelling)
        };
        let found = find(Part::Test, ["sad", "happy"], None).unwrap();
        assert_eq!(found.pictures.iter().map(|picture| picture.target).collect::<Vec<_>>(), [1, 0]);
        assert_eq!((found.skipped, found.pictures[0].name.as_str()), (1, "test/happy/1.png"));
        let renamed: Labelling = toml::from_str("names = { bored = 'sad', happy = '' }").unwrap();
        let found = find(Part::Test, ["sad", "happy"], Some(&renamed)).unwrap();
        assert_eq!(found.pictures.iter().map(|picture| picture.target).collect::<Vec<_>>(), [0, 0]);
        let error = find(Part::Test, ["calm", "shy"], None).err().unwrap();
        assert!(error.to_string().contains("bored, happy, sad"), "{error}");
        let error = find(Part::Val, ["sad", "happy"], None).err().unwrap();
        assert!(error.to_string().contains("val/"), "{error}");
    }
}
