//! Picture files as upright grey or RGB bytes.

use crate::frame::{FrameError, FrameView, PixelFormat};
use crate::jpeg::{has_whole_scan, is_progressive, is_whole_jpeg};
use image::{ColorType, DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
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

/// Bytes that decoding one picture may take at once, so that a small file that claims a huge picture takes no more.
pub const MAX_MEMORY: u64 = 256 << 20;

/// What a file gave, as far as it went.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The picture.
    pub picture: Picture,
    /// Whether the file ends before the picture does; the rest is grey.
    pub cut: bool,
    /// Pixels of the file for one of the picture, across and down; 1 unless it is too large.
    pub reduction: u32,
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

    /// Reads and decodes a file, and makes the best of it: a JPEG that is cut off is read as far as it goes, one that is too large
    /// for [`MAX_MEMORY`] at a half, a quarter or an eighth of its size.
    ///
    /// # Errors
    /// The file cannot be read, or as [`Picture::decode`].
    pub fn open_leniently(path: &Path) -> Result<Opened, PictureError> {
        decode_within(&Self::read(path)?, path, MAX_MEMORY, true)
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
        match decode_within(bytes, name, MAX_MEMORY, false)? {
            Opened { picture, cut: false, .. } => Ok(picture),
            _ => Err(undecodable(&"the JPEG is cut off")),
        }
    }

    /// As a decoder has it.
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

/// Decodes a picture for which at most `limit` bytes may be taken at once; `reduce` says whether a JPEG may be decoded smaller for that.
fn decode_within(bytes: &[u8], name: &Path, limit: u64, reduce: bool) -> Result<Opened, PictureError> {
    if bytes.is_empty() {
        return Err(undecodable(&"the file is empty"));
    }
    if let Some(kind) = unread_kind(bytes) {
        return Err(undecodable(&format!(
            "it is a picture in the format {kind}, which is not read here: save it as JPEG or PNG, for instance with \
             `ffmpeg -i PICTURE copy.jpg`, and set the camera or telephone to JPEG"
        )));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes));
    if let Ok(format) = ImageFormat::from_path(name) {
        reader.set_format(format);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(limit);
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|error| undecodable(&error))?;
    let jpeg = reader.format() == Some(ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().map_err(|error| undecodable(&error))?;
    let orientation = decoder.orientation().map_err(|error| undecodable(&error))?;
    let (width, height) = decoder.dimensions();
    let needed = memory(&decoder, jpeg && is_progressive(bytes));
    let (mut image, cut, reduction) = if needed <= limit {
        let cut = jpeg && !is_whole_jpeg(bytes) && !has_whole_scan(bytes);
        (DynamicImage::from_decoder(decoder).map_err(|error| undecodable(&error))?, cut, 1)
    } else if reduce && jpeg && !is_progressive(bytes) {
        drop(decoder);
        let (image, reduction) =
            reduced(bytes, (width, height), limit).ok_or_else(|| too_large(width, height, limit))?;
        (image, !is_whole_jpeg(bytes), reduction)
    } else {
        return Err(too_large(width, height, limit));
    };
    image.apply_orientation(orientation);
    let picture = Picture::from_image(image);
    picture.view().map_err(|error| undecodable(&error))?;
    Ok(Opened { picture, cut, reduction })
}

fn undecodable(reason: &dyn ToString) -> PictureError {
    PictureError::Undecodable(reason.to_string())
}

fn too_large(width: u32, height: u32, limit: u64) -> PictureError {
    let mib = limit >> 20;
    undecodable(&format!("{width}x{height} pixels take more than {mib} MiB to decode: save it smaller"))
}

/// Bytes that decoding takes at most: the decoder's own, the picture, and a copy that is turned or has other colours.
fn memory(decoder: &impl ImageDecoder, progressive: bool) -> u64 {
    let (width, height) = decoder.dimensions();
    let copy = 3 * u64::from(width) * u64::from(height);
    // A progressive JPEG's coefficients have two bytes each, and are kept until its last scan.
    let coefficients = if progressive { 2 * copy } else { 0 };
    decoder.total_bytes().saturating_add(copy).saturating_add(coefficients)
}

/// A baseline JPEG at the largest of a half, a quarter and an eighth of its size that fits, and how much smaller it is.
fn reduced(bytes: &[u8], (width, height): (u32, u32), limit: u64) -> Option<(DynamicImage, u32)> {
    let fits = |by: &u32| 2 * 3 * u64::from(width.div_ceil(*by)) * u64::from(height.div_ceil(*by)) <= limit;
    let by = [2, 4, 8].into_iter().find(fits)?;
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(bytes));
    let side = |side: u32| u16::try_from(side.div_ceil(by)).ok();
    let (width, height) = decoder.scale(side(width)?, side(height)?).ok()?;
    let pixels = decoder.decode().ok()?;
    let (width, height) = (u32::from(width), u32::from(height));
    let image = match decoder.info()?.pixel_format {
        jpeg_decoder::PixelFormat::L8 => GrayImage::from_raw(width, height, pixels)?.into(),
        jpeg_decoder::PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels)?.into(),
        _ => return None,
    };
    Some((image, by))
}

