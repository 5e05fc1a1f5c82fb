//! The files in a folder and its subfolders: the one way in which every command finds its pictures.

use crate::picture::is_special;
use crate::printable::printable_path;
use image::ImageFormat;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Folders that systems make, besides those whose names begin with a dot.
const SYSTEM_FOLDERS: [&str; 5] = ["lost+found", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir"];

/// Files in a folder, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The files, in order of their paths.
    pub files: Vec<PathBuf>,
    /// Why a folder was left out, each with its name.
    pub warnings: Vec<String>,
}

/// Every file below `folder` whose name makes it `wanted`. Links are followed, and each folder is visited once, whatever leads to
/// it. Hidden files and folders and those of the system are left out, and what is neither file nor folder. A subfolder that cannot
/// be read is a warning.
///
/// # Errors
/// `folder` itself cannot be read.
pub fn walk(folder: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<Walk> {
    let mut found = Walk::default();
    let mut visited = HashSet::from([folder.canonicalize()?]);
    let mut folders = vec![folder.to_owned()];
    let entries = |folder: &Path| fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    // The folder's own error ends the walk.
    let mut first = Some(entries(folder)?);
    while let Some(folder) = folders.pop() {
        let paths = first.take().map_or_else(|| entries(&folder), Ok);
        let mut paths = match paths {
            Ok(paths) => paths,
            Err(error) => {
                found.warnings.push(format!("cannot read the folder {}: {error}", printable_path(&folder)));
                continue;
            }
        };
        // Which of two links to a folder is followed must not depend on the file system.
        paths.sort();
        let mut below = Vec::new();
        for path in paths {
            if path.file_name().is_some_and(is_left_out) {
                continue;
            }
            if path.is_dir() {
                if path.canonicalize().is_ok_and(|real| visited.insert(real)) {
                    below.push(path);
                }
            } else if wanted(&path) && !is_special(&path) {
                found.files.push(path);
            }
        }
        folders.extend(below.into_iter().rev());
    }
    found.files.sort();
    Ok(found)
}

/// Whether a file's name says that it is a picture; of kinds that are not read, those that cameras and phones write are among them, so
/// that they are named and not passed over.
pub fn is_picture_name(path: &Path) -> bool {
    let unread = ["heic", "heif", "hif", "avif"];
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    unread.contains(&extension.as_str()) || ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

/// Whether an entry is hidden, or the system's.
pub fn is_left_out(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || SYSTEM_FOLDERS.iter().any(|system| name == *system)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn write(root: &Path, name: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn names(root: &Path) -> Vec<String> {
        let found = walk(root, is_picture_name).unwrap();
        found.files.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn links_are_followed_and_each_folder_is_visited_once() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path();
        write(root, "b/1.png");
        write(root, "a/2.jpg");
        write(other.path(), "3.webp");
        symlink(other.path(), root.join("linked")).unwrap();
        symlink(other.path(), root.join("a/again")).unwrap();
        // Links that lead back up, and many of them.
        symlink(root, root.join("a/back")).unwrap();
        for number in 0..40 {
            symlink(root.join("b"), root.join(format!("b/b{number}"))).unwrap();
        }
        symlink(root.join("nowhere.png"), root.join("broken")).unwrap();
        assert_eq!(names(root), ["a/2.jpg", "b/1.png", "linked/3.webp"]);
    }

    #[test]
    fn what_systems_leave_in_folders_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in ["._1.png", ".Trash-1000/2.png", ".thumbnails/3.png", "lost+found/4.png", "__MACOSX/._5.png"] {
            write(root, name);
        }
        for name in ["Thumbs.db", "notes.txt", "a/6.PNG", "7.heic", "8.avif"] {
            write(root, name);
        }
        assert_eq!(names(root), ["7.heic", "8.avif", "a/6.PNG"]);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_a_warning() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a/1.png");
        write(root.path(), "shut/2.png");
        let shut = root.path().join("shut");
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        // Root reads it all the same.
        let readable = fs::read_dir(&shut).is_ok();
        let found = walk(root.path(), is_picture_name).unwrap();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!((found.files.len(), found.warnings.len()), if readable { (2, 0) } else { (1, 1) });
        assert!(walk(&root.path().join("none"), is_picture_name).is_err());
    }
}
