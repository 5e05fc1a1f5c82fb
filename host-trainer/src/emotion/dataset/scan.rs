//! Which picture files lie in which part and label of a data set's folder.

use super::DatasetError;
use crate::part::Part;
use image::ImageFormat;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files of one label's folder.
#[derive(Clone, Debug, Default)]
pub struct LabelFolder {
    /// Files that are, or claim to be, pictures, in sorted order.
    pub pictures: Vec<PathBuf>,
    /// How many files are neither hidden nor pictures.
    pub others: usize,
}

/// Labels with their files, sorted by label.
pub type LabelFolders = BTreeMap<String, LabelFolder>;

/// The labels and pictures of each part that `root` has. Only unreadable folders are errors here.
pub fn scan(root: &Path) -> Result<BTreeMap<Part, LabelFolders>, DatasetError> {
    fs::read_dir(root).map_err(|source| DatasetError::Read { path: root.to_owned(), source })?;
    let mut parts = BTreeMap::new();
    for part in Part::ALL {
        let folder = root.join(part.name());
        if folder.is_dir() {
            parts.insert(part, label_folders(&folder)?);
        }
    }
    Ok(parts)
}

/// The labels below `folder`, one folder each, with their pictures.
pub fn label_folders(folder: &Path) -> Result<LabelFolders, DatasetError> {
    let mut labels = LabelFolders::new();
    for path in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        let Some(label) = path.file_name().and_then(OsStr::to_str).map(str::to_owned) else {
            return Err(DatasetError::LabelName { path });
        };
        let mut files = LabelFolder::default();
        collect(&path, &mut files)?;
        labels.insert(label, files);
    }
    Ok(labels)
}

fn collect(folder: &Path, files: &mut LabelFolder) -> Result<(), DatasetError> {
    for path in entries(folder)? {
        if path.is_dir() {
            // A link to a folder may lead back here.
            if !path.is_symlink() {
                collect(&path, files)?;
            }
        } else if is_picture(&path) {
            files.pictures.push(path);
        } else {
            files.others += 1;
        }
    }
    Ok(())
}

/// What is in `folder`, sorted, hidden entries left out.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let failed = |source| DatasetError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// What `folder` holds, in a few words, for error messages.
pub fn describe(folder: &Path) -> String {
    let Ok(paths) = entries(folder) else { return "nothing readable".into() };
    let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_dir());
    let mut words: Vec<String> =
        folders.iter().take(8).filter_map(|path| Some(format!("{}/", path.file_name()?.to_string_lossy()))).collect();
    if folders.len() > 8 {
        words.push(format!("{} more folders", folders.len() - 8));
    }
    match files.len() {
        0 => {}
        1 => words.push("1 file".into()),
        count => words.push(format!("{count} files")),
    }
    if words.is_empty() { "nothing".into() } else { words.join(", ") }
}

/// Whether a file is a picture by its first bytes, or claims to be one by its name and so deserves a complaint when it is not.
pub(crate) fn is_picture(path: &Path) -> bool {
    const NEVER: [&str; 16] = [
        "csv", "db", "htm", "html", "ini", "json", "log", "md", "npy", "pdf", "toml", "tsv", "txt", "xml", "yaml",
        "yml",
    ];
    const UNREAD: [&str; 6] = ["avif", "heic", "heif", "jfif", "jpe", "jxl"];
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    if emotion_models::is_special(path) || NEVER.contains(&extension.as_str()) {
        return false;
    }
    if ImageFormat::from_extension(&extension).is_some() || UNREAD.contains(&extension.as_str()) {
        return true;
    }
    let mut start = [0u8; 32];
    let Ok(mut file) = fs::File::open(path) else { return false };
    let length = file.read(&mut start).unwrap_or(0);
    image::guess_format(&start[..length]).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn junk_is_passed_over_and_pictures_are_known_by_content() {
        let root = tempfile::tempdir().unwrap();
        let label = root.path().join("train/happy");
        fs::create_dir_all(label.join("more")).unwrap();
        fs::create_dir_all(root.path().join("train/.cache")).unwrap();
        let picture = image::GrayImage::from_pixel(4, 4, image::Luma([9]));
        picture.save(label.join("b.png")).unwrap();
        picture.save(label.join("more/c.png")).unwrap();
        fs::rename(label.join("b.png"), label.join("b")).unwrap();
        for junk in [".DS_Store", "Thumbs.db", "list.csv", "noise.bin"] {
            fs::write(label.join(junk), "text").unwrap();
        }
        fs::write(label.join("broken.jpg"), "text").unwrap();

        let parts = scan(root.path()).unwrap();
        let folders = &parts[&Part::Train];
        assert_eq!(folders.keys().collect::<Vec<_>>(), ["happy"]);
        let names: Vec<_> = folders["happy"].pictures.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["b", "broken.jpg", "c.png"]);
        assert_eq!(folders["happy"].others, 3);
    }
}
