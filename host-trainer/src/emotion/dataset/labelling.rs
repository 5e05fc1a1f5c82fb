//! What a folder's labels are worth: other names for them, votes of several people, and how much they count.

use super::DatasetError;
use super::picture_table::{Columns, PictureTable};
use super::scan::LabelFolders;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// How the pictures of one folder are labelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Labelling {
    /// Other names for label folders; an empty name leaves the folder's pictures out.
    pub names: BTreeMap<String, String>,
    /// CSV with the votes for each picture, within the folder; its column `file` has the pictures' paths there. Pictures that
    /// it does not list keep their folder's label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<PathBuf>,
    /// The label that each column of votes stands for; without it every column that is called as a label.
    pub columns: BTreeMap<String, String>,
    /// Columns that stand for no label, such as "not a face".
    pub other_columns: Vec<String>,
    /// A picture of whose votes more than this share fall in `other_columns` is left out.
    pub max_others: f32,
    /// Factor of these pictures' loss.
    pub weight: f32,
    /// Share of a picture's target that its label or votes have; the rest is the teachers' or spread over all labels.
    pub trust: f32,
}

impl Default for Labelling {
    fn default() -> Self {
        Labelling {
            names: BTreeMap::new(),
            votes: None,
            columns: BTreeMap::new(),
            other_columns: vec![],
            max_others: 0.5,
            weight: 1.0,
            trust: 1.0,
        }
    }
}

impl Labelling {
    /// Refuses impossible values.
    ///
    /// # Errors
    /// Names the value and what it may be.
    pub fn check(&self) -> Result<(), String> {
        if !(self.weight > 0.0 && self.weight <= 100.0) {
            return Err(format!("weight {} is outside 0..=100, 0 excluded", self.weight));
        }
        if !(0.0..=1.0).contains(&self.trust) {
            return Err(format!("trust {} is outside 0..=1", self.trust));
        }
        if !(0.0..=1.0).contains(&self.max_others) {
            return Err(format!("max_others {} is outside 0..=1", self.max_others));
        }
        if self.votes.is_none() && !(self.columns.is_empty() && self.other_columns.is_empty()) {
            return Err("columns are named, but no file of votes".into());
        }
        Ok(())
    }

    /// The label folders under the names that they have here.
    pub(super) fn rename(&self, folders: LabelFolders) -> LabelFolders {
        let mut renamed = LabelFolders::new();
        for (label, mut folder) in folders {
            let name = self.names.get(&label).cloned().unwrap_or(label);
            if name.is_empty() {
                continue;
            }
            let into = renamed.entry(name).or_default();
            into.path.clone_from(&folder.path);
            into.pictures.append(&mut folder.pictures);
            into.others += folder.others;
        }
        renamed
    }

    /// The labels that pictures of these label folders may have.
    pub fn labels(&self, folders: LabelFolders) -> BTreeSet<String> {
        self.rename(folders).into_keys().chain(self.columns.values().cloned()).collect()
    }

    /// Reads the votes for the pictures of the folder `root`; `known` are its label folders.
    pub(super) fn read(&self, root: &Path, known: &[String]) -> Result<Option<Votes>, DatasetError> {
        let Some(file) = &self.votes else { return Ok(None) };
        let path = root.join(file);
        let failed = |source| DatasetError::Read { path: path.clone(), source };
        let bytes = std::fs::read(&path).map_err(failed)?;
        let wrong = |reason: String| DatasetError::Votes { path: path.clone(), reason };
        self.parse(&bytes, known).map(Some).map_err(wrong)
    }

    fn parse(&self, bytes: &[u8], known: &[String]) -> Result<Votes, String> {
        let (labels, others) = (&self.columns, self.other_columns.as_slice());
        let table =
            PictureTable::parse(bytes, &Columns { labels, known, others, number: ("number of votes", f32::MAX) })?;
        let rows = table.rows.into_iter().map(|row| (row.file, self.shares(row.numbers, row.others))).collect();
        Ok(Votes { labels: table.labels, rows, digest: Sha256::digest(bytes).into() })
    }

    /// The votes as shares of one; none where the picture is to be left out.
    fn shares(&self, mut votes: Vec<f32>, others: f32) -> Option<Vec<f32>> {
        let sum: f32 = votes.iter().sum();
        if sum <= 0.0 || others / (sum + others) > self.max_others {
            return None;
        }
        votes.iter_mut().for_each(|vote| *vote /= sum);
        Some(votes)
    }
}

/// The votes for the pictures of one folder.
#[derive(Debug)]
pub(super) struct Votes {
    /// What was voted on, sorted.
    pub(super) labels: Vec<String>,
    /// The share of the votes that each of [`Votes::labels`] has, by the picture's path in the folder; none where it is to be left
    /// out.
    pub(super) rows: HashMap<String, Option<Vec<f32>>>,
    /// SHA-256 of the file.
    pub(super) digest: [u8; 32],
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn labelling(text: &str) -> Labelling {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn votes_become_shares_and_pictures_of_nothing_are_left_out() {
        let labelling = labelling(
            "votes = 'v.csv'\ncolumns = { happiness = 'happy', joy = 'happy', sadness = 'sad' }\nother_columns = ['NF']",
        );
        let csv =
            b"file,happiness,sadness,joy,NF,x\na.png,1,6,1,0,text\nb.png,1,0,0,9,\nc.png,0,0,0,0,\nd.png,1,0,4,5,\n";
        let votes = labelling.parse(csv, &[]).unwrap();
        assert_eq!(votes.labels, ["happy", "sad"]);
        assert_eq!(votes.rows["a.png"], Some(vec![0.25, 0.75]));
        assert_eq!((&votes.rows["b.png"], &votes.rows["c.png"]), (&None, &None));
        assert_eq!(votes.rows["d.png"], Some(vec![1.0, 0.0]));
    }

    #[test]
    fn without_a_map_columns_called_as_labels_count() {
        let known = ["calm".to_owned(), "sad".to_owned()];
        let votes = labelling("votes = 'v.csv'").parse(b"calm,file,other\n3,a,9\n", &known).unwrap();
        assert_eq!((votes.labels, &votes.rows["a"]), (vec!["calm".to_owned()], &Some(vec![1.0])));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let wrong = |text: &str, csv: &[u8]| labelling(text).parse(csv, &["sad".to_owned()]).unwrap_err();
        assert!(wrong("", b"name,sad\n").contains("no column file (columns: name, sad)"));
        assert!(wrong("", b"file,happy\n").contains("name them in `columns`"));
        assert!(wrong("columns = { fear = 'fear' }", b"file,sad\n").contains("no column fear"));
        assert!(wrong("", b"file,sad\na,1\nb,many\n").contains("line 3: `many` in column sad"));
        for (text, word) in [("weight = 0", "weight 0"), ("trust = 2", "trust 2"), ("columns = { a = 'b' }", "no file")]
        {
            assert!(labelling(text).check().unwrap_err().contains(word), "{text}");
        }
    }

    #[test]
    fn folders_take_other_names_join_and_stay_away() {
        let folder = |name: &str| super::super::scan::LabelFolder { pictures: vec![name.into()], ..Default::default() };
        let folders = ["Angry", "calm", "junk", "neutral"].map(|name| (name.to_owned(), folder(name))).into();
        let renamed = labelling("names = { Angry = 'angry', calm = 'neutral', junk = '' }").rename(folders);
        assert_eq!(renamed.keys().collect::<Vec<_>>(), ["angry", "neutral"]);
        assert_eq!(renamed["neutral"].pictures, [PathBuf::from("calm"), PathBuf::from("neutral")]);
    }
}
