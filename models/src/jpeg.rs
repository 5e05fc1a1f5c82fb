//! Whether a JPEG file is whole.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

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

/// Whether a JPEG's frame is progressive (ITU-T T.81, Table B.1), so that its coefficients are all kept while it is decoded.
pub(crate) fn is_progressive(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            // Starts of frames; the others between are tables.
            0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(&marker) => return !matches!(marker, 0xC0 | 0xC1),
            0xDA => return false,
            0xFF => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// The bytes of a JPEG without end marker that may be coded data: without half a marker, and without the zeros that fill a buffer.
pub fn without_fill(bytes: &[u8]) -> &[u8] {
    /// Coded data may end with so many.
    const ZEROS: usize = 2;
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let kept = &bytes[..(used + ZEROS).min(bytes.len())];
    match bytes[..used] {
        [.., 0xFF] => &bytes[..used - 1],
        _ => kept,
    }
}

/// Whether the coded data of a JPEG without end marker are all there, but for some of its last block: a strict decoder runs out of
/// them otherwise.
pub fn has_whole_scan(bytes: &[u8]) -> bool {
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::Luma);
    JpegDecoder::new_with_options(ZCursor::new(without_fill(bytes)), options).decode().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_and_half_markers_are_no_data() {
        assert_eq!(without_fill(&[1, 2, 3]), [1, 2, 3]);
        assert_eq!(without_fill(&[1, 2, 0xFF]), [1, 2]);
        assert_eq!(without_fill(&[1, 2, 0xFF, 0, 0, 0, 0]), [1, 2]);
        assert_eq!(without_fill(&[1, 2, 0, 0, 0, 0, 0]), [1, 2, 0, 0]);
        assert!(without_fill(&[0; 9]).len() <= 2 && without_fill(&[]).is_empty());
    }
}
