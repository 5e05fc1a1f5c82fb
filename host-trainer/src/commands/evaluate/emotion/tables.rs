//! The tables of an evaluation: folders, perturbations, groups.

use super::evaluator::FolderResult;
use crate::emotion::evaluated::{COLUMNS, Evaluated};
use crate::emotion::lights::Lights;
use crate::emotion::slices::Slices;
use crate::report::table::Table;

/// The pictures of one group of a folder.
pub struct Group {
    /// What its pictures have in the column.
    pub value: String,
    /// Its figures.
    pub evaluated: Evaluated,
}

/// The groups of a folder, in order.
pub fn groups(result: &FolderResult, slices: &Slices, lights: &Lights) -> Vec<Group> {
    let groups = slices.group(result.folder.pictures.iter().map(|picture| picture.name.as_str()));
    let group =
        |(value, places): (String, Vec<usize>)| Group { value, evaluated: result.evaluated.part(&places, lights) };
    groups.into_iter().map(group).collect()
}

/// A row a folder.
pub fn of_folders(all: &[FolderResult]) -> Table {
    let mut table = Table::new(["data"].iter().chain(&COLUMNS));
    all.iter().for_each(|result| table.push(&result.folder.title, result.evaluated.row()));
    table
}

/// A row a perturbation, a column a folder; `None` where none was asked for.
pub fn of_robustness(all: &[&FolderResult]) -> Option<Table> {
    let figures = || all.iter().filter_map(|result| result.robustness.as_ref());
    let first = figures().next()?;
    let titles = all.iter().map(|result| result.folder.title.as_str());
    let mut table = Table::new(["accuracy (change)"].into_iter().chain(titles));
    for (index, (name, _)) in first.rows().iter().enumerate() {
        table.push(name, figures().map(|robustness| robustness.rows().swap_remove(index).1));
    }
    Some(table)
}

/// A row a group; each folder's groups, with its title where it has one.
pub fn of_groups(column: &str, all: &[(Option<&str>, &[Group])]) -> Table {
    let mut table = Table::new([column].iter().chain(&COLUMNS));
    for (title, groups) in all {
        for Group { value, evaluated } in *groups {
            let name = title.map_or_else(|| value.clone(), |title| format!("{title}: {value}"));
            table.push(&name, evaluated.row());
        }
    }
    table
}
