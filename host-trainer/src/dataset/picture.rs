//! Picture files as upright grey or RGB bytes.

use emotion_models::{FrameView, PixelFormat};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::Cursor;
use std::path::Path;

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
    /// Says what is wrong with the file, without its name.
    pub fn open(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::decode(&bytes, path)
    }

    /// Decodes by content; the name counts only for formats without a signature. Turned as its EXIF orientation says.
    ///
    /// # Errors
    /// Says what is wrong with the content.
    pub fn decode(bytes: &[u8], name: &Path) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty".into());
        }
        let mut reader = ImageReader::new(Cursor::new(bytes));
        if let Ok(format) = ImageFormat::from_path(name) {
            reader.set_format(format);
        }
        let reader = reader.with_guessed_format().map_err(|error| error.to_string())?;
        let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
        let orientation = decoder.orientation().map_err(|error| error.to_string())?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
        image.apply_orientation(orientation);
        Self::from_image(image)
    }

    fn from_image(image: DynamicImage) -> Result<Self, String> {
        let (width, height) = (image.width(), image.height());
        if width == 0 || height == 0 {
            return Err("the picture has no pixels".into());
        }
        let grey = matches!(image.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
        let (format, data) = if grey {
            (PixelFormat::Grey, image.into_luma8().into_raw())
        } else {
            (PixelFormat::Rgb, image.into_rgb8().into_raw())
        };
        let picture = Self { format, width, height, data };
        picture.view().map_err(|error| error.to_string())?;
        Ok(picture)
    }

    /// The picture as a frame.
    ///
    /// # Errors
    /// When it is larger than a frame may be; never for a picture this type decoded.
    pub fn view(&self) -> Result<FrameView<'_>, emotion_models::FrameError> {
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
        assert!(Picture::decode(b"", Path::new("a.png")).unwrap_err().contains("empty"));
        assert!(Picture::decode(b"no picture", Path::new("a")).is_err());
    }
}
