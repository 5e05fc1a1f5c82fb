//! Where annotated photos go, and writing them whole or not at all.

use crate::exit::Failure;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

/// JPEG quality, of 100: text keeps its edges.
const QUALITY: u8 = 92;

/// A file for one photo, or a folder for several.
pub(in crate::commands) struct Annotated {
    out: PathBuf,
    folder: bool,
    /// The photos themselves, which are never written over.
    photos: HashSet<PathBuf>,
    /// Files written so far.
    written: HashSet<PathBuf>,
}

impl Annotated {
    /// `out` is a folder where it is one already, where there are several photos, and where its name has no extension; else it must
    /// be a PNG's or JPEG's name.
    pub(in crate::commands) fn new(out: &Path, photos: &[PathBuf]) -> Result<Self, Failure> {
        let named = format(out).is_some();
        let folder = out.is_dir() || (!named && (photos.len() > 1 || out.extension().is_none()));
        if !folder && photos.len() > 1 {
            let message = format!("--annotate {}: several pictures need a folder, not a file", out.display());
            return Err(Failure::Usage(message));
        }
        if !folder && !named {
            let message = format!("--annotate {}: name a file ending in .png or .jpg, or a folder", out.display());
            return Err(Failure::Usage(message));
        }
        if folder {
            fs::create_dir_all(out).map_err(|source| Failure::Written { path: out.to_owned(), source })?;
        }
        let photos = photos.iter().filter_map(|path| path.canonicalize().ok()).collect();
        Ok(Self { out: out.to_owned(), folder, photos, written: HashSet::new() })
    }

    /// Writes what was drawn of `photo`.
    pub(in crate::commands) fn save(&mut self, photo: &Path, drawn: &RgbImage) -> Result<(), Failure> {
        let path = self.place(photo);
        if path.canonicalize().is_ok_and(|path| self.photos.contains(&path)) {
            let message = format!("--annotate would write over the picture {}: name another place", path.display());
            return Err(Failure::Usage(message));
        }
        write(&path, drawn).map_err(|source| Failure::Written { path: path.clone(), source })?;
        self.written.insert(path);
        Ok(())
    }

    /// The file for `photo`: in a folder its own name, `.png` added unless it says PNG or JPEG, and a number where two are alike.
    fn place(&self, photo: &Path) -> PathBuf {
        if !self.folder {
            return self.out.clone();
        }
        let name = photo.file_name().unwrap_or_default();
        let (stem, extension) = match format(photo).and(photo.extension()) {
            Some(extension) => (photo.file_stem().unwrap_or_default(), extension.to_owned()),
            None => (name, OsString::from("png")),
        };
        let named = |number: u32| {
            let mut name = stem.to_owned();
            if number > 1 {
                name.push(format!("-{number}"));
            }
            name.push(".");
            name.push(&extension);
            self.out.join(name)
        };
        (1..).map(named).find(|path| !self.written.contains(path)).unwrap_or_else(|| named(1))
    }
}

/// The format that a name says, of those that are written.
fn format(path: &Path) -> Option<ImageFormat> {
    ImageFormat::from_path(path).ok().filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg))
}

fn write(path: &Path, drawn: &RgbImage) -> io::Result<()> {
    let mut bytes = Cursor::new(Vec::new());
    match format(path) {
        Some(ImageFormat::Jpeg) => drawn.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)),
        _ => drawn.write_to(&mut bytes, ImageFormat::Png),
    }
    .map_err(io::Error::other)?;
    // In one step, so that no reader sees half a picture.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let written = fs::write(&draft, bytes.into_inner()).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Removes the draft, if there is one; the caller reports the failure itself.
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn drawn() -> RgbImage {
        RgbImage::from_pixel(20, 10, image::Rgb([200, 30, 30]))
    }

    #[test]
    fn one_photo_gives_the_named_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out.png", "out.JPG"] {
            let out = folder.path().join(name);
            Annotated::new(&out, &["a.webp".into()]).unwrap().save(Path::new("a.webp"), &drawn()).unwrap();
            let read = image::open(&out).unwrap().into_rgb8();
            assert!(read.dimensions() == (20, 10) && read.get_pixel(5, 5).0[0] > 180, "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no drafts are left");
    }

    #[test]
    fn several_photos_fill_a_folder_without_writing_over_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/seen");
        let photos: Vec<PathBuf> = ["x/a.jpg", "y/a.jpg", "b.webp", "c"].map(PathBuf::from).to_vec();
        let mut annotated = Annotated::new(&out, &photos).unwrap();
        for photo in &photos {
            annotated.save(photo, &drawn()).unwrap();
        }
        for name in ["a.jpg", "a-2.jpg", "b.webp.png", "c.png"] {
            assert!(image::open(out.join(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_and_no_photo_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let photo = folder.path().join("a.png");
        drawn().save(&photo).unwrap();
        let two = [photo.clone(), photo.clone()];
        let refusal = |out: &Path, photos: &[PathBuf]| Annotated::new(out, photos).err().unwrap().to_string();
        assert!(refusal(Path::new("out.png"), &two).contains("several pictures need a folder"));
        assert!(refusal(Path::new("out.webp"), &two[..1]).contains(".png or .jpg"));
        for out in [photo.as_path(), folder.path()] {
            let error = Annotated::new(out, &two[..1]).unwrap().save(&photo, &drawn()).unwrap_err();
            assert!(matches!(&error, Failure::Usage(text) if text.contains("write over")), "{error}");
        }
        let error = Annotated::new(&photo.join("no"), &two).err().unwrap();
        assert_eq!(error.code(), 7, "{error}");
    }
}
