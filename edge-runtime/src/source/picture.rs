//! Picture files as upright grey or RGB pixels.

use super::SourceError;
use emotion_models::{FrameView, PixelFormat};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::path::Path;

/// A decoded picture, turned upright as its EXIF orientation says.
pub struct Picture {
    /// Grey or RGB.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The pixels, row by row, without padding.
    pub data: Vec<u8>,
}

impl Picture {
    /// Reads a file in any format the decoder knows; its content decides which.
    ///
    /// # Errors
    /// The file cannot be read, does not decode, or has more or fewer pixels than a frame may.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let bytes = std::fs::read(path).map_err(|source| SourceError::Unreadable { path: path.to_owned(), source })?;
        decode(&bytes, path).map_err(|reason| SourceError::Picture { path: path.to_owned(), reason })
    }

    /// The picture as the preprocessor takes it.
    ///
    /// # Errors
    /// Never for a picture that [`Picture::open`] returned.
    pub fn view(&self) -> Result<FrameView<'_>, emotion_models::FrameError> {
        FrameView::new(self.format, self.width, self.height, &self.data)
    }
}

fn decode(bytes: &[u8], name: &Path) -> Result<Picture, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes));
    // The name counts only for formats without a signature.
    if let Ok(format) = ImageFormat::from_path(name) {
        reader.set_format(format);
    }
    let reader = reader.with_guessed_format().map_err(|error| error.to_string())?;
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let grey = matches!(image.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
    let (format, data) = if grey {
        (PixelFormat::Grey, image.into_luma8().into_raw())
    } else {
        (PixelFormat::Rgb, image.into_rgb8().into_raw())
    };
    let picture = Picture { format, width, height, data };
    picture.view().map_err(|error| error.to_string())?;
    Ok(picture)
}

/// Whether a file's name says it is a picture this program can decode.
pub(super) fn looks_like_picture(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}
