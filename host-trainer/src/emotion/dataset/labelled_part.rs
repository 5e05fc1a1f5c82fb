//! One part of a folder for measuring: each picture with its label.

use super::DatasetError;
use super::labelling::Labelling;
use super::load::relative_path;
use super::picture_label::PictureLabel;
use super::scan::{Layout, label_folders};
use crate::part::Part;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The pictures of one part of a folder, with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledPart {
    /// The labels that it may have, sorted.
    pub labels: Vec<String>,
    /// The pictures, by their folder's label, then by path.
    pub pictures: Vec<LabelledPicture>,
    /// Pictures left out because people voted for none of the labels, or no label has more than half of their votes.
    pub voted_out: usize,
}

/// A picture with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledPicture {
    /// Its file.
    pub path: PathBuf,
    /// Its path within the data set's folder, with `/` between folders.
    pub name: String,
    /// Index of its label.
    pub label: usize,
}

impl LabelledPart {
    /// Finds the pictures of `part` of the folder `root`; none is opened.
    ///
    /// # Errors
    /// Folders, or a file of votes, that cannot be read.
    pub fn read(root: &Path, part: Part, labelling: &Labelling) -> Result<Self, DatasetError> {
        let folders = labelling.rename(label_folders(&Layout::folder(root, part)?)?);
        let known: Vec<String> = folders.keys().cloned().collect();
        let votes = labelling.read(root, &known)?;
        let labels: BTreeSet<String> = known.into_iter().chain(votes.iter().flat_map(|v| v.labels.clone())).collect();
        let mut found = LabelledPart { labels: labels.into_iter().collect(), pictures: vec![], voted_out: 0 };
        for (label, folder) in folders {
            let folder_label = found.labels.partition_point(|other| *other < label);
            for path in folder.pictures {
                let name = relative_path(root, &path);
                let known = PictureLabel::of(&name, folder_label, &found.labels, votes.as_ref());
                match known.filter(PictureLabel::is_agreed) {
                    Some(known) => found.pictures.push(LabelledPicture { path, name, label: known.label }),
                    None => found.voted_out += 1,
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn labels_are_renamed_voted_on_and_left_out() {
        let root = tempfile::tempdir().unwrap();
        for (label, names) in [("Angry", &["a", "b", "c", "d"][..]), ("junk", &["e"]), ("sad", &["f"])] {
            let folder = root.path().join("test").join(label);
            std::fs::create_dir_all(&folder).unwrap();
            for name in names {
                image::GrayImage::new(2, 2).save(folder.join(format!("{name}.png"))).unwrap();
            }
        }
        let votes = "file,rage,calm,none\ntest/Angry/a.png,1,3,0\ntest/Angry/b.png,2,2,0\ntest/Angry/c.png,1,0,9\n";
        std::fs::write(root.path().join("votes.csv"), votes).unwrap();
        let labelling: Labelling = toml::from_str(
            "names = { Angry = 'angry', junk = '' }\nvotes = 'votes.csv'\nother_columns = ['none']\n\
             columns = { rage = 'angry', calm = 'neutral' }",
        )
        .unwrap();
        let found = LabelledPart::read(root.path(), Part::Test, &labelling).unwrap();
        assert_eq!(found.labels, ["angry", "neutral", "sad"]);
        let pictures: Vec<_> =
            found.pictures.iter().map(|p| (p.name.as_str(), found.labels[p.label].as_str())).collect();
        assert_eq!(
            pictures,
            [("test/Angry/a.png", "neutral"), ("test/Angry/d.png", "angry"), ("test/sad/f.png", "sad")]
        );
        assert_eq!(found.voted_out, 2);
        let plain = LabelledPart::read(root.path(), Part::Test, &Labelling::default()).unwrap();
        assert_eq!((plain.labels.len(), plain.pictures.len(), plain.voted_out), (3, 6, 0));
    }
}
