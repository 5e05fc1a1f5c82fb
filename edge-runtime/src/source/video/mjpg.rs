//! JPEG pictures of a camera, decoded into a frame's own buffer.
//!
//! Decoding is deferred until a picture is known to be needed. It takes longer than everything else on the capture
//! thread. Only the newest picture that a driver has ready is used, and only some of those of a camera that is faster
//! than requested. So the source first dequeues the newest buffer, then decides whether its time has come, and decodes
//! last. Where the model takes grey, chroma is skipped as well. A damaged picture must not become a frame: half a face
//! in grey bars has a mood of its own.

use crate::frame::Frame;
use emotion_models::{PixelFormat, is_whole_jpeg, without_fill};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// After this many pictures in a row that only the lenient decoder accepts, the camera is assumed to always write such.
const LENIENT_AFTER: u32 = 5;

/// What may be wrong with a camera's pictures.
const NOT_WHOLE: &str = "they are no whole JPEG pictures";
const LARGER: &str = "they are larger than the size that its driver set";

/// Decodes the JPEG pictures of one camera.
pub(super) struct Mjpg {
    /// Largest sides a picture may have; a damaged header may claim any.
    most: (usize, usize),
    colour: bool,
    /// Pictures in a row that the strict decoder refused and the lenient one took.
    lenient_in_a_row: u32,
    /// A picture with the tables it lacked.
    completed: Vec<u8>,
}

impl Mjpg {
    /// For pictures of `width` x `height` pixels, decoded to RGB. If `colour` is false they are decoded to grey: the
    /// decoder then skips the chroma data.
    pub fn new(width: u32, height: u32, colour: bool) -> Self {
        // Some drivers report a size that is rounded down from whole blocks of 16 pixels.
        let most = |side: u32| (side as usize).next_multiple_of(16);
        Self { most: (most(width), most(height)), colour, lenient_in_a_row: 0, completed: Vec::new() }
    }

    /// Decodes a picture into `frame`; bytes before its start and after its end are ignored. Returns what is wrong, with the
    /// frame in any state, if the picture is cut off, damaged, or larger than the driver said. The end marker alone may be
    /// missing.
    pub fn decode(&mut self, bytes: &[u8], frame: &mut Frame) -> Result<(), &'static str> {
        const START: [u8; 3] = [0xFF, 0xD8, 0xFF];
        let start = bytes.windows(START.len()).position(|three| three == START).ok_or(NOT_WHOLE)?;
        let ended = is_whole_jpeg(&bytes[start..]);
        let bytes = if ended { &bytes[start..] } else { without_fill(&bytes[start..]) };
        let mut completed = std::mem::take(&mut self.completed);
        let picture = if has_tables(bytes) {
            bytes
        } else {
            completed.clear();
            completed.extend_from_slice(&bytes[..2]);
            completed.extend_from_slice(&STANDARD_TABLES);
            completed.extend_from_slice(&bytes[2..]);
            &completed
        };
        // Without an end only a strict decoder tells a whole picture from one that is cut off.
        let decoded = if ended { self.decode_whole(picture, frame) } else { self.decode_as(picture, true, frame) };
        let larger = !decoded && self.is_larger(picture);
        self.completed = completed;
        match (decoded, larger) {
            (true, _) => Ok(()),
            (false, true) => Err(LARGER),
            (false, false) => Err(NOT_WHOLE),
        }
    }

    /// Whether a picture's header claims more pixels than the driver said.
    fn is_larger(&self, picture: &[u8]) -> bool {
        let mut decoder = JpegDecoder::new(ZCursor::new(picture));
        let read = decoder.decode_headers().is_ok();
        read && decoder
            .info()
            .is_some_and(|info| usize::from(info.width) > self.most.0 || usize::from(info.height) > self.most.1)
    }

    /// A strict decoder rejects damaged pictures, but also intact ones of cameras that deviate from the standard. Such
    /// cameras deviate in every picture.
    fn decode_whole(&mut self, picture: &[u8], frame: &mut Frame) -> bool {
        if self.lenient_in_a_row < LENIENT_AFTER {
            if self.decode_as(picture, true, frame) {
                self.lenient_in_a_row = 0;
                return true;
            }
            if !self.decode_as(picture, false, frame) {
                return false;
            }
            self.lenient_in_a_row += 1;
            return self.lenient_in_a_row == LENIENT_AFTER;
        }
        self.decode_as(picture, false, frame)
    }

    fn decode_as(&self, picture: &[u8], strict: bool, frame: &mut Frame) -> bool {
        let options =
            DecoderOptions::default().set_strict_mode(strict).set_max_width(self.most.0).set_max_height(self.most.1);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
        if decoder.decode_headers().is_err() {
            return false;
        }
        let grey = !self.colour || decoder.input_colorspace() == Some(ColorSpace::Luma);
        let (space, format) =
            if grey { (ColorSpace::Luma, PixelFormat::Grey) } else { (ColorSpace::RGB, PixelFormat::Rgb) };
        decoder.set_options(options.jpeg_set_out_colorspace(space));
        let (Some(info), Some(size)) = (decoder.info(), decoder.output_buffer_size()) else { return false };
        frame.shape(format, u32::from(info.width), u32::from(info.height));
        frame.data.resize(size, 0);
        decoder.decode_into(&mut frame.data).is_ok()
    }
}

