//! Lists the video devices.

use super::node::{Card, Node, Sizes};
use crate::source::camera_error::CameraError;
use crate::source::camera_info::{Camera, CameraFormat};
use crate::source::video::driver::FourCc;
use crate::source::video::error::fault;
use crate::source::video::negotiate::{encoding, is_raw};
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use v4l::v4l_sys::{
    V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE, V4L2_CAP_VIDEO_M2M,
    V4L2_CAP_VIDEO_M2M_MPLANE,
};

/// How long one device may take to describe itself.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Drivers of a Raspberry Pi's camera port. Their nodes list intermediate formats, not finished pictures.
const CAMERA_PORT: [&str; 2] = ["unicam", "rp1-cfe"];
/// Drivers of a Raspberry Pi's picture processors, which capture nothing by themselves.
const PROCESSORS: [&str; 3] = ["bcm2835-isp", "pispbe", "bcm2835-codec"];

/// The video devices of this machine, by the number of their nodes. Empty where this program was built without V4L2.
///
/// Each device is queried on a thread of its own: a driver that hangs delays only its own entry, by two seconds.
pub fn cameras() -> Vec<Camera> {
    nodes().into_iter().map(enumerate_one).collect()
}

fn nodes() -> Vec<PathBuf> {
    let names = fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut numbers: Vec<u32> = names.filter_map(|name| name.to_str()?.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/video{number}"))).collect()
}

/// Queries one device on a thread of its own, which is abandoned if the driver hangs.
fn enumerate_one(path: PathBuf) -> Camera {
    let (answer, answered) = channel();
    let asked = path.clone();
    let spawned = thread::Builder::new().name("enumerate".to_owned()).spawn(move || {
        let _ = answer.send(catch_unwind(|| ask(&asked)));
    });
    match (spawned, answered.recv_timeout(ANSWER_TIMEOUT)) {
        (Ok(_), Ok(Ok(Ok((_, camera, good_for))))) => Camera {
            error: (good_for == Use::Raw).then(|| CameraError::Raw(camera.path.clone()).to_string()),
            ..camera
        },
        (Ok(_), Ok(Ok(Err(error)))) => {
            let error = fault(&path, "open", error).to_string();
            silent(path, error)
        }
        (Ok(_), Ok(Err(_))) => silent(path, "its driver's library stumbled".to_owned()),
        _ => silent(path, "its driver does not answer".to_owned()),
    }
}

/// A device of which only the name is known.
fn silent(path: PathBuf, error: String) -> Camera {
    let (driver, card, bus) = (String::new(), String::new(), String::new());
    Camera { path, driver, card, bus, formats: Vec::new(), error: Some(error) }
}

/// The use of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Its pictures can be read.
    Camera,
    /// It gives raw data, from which libcamera makes pictures.
    Raw,
    /// It captures no pictures; the text says what it does.
    Other(String),
}

/// Opens a device and asks what it is.
pub(super) fn ask(path: &Path) -> io::Result<(Node, Camera, Use)> {
    let node = Node::open(path)?;
    let card = match node.card() {
        Ok(card) => card,
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)) => {
            let camera = Camera { error: None, ..silent(path.to_owned(), String::new()) };
            return Ok((node, camera, Use::Other("it is no video device".to_owned())));
        }
        Err(error) => return Err(error),
    };
    let offered = node.formats();
    let found = use_of(&card, &offered);
    let formats = offered.into_iter().map(|fourcc| CameraFormat {
        fourcc,
        readable: found == Use::Camera && encoding(fourcc).is_some(),
        sizes: match node.sizes(fourcc) {
            None => Vec::new(),
            Some(Sizes::Some(sizes)) => sizes,
            Some(Sizes::Between(least, most, _)) => vec![least, most],
        },
    });
    let formats = if matches!(found, Use::Other(_)) { Vec::new() } else { formats.collect() };
    let Card { driver, card, bus, .. } = card;
    Ok((node, Camera { path: path.to_owned(), driver, card, bus, formats, error: None }, found))
}

