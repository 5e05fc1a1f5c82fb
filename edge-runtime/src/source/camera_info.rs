//! What a video device reports about itself.

use std::fmt;
use std::path::PathBuf;

/// A video device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its node, such as `/dev/video0`.
    pub path: PathBuf,
    /// The driver's name, such as `uvcvideo`; empty where it cannot be asked.
    pub driver: String,
    /// The device's name; empty where it cannot be asked.
    pub card: String,
    /// Where it is plugged in, such as `usb-0000:01:00.0-1.3`; empty where it cannot be asked.
    pub bus: String,
    /// The formats it captures, in the driver's order. Empty for a device that is no camera, such as a decoder or
    /// metadata.
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used, in words; `None` where it can.
    pub error: Option<String>,
}

/// A pixel format a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraFormat {
    /// The driver's code for it, such as `YUYV`.
    pub fourcc: [u8; 4],
    /// Whether this program reads it.
    pub readable: bool,
    /// Sizes in pixels, width and height; the smallest and the largest where the driver allows all between.
    pub sizes: Vec<(u32, u32)>,
}

impl Camera {
    /// Whether it captures in a format this program reads.
    pub fn is_readable(&self) -> bool {
        self.formats.iter().any(|format| format.readable)
    }
}

impl fmt::Display for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.card.is_empty() { Ok(()) } else { write!(f, " ({})", self.card) }
    }
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(String::from_utf8_lossy(&self.fourcc).trim_end())
    }
}