/// Whether a picture brings its Huffman tables before its scan. Many cameras leave them out, as AVI files do.
fn has_tables(bytes: &[u8]) -> bool {
    const TABLES: u8 = 0xC4;
    const SCAN: u8 = 0xDA;
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            TABLES => return true,
            SCAN => return false,
            0xFF => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    // Nothing that a decoder could use either.
    true
}

/// The Huffman tables of ITU-T T.81, Annex K.3, as a segment of a JPEG file: those that a picture without tables means.
const STANDARD_TABLES: [u8; 420] = standard_tables();

const fn standard_tables() -> [u8; 420] {
    const DC: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let mut out = [0; 420];
    // Marker, and the segment's length.
    let mut at = put(&mut out, 0, &[0xFF, 0xC4, 0x01, 0xA2]);
    at = put(&mut out, at, &[0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    at = put(&mut out, at, &DC);
    at = put(&mut out, at, &[0x10, 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D]);
    at = put(&mut out, at, &AC_LUMA);
    at = put(&mut out, at, &[0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    at = put(&mut out, at, &DC);
    at = put(&mut out, at, &[0x11, 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77]);
    at = put(&mut out, at, &AC_CHROMA);
    assert!(at == out.len());
    out
}

const fn put(out: &mut [u8; 420], at: usize, bytes: &[u8]) -> usize {
    let mut index = 0;
    while index < bytes.len() {
        out[at + index] = bytes[index];
        index += 1;
    }
    at + bytes.len()
}

#[rustfmt::skip]
const AC_LUMA: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

#[rustfmt::skip]
const AC_CHROMA: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{DEMO_SEED, TestCard};
    use image::codecs::jpeg::JpegEncoder;

    fn picture() -> Vec<u8> {
        let mut bytes = Vec::new();
        TestCard::new(DEMO_SEED).draw("happy", 0, 160, 120).write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    /// The picture without its segments of one kind.
    fn without(bytes: &[u8], marker: u8) -> Vec<u8> {
        let mut out = bytes[..2].to_vec();
        let mut at = 2;
        while bytes[at + 1] != 0xDA {
            let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
            if bytes[at + 1] != marker {
                out.extend(&bytes[at..end]);
            }
            at = end;
        }
        out.extend(&bytes[at..]);
        out
    }

    fn mean_difference(frame: &Frame) -> f64 {
        let drawn = TestCard::new(DEMO_SEED).draw("happy", 0, 160, 120);
        let expected = match frame.format {
            PixelFormat::Rgb => drawn.into_raw(),
            _ => image::DynamicImage::ImageRgb8(drawn).into_luma8().into_raw(),
        };
        assert_eq!(frame.data.len(), expected.len());
        let sum: f64 = frame.data.iter().zip(&expected).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
        sum / expected.len() as f64
    }

    #[test]
    fn pictures_decode_to_grey_and_to_colour() {
        let bytes = picture();
        for (colour, format) in [(false, PixelFormat::Grey), (true, PixelFormat::Rgb)] {
            let mut frame = Frame::empty();
            assert!(Mjpg::new(160, 120, colour).decode(&bytes, &mut frame).is_ok());
            assert_eq!((frame.format, frame.width, frame.height), (format, 160, 120));
            assert!(frame.view().is_ok());
            let difference = mean_difference(&frame);
            assert!(difference < 6.0, "{format}: {difference}");
        }
    }

    #[test]
    fn a_buffer_that_claims_to_be_full_is_read_up_to_the_pictures_end() {
        let mut bytes = picture();
        for rest in [&[0u8; 5000][..], &[0xFF, 0xDA, 1, 2, 0xFF, 0xD8, 7]] {
            bytes.extend(rest);
            let mut frame = Frame::empty();
            assert!(Mjpg::new(160, 120, false).decode(&bytes, &mut frame).is_ok());
            assert!(mean_difference(&frame) < 6.0);
        }
    }

    #[test]
    fn a_picture_needs_neither_its_end_marker_nor_to_be_first_in_the_buffer() {
        let bytes = picture();
        let end = bytes.len() - 2;
        let zeros = |part: &[u8]| [part, &[0; 3000]].concat();
        let before = [&[0x11, 0x22, 0xFF, 0xD8, 0, 0], bytes.as_slice()].concat();
        for odd in
            [bytes[..end].to_vec(), bytes[..end + 1].to_vec(), zeros(&bytes[..end]), zeros(&bytes[..end + 1]), before]
        {
            let mut frame = Frame::empty();
            assert_eq!(Mjpg::new(160, 120, true).decode(&odd, &mut frame), Ok(()));
            assert!(mean_difference(&frame) < 6.0);
        }
    }

    #[test]
    fn tables_that_are_missing_are_the_standard_ones() {
        let bytes = picture();
        let bare = without(&bytes, 0xC4);
        assert!(bare.len() < bytes.len() - 400);
        let (mut whole, mut completed) = (Frame::empty(), Frame::empty());
        let mut mjpg = Mjpg::new(160, 120, true);
        assert!(mjpg.decode(&bytes, &mut whole).is_ok() && mjpg.decode(&bare, &mut completed).is_ok());
        assert_eq!(whole.data, completed.data);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_no_picture() {
        let bytes = picture();
        let mut frame = Frame::empty();
        let mut mjpg = Mjpg::new(160, 120, false);
        for part in [0, 1, 2, 10, bytes.len() / 3, bytes.len() / 2, bytes.len() - 30] {
            assert_eq!(mjpg.decode(&bytes[..part], &mut frame), Err(NOT_WHOLE), "{part} of {} bytes", bytes.len());
            let mut filled = bytes[..part].to_vec();
            filled.resize(bytes.len() + 5000, 0);
            assert_eq!(mjpg.decode(&filled, &mut frame), Err(NOT_WHOLE), "{part} of {} bytes, and zeros", bytes.len());
        }
        for other in [vec![0x55; 4000], without(&bytes, 0xC0), without(&bytes, 0xDB)] {
            assert_eq!(mjpg.decode(&other, &mut frame), Err(NOT_WHOLE));
        }
        // A header that claims a larger picture than requested.
        assert_eq!(Mjpg::new(80, 60, false).decode(&bytes, &mut frame), Err(LARGER));
        assert!(mjpg.decode(&bytes, &mut frame).is_ok());
    }

    #[test]
    fn a_camera_that_keeps_the_standard_loosely_is_read_after_a_few_pictures() {
        // Bytes that belong to nothing, between two segments.
        let mut bytes = picture();
        let second = 4 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        bytes.splice(second..second, [0, 0, 0]);
        let mut mjpg = Mjpg::new(160, 120, false);
        let mut frame = Frame::empty();
        let taken: Vec<bool> = (0..LENIENT_AFTER + 2).map(|_| mjpg.decode(&bytes, &mut frame).is_ok()).collect();
        assert_eq!(taken, [false, false, false, false, true, true, true]);
        assert!(mean_difference(&frame) < 6.0);
    }
}
