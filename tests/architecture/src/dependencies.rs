//! Dependencies that a manifest asks for and no code names.

use crate::packages::{Package, manifest, packages};
use crate::references::token_paths;
use crate::source::{ReadError, read};
use proc_macro2::TokenStream;
use std::collections::BTreeSet;
use std::path::Path;
use toml::Table;

/// One line for each dependency of the workspace in `root` that nothing uses.
///
/// A package uses a dependency when its code has a path that begins with the dependency's name. The workspace's own list
/// is used when a member takes an entry over.
///
/// # Errors
/// When a file cannot be read or is no Rust.
pub fn unused_dependencies(root: &Path) -> Result<Vec<String>, ReadError> {
    let mut unused = vec![];
    let mut taken = BTreeSet::new();
    for package in packages(root)? {
        let used = crates_used(&package)?;
        let declared = declared(&package.manifest);
        let left = declared.iter().filter(|name| !used.contains(&name.replace('-', "_")));
        unused.extend(left.map(|name| format!("{}: {name}", package.name)));
        taken.extend(declared);
    }
    let workspace = manifest(root)?;
    let offered = workspace.get("workspace").and_then(|table| table.as_table()).map(declared).unwrap_or_default();
    unused.extend(offered.difference(&taken).map(|name| format!("the workspace: {name}")));
    Ok(unused)
}

/// The names in every table of dependencies, those for one target among them.
fn declared(table: &Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let list = table.get(kind).and_then(|list| list.as_table());
        names.extend(list.into_iter().flat_map(|list| list.keys().cloned()));
    }
    let targets = table.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values()).filter_map(|target| target.as_table());
    names.extend(targets.flat_map(declared));
    names
}

/// The first names of all paths in the package's code, and what a `use` names.
fn crates_used(package: &Package) -> Result<BTreeSet<String>, ReadError> {
    let mut used = BTreeSet::new();
    for path in package.files() {
        let tokens: TokenStream = read(&path)?.parse().map_err(|error| ReadError::new(&path, error))?;
        used.extend(token_paths(tokens).into_iter().filter(|path| path.len() > 1).map(|mut path| path.swap_remove(0)));
    }
    Ok(used)
}
