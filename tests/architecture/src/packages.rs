//! The packages of a workspace.

use crate::source::{ReadError, read, rust_files};
use std::path::{Path, PathBuf};
use toml::Table;

/// A member of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Its name, as in `cargo build -p NAME`.
    pub name: String,
    /// Where its manifest lies.
    pub folder: PathBuf,
    pub(crate) manifest: Table,
}

impl Package {
    /// The library's root.
    pub fn library(&self) -> Option<PathBuf> {
        Some(self.folder.join("src/lib.rs")).filter(|path| path.exists())
    }

    /// The Rust files that cargo compiles for it: library, programs, examples, tests and benchmarks.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folders = ["src", "examples", "tests", "benches"].map(|folder| rust_files(&self.folder.join(folder)));
        let script = Some(self.folder.join("build.rs")).filter(|path| path.exists());
        folders.into_iter().flatten().chain(script).collect()
    }
}

pub(crate) fn manifest(folder: &Path) -> Result<Table, ReadError> {
    let path = folder.join("Cargo.toml");
    read(&path)?.parse().map_err(|error| ReadError::new(&path, error))
}

/// The members of the workspace in `root`, in the order of its manifest.
///
/// # Errors
/// When a manifest cannot be read.
pub fn packages(root: &Path) -> Result<Vec<Package>, ReadError> {
    let workspace = manifest(root)?;
    let members = workspace.get("workspace").and_then(|table| table.get("members")).and_then(|list| list.as_array());
    let members = members.into_iter().flatten().filter_map(|member| member.as_str());
    let package = |member: &str| {
        let folder = root.join(member);
        let manifest = manifest(&folder)?;
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str());
        let name = name.ok_or_else(|| ReadError::new(&folder, "a package without a name"))?.to_owned();
        Ok(Package { name, folder, manifest })
    };
    members.map(package).collect()
}
