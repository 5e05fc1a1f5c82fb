//! Pictures in a folder as a source.

use super::{FrameSource, SourceError};
use crate::frame::{Frame, Skipped};
use emotion_models::{Opened, Picture, PictureError, is_picture_name, printable_path, walk};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shows pictures in the order of their paths, each for a number of frames.
pub struct Images {
    paths: Vec<PathBuf>,
    /// Whether a picture could not be shown, and this was logged.
    named: Vec<bool>,
    skipped: Option<Arc<Skipped>>,
    frames_each: u64,
    repeat: bool,
    next: usize,
    /// The picture shown now, and the frames it still has to show.
    current: Option<Picture>,
    /// Its name, from the folder on.
    name: Option<Arc<str>>,
    folder: Option<PathBuf>,
    frames_left: u64,
    content: u64,
    several: bool,
}

impl Images {
    /// Finds the pictures: `path` itself, or all files in it and its subfolders whose names say they are pictures.
    ///
    /// Each is shown for `frames_each` frames (at least 1), and all of them again and again if `repeat`.
    ///
    /// # Errors
    /// The path cannot be read, or is a folder without pictures.
    pub fn open(path: &Path, frames_each: u64, repeat: bool) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
        let several = std::fs::metadata(path).map_err(unreadable)?.is_dir();
        let paths = if several { pictures_in(path)? } else { vec![path.to_owned()] };
        Ok(Self {
            named: vec![false; paths.len()],
            skipped: None,
            paths,
            frames_each: frames_each.max(1),
            repeat,
            next: 0,
            current: None,
            name: None,
            folder: several.then(|| path.to_owned()),
            frames_left: 0,
            content: 0,
            several,
        })
    }

    /// Decodes the next readable picture; returns `false` after the last. A whole round without one ends the source.
    fn advance(&mut self) -> Result<bool, SourceError> {
        for _ in 0..self.paths.len() {
            if self.next == self.paths.len() {
                if !self.repeat {
                    break;
                }
                self.next = 0;
            }
            let index = self.next;
            self.next += 1;
            // One picture shown again need not be decoded again.
            if self.paths.len() == 1 && self.current.is_some() {
                return Ok(true);
            }
            match open_picture(&self.paths[index]) {
                Ok(picture) => {
                    self.current = Some(picture);
                    self.name = Some(self.name_of(index));
                    self.content += 1;
                    return Ok(true);
                }
                Err(error) if !self.several => return Err(error),
                Err(error) => self.skip(index, &error),
            }
        }
        self.skipped.clone().map_or(Ok(false), |skipped| Err(SourceError::Pictures(skipped)))
    }

    /// A picture's path from the folder on; of a picture alone its file's name.
    fn name_of(&self, index: usize) -> Arc<str> {
        let path = self.paths[index].as_path();
        let short = match &self.folder {
            Some(folder) => path.strip_prefix(folder).ok(),
            None => path.file_name().map(Path::new),
        };
        printable_path(short.unwrap_or(path)).into()
    }

    /// Counts a picture that cannot be shown now; in the next round it may be readable.
    fn skip(&mut self, index: usize, error: &SourceError) {
        let new = || Arc::new(Skipped::new(self.paths.len(), &self.paths[index]));
        let skipped = Arc::make_mut(self.skipped.get_or_insert_with(new));
        skipped.times += 1;
        if !std::mem::replace(&mut self.named[index], true) {
            skipped.reasons.push(error.to_string().into());
        }
    }
}

impl FrameSource for Images {
    fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        if self.frames_left == 0 {
            if !self.advance()? {
                return Ok(false);
            }
            self.frames_left = self.frames_each;
        }
        self.frames_left -= 1;
        frame.skipped.clone_from(&self.skipped);
        if let Some(picture) = &self.current
            && frame.content != self.content
        {
            frame.shape(picture.format, picture.width, picture.height);
            frame.data.clear();
            frame.data.extend_from_slice(&picture.data);
            frame.content = self.content;
            frame.name.clone_from(&self.name);
        }
        Ok(true)
    }
}

/// The pictures in a folder and its subfolders, in order of their paths.
///
/// # Errors
/// The folder cannot be read, or has no pictures.
pub fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
    let found = walk(folder, is_picture_name).map_err(unreadable)?;
    found.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    if found.files.is_empty() { Err(SourceError::NoPictures(folder.to_owned())) } else { Ok(found.files) }
}

