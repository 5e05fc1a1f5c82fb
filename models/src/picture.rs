//! Picture files as upright grey or RGB bytes.

use crate::frame::{FrameError, FrameView, PixelFormat};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::{self, Cursor};
use std::path::Path;

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
        Self::decode(&std::fs::read(path).map_err(PictureError::Unreadable)?, path)
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
        let mut decoder = reader.into_decoder().map_err(|error| undecodable(&error))?;
        let orientation = decoder.orientation().map_err(|error| undecodable(&error))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
    fn a_file_that_cannot_be_read_is_told_from_one_that_does_not_decode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        assert!(matches!(Picture::open(&path), Err(PictureError::Unreadable(_))));
        std::fs::write(&path, "no picture").unwrap();
        assert!(matches!(Picture::open(&path), Err(PictureError::Undecodable(_))));
    }
}
