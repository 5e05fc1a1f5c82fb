//! A teacher that is a file: what some model answered to the pictures as they are, before augmentation.

use super::config::TeacherConfig;
use crate::emotion::dataset::{Columns, PictureName, PictureTable};
use crate::failure::{Blame, Kind};
use crate::output::say;
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::HashMap;
use std::path::Path;

/// What a row's probabilities may add up to at most: 1, and what rounding each to two decimals can add.
const MAX_SUM: f32 = 1.05;

/// The answers to the training pictures.
pub(super) struct Answers {
    /// The data's labels that are known.
    labels: Vec<usize>,
    /// For each training picture the probabilities of these labels; none where the file has no row for it.
    rows: Vec<Option<Box<[f32]>>>,
}

impl Answers {
    /// Reads the answers in `file` to the training `pictures`, for data with these labels.
    ///
    /// # Errors
    /// A file that cannot be read or has changed, lacks a column, has numbers that are no probabilities, or knows none of the
    /// pictures.
    pub(super) fn open(
        config: &TeacherConfig,
        file: &Path,
        labels: &[String],
        pictures: &[PictureName],
    ) -> Result<Self> {
        let (bytes, _) = config.read_answers(file)?;
        let name = file.display();
        let answers = Self::parse(config, &bytes, labels, pictures);
        let answers = answers.with_context(|| format!("cannot use the teacher's answers {name}")).blame(Kind::Data)?;
        let known = answers.rows.iter().flatten().count();
        say!("{name}: answers to {known} of {} training pictures", pictures.len())?;
        Ok(answers)
    }

    fn parse(config: &TeacherConfig, bytes: &[u8], labels: &[String], pictures: &[PictureName]) -> Result<Self> {
        let number = ("probability from 0 to 1", 1.0);
        let columns = Columns { labels: &config.columns, known: labels, others: &[], number };
        let table = PictureTable::parse(bytes, &columns).map_err(anyhow::Error::msg)?;
        let index = |label: &String| {
            let unknown = || anyhow!("`columns` names the label {label}; the data's labels are {}", labels.join(", "));
            labels.iter().position(|known| known == label).ok_or_else(unknown)
        };
        let known = table.labels.iter().map(index).collect::<Result<Vec<_>>>()?;
        let mut answers = HashMap::new();
        for row in table.rows {
            let sum: f32 = row.numbers.iter().sum();
            ensure!(sum <= MAX_SUM, "line {}: the probabilities add up to {sum}", row.line);
            answers.insert(row.file, row.numbers);
        }
        let rows = matched(&answers, pictures)?;
        if rows.iter().all(Option::is_none) {
            let example = pictures.first().map_or("train/LABEL/1.png", |picture| picture.path.as_str());
            return Err(anyhow!(
                "it lists none of the training pictures; its column `file` must have their paths within the data set's folder, \
                 such as {example}"
            ));
        }
        Ok(Answers { labels: known, rows })
    }

    /// The data's labels that it knows for the training picture with this index, with their probabilities.
    pub(super) fn answer(&self, picture: usize) -> impl Iterator<Item = (usize, f32)> {
        let row = self.rows.get(picture).and_then(Option::as_deref).unwrap_or_default();
        self.labels.iter().copied().zip(row.iter().copied())
    }
}

/// The answer to each picture. A row names a picture by its path in the data set, or by that with the folder's name in front.
fn matched(answers: &HashMap<String, Vec<f32>>, pictures: &[PictureName]) -> Result<Vec<Option<Box<[f32]>>>> {
    let mut folders: HashMap<&str, &str> = HashMap::new();
    let mut rows = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let PictureName { folder, path } = picture;
        let mut row = answers.get(&picture.whole());
        if row.is_none() && answers.contains_key(path) {
            let first = *folders.entry(path).or_insert(folder);
            ensure!(
                first == folder,
                "its row {path} may mean a picture of {first} or of {folder}; put the folder's name in front, as in {}",
                picture.whole()
            );
            row = answers.get(path);
        }
        // A row that knows none of the labels says nothing.
        rows.push(row.filter(|row| row.iter().any(|share| *share > 0.0)).map(|row| row.as_slice().into()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pictures(names: &[(&str, &str)]) -> Vec<PictureName> {
        names.iter().map(|(folder, path)| PictureName { folder: (*folder).into(), path: (*path).into() }).collect()
    }

    fn parse(columns: &str, csv: &str, names: &[(&str, &str)]) -> Result<Answers> {
        let config: TeacherConfig = toml::from_str(&format!("answers = 'a.csv'\n{columns}")).unwrap();
        let labels = ["angry", "happy", "sad"].map(str::to_owned);
        Answers::parse(&config, csv.as_bytes(), &labels, &pictures(names))
    }

    fn answer(answers: &Answers, picture: usize) -> Vec<(usize, f32)> {
        answers.answer(picture).collect()
    }

    #[test]
    fn rows_are_matched_by_path_and_by_folder_and_path() {
        let names = [
            ("web", "train/sad/1.png"),
            ("own", "train/sad/1.png"),
            ("own", "train/sad/2.png"),
            ("own", "train/sad/3.png"),
        ];
        let csv = "file,sad,calm,happy\nweb/train/sad/1.png,0.5,0.25,0.25\nown/train/sad/1.png,1,0,0\n\
                   train/sad/2.png,0,0.2,0.8\ntrain/sad/3.png,0,1,0\nval/sad/4.png,1,0,0\n";
        let answers = parse("", csv, &names).unwrap();
        assert_eq!(answer(&answers, 0), [(1, 0.25), (2, 0.5)]);
        assert_eq!(answer(&answers, 1), [(1, 0.0), (2, 1.0)]);
        assert_eq!(answer(&answers, 2), [(1, 0.8), (2, 0.0)]);
        assert_eq!(answer(&answers, 3), [], "of it only calm is known, which the data does not have");
        let both = "file,sad\ntrain/sad/1.png,1\n";
        let told = parse("", both, &names).err().unwrap().to_string();
        assert!(told.contains("of web or of own") && told.contains("own/train/sad/1.png"), "{told}");
    }

    #[test]
    fn columns_are_mapped_and_mistakes_are_told() {
        let names = [("web", "train/sad/1.png")];
        let columns = "columns = { joy = 'happy', delight = 'happy', grief = 'sad' }";
        let answers = parse(columns, "file,joy,delight,grief\ntrain/sad/1.png,0.5,0.125,0.25\n", &names).unwrap();
        assert_eq!(answer(&answers, 0), [(1, 0.625), (2, 0.25)]);
        for (columns, csv, word) in [
            ("", "path,sad\n", "no column file (columns: path, sad)"),
            ("", "file,joy\n", "name them in `columns`"),
            (columns, "file,joy,grief\n", "no column delight"),
            ("columns = { joy = 'glee' }", "file,joy\n", "the label glee; the data's labels are angry, happy, sad"),
            ("", "file,sad\nx,1\ntrain/sad/1.png,1.5\n", "line 3: `1.5` in column sad is no probability"),
            ("", "file,sad,happy\ntrain/sad/1.png,0.9,0.9\n", "line 2: the probabilities add up to 1.8"),
            ("", "file,sad\n1.png,1\n", "none of the training pictures"),
            ("", "file,sad\ntrain/sad/1.png,0\n", "none of the training pictures"),
        ] {
            let told = parse(columns, csv, &names).err().unwrap().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
