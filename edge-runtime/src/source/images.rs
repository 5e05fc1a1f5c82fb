//! Pictures in a folder as a source.

use super::{FrameSource, SourceError};
use crate::frame::{Frame, Skipped};
use emotion_models::{Picture, PictureError, is_special};
use image::ImageFormat;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Maximum depth of subfolders. It ends the search where links lead back up.
const MAX_DEPTH: usize = 16;

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
        let mut paths = Vec::new();
        if several {
            collect(path, MAX_DEPTH, &mut paths)?;
            paths.sort();
        } else {
            paths.push(path.to_owned());
        }
        if paths.is_empty() {
            return Err(SourceError::NoPictures(path.to_owned()));
        }
        Ok(Self {
            named: vec![false; paths.len()],
            skipped: None,
            paths,
            frames_each: frames_each.max(1),
            repeat,
            next: 0,
            current: None,
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
                    self.content += 1;
                    return Ok(true);
                }
                Err(error) if !self.several => return Err(error),
                Err(error) => self.skip(index, &error),
            }
        }
        self.skipped.clone().map_or(Ok(false), |skipped| Err(SourceError::Pictures(skipped)))
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
        }
        Ok(true)
    }
}

/// Opens a picture file.
///
/// # Errors
/// The file cannot be read or does not decode; named.
pub fn open_picture(path: &Path) -> Result<Picture, SourceError> {
    if path.is_dir() {
        return Err(SourceError::Folder(path.to_owned()));
    }
    Picture::open(path).map_err(|error| match error {
        PictureError::Unreadable(source) => SourceError::Unreadable { path: path.to_owned(), source },
        PictureError::Undecodable(reason) => SourceError::Picture { path: path.to_owned(), reason },
    })
}

/// Whether a file's name says it is a picture this program can decode.
fn looks_like_picture(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, paths)?;
            }
        } else if looks_like_picture(&path) && !is_special(&path) {
            paths.push(path);
        }
    }
    Ok(())
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
