//! Circles of imports among a crate's files.

use crate::modules::{Target, Tree};
use crate::references::References;
use crate::source::ReadError;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

/// Files each of which leads to each other one by imports.
#[derive(Debug)]
pub struct Circle {
    /// The files, relative to the crate's `src`.
    pub files: Vec<PathBuf>,
    /// Who imports from whom, and which names.
    pub imports: Vec<(PathBuf, PathBuf, BTreeSet<String>)>,
}

impl Display for Circle {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "a circle of {} files", self.files.len())?;
        for (from, to, names) in &self.imports {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            writeln!(f, "  {} -> {}: {}", from.display(), to.display(), names.join(", "))?;
        }
        Ok(())
    }
}

/// For each pair of files, which names the first takes from the second.
type Imports = BTreeMap<(usize, usize), BTreeSet<String>>;

/// The circles among the files of the crate whose root is `root`, the largest first.
///
/// An import counts towards the file where the item stands, through however many re-exports it comes. A module that
/// re-exports what is below it does not import it. Tests are left out.
///
/// # Errors
/// When a file cannot be read or is no Rust.
pub fn circles(root: &Path) -> Result<Vec<Circle>, ReadError> {
    let mut tree = Tree::read(root)?;
    let imports = imports(&mut tree);
    let folder = root.parent().unwrap_or(Path::new(""));
    let name = |file: usize| {
        let path = &tree.files[file];
        path.strip_prefix(folder).unwrap_or(path).to_owned()
    };
    let reached: Vec<BTreeSet<usize>> = (0..tree.files.len()).map(|file| reached_from(file, &imports)).collect();
    let mut circles = vec![];
    let mut placed: BTreeSet<usize> = BTreeSet::new();
    for file in 0..tree.files.len() {
        let members: BTreeSet<usize> =
            reached[file].iter().copied().filter(|&other| reached[other].contains(&file)).collect();
        if members.is_empty() || placed.contains(&file) {
            continue;
        }
        placed.extend(&members);
        let inside = imports.iter().filter(|((from, to), _)| members.contains(from) && members.contains(to));
        circles.push(Circle {
            files: members.iter().map(|&member| name(member)).collect(),
            imports: inside.map(|((from, to), names)| (name(*from), name(*to), names.clone())).collect(),
        });
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.files.len()));
    Ok(circles)
}

fn imports(tree: &mut Tree) -> Imports {
    let mut imports = Imports::new();
    for index in 0..tree.modules.len() {
        let items = std::mem::take(&mut tree.modules[index].items);
        let references = References::of(&items);
        for inner in references.inner_uses {
            tree.modules[index].import(inner, &mut vec![], false);
        }
        let module = &tree.modules[index];
        let mut note = |target: Target| {
            if let Target::Item { name, file, .. } = target
                && file != module.file
            {
                imports.entry((module.file, file)).or_default().insert(name);
            }
        };
        for import in &module.imports {
            let is_child =
                |target: &Target| matches!(target, Target::Item { file, .. } if tree.file_is_below(*file, index));
            let targets = tree.resolve(index, &import.path).into_iter();
            targets.filter(|target| !import.exported || !is_child(target)).for_each(&mut note);
        }
        references.paths.iter().flat_map(|path| tree.resolve(index, path)).for_each(note);
    }
    imports
}

/// Every file that `start` leads to, itself only where a circle leads back.
fn reached_from(start: usize, imports: &Imports) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        let next = imports.range((file, 0)..(file + 1, 0)).map(|((_, to), _)| *to);
        open.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}