/// Opens a picture file.
///
/// # Errors
/// The file cannot be read or does not decode; named.
pub fn open_picture(path: &Path) -> Result<Picture, SourceError> {
    if path.is_dir() {
        return Err(SourceError::Folder(path.to_owned()));
    }
    let opened = Picture::open_leniently(path).map_err(|error| match error {
        PictureError::Unreadable(source) => SourceError::Unreadable { path: path.to_owned(), source },
        PictureError::Undecodable(reason) => SourceError::Picture { path: path.to_owned(), reason },
    });
    let Opened { picture, cut, reduction } = opened?;
    if reduction > 1 {
        tracing::warn!("{} is large: read at 1/{reduction} of its size", path.display());
    }
    if cut {
        tracing::warn!("{} is cut off: what is missing is grey; copy it again if there is a whole one", path.display());
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::{Rgb, RgbImage};

    fn save(folder: &Path, name: &str, shade: u8) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(8, 6, Rgb([shade; 3])).save(path).unwrap();
    }

    /// The first byte of each frame, and how it ended.
    fn shades(source: &mut Images, most: usize) -> (Vec<u8>, Result<bool, SourceError>) {
        let mut seen = Vec::new();
        let mut frame = Frame::empty();
        for number in 0..most as u64 {
            match source.fill(number, &mut frame) {
                Ok(true) => seen.push(frame.data[0]),
                end => return (seen, end),
            }
        }
        (seen, Ok(true))
    }

    #[test]
    fn pictures_come_in_order_of_path_each_for_its_time() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "b.png", 2);
        save(folder.path(), "a/z.png", 1);
        save(folder.path(), "c.bmp", 3);
        std::fs::write(folder.path().join("notes.txt"), "none").unwrap();
        let mut once = Images::open(folder.path(), 2, false).unwrap();
        let (seen, end) = shades(&mut once, 100);
        assert_eq!(seen, [1, 1, 2, 2, 3, 3]);
        assert!(matches!(end, Ok(false)));
        let mut again = Images::open(folder.path(), 1, true).unwrap();
        assert_eq!(shades(&mut again, 5).0, [1, 2, 3, 1, 2]);
    }

    #[test]
    fn each_frame_has_its_files_name() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "a/z\n.png", 1);
        save(folder.path(), "b.png", 2);
        let mut source = Images::open(folder.path(), 1, false).unwrap();
        let mut name = || {
            let mut frame = Frame::empty();
            assert!(source.fill(0, &mut frame).unwrap());
            frame.name.as_deref().map(str::to_owned)
        };
        assert_eq!([name(), name()].map(Option::unwrap), ["a/z\\n.png", "b.png"]);
        let mut alone = Images::open(&folder.path().join("b.png"), 1, false).unwrap();
        let mut frame = Frame::empty();
        alone.fill(0, &mut frame).unwrap();
        assert_eq!(frame.name.as_deref(), Some("b.png"));
    }

    #[test]
    fn broken_pictures_are_passed_over_and_told_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "a.png", 1);
        std::fs::write(folder.path().join("b.png"), b"\x89PNG\r\n\x1a\nnonsense").unwrap();
        save(folder.path(), "c.png", 3);
        let (seen, end) = shades(&mut Images::open(folder.path(), 1, false).unwrap(), 100);
        assert_eq!(seen, [1, 3]);
        let error = end.unwrap_err().to_string();
        assert!(error.contains("1 of 3 pictures") && error.contains("b.png"), "{error}");
    }

    #[test]
    fn a_loop_tries_a_broken_picture_again_and_counts_each_turn() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "a.png", 1);
        std::fs::write(folder.path().join("b.png"), "").unwrap();
        save(folder.path(), "c.png", 3);
        let mut source = Images::open(folder.path(), 1, true).unwrap();
        let mut frame = Frame::empty();
        let mut turn = || {
            assert!(source.fill(0, &mut frame).unwrap());
            let told = frame.skipped.as_ref().map(|skipped| (skipped.times, skipped.reasons.len()));
            (frame.data[0], told)
        };
        assert_eq!([turn(), turn(), turn()], [(1, None), (3, Some((1, 1))), (1, Some((1, 1)))]);
        assert_eq!(turn(), (3, Some((2, 1))));
        save(folder.path(), "b.png", 2);
        assert_eq!([turn(), turn()], [(1, Some((2, 1))), (2, Some((2, 1)))]);
        std::fs::remove_dir_all(folder.path()).unwrap();
        let end = source.fill(0, &mut frame).unwrap_err().to_string();
        assert!(end.contains("3 of 3 pictures"), "{end}");
    }

    #[test]
    fn a_picture_that_is_cut_off_is_shown_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 31) as u8, (y * 17) as u8, (x * y) as u8])).save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let (seen, end) = shades(&mut Images::open(folder.path(), 1, false).unwrap(), 100);
        assert!(seen.len() == 1 && matches!(end, Ok(false)), "{end:?}");
    }

    #[test]
    fn nothing_to_show_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Images::open(folder.path(), 1, false), Err(SourceError::NoPictures(_))));
        let missing = folder.path().join("missing");
        assert!(matches!(Images::open(&missing, 1, false), Err(SourceError::Unreadable { .. })));
        let broken = folder.path().join("a.png");
        std::fs::write(&broken, "").unwrap();
        let mut source = Images::open(&broken, 1, true).unwrap();
        assert!(matches!(shades(&mut source, 1).1, Err(SourceError::Picture { .. })));
        let mut source = Images::open(folder.path(), 1, true).unwrap();
        let error = shades(&mut source, 1).1.unwrap_err().to_string();
        assert!(error.contains("1 of 1 picture could not"), "{error}");
    }
}
