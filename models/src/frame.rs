//! Frames as cameras, pipes and pictures deliver them: borrowed bytes with a pixel format.

use std::fmt;
use std::str::FromStr;

/// Longest side, in pixels, of a frame: keeps every sum of the resize inside 32 bits.
pub const MAX_SIDE: u32 = 32_768;

/// How the bytes of a frame encode its pixels.
///
/// YUV is read as full-range BT.601 (JFIF): luma 0..=255, chroma centred on 128. Of the sources at hand, MJPEG decoders
/// deliver exactly that and libcamera (`rpicam-vid`) does so in its default `sYCC` colour space. A webcam that sends
/// limited-range YUYV (luma 16..=235) gives a picture of slightly lower contrast, which the training's contrast
/// augmentation covers; the opposite mistake would clip shadows and highlights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One luma byte a pixel.
    Grey,
    /// Three bytes a pixel: red, green, blue.
    Rgb,
    /// Two pixels in four bytes: Y0 U Y1 V (4:2:2).
    Yuyv,
    /// Two pixels in four bytes: U Y0 V Y1 (4:2:2).
    Uyvy,
    /// A luma plane, then a plane of interleaved U V at half width and half height (4:2:0).
    Nv12,
    /// A luma plane, then a U plane and a V plane, each at half width and half height (4:2:0).
    I420,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Grey, Self::Rgb, Self::Yuyv, Self::Uyvy, Self::Nv12, Self::I420];

    /// Bytes of one row of the first plane, without padding.
    pub fn row_bytes(self, width: u32) -> usize {
        let width = width as usize;
        match self {
            Self::Grey | Self::Nv12 | Self::I420 => width,
            Self::Rgb => width.saturating_mul(3),
            Self::Yuyv | Self::Uyvy => width.div_ceil(2).saturating_mul(4),
        }
    }

    /// Bytes of a whole frame of `width` x `height` pixels without padding; what one frame takes in a pipe.
    pub fn frame_bytes(self, width: u32, height: u32) -> usize {
        Layout::new(self, width, height, self.row_bytes(width)).required
    }

    fn name(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::Rgb => "rgb",
            Self::Yuyv => "yuyv",
            Self::Uyvy => "uyvy",
            Self::Nv12 => "nv12",
            Self::I420 => "i420",
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A pixel format's name that is not one of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown pixel format `{0}`: use grey, rgb, yuyv, uyvy, nv12 or i420")]
pub struct UnknownPixelFormat(pub String);

impl FromStr for PixelFormat {
    type Err = UnknownPixelFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.name() == wanted).ok_or_else(|| UnknownPixelFormat(text.to_owned()))
    }
}

/// Why bytes are not a frame of the stated format and size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A side is 0 or longer than [`MAX_SIDE`].
    #[error("a frame of {width}x{height} pixels: both sides must be 1 to {MAX_SIDE}")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The stride cannot hold a row.
    #[error(
        "a stride of {stride} bytes is shorter than a {format} row, which takes {needed}: check the format and width"
    )]
    Stride {
        /// The pixel format.
        format: PixelFormat,
        /// Bytes a row takes.
        needed: usize,
        /// Bytes from row to row as given.
        stride: usize,
    },
    /// Fewer bytes than the frame takes.
    #[error(
        "{found} bytes are too few for a {format} frame of {width}x{height} pixels, which takes {needed}: \
             check the size and format"
    )]
    Short {
        /// The pixel format.
        format: PixelFormat,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes the frame takes.
        needed: usize,
        /// Bytes given.
        found: usize,
    },
}

/// Where the planes of a frame lie.
#[derive(Clone, Copy)]
struct Layout {
    /// Offset and stride, in bytes, of up to three planes; unused ones are zero.
    planes: [(usize, usize); 3],
    required: usize,
}

impl Layout {
    fn new(format: PixelFormat, width: u32, height: u32, stride: usize) -> Self {
        let (width, height) = (width as usize, height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        // Saturating: an impossible size then asks for more bytes than anyone has, instead of overflowing.
        let end = |offset: usize, stride: usize, rows: usize, row: usize| {
            stride.saturating_mul(rows.saturating_sub(1)).saturating_add(row).saturating_add(offset)
        };
        let luma = stride.saturating_mul(height);
        let tight = format.row_bytes(width as u32);
        match format {
            PixelFormat::Grey | PixelFormat::Rgb | PixelFormat::Yuyv | PixelFormat::Uyvy => {
                Self { planes: [(0, stride), (0, 0), (0, 0)], required: end(0, stride, height, tight) }
            }
            PixelFormat::Nv12 => {
                let chroma = stride.saturating_add(stride % 2);
                Self {
                    planes: [(0, stride), (luma, chroma), (0, 0)],
                    required: end(luma, chroma, half_height, 2 * half_width),
                }
            }
            PixelFormat::I420 => {
                let chroma = stride.div_ceil(2);
                let v = luma.saturating_add(chroma.saturating_mul(half_height));
                Self {
                    planes: [(0, stride), (luma, chroma), (v, chroma)],
                    required: end(v, chroma, half_height, half_width),
                }
            }
        }
    }
}

/// A frame's pixels, borrowed from whoever captured or decoded them.
#[derive(Clone, Copy)]
pub struct FrameView<'a> {
    format: PixelFormat,
    width: u32,
    height: u32,
    stride: usize,
    layout: Layout,
    data: &'a [u8],
}

