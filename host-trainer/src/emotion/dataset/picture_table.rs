//! A CSV with numbers for pictures: people's votes, or what another model answers.

use crate::spreadsheet;
use std::collections::BTreeMap;

/// A CSV whose column `file` has pictures' paths, and other columns a number for a label.
#[derive(Debug)]
pub(crate) struct PictureTable {
    /// The labels that its columns stand for, sorted.
    pub labels: Vec<String>,
    /// Its lines, in order.
    pub rows: Vec<PictureRow>,
}

/// The numbers for one picture.
#[derive(Debug)]
pub(crate) struct PictureRow {
    /// The picture's path within the data set's folder.
    pub file: String,
    /// The sum of the columns of each of [`PictureTable::labels`].
    pub numbers: Vec<f32>,
    /// The sum of the columns that stand for no label.
    pub others: f32,
    /// Where it stands in the file, counted from 1.
    pub line: u64,
}

/// What a CSV's columns mean.
pub(crate) struct Columns<'a> {
    /// The label of each column; where it is empty, the columns called as one of `known` count.
    pub labels: &'a BTreeMap<String, String>,
    /// Labels that columns may be called as.
    pub known: &'a [String],
    /// Columns that stand for no label.
    pub others: &'a [String],
    /// What each number is, in words, and the largest that it may be; none is below 0.
    pub number: (&'static str, f32),
}

impl PictureTable {
    /// Reads a CSV's `bytes`.
    ///
    /// # Errors
    /// In words, a column that is missing, or the line of a number that cannot be.
    pub fn parse(bytes: &[u8], meaning: &Columns<'_>) -> Result<Self, String> {
        let mut table = spreadsheet::reader(bytes)?;
        let header = table.headers().map_err(|error| error.to_string())?.clone();
        let place = |name: &str| spreadsheet::column(&header, name);
        let columns = header.iter().collect::<Vec<_>>().join(", ");
        let needed = |name: &str| place(name).ok_or(format!("it has no column {name} (columns: {columns})"));
        let file = needed("file")?;
        let mut labels: Vec<(usize, String)> = match meaning.labels.is_empty() {
            true => meaning.known.iter().filter_map(|label| Some((place(label)?, label.clone()))).collect(),
            false => {
                let one = |(column, label): (&String, &String)| Ok((needed(column)?, label.clone()));
                meaning.labels.iter().map(one).collect::<Result<_, String>>()?
            }
        };
        labels.sort();
        if labels.is_empty() {
            return Err(format!("no column is called as a label (columns: {columns}); name them in `columns`"));
        }
        let others = meaning.others.iter().map(|name| needed(name)).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<String> = labels.iter().map(|(_, label)| label.clone()).collect();
        names.sort();
        names.dedup();
        let (what, most) = meaning.number;
        let mut rows = vec![];
        for row in table.records() {
            let row = row.map_err(|error| error.to_string())?;
            let line = row.position().map_or(0, csv::Position::line);
            let number = |column: usize| {
                let text = row.get(column).unwrap_or_default();
                let number = spreadsheet::number(text).filter(|number| (0.0..=most).contains(number));
                number.ok_or(format!("line {line}: `{text}` in column {} is no {what}", &header[column]))
            };
            let mut numbers = vec![0.0; names.len()];
            for (column, label) in &labels {
                numbers[names.partition_point(|name| name < label)] += number(*column)?;
            }
            let others = others.iter().map(|&column| number(column)).sum::<Result<f32, String>>()?;
            rows.push(PictureRow { file: row[file].to_owned(), numbers, others, line });
        }
        Ok(PictureTable { labels: names, rows })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn columns_of_one_label_add_up_and_numbers_keep_their_bounds() {
        let labels = [("joy", "happy"), ("happiness", "happy"), ("grief", "sad")];
        let labels = labels.map(|(column, label)| (column.to_owned(), label.to_owned())).into();
        let meaning = Columns { labels: &labels, known: &[], others: &["NF".into()], number: ("probability", 1.0) };
        let csv = b"joy,file, NF,grief,happiness\n0.5,a.png,0.125,0.25,0.125\n";
        let table = PictureTable::parse(csv, &meaning).unwrap();
        assert_eq!(table.labels, ["happy", "sad"]);
        let row = &table.rows[0];
        assert_eq!(
            (row.file.as_str(), row.numbers.as_slice(), row.others, row.line),
            ("a.png", &[0.625, 0.25][..], 0.125, 2)
        );
        for number in ["1.01", "-0.1", "nan", "inf", "much", ""] {
            let csv = format!("joy,file,NF,grief,happiness\n0,a.png,0,{number},0\n");
            let told = PictureTable::parse(csv.as_bytes(), &meaning).unwrap_err();
            assert_eq!(told, format!("line 2: `{number}` in column grief is no probability"));
        }
    }
}