/// The use of a device, from its capabilities and formats.
fn use_of(Card { driver, card, capabilities, .. }: &Card, offered: &[FourCc]) -> Use {
    let can = |flags| capabilities & flags != 0;
    if CAMERA_PORT.contains(&driver.as_str()) {
        Use::Raw
    } else if PROCESSORS.iter().any(|name| driver.starts_with(name))
        || can(V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE)
    {
        Use::Other(format!("it is {card}, which works on the pictures of others"))
    } else if !can(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
        Use::Other(format!("it is {card}, a part that captures none"))
    } else if !can(V4L2_CAP_VIDEO_CAPTURE) || !can(V4L2_CAP_STREAMING) {
        Use::Other(format!("it is {card}, which hands them over in a way this program does not know"))
    } else if is_raw(offered) {
        Use::Raw
    } else {
        Use::Camera
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use v4l::v4l_sys::{V4L2_CAP_META_CAPTURE, V4L2_CAP_VIDEO_OUTPUT_MPLANE};

    const CAMERA: u32 = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;

    fn use_of_card(driver: &str, capabilities: u32, offered: &[&[u8; 4]]) -> Use {
        let text = |text: &str| text.to_owned();
        let card = Card { driver: text(driver), card: text("the thing"), bus: text("somewhere"), capabilities };
        use_of(&card, &offered.iter().map(|&&fourcc| fourcc).collect::<Vec<_>>())
    }

    fn other(driver: &str, capabilities: u32, offered: &[&[u8; 4]]) -> String {
        match use_of_card(driver, capabilities, offered) {
            Use::Other(what) => what,
            found => panic!("{driver}: {found:?}"),
        }
    }

    #[test]
    fn what_captures_pictures_is_a_camera_even_with_raw_ones_or_none_it_can_read() {
        for offered in [&[b"YUYV", b"MJPG"][..], &[b"BA81", b"YUYV"], &[b"H264"], &[]] {
            assert_eq!(use_of_card("uvcvideo", CAMERA, offered), Use::Camera, "{offered:?}");
        }
    }

    #[test]
    fn sensors_are_for_libcamera() {
        // The camera port is raw whatever formats it lists: its YUYV was not processed.
        for driver in CAMERA_PORT {
            assert_eq!(use_of_card(driver, CAMERA, &[b"YUYV", b"RG10"]), Use::Raw, "{driver}");
            assert_eq!(use_of_card(driver, V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING, &[]), Use::Raw, "{driver}");
        }
        for raw in [b"RG10", b"pgCC", b"BYR2"] {
            assert_eq!(use_of_card("some-sensor", CAMERA, &[raw]), Use::Raw, "{raw:?}");
        }
    }

    #[test]
    fn what_works_on_others_pictures_is_no_camera() {
        for driver in ["bcm2835-isp", "pispbe", "bcm2835-codec-decode"] {
            let said = other(driver, CAMERA, &[b"YUYV"]);
            assert_eq!(said, "it is the thing, which works on the pictures of others");
        }
        for memory_to_memory in [V4L2_CAP_VIDEO_M2M, V4L2_CAP_VIDEO_M2M_MPLANE] {
            let said = other("some-decoder", memory_to_memory | V4L2_CAP_STREAMING, &[b"NV12"]);
            assert!(said.contains("the pictures of others"), "{said}");
        }
    }

    #[test]
    fn other_nodes_say_what_they_are() {
        // The second node of a USB camera.
        let said = other("uvcvideo", V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING, &[]);
        assert!(said.contains("captures none"), "{said}");
        let said = other("some-screen", V4L2_CAP_VIDEO_OUTPUT_MPLANE | V4L2_CAP_STREAMING, &[]);
        assert!(said.contains("captures none"), "{said}");
        for unknown in [V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE] {
            let said = other("some-camera", unknown, &[b"NV12"]);
            assert!(said.contains("does not know"), "{said}");
        }
    }
}
