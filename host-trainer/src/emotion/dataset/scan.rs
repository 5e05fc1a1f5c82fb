//! Which picture files lie in which part and label of a data set's folder.

use super::DatasetError;
use crate::files::own_name;
use crate::output::tell_once;
use crate::part::Part;
use emotion_models::{composed, is_left_out, printable_path, walk};
use image::ImageFormat;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files of one label's folder.
#[derive(Clone, Debug, Default)]
pub struct LabelFolder {
    /// The folder; where several make one label, one of them.
    pub path: PathBuf,
    /// Files that are, or claim to be, pictures, in sorted order.
    pub pictures: Vec<PathBuf>,
    /// How many files are neither hidden nor pictures.
    pub others: usize,
}

/// Labels with their files, sorted by label.
pub type LabelFolders = BTreeMap<String, LabelFolder>;

/// Which folder is which part of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The folder of each part; of a data set of label folders alone, itself.
    pub parts: BTreeMap<Part, PathBuf>,
    /// Whether its folders are labels, without a part above them.
    pub flat: bool,
    /// Names of folders beside the parts.
    pub passed_over: Vec<String>,
}

impl Layout {
    /// Finds the parts below `root` by the names that data sets give them, `train` before `Training`; where there is none of them, each
    /// folder with pictures is a label, and all of them are for training.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn of(root: &Path) -> Result<Self, DatasetError> {
        let mut layout = Self::default();
        let mut folders: Vec<(PathBuf, String)> = entries(root)?
            .into_iter()
            .filter(|path| path.is_dir())
            .map(|path| (path.clone(), own_name(&path)))
            .collect();
        folders.sort_by_key(|(_, name)| Part::of_folder(name).is_none_or(|part| part.name() != name));
        for (path, name) in folders {
            match Part::of_folder(&name) {
                Some(part) if !layout.parts.contains_key(&part) => _ = layout.parts.insert(part, path),
                _ => layout.passed_over.push(name),
            }
        }
        if layout.parts.is_empty() && label_folders(root)?.values().any(|folder| !folder.pictures.is_empty()) {
            layout = Self { parts: [(Part::Train, root.to_owned())].into(), flat: true, passed_over: vec![] };
        }
        Ok(layout)
    }

    /// The folder of a part: that which is there, else where it would be.
    ///
    /// # Errors
    /// As [`Layout::of`].
    pub fn folder(root: &Path, part: Part) -> Result<PathBuf, DatasetError> {
        Ok(Self::of(root)?.parts.remove(&part).unwrap_or_else(|| root.join(part.name())))
    }

    /// Says what a reader may not expect.
    fn tell(&self, root: &Path) {
        let root = printable_path(root);
        if self.flat {
            tell_once(&format!(
                "{root} has no train/, val/ or test/: its folders are taken for labels, and all pictures for training"
            ));
        }
        if !self.passed_over.is_empty() {
            let names = self.passed_over.join("/, ");
            tell_once(&format!("{root}: passed over {names}/; the parts are train/, val/ and test/"));
        }
    }
}

/// The labels and pictures of each part that `root` has. Only unreadable folders are errors here.
pub fn scan(root: &Path) -> Result<BTreeMap<Part, LabelFolders>, DatasetError> {
    let layout = Layout::of(root)?;
    layout.tell(root);
    layout.parts.into_iter().map(|(part, folder)| Ok((part, label_folders(&folder)?))).collect()
}

/// The labels below `folder`, one folder each, with their pictures. A label's letters are composed, however its folder's name has them.
pub fn label_folders(folder: &Path) -> Result<LabelFolders, DatasetError> {
    let mut labels = LabelFolders::new();
    for path in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        let Some(label) = path.file_name().and_then(OsStr::to_str).map(|label| composed(label).into_owned()) else {
            return Err(DatasetError::LabelName { path });
        };
        let found = walk(&path, |_| true).map_err(|source| DatasetError::Read { path: path.clone(), source })?;
        found.warnings.iter().for_each(|warning| tell_once(warning));
        let (pictures, others): (Vec<PathBuf>, Vec<PathBuf>) =
            found.files.into_iter().partition(|path| is_picture(path));
        let into = labels.entry(label).or_insert_with(|| LabelFolder { path, ..LabelFolder::default() });
        into.pictures.extend(pictures);
        into.others += others.len();
    }
    Ok(labels)
}

/// Every picture below `folder`, in order.
pub fn pictures(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let found = walk(folder, is_picture).map_err(|source| DatasetError::Read { path: folder.to_owned(), source })?;
    found.warnings.iter().for_each(|warning| tell_once(warning));
    Ok(found.files)
}

/// What is in `folder`, sorted, hidden entries and those of the system left out.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let failed = |source| DatasetError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !is_left_out(&entry.file_name()) {
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
    const UNREAD: [&str; 7] = ["avif", "heic", "heif", "hif", "jfif", "jpe", "jxl"];
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

    fn picture(root: &Path, name: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(4, 4, image::Luma([9])).save(path).unwrap();
    }

    #[test]
    fn parts_are_known_by_the_names_that_data_sets_give_them() {
        let root = tempfile::tempdir().unwrap();
        for name in ["Train/happy/1.png", "valid/happy/2.png", "testing/happy/3.png", "extra/happy/4.png"] {
            picture(root.path(), name);
        }
        let layout = Layout::of(root.path()).unwrap();
        let found: Vec<String> = layout.parts.values().map(|path| own_name(path)).collect();
        assert_eq!(
            (found, layout.passed_over),
            (vec!["Train".into(), "valid".into(), "testing".into()], vec!["extra".into()])
        );
        picture(root.path(), "val/happy/5.png");
        let layout = Layout::of(root.path()).unwrap();
        assert_eq!(own_name(&layout.parts[&Part::Val]), "val", "the name of ours comes first");
        assert_eq!(layout.passed_over, ["extra", "valid"]);
    }

    #[test]
    fn folders_without_parts_are_labels() {
        let root = tempfile::tempdir().unwrap();
        for name in ["happy/1.png", "sad/more/2.png", "lost+found/3.png"] {
            picture(root.path(), name);
        }
        let parts = scan(root.path()).unwrap();
        assert_eq!(parts.keys().collect::<Vec<_>>(), [&Part::Train]);
        assert_eq!(parts[&Part::Train].keys().collect::<Vec<_>>(), ["happy", "sad"]);
        assert!(!Layout::of(tempfile::tempdir().unwrap().path()).unwrap().flat);
    }

    #[test]
    #[cfg(unix)]
    fn links_inside_a_label_are_followed_and_a_decomposed_name_is_the_same_label() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        picture(other.path(), "1.png");
        picture(root.path(), "train/gl\u{fc}cklich/2.png");
        picture(root.path(), "train/glu\u{308}cklich/3.png");
        std::os::unix::fs::symlink(other.path(), root.path().join("train/gl\u{fc}cklich/linked")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("train/gl\u{fc}cklich/back")).unwrap();
        let train = scan(root.path()).unwrap().remove(&Part::Train).unwrap();
        assert_eq!(train.keys().collect::<Vec<_>>(), ["gl\u{fc}cklich"]);
        // Through the link that leads back, the other spelling's folder is found from here too; each file is there once for each way.
        assert!(train["gl\u{fc}cklich"].pictures.iter().any(|path| path.ends_with("linked/1.png")));
    }
}