/// The name of a format that cameras and telephones write and that is not read, by its signature: a box `ftyp` with its brand
/// (ISO/IEC 14496-12 and 23008-12).
fn unread_kind(bytes: &[u8]) -> Option<&'static str> {
    let brand = bytes.get(4..12).filter(|head| head.starts_with(b"ftyp"))?;
    match &brand[4..] {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some("HEIC"),
        _ => None,
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
    fn a_huge_picture_is_refused_before_it_is_decoded_and_a_large_jpeg_is_read_smaller() {
        // Headers alone: what they claim would take 1 GB and more.
        let mut png = Cursor::new(Vec::new());
        image::GrayImage::new(8, 8).write_to(&mut png, ImageFormat::Png).unwrap();
        let mut png = png.into_inner();
        png[16..24].copy_from_slice(&[0, 0, 0x7d, 0, 0, 0, 0x7d, 0]);
        let length = png[29..].len();
        let checksum = crc32(&png[12..29]);
        assert!(length > 4);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        let error = Picture::decode(&png, Path::new("a.png")).unwrap_err().to_string();
        assert_eq!(error, "32000x32000 pixels take more than 256 MiB to decode: save it smaller");

        let mut jpeg = Cursor::new(Vec::new());
        let slope = |x: u32, y: u32| image::Rgb([(x / 2) as u8, (y / 2) as u8, 90]);
        image::RgbImage::from_fn(400, 300, slope).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        let jpeg = jpeg.into_inner();
        let open = |limit: u64, reduce: bool| decode_within(&jpeg, Path::new("a.jpg"), limit, reduce);
        assert_eq!(open(1 << 20, true).unwrap().reduction, 1);
        let small = open(300 << 10, true).unwrap();
        assert_eq!((small.picture.width, small.picture.height, small.reduction, small.cut), (200, 150, 2, false));
        let middle = 3 * (75 * 200 + 100);
        assert!(small.picture.data[middle].abs_diff(100) < 8, "{}", small.picture.data[middle]);
        assert_eq!(open(40 << 10, true).unwrap().reduction, 8);
        assert!(open(300 << 10, false).unwrap_err().to_string().contains("400x300 pixels"));
        assert!(open(10, true).is_err());
        let mut progressive = jpeg.clone();
        let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        progressive[frame + 1] = 0xC2;
        let error = decode_within(&progressive, Path::new("a.jpg"), 300 << 10, true).unwrap_err().to_string();
        assert!(error.contains("save it smaller"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
        })
    }

    #[test]
    fn formats_of_telephones_are_named_whatever_the_file_is_called() {
        for (brand, kind) in [("heic", "HEIC"), ("mif1", "HEIC"), ("avif", "AVIF")] {
            let bytes = [b"\0\0\0\x18ftyp", brand.as_bytes(), b"\0\0\0\0mif1"].concat();
            for name in ["a.heic", "a.jpg", "a"] {
                let error = Picture::decode(&bytes, Path::new(name)).unwrap_err().to_string();
                assert!(error.contains(kind) && error.contains("JPEG"), "{error}");
            }
        }
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_no_picture() {
        let mut bytes = Cursor::new(Vec::new());
        let noise = |x: u32, y: u32| image::Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, (x ^ y) as u8]);
        image::RgbImage::from_fn(64, 48, noise).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        let whole = bytes.into_inner();
        assert!(Picture::decode(&whole, Path::new("a.jpg")).is_ok());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        for part in [whole.len() / 3, whole.len() / 2, whole.len() - 150] {
            assert!(Picture::decode(&whole[..part], Path::new("a.jpg")).is_err(), "{part} of {} bytes", whole.len());
        }
        // What is there can be had, and is told from a whole one.
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let Opened { picture, cut, .. } = Picture::open_leniently(&path).unwrap();
        assert!(cut && (picture.width, picture.height) == (64, 48));
        assert_eq!(picture.data[..30], Picture::decode(&whole, &path).unwrap().data[..30]);
        // An end marker that is missing or half there leaves the picture whole.
        for part in [whole.len() - 2, whole.len() - 1] {
            assert!(Picture::decode(&whole[..part], Path::new("a.jpg")).is_ok(), "{part} of {} bytes", whole.len());
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
