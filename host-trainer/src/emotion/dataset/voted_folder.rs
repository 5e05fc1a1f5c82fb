//! Where people's votes and the folders disagree.

use super::DatasetError;
use super::labelling::Labelling;
use super::load::relative_path;
use super::picture_label::PictureLabel;
use super::scan::scan;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What people called the pictures of one label's folders, in all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VotedFolder {
    /// The folders' label.
    pub label: String,
    /// Pictures that people voted on.
    pub voted: usize,
    /// How many of them more than half of the votes call by each label.
    pub majority: BTreeMap<String, usize>,
    /// How many have no majority.
    pub undecided: usize,
    /// How many the votes leave out.
    pub left_out: usize,
}

impl VotedFolder {
    /// Compares the label folders below `root` with the votes that `labelling` names, by label; nothing where it names none. No picture
    /// is opened.
    ///
    /// # Errors
    /// Folders or votes that cannot be read.
    pub fn compare(root: &Path, labelling: &Labelling) -> Result<Vec<Self>, DatasetError> {
        let parts: Vec<_> = scan(root)?.into_values().map(|folders| labelling.rename(folders)).collect();
        let mut known: Vec<String> = parts.iter().flat_map(|folders| folders.keys().cloned()).collect();
        known.sort();
        known.dedup();
        let Some(votes) = labelling.read(root, &known)? else { return Ok(vec![]) };
        let mut labels: Vec<String> = known.iter().chain(&votes.labels).cloned().collect();
        labels.sort();
        labels.dedup();
        let mut found: BTreeMap<&String, Self> = BTreeMap::new();
        for (label, folder) in parts.iter().flatten() {
            let index = labels.partition_point(|other| other < label);
            let counts = found.entry(label).or_insert_with(|| VotedFolder { label: label.clone(), ..Self::default() });
            for name in folder.pictures.iter().map(|path| relative_path(root, path)) {
                if !votes.rows.contains_key(&name) {
                    continue;
                }
                counts.voted += 1;
                match PictureLabel::of(&name, index, &labels, Some(&votes)) {
                    None => counts.left_out += 1,
                    Some(known) if !known.is_agreed() => counts.undecided += 1,
                    Some(known) => *counts.majority.entry(labels[known.label].clone()).or_default() += 1,
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// In words: which share of the pictures people call as the folder does, and what else, the commonest first.
    pub fn text(&self) -> String {
        let share = |count: usize| format!("{:.0} %", 100.0 * count as f64 / self.voted.max(1) as f64);
        let mut majority: Vec<(&String, &usize)> = self.majority.iter().collect();
        majority.sort_by(|a, b| b.1.cmp(a.1));
        let mut words: Vec<String> =
            majority.into_iter().map(|(label, count)| format!("{label} {}", share(*count))).collect();
        let rest = [("no majority", self.undecided), ("left out", self.left_out)];
        words.extend(
            rest.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{word} {}", share(*count))),
        );
        format!("{} ({} voted on): {}", self.label, self.voted, words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn votes_and_folders_are_compared_by_label() {
        let root = tempfile::tempdir().unwrap();
        for name in ["train/sad/a", "train/sad/b", "test/sad/c", "test/sad/d", "train/happy/e"] {
            let path = root.path().join(format!("{name}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::GrayImage::new(2, 2).save(path).unwrap();
        }
        let votes = "file,calm,sad,none\ntrain/sad/a.png,3,1,0\ntrain/sad/b.png,0,4,0\ntest/sad/c.png,2,2,0\ntest/sad/d.png,0,1,9\n";
        std::fs::write(root.path().join("votes.csv"), votes).unwrap();
        let labelling: Labelling = toml::from_str(
            "votes = 'votes.csv'\ncolumns = { calm = 'neutral', sad = 'sad' }\nother_columns = ['none']",
        )
        .unwrap();
        let found = VotedFolder::compare(root.path(), &labelling).unwrap();
        let words: Vec<String> = found.iter().map(VotedFolder::text).collect();
        assert_eq!(
            words,
            ["happy (0 voted on): ", "sad (4 voted on): neutral 25 %, sad 25 %, no majority 25 %, left out 25 %"]
        );
        assert_eq!(VotedFolder::compare(root.path(), &Labelling::default()).unwrap(), []);
    }
}
