//! A folder's pictures with the labels that the model is asked about.

use crate::emotion::dataset::scan::describe;
use crate::emotion::dataset::{LabelledPart, Labelling};
use crate::emotion::options::EmotionConfig;
use crate::failure::{Kind, failure};
use crate::files::own_name;
use crate::part::Part;
use crate::run::config::Config;
use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;
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

/// How the `folders` are labelled, by their names, as a training configuration says.
///
/// # Errors
/// A configuration that cannot be read or says something impossible, or that knows none of the folders.
pub fn labellings(config: &Path, folders: &[PathBuf]) -> Result<BTreeMap<String, Labelling>> {
    let labellings = Config::<EmotionConfig>::read(config)?.task.data.labelling;
    for (name, labelling) in &labellings {
        let named = |reason: String| format!("in {}: data.labelling.{name}: {reason}", config.display());
        labelling.check().map_err(|reason| failure(Kind::Config, named(reason)))?;
    }
    let names: Vec<String> = folders.iter().map(|folder| own_name(folder)).collect();
    if names.iter().any(|name| labellings.contains_key(name)) {
        return Ok(labellings);
    }
    let known: Vec<&str> = labellings.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    let message = format!(
        "--config {} says how {known} is labelled, but not {}: add [data.labelling.{}], or leave --config out",
        config.display(),
        names.join(" or "),
        names.first().map_or("NAME", String::as_str)
    );
    Err(failure(Kind::Config, message))
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
        let part = data.join(split.name());
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
    use crate::failure::kind_of;
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

    #[test]
    fn a_configuration_must_know_one_of_the_folders() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("train.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            labellings(&file, &["sets/web".into(), "own".into()])
        };
        let found = read("[data.labelling.own]\nnames = { calm = 'neutral' }\n").unwrap();
        assert_eq!(found["own"].names["calm"], "neutral");
        for (text, words) in [
            ("[data.labelling.other]\nweight = 2\n", "says how other is labelled, but not web or own"),
            ("size = 48\n", "says how nothing is labelled"),
            ("[data.labelling.own]\nweight = 0\n", "data.labelling.own: weight 0"),
            ("nothing = 1\n", "in "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(kind_of(&error), Some(Kind::Config), "{error}");
        }
    }
}
