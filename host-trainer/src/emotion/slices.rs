//! Groups of pictures that a CSV names, so that the owner of a data set can see whether a model serves all of them alike.

use crate::failure::{Kind, failure};
use crate::spreadsheet;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// The group of pictures that the file does not list.
pub const UNLISTED: &str = "(not listed)";
/// The group of pictures whose cell is empty.
const EMPTY: &str = "(empty)";

/// To which group each picture belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slices {
    /// The file.
    pub file: PathBuf,
    /// Its column of groups.
    pub column: String,
    /// A picture's group, by its path within its data set's folder.
    groups: HashMap<String, String>,
}

impl Slices {
    /// Reads what `FILE.csv:COLUMN` names. The file's column `file` has the pictures' paths within their folder, with `/` between
    /// folders, such as `test/happy/1.png`.
    ///
    /// # Errors
    /// Text that names no file and column, a file that cannot be read, or one without these columns.
    pub fn read(asked: &str) -> Result<Self> {
        let parts = asked.rsplit_once(':').filter(|(file, column)| !file.is_empty() && !column.is_empty());
        let Some((file, column)) = parts else {
            let message = format!("--slices {asked}: say FILE.csv:COLUMN, a file and the column of its groups");
            return Err(failure(Kind::Usage, message));
        };
        let bytes = std::fs::read(file)
            .map_err(|error| failure(Kind::Data, format!("cannot read {file} of --slices: {error}")))?;
        let groups = parse(&bytes, column).with_context(|| format!("in {file} of --slices"))?;
        Ok(Slices { file: Path::new(file).into(), column: column.to_owned(), groups })
    }

    /// The places of the pictures of each group among `names`, the pictures' paths within their folder; groups are in order.
    pub fn group<'a>(&self, names: impl Iterator<Item = &'a str>) -> BTreeMap<String, Vec<usize>> {
        let mut groups = BTreeMap::<String, Vec<usize>>::new();
        for (index, name) in names.enumerate() {
            let group = self.groups.get(name).map_or(UNLISTED, String::as_str);
            groups.entry(group.to_owned()).or_default().push(index);
        }
        groups
    }

    /// Whether the file lists a picture.
    pub fn lists(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }
}

/// A picture's group by its path.
fn parse(bytes: &[u8], column: &str) -> Result<HashMap<String, String>> {
    let wrong = |message: String| failure(Kind::Data, message);
    let mut table = spreadsheet::reader(bytes).map_err(&wrong)?;
    let header = table.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let place = |name: &str, kind: Kind| {
        let missing = || format!("it has no column {name} (columns: {})", header.iter().collect::<Vec<_>>().join(", "));
        spreadsheet::column(&header, name).ok_or_else(|| failure(kind, missing()))
    };
    let (file, group) = (place("file", Kind::Data)?, place(column, Kind::Usage)?);
    let mut groups = HashMap::new();
    for row in table.records() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let value = if row[group].is_empty() { EMPTY } else { &row[group] };
        let former = groups.insert(row[file].to_owned(), value.to_owned());
        if let Some(former) = former.filter(|former| former != value) {
            let line = row.position().map_or(0, csv::Position::line);
            return Err(wrong(format!("line {line}: {} is {value} here and {former} before", &row[file])));
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::failure::kind_of;

    #[test]
    fn pictures_fall_into_the_groups_of_the_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.csv");
        std::fs::write(&path, "age,file\nold,test/a.png\nyoung,test/b.png\nold, test/c.png\n,test/d.png\n").unwrap();
        let slices = Slices::read(&format!("{}:age", path.display())).unwrap();
        let names = ["test/c.png", "test/b.png", "test/x.png", "test/d.png", "test/a.png"];
        let groups = slices.group(names.into_iter());
        let expected = [("(empty)", vec![3]), ("(not listed)", vec![2]), ("old", vec![0, 4]), ("young", vec![1])];
        assert_eq!(groups, expected.map(|(name, places)| (name.to_owned(), places)).into());
        assert!(slices.lists("test/a.png") && !slices.lists("a.png"));
    }

    #[test]
    fn mistakes_are_told_with_what_to_do() {
        let error = |asked: &str| Slices::read(asked).unwrap_err();
        for asked in ["groups.csv", ":age", "groups.csv:"] {
            assert_eq!(kind_of(&error(asked)), Some(Kind::Usage));
            assert!(error(asked).to_string().contains("FILE.csv:COLUMN"));
        }
        assert!(error("/nowhere/groups.csv:age").to_string().contains("cannot read /nowhere/groups.csv"));
        let wrong = |text: &str, column: &str| parse(text.as_bytes(), column).unwrap_err();
        let missing = wrong("file,age\n", "sex");
        assert_eq!(
            (missing.to_string().as_str(), kind_of(&missing)),
            ("it has no column sex (columns: file, age)", Some(Kind::Usage))
        );
        assert!(wrong("name,age\n", "age").to_string().contains("no column file"));
        assert!(wrong("file,age\na,1\na,2\n", "age").to_string().contains("line 3: a is 2 here and 1 before"));
        assert!(wrong("file,age\na\n", "age").to_string().contains("record"));
    }
}
