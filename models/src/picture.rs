//! Picture files as upright grey or RGB bytes.

use crate::frame::{FrameError, FrameView, PixelFormat};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Bytes of a picture file that are read at most, some hundred times a camera's; the limit stops what has no end, such as a device.
pub const LARGEST_FILE: u64 = 512 << 20;

/// Why a file gives no picture. The messages leave the file's name to the caller.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Unreadable(#[source] io::Error),
    /// Its bytes make no picture, or none with the sides a frame may have.
    #[error("{0}")]
    Undecodable(String),
}

/// A decoded picture, upright, as tightly packed grey or RGB bytes.
#[derive(Clone, Debug)]
pub struct Picture {
    /// [`PixelFormat::Grey`] or [`PixelFormat::Rgb`].
    pub format: PixelFormat,
    /// Pixels per row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Row by row.
    pub data: Vec<u8>,
}

impl Picture {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// The file cannot be read, or as [`Picture::decode`].
    pub fn open(path: &Path) -> Result<Self, PictureError> {
        Self::decode(&Self::read(path)?, path)
    }

    /// A picture file's bytes, up to 512 MiB.
    ///
    /// # Errors
    /// The file cannot be read, or is larger.
    pub fn read(path: &Path) -> Result<Vec<u8>, PictureError> {
        read_up_to(path, LARGEST_FILE)
    }

    /// Decodes by content; the name counts only for formats without a signature. Turned as its EXIF orientation says.
    ///
    /// # Errors
    /// [`PictureError::Undecodable`] says what is wrong with the content.
    pub fn decode(bytes: &[u8], name: &Path) -> Result<Self, PictureError> {
        let undecodable = |reason: &dyn ToString| PictureError::Undecodable(reason.to_string());
        if bytes.is_empty() {
            return Err(undecodable(&"the file is empty"));
        }
        let mut reader = ImageReader::new(Cursor::new(bytes));
        if let Ok(format) = ImageFormat::from_path(name) {
            reader.set_format(format);
        }
        let reader = reader.with_guessed_format().map_err(|error| undecodable(&error))?;
        let jpeg = reader.format() == Some(ImageFormat::Jpeg);
        let mut decoder = reader.into_decoder().map_err(|error| undecodable(&error))?;
        let orientation = decoder.orientation().map_err(|error| undecodable(&error))?;
        if jpeg && !is_whole_jpeg(bytes) {
            return Err(undecodable(&"the JPEG is cut off"));
        }
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| undecodable(&error))?;
        image.apply_orientation(orientation);
        let picture = Self::from_image(image);
        picture.view().map_err(|error| undecodable(&error))?;
        Ok(picture)
    }

    fn from_image(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let grey = matches!(image.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
        let (format, data) = if grey {
            (PixelFormat::Grey, image.into_luma8().into_raw())
        } else {
            (PixelFormat::Rgb, image.into_rgb8().into_raw())
        };
        Self { format, width, height, data }
    }

    /// The picture as a frame.
    ///
    /// # Errors
    /// When it is larger than a frame may be; never for a picture this type decoded.
    pub fn view(&self) -> Result<FrameView<'_>, FrameError> {
        FrameView::new(self.format, self.width, self.height, &self.data)
    }
}

/// Whether it is neither file nor folder, such as a pipe; who opens one waits for its other end.
pub fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|known| !known.is_file() && !known.is_dir())
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, PictureError> {
    let mut bytes = vec![];
    let file = File::open(path).map_err(PictureError::Unreadable)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(PictureError::Unreadable)?;
    match bytes.len() as u64 > most {
        true => Err(PictureError::Undecodable(format!("the file is larger than {} MiB", most >> 20))),
        false => Ok(bytes),
    }
}

/// Whether a JPEG has its end marker, which the decoder does without: it paints what is missing grey.
///
/// Walks the segments (ITU-T T.81, Annex B): each has a marker `FF xx` and a length, except that coded data follow a
/// start of scan, in which `FF` is followed by 0 or by a restart marker.
pub fn is_whole_jpeg(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    const END: u8 = 0xD9;
    let mut at = 2;
    loop {
        // Any bytes before a marker are coded data, or fill.
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xFF)) else {
            return false;
        };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(&END) => return true,
            Some(0x00 | 0x01 | 0xD0..=0xD8 | 0xFF) => {}
            Some(&marker) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
                if marker == START_OF_SCAN && at >= bytes.len() {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.png");
        std::fs::write(&path, vec![7; 3 << 20]).unwrap();
        assert_eq!(read_up_to(&path, 3 << 20).unwrap().len(), 3 << 20);
        let error = read_up_to(&path, 2 << 20).unwrap_err().to_string();
        assert_eq!(error, "the file is larger than 2 MiB");
    }

    #[test]
    fn pictures_decode_by_content_under_any_name() {
        let mut bytes = Cursor::new(Vec::new());
        image::RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3])).write_to(&mut bytes, ImageFormat::Png).unwrap();
        let picture = Picture::decode(bytes.get_ref(), Path::new("wrong.jpg")).unwrap();
        assert_eq!((picture.width, picture.height, picture.format), (3, 2, PixelFormat::Rgb));
        assert_eq!(picture.data[..3], [1, 2, 3]);
        let half = &bytes.get_ref()[..bytes.get_ref().len() / 2];
        assert!(Picture::decode(half, Path::new("a.png")).is_err());
        assert!(Picture::decode(b"", Path::new("a.png")).unwrap_err().to_string().contains("empty"));
        assert!(Picture::decode(b"no picture", Path::new("a")).is_err());
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_no_picture() {
        let mut bytes = Cursor::new(Vec::new());
        let noise = |x: u32, y: u32| image::Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, (x ^ y) as u8]);
        image::RgbImage::from_fn(64, 48, noise).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        let whole = bytes.into_inner();
        assert!(Picture::decode(&whole, Path::new("a.jpg")).is_ok());
        for part in [whole.len() / 3, whole.len() / 2, whole.len() - 2, whole.len() - 1] {
            assert!(Picture::decode(&whole[..part], Path::new("a.jpg")).is_err(), "{part} of {} bytes", whole.len());
        }
        // Phones append films, and cameras put a small picture, with an end of its own, before the large one.
        let mut film = whole.clone();
        film.extend([0xFF, 0xDA, 1, 2, 3]);
        assert!(Picture::decode(&film, Path::new("a.jpg")).is_ok());
        let mut thumbnail = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 8, b'x', 0xFF, 0xD9, 0, 0, 0];
        thumbnail.extend(&whole[2..]);
        assert!(Picture::decode(&thumbnail, Path::new("a.jpg")).is_ok());
        assert!(Picture::decode(&thumbnail[..thumbnail.len() / 2], Path::new("a.jpg")).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_from_one_that_does_not_decode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        assert!(matches!(Picture::open(&path), Err(PictureError::Unreadable(_))));
        std::fs::write(&path, "no picture").unwrap();
        assert!(matches!(Picture::open(&path), Err(PictureError::Undecodable(_))));
    }
}