impl<'a> FrameView<'a> {
    /// A frame of `width` x `height` pixels without padding between rows; bytes past its end are ignored.
    ///
    /// # Errors
    /// A side outside `1..=MAX_SIDE`, or fewer bytes than the frame takes.
    pub fn new(format: PixelFormat, width: u32, height: u32, data: &'a [u8]) -> Result<Self, FrameError> {
        Self::with_stride(format, width, height, format.row_bytes(width), data)
    }

    /// A frame whose rows begin `stride` bytes apart, as V4L2's `bytesperline` gives them.
    ///
    /// Chroma planes follow the `stride * height` bytes of the luma plane: NV12's has the same stride (rounded up to
    /// even), I420's half of it (rounded up). The last row may lack its padding.
    ///
    /// # Errors
    /// A side outside `1..=MAX_SIDE`, a stride shorter than a row, or fewer bytes than the frame takes.
    pub fn with_stride(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: usize,
        data: &'a [u8],
    ) -> Result<Self, FrameError> {
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(FrameError::Size { width, height });
        }
        let needed = format.row_bytes(width);
        if stride < needed {
            return Err(FrameError::Stride { format, needed, stride });
        }
        let layout = Layout::new(format, width, height, stride);
        if data.len() < layout.required {
            return Err(FrameError::Short { format, width, height, needed: layout.required, found: data.len() });
        }
        Ok(Self { format, width, height, stride, layout, data })
    }

    /// How the bytes encode the pixels.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes from one row of the first plane to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The bytes of all planes.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// `bytes` of row `row` of plane `plane` (0 first; chroma planes have half the rows).
    pub(crate) fn row(&self, plane: usize, row: usize, bytes: std::ops::Range<usize>) -> &'a [u8] {
        let (offset, stride) = self.layout.planes[plane];
        let start = offset + row * stride;
        &self.data[start + bytes.start..start + bytes.end]
    }
}

impl fmt::Debug for FrameView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameView({} {}x{}, stride {})", self.format, self.width, self.height, self.stride)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_of_tight_frames() {
        assert_eq!(PixelFormat::Grey.frame_bytes(640, 480), 307_200);
        assert_eq!(PixelFormat::Rgb.frame_bytes(640, 480), 921_600);
        assert_eq!(PixelFormat::Yuyv.frame_bytes(640, 480), 614_400);
        assert_eq!(PixelFormat::Nv12.frame_bytes(640, 480), 460_800);
        assert_eq!(PixelFormat::I420.frame_bytes(640, 480), 460_800);
        assert_eq!(PixelFormat::Yuyv.frame_bytes(3, 1), 8);
        assert_eq!(PixelFormat::I420.frame_bytes(3, 3), 9 + 2 * 4);
    }

    #[test]
    fn names_round_trip() {
        for format in PixelFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "mjpg".parse::<PixelFormat>().unwrap_err().to_string();
        assert!(error.contains("mjpg") && error.contains("yuyv"), "{error}");
    }

    #[test]
    fn refuses_what_the_bytes_cannot_be() {
        let data = vec![0; 100];
        assert!(matches!(FrameView::new(PixelFormat::Grey, 0, 5, &data), Err(FrameError::Size { .. })));
        assert!(matches!(FrameView::new(PixelFormat::Grey, 5, MAX_SIDE + 1, &data), Err(FrameError::Size { .. })));
        assert!(matches!(
            FrameView::with_stride(PixelFormat::Rgb, 10, 2, 29, &data),
            Err(FrameError::Stride { needed: 30, .. })
        ));
        assert!(matches!(
            FrameView::with_stride(PixelFormat::Nv12, 10, 9, usize::MAX / 2, &data),
            Err(FrameError::Short { needed: usize::MAX, .. })
        ));
        assert!(matches!(
            FrameView::new(PixelFormat::Nv12, 10, 10, &data),
            Err(FrameError::Short { needed: 150, found: 100, .. })
        ));
        assert!(FrameView::new(PixelFormat::Grey, 10, 10, &data).is_ok());
        // The last row may lack its padding.
        assert!(FrameView::with_stride(PixelFormat::Grey, 4, 10, 10, &data[..94]).is_ok());
    }
}
