//! The cameras this machine has, as V4L2 lists them.

use super::v4l2;
use std::fmt;
use std::path::PathBuf;

/// Whether this program was built to read V4L2 devices.
pub const READS_V4L2: bool = v4l2::IS_BUILT_IN;

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
    /// What it captures, in the driver's order; empty for what is no camera, such as a decoder or metadata.
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used, in words; `None` where it can.
    pub trouble: Option<String>,
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

    /// Whether it captures, but only what a sensor sees before anything was done to it: those are for libcamera.
    pub fn is_raw(&self) -> bool {
        !self.is_readable() && self.formats.iter().any(|format| is_bayer(format.fourcc))
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

/// The video devices of this machine, by the number of their nodes. Empty where this program was built without V4L2.
///
/// Each is asked on a thread of its own: a driver that hangs costs its entry two seconds, not the survey.
pub fn survey() -> Vec<Camera> {
    v4l2::survey()
}

/// Whether a format's code is one of the raw Bayer patterns of `linux/videodev2.h`.
fn is_bayer(fourcc: [u8; 4]) -> bool {
    match &fourcc {
        b"BA81" | b"GBRG" | b"GRBG" | b"RGGB" | b"BYR2" | b"BD10" => true,
        [b'B', b'A' | b'G', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        [b'G', b'B' | b'R', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        [b'R', b'G', b'1', b'0' | b'2' | b'4' | b'6'] => true,
        // Packed, and with fewer bits than the sensor sees.
        [b'p', b'B' | b'G' | b'g' | b'R', b'A' | b'C' | b'E', last] => *last == fourcc[2],
        [b'a' | b'b', b'B' | b'G' | b'g' | b'R', b'A', b'8'] => true,
        // As the Raspberry Pi 5 compresses them.
        [b'P', b'C', b'1' | b'2', b'B' | b'G' | b'g' | b'R' | b'M'] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(formats: &[&[u8; 4]]) -> Camera {
        let formats = formats.iter().map(|&&fourcc| CameraFormat {
            fourcc,
            readable: matches!(&fourcc, b"YUYV" | b"GREY"),
            sizes: vec![(640, 480)],
        });
        let text = |text: &str| text.to_owned();
        let (driver, card, bus) = (text("unicam"), text("unicam"), text("platform:3f801000.csi"));
        Camera { path: "/dev/video0".into(), driver, card, bus, formats: formats.collect(), trouble: None }
    }

    #[test]
    fn raw_is_what_only_a_sensor_sees() {
        for raw in [b"RG10", b"pRAA", b"BA81", b"pgCC", b"BYR2", b"PC1g"] {
            assert!(camera(&[raw]).is_raw(), "{}", String::from_utf8_lossy(raw));
        }
        for other in [b"GREY", b"YUYV", b"RGB3", b"BGR4", b"H264", b"MJPG", b"Y10P"] {
            assert!(!camera(&[other]).is_raw(), "{}", String::from_utf8_lossy(other));
        }
        assert!(!camera(&[b"RG10", b"YUYV"]).is_raw());
        assert!(!camera(&[]).is_raw());
    }
}
